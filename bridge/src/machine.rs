//! Decides, for one relayer and one lane, what to sign, exchange and submit.
//!
//! The machine does no I/O and reads no clock. The caller feeds events into [`LaneMachine::handle`], and takes outputs
//! from [`LaneMachine::poll_output`] until there are none left. It signs, stores the records with the state, and only
//! then acts. [`LaneMachine::poll_timeout`] says when to call again with [`Input::Tick`] though nothing happened.
//!
//! Every action can be derived again from the stored state. After a restart the same inputs lead to the same actions,
//! and each is harmless when done twice. A lost history needs no path of its own. The caller unlinks it in the store
//! and restarts the machine. The machine then finds its attestations contradicted, and abstains.
//!
//! # Design decisions
//! - Requests handed over for good leave the machine; those in between stay, at most [`WINDOW_MAX`]
//!   plus one read. A stalled destination therefore stops reading, not the process.
//! - Attestations above the destination's count stay, bounded by the window and by
//!   [`crate::certify::AHEAD_MAX`] for each member.
//! - Up to [`RUNS_MAX`] batches fly at once, each from the count where the one before it ends. One flies behind
//!   others only if it is full, so that a quiet lane pays for no more transactions than it must.
//!
//! # Example
//! One relayer of one, and one request: it is signed, and then there is a batch to send.
//! ```
//! use std::time::Duration;
//! use alloy_primitives::{Address, B256, U256};
//! use twinspan_bridge::key::AttestationKey;
//! use twinspan_bridge::finality::Final;
//! use twinspan_bridge::ids::{BlockNumber, BlockRef, BlockStamp, BridgeAt, ChainId, Epoch, Lane};
//! use twinspan_bridge::io::{Action, Input, Output};
//! use twinspan_bridge::lane_head::{LanePosition, Linked};
//! use twinspan_bridge::machine::{LaneMachine, Params, Snapshot};
//! use twinspan_bridge::relayer_set::RelayerSet;
//! use twinspan_bridge::request::{AssetKind, NATIVE_COIN, Request, SourcedRequest};
//! use twinspan_bridge::schedule::Term;
//!
//! let at = |n| BridgeAt { chain_id: ChainId::new(n), address: Address::repeat_byte(n as u8) };
//! let lane = Lane { source: at(1), destination: at(2) };
//! let key = AttestationKey::from_bytes([7; 32])?;
//! let params = Params {
//!     lane,
//!     me: key.address(),
//!     takeover: Duration::from_secs(3),
//!     cosign_timeout: Duration::from_secs(10),
//!     batch_max: 64,
//!     recovering: false,
//! };
//! let mut machine = LaneMachine::restore(params, Snapshot::start(&lane));
//! let set = RelayerSet::new(Epoch::new(1), 1, vec![key.address()])?;
//! machine.handle(Duration::ZERO, Input::RelayerSetRead(set));
//!
//! // The source's block 5 is final. Its request hashes to the head that the contract holds.
//! let (number, transaction) = (BlockNumber::new(5), B256::repeat_byte(9));
//! let request = Request {
//!     nonce: LanePosition::start(&lane).count.next_nonce(),
//!     kind: AssetKind::Native,
//!     sender: Address::repeat_byte(3),
//!     recipient: Address::repeat_byte(4),
//!     token: NATIVE_COIN,
//!     counterpart_token: Address::repeat_byte(5),
//!     amount: U256::from(1),
//!     payload: Default::default(),
//! };
//! let contract = LanePosition::start(&lane).link(request.hash());
//! let (stamp, emitted_head) = (BlockStamp::default(), contract.head);
//! let sourced = SourcedRequest { request, block: number, stamp, transaction, emitted_head };
//! let linked = Linked::check(machine.linked(), vec![sourced], contract)?;
//! let linked = Final::check(linked, number, number).expect("block 5 is final");
//! let to = BlockRef { number, hash: B256::repeat_byte(6) };
//! let term = Term { start: BlockNumber::new(0), start_hash: B256::ZERO };
//! machine.handle(Duration::ZERO, Input::RequestsObserved { linked, to, term });
//!
//! // It wants its checkpoint signed, stored, and told to its peers; then the batch can go.
//! let mut sends = 0;
//! while let Some(output) = machine.poll_output() {
//!     match output {
//!         Output::Sign(checkpoint) => {
//!             machine.handle(Duration::ZERO, Input::Signed(key.sign(checkpoint)));
//!         }
//!         Output::Record(_) => {} // with the state, in one commit
//!         Output::Act(Action::Submit { batch, .. }) => sends += batch.requests.len(),
//!         Output::Act(_) => {} // after that commit
//!     }
//! }
//! assert_eq!(sends, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod decide;
mod flight;
mod react;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use alloy_primitives::Address;

use self::flight::Flight;
use crate::attest::{Attestation, Verified};
use crate::certify::Collector;
use crate::ids::{BlockNumber, Count, Lane, LaneId};
use crate::io::{Conflict, Input, Output};
use crate::lane_head::{LanePosition, LinkedRequest};
use crate::relayer_set::RelayerSet;
use crate::schedule::Term;
use crate::status::{Hold, LaneStatus};

pub use self::flight::{RUNS_MAX, UNTOLD_MAX};

/// Linked requests that the machine holds before it wants no more to be read.
pub const WINDOW_MAX: usize = 65_536;

/// The lane's constants, equal on all relayers but for `me`.
#[derive(Clone, Copy, Debug)]
pub struct Params {
    /// The lane.
    pub lane: Lane,
    /// This relayer's attestation address.
    pub me: Address,
    /// How long a rank waits for the one before it.
    pub takeover: Duration,
    /// How long attestations may take to become a certificate before they are posted on chain.
    pub cosign_timeout: Duration,
    /// Most requests in a batch, where one with a payload counts for several ([`Request::weight`]).
    ///
    /// [`Request::weight`]: crate::request::Request::weight
    pub batch_max: u64,
    /// Whether peers must be asked first for what this relayer attested before.
    pub recovering: bool,
}

/// The stored state that a machine is restored from.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// How far the source is linked.
    pub linked: LanePosition,
    /// The last source block read.
    pub linked_block: BlockNumber,
    /// The submitters' term of that block.
    pub term: Option<Term>,
    /// How far the destination is settled.
    pub settled: LanePosition,
    /// The requests in between, by nonce.
    pub requests: Vec<LinkedRequest>,
    /// Attestations above the settled count, our own among them. Verified when they were stored.
    pub attestations: Vec<Verified>,
    /// The conflict in force.
    pub conflict: Option<Conflict>,
}

impl Snapshot {
    /// A lane of which nothing is known yet.
    #[must_use]
    pub fn start(lane: &Lane) -> Self {
        let start = LanePosition::start(lane);
        Self {
            linked: start,
            linked_block: BlockNumber::new(0),
            term: None,
            settled: start,
            requests: Vec::new(),
            attestations: Vec::new(),
            conflict: None,
        }
    }
}

/// When a batch first became sendable. The submitter order of that term stays in force until the destination
/// advances, so a term change cannot cause a second send.
#[derive(Clone, Copy, Debug)]
struct Ready {
    since: Duration,
    term: Option<Term>,
}

/// The state machine of one lane on one relayer. See the module's documentation for its contract.
#[derive(Debug)]
pub struct LaneMachine {
    params: Params,
    lane_id: LaneId,
    // The source.
    linked: LanePosition,
    linked_block: BlockNumber,
    /// The linked position that the window begins at.
    base: LanePosition,
    window: VecDeque<LinkedRequest>,
    /// Checkpoints up to here are open for attestations.
    opened: Count,
    term: Option<Term>,
    // The destination.
    newest: LanePosition,
    settled: LanePosition,
    paused: bool,
    diverged: bool,
    collector: Option<Collector>,
    // This relayer's own doing.
    recovering: bool,
    attested: BTreeMap<Count, Attestation>,
    /// Asked to be signed, and not answered yet.
    signing: BTreeMap<Count, LanePosition>,
    /// Checkpoints up to here were signed or need no signature.
    considered: Count,
    conflict: Option<Conflict>,
    flight: Flight,
    retry_at: Duration,
    // Pending waits.
    ready: Option<Ready>,
    stalled_since: Option<Duration>,
    recorded: BTreeMap<Count, BTreeSet<Address>>,
    posted: BTreeMap<Count, u32>,
    outputs: VecDeque<Output>,
    /// Attestations held since before the relayer set was known.
    unsorted: Vec<Verified>,
}

impl LaneMachine {
    /// A machine that goes on from what was stored.
    #[must_use]
    pub fn restore(params: Params, snapshot: Snapshot) -> Self {
        let attested = snapshot
            .attestations
            .iter()
            .map(Verified::get)
            .filter(|attestation| attestation.signer == params.me)
            .map(|attestation| (attestation.checkpoint.count(), *attestation))
            .collect();
        Self {
            params,
            lane_id: params.lane.id(),
            linked: snapshot.linked,
            linked_block: snapshot.linked_block,
            base: if snapshot.linked.count < snapshot.settled.count {
                snapshot.linked
            } else {
                snapshot.settled
            },
            window: snapshot.requests.into(),
            opened: Count::new(0),
            term: snapshot.term,
            newest: snapshot.settled,
            settled: snapshot.settled,
            paused: false,
            diverged: false,
            collector: None,
            recovering: params.recovering,
            attested,
            signing: BTreeMap::new(),
            considered: Count::new(0),
            conflict: snapshot.conflict,
            flight: Flight::new(),
            retry_at: Duration::ZERO,
            ready: None,
            stalled_since: None,
            recorded: BTreeMap::new(),
            posted: BTreeMap::new(),
            outputs: VecDeque::new(),
            unsorted: snapshot.attestations,
        }
    }

    /// Takes in what happened. `now` counts from any fixed moment and never goes back.
    pub fn handle(&mut self, now: Duration, input: Input) {
        match input {
            Input::RequestsObserved { linked, to, term } => {
                self.on_requests_observed(linked.into_inner(), to, term);
            }
            Input::DestinationAdvanced { newest, settled, paused } => {
                self.on_destination_advanced(now, newest, settled, paused);
            }
            Input::RelayerSetRead(set) => self.on_relayer_set(set),
            Input::PeerAttested { attestation, recorded } => {
                self.on_peer_attested(&attestation, recorded);
            }
            Input::Signed(attestation) => self.on_signed(attestation),
            Input::Recovered => self.recovering = false,
            Input::TransactionResolved { purpose, accepted } => {
                self.on_transaction_resolved(now, purpose, accepted);
            }
            Input::Resumed => self.on_resumed(),
            Input::Tick => {}
        }
        self.attest();
        self.watch_progress(now);
        self.give_up_overdue(now);
        self.submit(now);
        self.post_attestation(now);
    }

    /// The next thing that is asked for, if any.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Goes on from another snapshot: the history that was linked is gone, or the one that was settled. `set` is the
    /// destination's relayer set, if it still holds.
    pub fn restart(&mut self, snapshot: Snapshot, set: Option<RelayerSet>) {
        *self = Self::restore(Params { recovering: self.recovering, ..self.params }, snapshot);
        if let Some(set) = set {
            self.on_relayer_set(set);
        }
    }

    /// When to call again though nothing happened.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let overdue_at = self.flight.overdue_at(self.params.takeover);
        [self.submit_at(), self.post_at(), overdue_at].into_iter().flatten().min()
    }

    /// The lane.
    #[must_use]
    pub const fn lane(&self) -> &Lane {
        &self.params.lane
    }

    /// The lane's identity.
    #[must_use]
    pub const fn lane_id(&self) -> LaneId {
        self.lane_id
    }

    /// The destination's relayer set, as it was last read.
    #[must_use]
    pub fn relayer_set(&self) -> Option<&RelayerSet> {
        self.collector.as_ref().map(Collector::set)
    }

    /// The conflict in force.
    #[must_use]
    pub const fn conflict(&self) -> Option<Conflict> {
        self.conflict
    }

    /// How far the source is linked.
    #[must_use]
    pub const fn linked(&self) -> LanePosition {
        self.linked
    }

    /// The last source block read.
    #[must_use]
    pub const fn linked_block(&self) -> BlockNumber {
        self.linked_block
    }

    /// The submitters' term of the last source block read.
    #[must_use]
    pub const fn term(&self) -> Option<Term> {
        self.term
    }

    /// How far the destination has come for good.
    #[must_use]
    pub const fn settled(&self) -> LanePosition {
        self.settled
    }

    /// How far the destination has come in its newest block.
    #[must_use]
    pub const fn newest(&self) -> LanePosition {
        self.newest
    }

    /// Whether more of the source may be read: the window has room.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.window.len() < WINDOW_MAX
    }

    /// Our attestations that the destination has not passed and that hold on the history linked
    /// here: what a peer may have missed.
    pub fn own_attestations(&self) -> impl Iterator<Item = &Attestation> {
        let above = self.attested.range(self.newest.count.plus(1)..);
        above.map(|(_, attestation)| attestation).filter(|attestation| {
            let position = attestation.checkpoint.position;
            self.position_at(position.count) == Some(position)
        })
    }

    /// The lane's state, and what it waits for.
    #[must_use]
    pub fn status(&self) -> LaneStatus {
        let certified = self.collector.as_ref().and_then(Collector::last_certified);
        let waiting =
            self.attested.range(self.newest.count.plus(1)..).next().map(|(count, _)| *count);
        LaneStatus {
            linked: self.linked,
            linked_block: self.linked_block,
            newest: self.newest,
            settled: self.settled,
            certified: certified.map_or(self.newest.count, |c| c.max(self.newest.count)),
            attested: self.attested.last_key_value().map(|(count, _)| *count),
            waiting_signers: waiting
                .and_then(|count| Some(self.collector.as_ref()?.signers(count)))
                .unwrap_or_default(),
            threshold: self.collector.as_ref().map_or(0, |c| c.set().threshold()),
            members: self.collector.as_ref().map_or_else(Vec::new, |c| c.set().members().to_vec()),
            epoch: self.collector.as_ref().map_or(0, |c| c.set().epoch().get()),
            rank: self.rank(),
            submitting: self.flight.range(),
            in_flight: self.flight.len(),
            posted: self.posted.len(),
            window: self.window.len(),
            hold: self.hold(),
        }
    }

    /// Why nothing is signed now, if so.
    #[must_use]
    pub fn hold(&self) -> Option<Hold> {
        if self.diverged {
            return Some(Hold::DestinationDiverged);
        }
        if self.recovering {
            return Some(Hold::Recovering);
        }
        let Some(collector) = &self.collector else {
            return Some(Hold::RelayerSetUnknown);
        };
        if !collector.set().contains(self.params.me) {
            return Some(Hold::NotAMember);
        }
        if self.paused {
            return Some(Hold::Paused);
        }
        self.conflict.map(|conflict| Hold::Reorganised { up_to: conflict.highest_attested })
    }
}
