//! Inputs and outputs of the lane state machine.

use alloy_primitives::Address;

use crate::attest::{Attestation, Verified};
use crate::batch::Batch;
use crate::checkpoint::Checkpoint;
use crate::finality::Final;
use crate::ids::{BlockRef, Count, Epoch};
use crate::lane_head::{LanePosition, Linked};
use crate::relayer_set::RelayerSet;
use crate::schedule::Term;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// The source's final blocks were read up to `to`; everything that the contract counts is linked.
    RequestsObserved {
        /// The requests.
        linked: Final<Linked>,
        /// The last block read.
        to: BlockRef,
        /// The submitters' term that `to` lies in.
        term: Term,
    },
    /// The destination was read. `newest` may still be taken back, `settled` not.
    DestinationAdvanced {
        /// Its position in its newest block.
        newest: LanePosition,
        /// Its position in its newest final block.
        settled: LanePosition,
        /// Whether it refuses value now.
        paused: bool,
    },
    /// The destination's relayer set was read, at start or after it changed.
    RelayerSetRead(RelayerSet),
    /// A peer sent an attestation, or the destination recorded one. Not verified.
    PeerAttested {
        /// The attestation.
        attestation: Attestation,
        /// Whether it is recorded on the destination chain.
        recorded: bool,
    },
    /// The attestation key signed what the machine asked it to sign.
    Signed(Verified),
    /// Peers have returned what this relayer attested before it lost its store, or had the time to.
    Recovered,
    /// A batch or a posted attestation came to its end.
    TransactionResolved {
        /// Its purpose.
        purpose: Purpose,
        /// Whether the chain accepted it.
        accepted: bool,
    },
    /// A human looked at a conflict and decided that the lane goes on.
    Resumed,
    /// Time went by.
    Tick,
}

/// The purpose of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Handing over the requests from `first` to `end`.
    Deliver {
        /// The destination's count before.
        first: Count,
        /// The destination's count after.
        end: Count,
    },
    /// Recording our attestation of `count`.
    Attest {
        /// The checkpoint's count.
        count: Count,
    },
}

/// A thing that the machine asks for. Its kind says when it is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Within the step or later: sign this checkpoint. Signing does not publish the signature, so the caller may sign
    /// at once, or later if the key is remote.
    Sign(Checkpoint),
    /// In the commit of the step: keep this for good.
    Record(Record),
    /// After that commit, never before: do this.
    Act(Action),
}

/// Something that others see, done after the state that asks for it is stored. Each is harmless when done twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send these attestations to every peer.
    Exchange(Vec<Attestation>),
    /// Send this batch to the destination, after those asked for before it.
    Submit {
        /// The batch.
        batch: Batch,
        /// Failed batches of this relayer that began at the same count. Each allows for more gas.
        attempt: u32,
    },
    /// Record this attestation on the destination: peers do not answer.
    PostAttestation {
        /// Our own attestation.
        attestation: Attestation,
        /// Earlier tries of this relayer.
        attempt: u32,
    },
    /// Tell the operator.
    Alarm(Alarm),
}

/// A fact to store in the same commit as the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// An attestation, our own or a peer's.
    Attestation(Attestation),
    /// The conflict that the lane abstains for; `None` once it is over.
    Conflict(Option<Conflict>),
    /// Own attestations of a history that is gone. A human has decided that they no longer bind.
    Voided(Vec<Attestation>),
}

/// A head that was attested here and is no longer on the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The epoch of the attestation.
    pub epoch: Epoch,
    /// The highest count attested on the history that is gone. Nothing up to it is signed again
    /// before the destination has passed it.
    pub highest_attested: Count,
    /// The head linked before.
    pub linked: LanePosition,
    /// The chain's position there now.
    pub contract: LanePosition,
}

/// News for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// A member signed a head that is not the one linked here.
    PeerContradicts {
        /// Who.
        member: Address,
        /// Where.
        count: Count,
    },
    /// We abstain: what we attested is no longer on the source chain.
    Conflict(Conflict),
    /// The destination handed over a history that is not the source's. The lane halts.
    DestinationDiverged {
        /// Linked here.
        linked: LanePosition,
        /// Held by the destination.
        destination: LanePosition,
    },
}
