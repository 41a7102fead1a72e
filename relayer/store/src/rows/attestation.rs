//! A relayer's signature of a checkpoint.

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use twinspan_bridge::attest::Attestation;
use twinspan_bridge::checkpoint::Checkpoint;
use twinspan_bridge::ids::{BridgeAt, ChainId, Count, Epoch, Lane};
use twinspan_bridge::key::Signature;
use twinspan_bridge::lane_head::LanePosition;

use super::{DiskPosition, Row};

/// An [`Attestation`] in its table; lane, count, epoch and signer are in the key.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DiskAttestation {
    pub(crate) head: B256,
    signature: DiskSignature,
}

impl Row for DiskAttestation {
    const TABLE: &'static str = "attestations";
}

/// An [`Attestation`] that stands by itself, as evidence.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DiskEvidence {
    source: DiskBridge,
    destination: DiskBridge,
    epoch: u64,
    position: DiskPosition,
    signer: Address,
    signature: DiskSignature,
}

/// A [`BridgeAt`] on disk.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DiskBridge {
    chain_id: u64,
    address: Address,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct DiskSignature {
    r: B256,
    vs: B256,
}

impl From<&Attestation> for DiskAttestation {
    fn from(attestation: &Attestation) -> Self {
        let Attestation { checkpoint, signature, .. } = attestation;
        Self { head: checkpoint.position.head, signature: (*signature).into() }
    }
}

impl DiskAttestation {
    /// The attestation, once its key is known.
    pub(crate) fn of_key(
        self,
        lane: Lane,
        count: Count,
        epoch: Epoch,
        signer: Address,
    ) -> Attestation {
        let position = LanePosition { count, head: self.head };
        let checkpoint = Checkpoint { lane, epoch, position };
        Attestation { checkpoint, signer, signature: self.signature.into() }
    }
}

impl From<Attestation> for DiskEvidence {
    fn from(attestation: Attestation) -> Self {
        let Attestation { checkpoint, signer, signature } = attestation;
        let Checkpoint { lane, epoch, position } = checkpoint;
        Self {
            source: lane.source.into(),
            destination: lane.destination.into(),
            epoch: epoch.get(),
            position: position.into(),
            signer,
            signature: signature.into(),
        }
    }
}

impl From<DiskEvidence> for Attestation {
    fn from(evidence: DiskEvidence) -> Self {
        let DiskEvidence { source, destination, epoch, position, signer, signature } = evidence;
        let checkpoint = Checkpoint {
            lane: Lane { source: source.into(), destination: destination.into() },
            epoch: Epoch::new(epoch),
            position: position.into(),
        };
        Self { checkpoint, signer, signature: signature.into() }
    }
}

impl From<BridgeAt> for DiskBridge {
    fn from(BridgeAt { chain_id, address }: BridgeAt) -> Self {
        Self { chain_id: chain_id.get(), address }
    }
}

impl From<DiskBridge> for BridgeAt {
    fn from(DiskBridge { chain_id, address }: DiskBridge) -> Self {
        Self { chain_id: ChainId::new(chain_id), address }
    }
}

impl From<Signature> for DiskSignature {
    fn from(Signature { r, vs }: Signature) -> Self {
        Self { r, vs }
    }
}

impl From<DiskSignature> for Signature {
    fn from(DiskSignature { r, vs }: DiskSignature) -> Self {
        Self { r, vs }
    }
}
