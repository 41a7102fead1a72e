//! An attestation key and its signatures: secp256k1, compact as in EIP-2098.

use alloy_primitives::{Address, B256};
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, SecretKey};

/// A compact signature (EIP-2098): `r`, and `s` with the parity bit on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Signature {
    /// The x coordinate of the nonce point.
    pub r: B256,
    /// `s` (never in the upper half of the order), its top bit the parity.
    pub vs: B256,
}

/// Why a signature does not stand for an attestation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttestationError {
    /// `s` is in the upper half of the order, `r` or `s` is zero or too large, or no key fits.
    #[error("the signature is malformed or recovers no key")]
    Malformed,
    /// Another key signed it.
    #[error("signed by {got}, not by {want} as claimed")]
    OtherSigner {
        /// The claim.
        want: Address,
        /// The key that signed.
        got: Address,
    },
}

impl Signature {
    /// The address whose key made this signature of `digest`, as `ecrecover` finds it.
    ///
    /// # Errors
    /// [`AttestationError::Malformed`] for a high `s` as well: the contract refuses it too.
    pub fn recover(&self, digest: B256) -> Result<Address, AttestationError> {
        let mut compact = [0_u8; 64];
        compact[..32].copy_from_slice(self.r.as_slice());
        compact[32..].copy_from_slice(self.vs.as_slice());
        let parity = compact[32] >> 7;
        compact[32] &= 0x7f;
        // With the parity bit masked, `s` is below 2^255, which is still above half the order.
        if compact[32..] > HALF_ORDER[..] {
            return Err(AttestationError::Malformed);
        }
        let id = if parity == 0 { RecoveryId::Zero } else { RecoveryId::One };
        let key = RecoverableSignature::from_compact(&compact, id)
            .and_then(|signature| signature.recover_ecdsa(Message::from_digest(digest.0)))
            .map_err(|_| AttestationError::Malformed)?;
        Ok(Address::from_raw_public_key(&key.serialize_uncompressed()[1..]))
    }

    /// Whether the key of `signer` made this signature of `digest`.
    ///
    /// # Errors
    /// [`AttestationError`] if it did not.
    pub fn is_of(&self, digest: B256, signer: Address) -> Result<(), AttestationError> {
        let got = self.recover(digest)?;
        if got != signer {
            return Err(AttestationError::OtherSigner { want: signer, got });
        }
        Ok(())
    }
}

/// Half the order of secp256k1, rounded down: the greatest `s` that is low (EIP-2).
const HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
];

/// A relayer's attestation key. Signs checkpoints and abstentions, and nothing else.
pub struct AttestationKey {
    secret: SecretKey,
    address: Address,
}

impl std::fmt::Debug for AttestationKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AttestationKey").field("address", &self.address).finish_non_exhaustive()
    }
}

/// 32 bytes that are no secp256k1 secret key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a secp256k1 secret key: zero, or not below the order")]
pub struct NotAKey;

impl AttestationKey {
    /// The key of these 32 bytes.
    ///
    /// # Errors
    /// [`NotAKey`] for zero and for numbers not below the order.
    pub fn from_bytes(secret: [u8; 32]) -> Result<Self, NotAKey> {
        let secret = SecretKey::from_secret_bytes(secret).map_err(|_| NotAKey)?;
        let public = secret.public_key().serialize_uncompressed();
        Ok(Self { secret, address: Address::from_raw_public_key(&public[1..]) })
    }

    /// The address that attests.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.address
    }

    /// Signs with the deterministic nonce of RFC 6979.
    pub(crate) fn sign_digest(&self, digest: B256) -> Signature {
        let message = Message::from_digest(digest.0);
        let signature = RecoverableSignature::sign_ecdsa_recoverable(message, &self.secret);
        let (id, compact) = signature.serialize_compact();
        let mut vs = B256::from_slice(&compact[32..]);
        vs.0[0] |= (id.to_u8() & 1) << 7;
        Signature { r: B256::from_slice(&compact[..32]), vs }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> AttestationKey {
        AttestationKey::from_bytes([7; 32]).expect("a valid key")
    }

    #[test]
    fn high_s_zero_and_garbage_signatures_are_refused() {
        let digest = B256::repeat_byte(9);
        let good = key().sign_digest(digest);
        let order = alloy_primitives::U256::from_str_radix(
            "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
            16,
        )
        .expect("the order");
        let mut low = good.vs;
        low.0[0] &= 0x7f;
        let high = order - alloy_primitives::U256::from_be_bytes(low.0);
        let mirrored = Signature { r: good.r, vs: B256::from(high.to_be_bytes::<32>()) };
        assert!(
            mirrored.recover(digest).is_err() || mirrored.recover(digest) != Ok(key().address())
        );
        let zero = Signature { r: B256::ZERO, vs: B256::ZERO };
        assert_eq!(zero.recover(digest), Err(AttestationError::Malformed));
        let over = Signature { r: B256::repeat_byte(0xff), vs: B256::repeat_byte(0xff) };
        assert_eq!(over.recover(digest), Err(AttestationError::Malformed));
        let above_half = Signature { r: good.r, vs: B256::from(HALF_ORDER_PLUS_ONE) };
        assert_eq!(above_half.recover(digest), Err(AttestationError::Malformed));
    }

    const HALF_ORDER_PLUS_ONE: [u8; 32] = {
        let mut bytes = HALF_ORDER;
        bytes[31] += 1;
        bytes
    };

    #[test]
    fn the_secret_is_not_printed() {
        assert!(!format!("{:?}", key()).contains("07, 07"));
        assert!(!format!("{:?}", key()).contains("0707"));
    }
}
