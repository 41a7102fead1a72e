//! The engine's messages, its answers, and its words to every peer.

use std::sync::Arc;

use tokio::sync::{broadcast, oneshot};
use tokio::time::Instant;
use twinspan_bridge::abstain::SignedAbstention;
use twinspan_bridge::attest::{Attestation, Verified};
use twinspan_bridge::ids::BlockNumber;
use twinspan_bridge::lane_head::LinkError;
use twinspan_bridge::observe::{BridgeRead, BridgeState, Milestone};
use twinspan_bridge::relayer_set::RelayerSet;
use twinspan_bridge::schedule::Term;
use twinspan_bridge::settle::SettleError;
use twinspan_bridge::side::{Direction, Side};
use twinspan_chains::transactions::Resolved;
use twinspan_store::DecisionRow;

/// A message to a pair's lanes.
#[derive(Debug)]
pub(crate) enum Message {
    /// A side's final blocks were read.
    Observed(Box<Observation>, oneshot::Sender<Verdict>),
    /// A side's newest block was read; it may still be taken back.
    Peeked {
        /// Which side.
        side: Side,
        /// Its state.
        newest: BridgeState,
        /// Whether it refuses value.
        paused: bool,
    },
    /// A side's state at the cursor's own block, to tell a lying node from another history.
    Probed {
        /// Which side.
        side: Side,
        /// Its state at the block that was read last.
        state: BridgeState,
        /// Where to go on.
        reply: oneshot::Sender<Verdict>,
    },
    /// Peers sent attestations.
    Attested(Vec<Attestation>),
    /// The remote signer signed what it was asked to.
    Signed(Verified),
    /// A lane's transaction came to its end.
    Resolved {
        /// Which lane.
        lane: Direction,
        /// The transaction, and its end.
        resolved: Resolved,
    },
    /// Peers had their time to return what was lost. Answered once what they returned is stored.
    Recovered(oneshot::Sender<()>),
    /// A human resumes a lane that abstains after a reorganisation.
    Resume {
        /// Which lane.
        lane: Direction,
        /// Why, in their words.
        reason: String,
        /// The decision; `None` if there was nothing to decide.
        reply: oneshot::Sender<Option<DecisionRow>>,
    },
}

/// A read of one side's final blocks.
#[derive(Debug)]
pub(crate) struct Observation {
    /// Which side.
    pub side: Side,
    /// The bridge's acts up to a final block.
    pub read: BridgeRead,
    /// The state in the newest block.
    pub newest: BridgeState,
    /// The relayer set, if its epoch is new to this observer.
    pub set: Option<RelayerSet>,
    /// Whether the bridge refuses value now.
    pub paused: bool,
    /// The submitters' term.
    pub term: Term,
    /// The last final block by the chain's rule.
    pub final_to: BlockNumber,
    /// When the final block was seen.
    pub seen_at: Instant,
}

/// The engine's verdict on an observation.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Stored.
    Accepted {
        /// The last block stored, and where the lanes stood after it.
        cursor: Milestone,
        /// Whether more may be read now.
        room: bool,
    },
    /// It does not follow on what is stored; go on from here.
    Stale {
        /// The last block stored, and where the lanes stood after it.
        cursor: Milestone,
    },
    /// It is not complete, or of another history.
    Refused(ReadRefused),
    /// The history stored was gone; everything is read again from here.
    Rewritten {
        /// The last block stored, and where the lanes stood after it.
        cursor: Milestone,
    },
}

/// Why a read is not accepted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadRefused {
    /// The requests do not lead to the contract's own head.
    #[error(transparent)]
    Requests(LinkError),
    /// The settlements do not account for the contract's own count.
    #[error(transparent)]
    Settlements(SettleError),
}

/// The words to every peer. One that falls behind skips some, and pulls.
pub(crate) type Outbox = broadcast::Sender<Outgoing>;

/// One thing that every peer is told.
#[derive(Clone, Debug)]
pub(crate) enum Outgoing {
    /// Our new attestations.
    Attestations(Arc<[Attestation]>),
    /// Our new abstention.
    Abstention(SignedAbstention),
}
