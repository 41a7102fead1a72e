//! The messages between relayers, with their bounds.

use alloy::primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use twinspan_bridge::abstain::{Abstention, Reason, SignedAbstention};
use twinspan_bridge::attest::Attestation;
use twinspan_bridge::checkpoint::Checkpoint;
use twinspan_bridge::ids::{Count, Epoch, Lane, LaneId};
use twinspan_bridge::key::Signature;
use twinspan_bridge::lane_head::LanePosition;

/// Attestations in one message, at most.
pub const ATTESTATIONS_MAX: usize = 256;

/// Abstentions in one message, at most.
pub const ABSTENTIONS_MAX: usize = 64;

/// Bytes of one message, at most: [`ATTESTATIONS_MAX`] attestations and [`ABSTENTIONS_MAX`] abstentions of under 400
/// bytes each.
pub const BODY_BYTES_MAX: usize = 128 * 1024;

/// An attestation as it travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireAttestation {
    /// The lane, by its id.
    pub lane: LaneId,
    /// The epoch.
    pub epoch: Epoch,
    /// Requests covered.
    pub count: Count,
    /// The head after them.
    pub head: B256,
    /// Who signed.
    pub signer: Address,
    /// The signature's `r`.
    pub r: B256,
    /// The signature's `s` with the parity on top (EIP-2098).
    pub vs: B256,
}

/// An abstention as it travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireAbstention {
    /// The lane, by its id.
    pub lane: LaneId,
    /// The epoch.
    pub epoch: Epoch,
    /// Where the destination stands.
    pub count: Count,
    /// Why.
    pub reason: Reason,
    /// When it was said, in milliseconds of Unix time.
    pub time: u64,
    /// Who signed.
    pub signer: Address,
    /// The signature's `r`.
    pub r: B256,
    /// The signature's `s` with the parity on top (EIP-2098).
    pub vs: B256,
}

/// A message from one relayer to another, asked for or not.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attestations {
    /// At most [`ATTESTATIONS_MAX`].
    pub attestations: Vec<WireAttestation>,
    /// At most [`ABSTENTIONS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub abstentions: Vec<WireAbstention>,
}

/// Asks for attestations.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pull {
    /// Of this lane.
    pub lane: LaneId,
    /// Of checkpoints above this count.
    pub above: Count,
}

impl From<&Attestation> for WireAttestation {
    fn from(attestation: &Attestation) -> Self {
        let Attestation { checkpoint, signer, signature } = *attestation;
        let Checkpoint { lane, epoch, position } = checkpoint;
        let LanePosition { count, head } = position;
        let Signature { r, vs } = signature;
        Self { lane: lane.id(), epoch, count, head, signer, r, vs }
    }
}

impl WireAttestation {
    /// The attestation, once its lane is known.
    #[must_use]
    pub const fn of_lane(self, lane: Lane) -> Attestation {
        let Self { epoch, count, head, signer, r, vs, .. } = self;
        let position = LanePosition { count, head };
        let checkpoint = Checkpoint { lane, epoch, position };
        Attestation { checkpoint, signer, signature: Signature { r, vs } }
    }
}

impl From<&SignedAbstention> for WireAbstention {
    fn from(said: &SignedAbstention) -> Self {
        let SignedAbstention { abstention, signer, signature } = *said;
        let Abstention { lane, epoch, count, reason, time } = abstention;
        let Signature { r, vs } = signature;
        Self { lane: lane.id(), epoch, count, reason, time, signer, r, vs }
    }
}

impl WireAbstention {
    /// The abstention, once its lane is known.
    #[must_use]
    pub const fn of_lane(self, lane: Lane) -> SignedAbstention {
        let Self { epoch, count, reason, time, signer, r, vs, .. } = self;
        let abstention = Abstention { lane, epoch, count, reason, time };
        SignedAbstention { abstention, signer, signature: Signature { r, vs } }
    }
}
