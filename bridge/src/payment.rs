//! Proves which members certified a batch, from the call that handed it over and the event that it left.
//!
//! Both are public for good. Every relayer and every auditor therefore finds the same signers, even one that never
//! exchanged an attestation.

use alloy_primitives::{Address, B256};

use crate::checkpoint::Checkpoint;
use crate::ids::{Count, Epoch, Lane, Nonce};
use crate::key::Signature;
use crate::lane_head::{LanePosition, link};

/// A batch as the destination's event `BatchDelivered` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveredBatch {
    /// Its first request.
    pub first: Nonce,
    /// The lane after it.
    pub after: LanePosition,
    /// The account that sent it.
    pub submitter: Address,
}

/// The parts of a `deliver` call that say who certified it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliverCall {
    /// How many requests it hands over.
    pub requests: u64,
    /// The hashes of the requests between the batch's end and the certified count.
    pub tail: Vec<B256>,
    /// The certificate's epoch.
    pub epoch: Epoch,
    /// The certified position.
    pub certified: LanePosition,
    /// The certificate's signatures.
    pub signatures: Vec<Signature>,
}

/// Who certified a batch, and up to where. Can only be built by [`DeliverCall::prove`].
///
/// Attestations that were recorded on the destination chain count beside these signatures; they are in its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaidUnder {
    checkpoint: Checkpoint,
    signers: Vec<Address>,
}

/// Why a call is not the one that a batch was handed over by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PaymentError {
    /// It hands over another number of requests.
    #[error("the call hands over {got} requests, the batch has {want}")]
    OtherLength {
        /// In the call.
        got: u64,
        /// In the event.
        want: u64,
    },
    /// Its certificate is of another history.
    #[error("the certificate is of head {got} at count {count}, the batch leads to {want}")]
    OtherHead {
        /// The certified count.
        count: Count,
        /// The certified head.
        got: B256,
        /// The head that batch and tail lead to.
        want: B256,
    },
    /// Its certificate reaches elsewhere.
    #[error("the certificate reaches count {got}, batch and tail count {want}")]
    OtherCount {
        /// The certified count.
        got: Count,
        /// The count that batch and tail lead to.
        want: Count,
    },
    /// A signature that the contract would not have taken.
    #[error("signature {at} of the certificate recovers no key, or not in ascending order")]
    Signature {
        /// Its place.
        at: usize,
    },
}

impl PaidUnder {
    /// The certified checkpoint.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The members whose signatures the call carried, ascending.
    #[must_use]
    pub fn signers(&self) -> &[Address] {
        &self.signers
    }
}

impl DeliverCall {
    /// Checks as `Bridge.deliver` does that this call hands over `batch` of `lane`, and recovers who signed.
    ///
    /// # Errors
    /// [`PaymentError`] if the call cannot have led to that event.
    pub fn prove(&self, lane: Lane, batch: &DeliveredBatch) -> Result<PaidUnder, PaymentError> {
        let want = batch.after.count.since(batch.first.count_before());
        if self.requests != want {
            return Err(PaymentError::OtherLength { got: self.requests, want });
        }
        let count = batch.after.count.plus(self.tail.len() as u64);
        if self.certified.count != count {
            return Err(PaymentError::OtherCount { got: self.certified.count, want: count });
        }
        let head = self.tail.iter().fold(batch.after.head, |head, hash| link(head, *hash));
        if self.certified.head != head {
            return Err(PaymentError::OtherHead { count, got: self.certified.head, want: head });
        }
        let checkpoint = Checkpoint { lane, epoch: self.epoch, position: self.certified };
        let digest = checkpoint.digest();
        let mut signers: Vec<Address> = Vec::with_capacity(self.signatures.len());
        for (at, signature) in self.signatures.iter().enumerate() {
            let signer = signature.recover(digest).map_err(|_| PaymentError::Signature { at })?;
            if signers.last().is_some_and(|last| *last >= signer) {
                return Err(PaymentError::Signature { at });
            }
            signers.push(signer);
        }
        Ok(PaidUnder { checkpoint, signers })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{BridgeAt, ChainId};
    use crate::key::AttestationKey;

    fn lane() -> Lane {
        let at = |n: u8| BridgeAt {
            chain_id: ChainId::new(u64::from(n)),
            address: Address::repeat_byte(n),
        };
        Lane { source: at(1), destination: at(2) }
    }

    /// Two requests handed over, a third in the tail, signed by two keys.
    fn paid() -> (DeliverCall, DeliveredBatch, Vec<Address>) {
        let after =
            LanePosition::start(&lane()).link(B256::repeat_byte(1)).link(B256::repeat_byte(2));
        let tail = vec![B256::repeat_byte(3)];
        let certified = after.link(tail[0]);
        let checkpoint = Checkpoint { lane: lane(), epoch: Epoch::new(4), position: certified };
        let keys = [1, 2].map(|n| AttestationKey::from_bytes([n; 32]).expect("a key"));
        let mut signed = keys.map(|key| *key.sign(checkpoint).get());
        signed.sort_by_key(|attestation| attestation.signer);
        let call = DeliverCall {
            requests: 2,
            tail,
            epoch: Epoch::new(4),
            certified,
            signatures: signed.iter().map(|attestation| attestation.signature).collect(),
        };
        let batch = DeliveredBatch { first: Nonce::new(0), after, submitter: Address::ZERO };
        (call, batch, signed.iter().map(|attestation| attestation.signer).collect())
    }

    #[test]
    fn the_signers_are_those_of_the_call() {
        let (call, batch, signers) = paid();
        let proven = call.prove(lane(), &batch).expect("it is that call");
        assert_eq!(proven.signers(), signers);
        assert_eq!(proven.checkpoint().position, call.certified);
    }

    #[test]
    fn a_call_that_cannot_have_led_to_the_event_proves_nothing() {
        let (call, batch, signers) = paid();
        let longer = DeliverCall { requests: 3, ..call.clone() };
        assert!(matches!(longer.prove(lane(), &batch), Err(PaymentError::OtherLength { .. })));
        let no_tail = DeliverCall { tail: Vec::new(), ..call.clone() };
        assert!(matches!(no_tail.prove(lane(), &batch), Err(PaymentError::OtherCount { .. })));
        let other_tail = DeliverCall { tail: vec![B256::ZERO], ..call.clone() };
        assert!(matches!(other_tail.prove(lane(), &batch), Err(PaymentError::OtherHead { .. })));
        let mut reversed = call.clone();
        reversed.signatures.reverse();
        assert_eq!(reversed.prove(lane(), &batch), Err(PaymentError::Signature { at: 1 }));
        // Signatures of another lane recover other keys, in whatever order.
        let elsewhere = call.prove(lane().reverse(), &batch);
        assert!(
            elsewhere.is_err() || elsewhere.is_ok_and(|paid_under| paid_under.signers() != signers)
        );
    }
}
