//! Reads one side of a pair, block by block, and hands the engine what is final and complete.
//!
//! The cursor is the engine's: it moves in the commit that stores everything before it. A read that the engine refuses
//! is made again. If the node insists, its state at the block read last shows whether it lies about logs or stands on
//! another history.

use std::time::Duration;

use alloy::primitives::Address;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use twinspan_bridge::abstain::Reason;
use twinspan_bridge::ids::{BlockNumber, BlockRef, Epoch};
use twinspan_bridge::machine::WINDOW_MAX;
use twinspan_bridge::observe::{BridgeRead, BridgeState, Milestone};
use twinspan_bridge::relayer_set::RelayerSet;
use twinspan_bridge::schedule::{Term, term_start};
use twinspan_bridge::side::Side;
use twinspan_chains::{Clock, EvmChain, Head, ReadError, RpcFault};

use super::read_ahead::{ReadAhead, block};
use crate::engine::{Message, Observation, ReadRefused, Verdict};
use crate::status::PairReport;

/// First pause after a failed read.
const PAUSE_MIN: Duration = Duration::from_millis(100);

/// Longest pause after a failed read.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// ReadRefuseds in a row after which the node's account of the last block is asked for.
const REFUSALS_BEFORE_PROBE: u32 = 2;

/// Failed reads in a row after which the peers are told.
const FAILURES_BEFORE_WORD: u32 = 4;

/// Blocks behind the last final one: state this recent is never pruned; a failure there has another cause.
const STATE_BLOCKS_MIN: u64 = 8;

/// The next thing that an observer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// The next block.
    AtHead,
    /// A place in the lane, or the next block.
    NoRoom,
}

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("{0}")]
    Refused(ReadRefused),
    #[error("the engine has stopped")]
    Stopped,
}

impl From<RpcFault> for Fault {
    fn from(fault: RpcFault) -> Self {
        Self::Read(fault.into())
    }
}

impl Fault {
    /// The reason that peers are told.
    const fn reason(&self) -> Reason {
        match self {
            Self::Read(ReadError::Rpc(
                // A block that one told of and others do not know.
                RpcFault::UnknownBlock
                | RpcFault::Disagreement { .. }
                | RpcFault::QuorumUnavailable { .. },
            )) => Reason::EndpointsDisagree,
            Self::Read(
                ReadError::Rpc(RpcFault::Unproven(_))
                | ReadError::Log(_)
                | ReadError::Incomplete(_)
                | ReadError::Astray { .. },
            )
            | Self::Refused(_) => Reason::HeadMismatch,
            Self::Read(
                ReadError::Rpc(_) | ReadError::RelayerSet(_) | ReadError::TooManyLogs { .. },
            )
            | Self::Stopped => Reason::SourceStale,
        }
    }
}

/// Reads one side.
#[derive(Debug)]
pub(crate) struct Observer {
    /// Which side of the pair.
    pub side: Side,
    /// For logs: `<pair>/<chain>`.
    pub name: String,
    /// The chain.
    pub chain: EvmChain,
    /// The bridge on it.
    pub bridge: Address,
    /// Blocks that share one order of submitters.
    pub term_blocks: u64,
    /// The last block stored.
    pub cursor: Milestone,
    /// Reads of the bridge.
    pub reads: ReadAhead,
    /// Where observations go.
    pub engine: mpsc::Sender<Message>,
    /// The engine's report on the lanes.
    pub report: watch::Receiver<PairReport>,
    /// Knowledge kept between two reads.
    pub memory: Memory,
    /// The time of day.
    pub clock: Clock,
    /// Why the lane that begins here is not read now.
    pub trouble: watch::Sender<Option<Reason>>,
}

/// An observer's memory between two reads; all of it can be forgotten.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    epoch: Option<Epoch>,
    term: Option<Term>,
    refusals: u32,
    /// Failed reads in a row.
    failures: u32,
    /// The newest block whose state was asked for.
    newest: Option<(BlockRef, BridgeState)>,
    /// The newest block that the engine was told of.
    told: Option<BlockRef>,
}

impl Observer {
    /// Reads until cancelled.
    ///
    /// # Errors
    /// Never by itself: whatever fails is tried again.
    pub(crate) async fn run(
        mut self,
        cancel: CancellationToken,
    ) -> Result<(), std::convert::Infallible> {
        cancel.clone().run_until_cancelled_owned(self.observe()).await;
        Ok(())
    }

    async fn observe(&mut self) {
        let mut heads = self.chain.seen_heads();
        heads.mark_changed();
        let mut pause = self.clock.backoff(PAUSE_MIN, PAUSE_MAX);
        let mut latest = next(&mut heads).await;
        loop {
            let seen_at = Instant::now();
            let advanced = self.advance(latest, seen_at).await;
            if advanced.is_ok() {
                pause.reset();
                self.memory.refusals = 0;
                self.memory.failures = 0;
                self.trouble.send_if_modified(|trouble| trouble.take().is_some());
            }
            match advanced {
                Ok(Pace::AtHead) => latest = next(&mut heads).await,
                Ok(Pace::NoRoom) => {
                    let side = self.side;
                    tokio::select! {
                        biased;
                        head = next(&mut heads) => latest = head,
                        _ = self.report.wait_for(|report| has_room(report, side)) => {}
                    }
                }
                Err(Fault::Stopped) => return,
                Err(fault) => {
                    warn!(side = %self.name, block = %latest.number, %fault, "read failed, trying again");
                    self.memory.failures += 1;
                    if self.memory.failures >= FAILURES_BEFORE_WORD {
                        self.trouble.send_replace(Some(fault.reason()));
                    }
                    tokio::time::sleep(pause.next()).await;
                    if let Err(fault) = self.after(&fault).await {
                        warn!(side = %self.name, %fault, "probe failed, trying again");
                    }
                    // One endpoint's newest block may be none of this chain's.
                    latest = self.chain.latest_agreed().await.unwrap_or(latest);
                }
            }
        }
    }

    /// Brings the engine up to the last final block.
    async fn advance(&mut self, latest: BlockRef, seen_at: Instant) -> Result<Pace, Fault> {
        let Some(last) = self.chain.final_block(latest).await? else { return Ok(Pace::AtHead) };
        let mut pace = Pace::AtHead;
        while pace == Pace::AtHead && self.cursor.block < last.number {
            pace = self.step(last, latest, seen_at).await?;
        }
        self.peek(latest).await?;
        Ok(pace)
    }

    /// Brings the engine one read further.
    async fn step(
        &mut self,
        last: BlockRef,
        latest: BlockRef,
        seen_at: Instant,
    ) -> Result<Pace, Fault> {
        let read = match self.reads.next(&self.cursor, last).await {
            Err(fault) if fault.is_stateless() && self.is_behind(last) => {
                self.reads.survey(&self.cursor, last).await?;
                return Ok(Pace::AtHead);
            }
            read => read?,
        };
        let newest = self.newest(&read, latest).await?;
        let observation = self.complete(read, newest, latest, last.number, seen_at).await?;
        let (reply, verdict) = oneshot::channel();
        let message = Message::Observed(Box::new(observation), reply);
        self.engine.send(message).await.map_err(|_| Fault::Stopped)?;
        match self.reads.during(verdict).await.map_err(|_| Fault::Stopped)? {
            Verdict::Accepted { cursor, room } => {
                self.cursor = cursor;
                // A full lane: what is there must be handed over first. The lane that ends here goes on.
                Ok(if room { Pace::AtHead } else { Pace::NoRoom })
            }
            Verdict::Stale { cursor } | Verdict::Rewritten { cursor } => {
                self.reads.forget();
                self.cursor = cursor;
                Ok(Pace::AtHead)
            }
            Verdict::Refused(refusal) => Err(Fault::Refused(refusal)),
        }
    }

    /// Whether old blocks are still to be read, whose state a node may have no more.
    fn is_behind(&self, last: BlockRef) -> bool {
        self.cursor.block.plus(STATE_BLOCKS_MIN) < last.number
    }

    /// The newest state, where the newest block is not final yet.
    async fn newest(&mut self, read: &BridgeRead, latest: BlockRef) -> Result<BridgeState, Fault> {
        if read.to.number >= latest.number {
            return Ok(read.state);
        }
        self.memory.told = Some(latest);
        self.state_of(latest).await
    }

    async fn state_of(&mut self, latest: BlockRef) -> Result<BridgeState, Fault> {
        match self.memory.newest {
            Some((block, state)) if block == latest => Ok(state),
            Some(_) | None => {
                let state = self.chain.bridge_state(self.bridge, latest).await?;
                self.memory.newest = Some((latest, state));
                Ok(state)
            }
        }
    }

    /// Tells the engine of the newest block, if that is beyond what it has been told.
    async fn peek(&mut self, latest: BlockRef) -> Result<(), Fault> {
        if latest.number <= self.cursor.block || self.memory.told == Some(latest) {
            return Ok(());
        }
        let newest = self.state_of(latest).await?;
        self.memory.told = Some(latest);
        let paused = self.is_paused(&newest);
        let message = Message::Peeked { side: self.side, newest, paused };
        self.engine.send(message).await.map_err(|_| Fault::Stopped)
    }

    async fn complete(
        &mut self,
        read: BridgeRead,
        newest: BridgeState,
        latest: BlockRef,
        final_to: BlockNumber,
        seen_at: Instant,
    ) -> Result<Observation, Fault> {
        let set = if self.memory.epoch == Some(newest.epoch) && !read.relayers_changed {
            None
        } else {
            let at = if read.to.number >= latest.number { read.to } else { latest };
            self.relayer_set(newest.epoch, at).await?
        };
        let start = term_start(read.to.number, self.term_blocks);
        let term = match self.memory.term {
            Some(term) if term.start == start => term,
            _ => {
                let block = if start == read.to.number {
                    read.to
                } else {
                    block(&self.chain, start).await?
                };
                Term { start, start_hash: block.hash }
            }
        };
        self.memory.term = Some(term);
        let paused = self.is_paused(&newest);
        Ok(Observation { side: self.side, read, newest, set, paused, term, final_to, seen_at })
    }

    /// The relayer set, unless too many members were revoked for its threshold. Then nothing is certified before a new
    /// set is in force, and reading goes on.
    async fn relayer_set(
        &mut self,
        epoch: Epoch,
        at: BlockRef,
    ) -> Result<Option<RelayerSet>, Fault> {
        match self.chain.relayer_set(self.bridge, at).await {
            Ok(set) => {
                self.memory.epoch = Some(set.epoch());
                info!(
                    side = %self.name, epoch = %set.epoch(), threshold = set.threshold(),
                    members = set.members().len(), "relayer set"
                );
                Ok(Some(set))
            }
            Err(ReadError::RelayerSet(error)) => {
                error!(
                    side = %self.name, %error,
                    "nothing can be handed over here: the bridge's owner must set new relayers"
                );
                self.memory.epoch = Some(epoch);
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn is_paused(&self, state: &BridgeState) -> bool {
        state.paused_until > self.clock.unix_seconds()
    }

    /// Prepares the next attempt.
    async fn after(&mut self, fault: &Fault) -> Result<(), Fault> {
        // The memory may be of the history that failed.
        self.memory.term = None;
        self.memory.epoch = None;
        self.memory.newest = None;
        if !matches!(fault, Fault::Refused(_)) {
            return Ok(());
        }
        // Another endpoint may tell the truth.
        self.reads.forget();
        self.chain.distrust_logs();
        self.memory.refusals += 1;
        if self.memory.refusals < REFUSALS_BEFORE_PROBE {
            return Ok(());
        }
        let block = block(&self.chain, self.cursor.block).await?;
        let state = self.chain.bridge_state(self.bridge, block).await?;
        let (reply, verdict) = oneshot::channel();
        let message = Message::Probed { side: self.side, state, reply };
        self.engine.send(message).await.map_err(|_| Fault::Stopped)?;
        let verdict = verdict.await.map_err(|_| Fault::Stopped)?;
        if let Verdict::Rewritten { cursor } | Verdict::Stale { cursor } = verdict {
            self.cursor = cursor;
        }
        Ok(())
    }
}

/// The newest block, once it is another one.
async fn next(heads: &mut watch::Receiver<Option<Head>>) -> BlockRef {
    loop {
        if heads.changed().await.is_err() {
            // The chain is gone, and this task with it.
            return std::future::pending().await;
        }
        if let Some(head) = *heads.borrow_and_update() {
            return head.block;
        }
    }
}

/// Whether the lane that begins at this side has come far enough down to be filled again.
fn has_room(report: &PairReport, side: Side) -> bool {
    let status = report.lane(side.outgoing()).status.as_ref();
    status.is_some_and(|status| status.window < WINDOW_MAX / 2)
}
