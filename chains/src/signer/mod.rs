//! Keys: where they are kept, in files or by a remote signer, and what they sign.

pub mod keystore;
mod remote;

use std::sync::Arc;

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope, TxLegacy};
use alloy::eips::eip2718::Encodable2718;
use alloy::primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use futures::FutureExt;
use futures::future::BoxFuture;
use secrecy::ExposeSecret;
use twinspan_bridge::abstain::{Abstention, SignedAbstention};
use twinspan_bridge::attest::{Attestation, Verified};
use twinspan_bridge::checkpoint::Checkpoint;
use twinspan_bridge::ids::{AccountNonce, ChainId};
use twinspan_bridge::key;

use self::keystore::SecretBytes;
use crate::disposition::Disposition;
use crate::evm::fees::Fees;

pub use remote::{RemoteFault, RemoteKey, RemoteProblem, RemoteSigner};

/// Signs for one address, with a key that is here or somewhere else.
///
/// Also as a trait object: an `Arc<dyn Signer>` attests ([`attest`]) and pays for transactions
/// ([`TransactionSigner::new`]) wherever its key is.
pub trait Signer: std::fmt::Debug + Send + Sync {
    /// The address that its signatures recover to.
    fn address(&self) -> Address;

    /// Signs `keccak256(preimage)`. The signature has a low `s` and recovers to [`address`](Self::address).
    fn sign<'a>(&'a self, preimage: &'a [u8]) -> BoxFuture<'a, Result<Signature, SignerError>>;
}

impl<S: Signer + ?Sized> Signer for Arc<S> {
    fn address(&self) -> Address {
        S::address(self)
    }

    fn sign<'a>(&'a self, preimage: &'a [u8]) -> BoxFuture<'a, Result<Signature, SignerError>> {
        S::sign(self, preimage)
    }
}

/// A key could not be used.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// The bytes are no key, or the key cannot sign.
    #[error("not a secp256k1 key, or it could not sign")]
    Key,
    /// A remote signer gives no signature.
    #[error(transparent)]
    Remote(#[from] RemoteFault),
}

impl SignerError {
    /// The caller's next step.
    #[must_use]
    pub const fn disposition(&self) -> Disposition {
        match self {
            Self::Key => Disposition::Halt,
            // A signer comes back, or is corrected, and nothing is signed meanwhile.
            Self::Remote(_) => Disposition::Wait,
        }
    }
}

/// A key in this process.
#[derive(Clone)]
pub struct LocalKey(PrivateKeySigner);

impl std::fmt::Debug for LocalKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("LocalKey").field(&self.0.address()).finish()
    }
}

impl LocalKey {
    /// The key of these bytes.
    ///
    /// # Errors
    /// [`SignerError::Key`] if they are none.
    pub fn new(secret: &SecretBytes) -> Result<Self, SignerError> {
        let key = PrivateKeySigner::from_slice(secret.expose_secret());
        key.map(Self).map_err(|_| SignerError::Key)
    }

    /// The underlying alloy signer, for deployment tools.
    #[must_use]
    pub const fn as_alloy(&self) -> &PrivateKeySigner {
        &self.0
    }
}

impl Signer for LocalKey {
    fn address(&self) -> Address {
        self.0.address()
    }

    /// RFC 6979: the same bytes always get the same signature.
    fn sign<'a>(&'a self, preimage: &'a [u8]) -> BoxFuture<'a, Result<Signature, SignerError>> {
        let signed = self.0.sign_hash_sync(&keccak256(preimage)).map_err(|_| SignerError::Key);
        futures::future::ready(signed).boxed()
    }
}

/// Attests `checkpoint` with the key of `signer`.
///
/// # Errors
/// [`SignerError`]; [`SignerError::Key`] also for a signature that is none of the signer's own.
pub async fn attest(signer: &dyn Signer, checkpoint: Checkpoint) -> Result<Verified, SignerError> {
    let signature = compact(&signer.sign(&checkpoint.preimage()).await?);
    let attestation = Attestation { checkpoint, signer: signer.address(), signature };
    attestation.verify().map_err(|_| SignerError::Key)
}

/// Says aloud, with the key of `signer`, that nothing is attested.
///
/// # Errors
/// [`SignerError`]; [`SignerError::Key`] also for a signature that is none of the signer's own.
pub async fn abstain(
    signer: &dyn Signer,
    abstention: Abstention,
) -> Result<SignedAbstention, SignerError> {
    let signature = compact(&signer.sign(&abstention.preimage()).await?);
    let said = SignedAbstention { abstention, signer: signer.address(), signature };
    said.verify().map(|()| said).map_err(|_| SignerError::Key)
}

fn compact(signature: &Signature) -> key::Signature {
    let mut vs = B256::from(signature.s());
    vs.0[0] |= u8::from(signature.v()) << 7;
    key::Signature { r: signature.r().into(), vs }
}

/// Signs the transactions of an account. Its key pays for them and authorises nothing else.
#[derive(Clone, Debug)]
pub struct TransactionSigner(Arc<dyn Signer>);

/// A transaction ready to be signed.
#[derive(Clone, Debug)]
pub(crate) struct Unsigned<'a> {
    pub(crate) chain_id: ChainId,
    pub(crate) nonce: AccountNonce,
    pub(crate) to: Address,
    pub(crate) input: &'a Bytes,
    pub(crate) gas_limit: u64,
    pub(crate) fees: Fees,
}

impl TransactionSigner {
    /// The signer of the account whose key is `signer`'s.
    #[must_use]
    pub fn new(signer: impl Signer + 'static) -> Self {
        Self(Arc::new(signer))
    }

    /// The account that it signs for.
    #[must_use]
    pub fn address(&self) -> Address {
        self.0.address()
    }

    /// Signs. The bytes and their hash.
    pub(crate) async fn sign(&self, unsigned: &Unsigned<'_>) -> Result<(Bytes, B256), SignerError> {
        let envelope = match unsigned.fees {
            Fees::Legacy { gas_price } => {
                self.envelope(TxLegacy {
                    chain_id: Some(unsigned.chain_id.get()),
                    nonce: unsigned.nonce.get(),
                    gas_price,
                    gas_limit: unsigned.gas_limit,
                    to: TxKind::Call(unsigned.to),
                    value: U256::ZERO,
                    input: unsigned.input.clone(),
                })
                .await?
            }
            Fees::Dynamic { max_fee, tip } => {
                self.envelope(TxEip1559 {
                    chain_id: unsigned.chain_id.get(),
                    nonce: unsigned.nonce.get(),
                    gas_limit: unsigned.gas_limit,
                    max_fee_per_gas: max_fee,
                    max_priority_fee_per_gas: tip,
                    to: TxKind::Call(unsigned.to),
                    value: U256::ZERO,
                    access_list: Default::default(),
                    input: unsigned.input.clone(),
                })
                .await?
            }
        };
        Ok((envelope.encoded_2718().into(), *envelope.tx_hash()))
    }

    async fn envelope<T>(&self, transaction: T) -> Result<TxEnvelope, SignerError>
    where
        T: SignableTransaction<Signature>,
        TxEnvelope: From<alloy::consensus::Signed<T>>,
    {
        let signature = self.0.sign(&transaction.encoded_for_signing()).await?;
        Ok(transaction.into_signed(signature).into())
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretBox;
    use twinspan_bridge::ids::{BridgeAt, Count, Epoch, Lane};
    use twinspan_bridge::lane_head::LanePosition;

    use super::*;

    #[tokio::test]
    async fn one_trait_object_attests_and_pays() {
        let key = LocalKey::new(&SecretBox::new(Box::new([7; 32]))).expect("a key");
        let shared: Arc<dyn Signer> = Arc::new(key.clone());
        let at = |n| BridgeAt { chain_id: ChainId::new(n), address: Address::repeat_byte(1) };
        let lane = Lane { source: at(1), destination: at(2) };
        let position = LanePosition { count: Count::new(1), head: B256::repeat_byte(3) };
        let checkpoint = Checkpoint { lane, epoch: Epoch::new(1), position };
        let attested = attest(&*shared, checkpoint).await.expect("signed");
        assert_eq!(attested.get().signer, key.address());

        let unsigned = Unsigned {
            chain_id: ChainId::new(1),
            nonce: AccountNonce::new(0),
            to: Address::repeat_byte(2),
            input: &Bytes::new(),
            gas_limit: 21_000,
            fees: Fees::Legacy { gas_price: 1 },
        };
        let (own, other) = (TransactionSigner::new(key), TransactionSigner::new(shared));
        assert_eq!(other.address(), own.address());
        let signed = other.sign(&unsigned).await.expect("signed");
        assert_eq!(signed, own.sign(&unsigned).await.expect("signed"));
    }
}
