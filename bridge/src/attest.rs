//! An attestation: a relayer's signature of a checkpoint, and the rule of what is attestable.

use alloy_primitives::Address;

use crate::checkpoint::Checkpoint;
use crate::ids::Count;
use crate::key::{AttestationError, AttestationKey, Signature};

/// Every multiple of this many requests is attestable, besides the last request of a source block.
pub const CHECKPOINT_INTERVAL: u64 = 64;

/// Whether every honest relayer signs a checkpoint at `count`.
#[must_use]
pub const fn is_attestable(count: Count, ends_source_block: bool) -> bool {
    count.get() != 0 && (ends_source_block || count.get().is_multiple_of(CHECKPOINT_INTERVAL))
}

/// A relayer's signature of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// Who claims to have signed it.
    pub signer: Address,
    /// The signature.
    pub signature: Signature,
}

impl Attestation {
    /// Checks the signature against the claimed signer.
    ///
    /// # Errors
    /// [`AttestationError`] if that key did not sign this checkpoint.
    pub fn verify(self) -> Result<Verified, AttestationError> {
        self.signature.is_of(self.checkpoint.digest(), self.signer)?;
        Ok(Verified(self))
    }
}

/// An attestation whose signature was checked. Can only be built by [`Attestation::verify`] or by
/// signing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified(Attestation);

impl Verified {
    /// The attestation.
    #[must_use]
    pub const fn get(&self) -> &Attestation {
        &self.0
    }
}

impl AttestationKey {
    /// Signs with the deterministic nonce of RFC 6979 and checks the result before it is used.
    ///
    /// # Panics
    /// If the signature just made does not recover to this key: the machine is broken.
    #[must_use]
    pub fn sign(&self, checkpoint: Checkpoint) -> Verified {
        let signature = self.sign_digest(checkpoint.digest());
        Attestation { checkpoint, signer: self.address(), signature }
            .verify()
            .expect("a signature just made recovers to its own key")
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;
    use crate::ids::{BridgeAt, ChainId, Epoch, Lane};
    use crate::lane_head::LanePosition;

    fn checkpoint() -> Checkpoint {
        let at =
            |n: u8| BridgeAt { chain_id: ChainId::new(n.into()), address: Address::repeat_byte(n) };
        Checkpoint {
            lane: Lane { source: at(1), destination: at(2) },
            epoch: Epoch::new(3),
            position: LanePosition { count: Count::new(64), head: B256::repeat_byte(9) },
        }
    }

    #[test]
    fn a_signature_recovers_to_its_key_and_to_no_other_checkpoint() {
        let key = AttestationKey::from_bytes([7; 32]).expect("a valid key");
        let attestation = *key.sign(checkpoint()).get();
        assert!(attestation.verify().is_ok());
        let changes: [fn(&mut Checkpoint); 7] = [
            |c| c.epoch = Epoch::new(4),
            |c| c.position.count = Count::new(65),
            |c| c.position.head = B256::ZERO,
            |c| c.lane.source.chain_id = ChainId::new(9),
            |c| c.lane.source.address = Address::ZERO,
            |c| c.lane.destination.chain_id = ChainId::new(9),
            |c| c.lane.destination.address = Address::ZERO,
        ];
        for change in changes {
            let mut forged = attestation;
            change(&mut forged.checkpoint);
            assert!(forged.verify().is_err(), "{forged:?}");
        }
    }

    #[test]
    fn checkpoints_are_attestable_at_block_ends_and_multiples_of_64() {
        assert!(!is_attestable(Count::new(0), true));
        assert!(is_attestable(Count::new(1), true));
        assert!(!is_attestable(Count::new(63), false));
        assert!(is_attestable(Count::new(64), false));
        assert!(is_attestable(Count::new(128), false));
    }
}
