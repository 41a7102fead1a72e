//! Writes the store: what owners commit, gathered into one durable transaction at a time.

use std::ops::Range;
use std::sync::Arc;

use alloy_primitives::Address;
use redb::{Database, WriteTransaction};
use tokio::sync::mpsc;
use twinspan_bridge::attest::Attestation;
use twinspan_bridge::ids::{AccountNonce, Count, LaneId, Nonce};
use twinspan_bridge::lane_head::LinkedRequest;
use twinspan_bridge::observe::Settlement;

use crate::apply::apply;
use crate::rows::{Account, CertificateRow, DecisionRow, Deployment, LaneRow, TransactionRow};
use crate::{Commit, StoreError};

/// Commits that share one database transaction, at most.
const GROUP_MAX: usize = 64;

/// One thing to store.
#[derive(Clone, Debug)]
pub enum Write {
    /// How far a lane has come.
    Lane(LaneId, LaneRow),
    /// Requests linked into a lane.
    Linked(LaneId, Vec<LinkedRequest>),
    /// Requests above this count are gone with the history that they were on.
    Unlinked(LaneId, Count),
    /// The destination's handling of requests.
    Settled(LaneId, Vec<Settlement>),
    /// Settlements above this count are gone with the history that they were on, and so are the batches and
    /// certificates that reach above it.
    Unsettled(LaneId, Count),
    /// The certificate that paid for these requests: a batch, from its first nonce to the one after its last.
    Certificate(LaneId, Range<Nonce>, CertificateRow),
    /// An attestation, our own or a peer's.
    Attestation(Attestation),
    /// A human's decision about a lane. The attestations that it voids are evidence from then on, nothing else.
    Decision(LaneId, DecisionRow),
    /// A transaction of an account.
    Transaction(Account, Box<TransactionRow>),
    /// A transaction that is no longer needed.
    TransactionGone(Account, AccountNonce),
    /// The deployment that the store serves from now on, besides those that it served before.
    Deployment(Deployment),
    /// Our attestations that peers remember are stored, as far as they could be asked.
    Recovered,
}

/// Where the writer waits for the disk.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Waiting {
    /// In its own task, as there is no disk to wait for. Time that is paused does not move meanwhile, and commits
    /// come in the same order at every run.
    Inline,
    /// On a thread that may wait. The writer's own would hold up every other task of a runtime with one thread. Handing
    /// these over first (`block_in_place`) needs a runtime with several.
    Aside,
}

/// The one writer. Runs until every [`Store`](crate::Store) is dropped.
#[derive(Debug)]
pub struct Writer {
    pen: Pen,
    waiting: Waiting,
    queue: mpsc::Receiver<Commit>,
}

impl Writer {
    pub(crate) const fn new(
        database: Arc<Database>,
        relayer: Address,
        waiting: Waiting,
        queue: mpsc::Receiver<Commit>,
    ) -> Self {
        Self { pen: Pen { database, relayer }, waiting, queue }
    }

    /// Writes what is committed, until nobody can commit any more. If it is dropped before, the group that is being
    /// written is still written whole and answered.
    ///
    /// # Errors
    /// [`StoreError`] if the database itself fails: nothing may go on without it.
    ///
    /// # Panics
    /// If the database does.
    pub async fn run(mut self) -> Result<(), StoreError> {
        loop {
            let mut group = Vec::with_capacity(GROUP_MAX);
            if self.queue.recv_many(&mut group, GROUP_MAX).await == 0 {
                return Ok(());
            }
            match self.waiting {
                Waiting::Inline => self.pen.write(group)?,
                Waiting::Aside => aside(self.pen.clone(), group).await?,
            }
        }
    }
}

/// The whole group goes to the thread, with the database that it needs. The thread ends with it, even if nobody waits
/// here any more.
async fn aside(pen: Pen, group: Vec<Commit>) -> Result<(), StoreError> {
    match tokio::task::spawn_blocking(move || pen.write(group)).await {
        Ok(written) => written,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime shuts down, and had not begun with it.
            Err(_) => Err(StoreError::Closed),
        },
    }
}

/// Turns a group of commits into one database transaction.
#[derive(Clone, Debug)]
struct Pen {
    database: Arc<Database>,
    relayer: Address,
}

impl Pen {
    fn write(&self, mut group: Vec<Commit>) -> Result<(), StoreError> {
        loop {
            let transaction = begin_write(&self.database)?;
            let refused = group.iter().enumerate().find_map(|(at, commit)| {
                let mut writes = commit.writes.iter();
                let result = writes.try_for_each(|write| apply(&transaction, write, self.relayer));
                result.err().map(|error| (at, error))
            });
            let Some((at, error)) = refused else {
                transaction.commit()?;
                for commit in group {
                    // A caller that no longer waits does not need the answer.
                    let _ = commit.done.send(Ok(()));
                }
                return Ok(());
            };
            // One refused commit does not take its neighbours with it.
            transaction.abort()?;
            let _ = group.remove(at).done.send(Err(error));
        }
    }
}

/// Begins a durable transaction that a torn write cannot make look whole.
pub(crate) fn begin_write(database: &Database) -> Result<WriteTransaction, StoreError> {
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    Ok(transaction)
}
