//! Keys: those that sign transactions, and the files that keep keys.

pub mod keystore;

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope, TxLegacy};
use alloy::eips::eip2718::Encodable2718;
use alloy::primitives::{Address, B256, Bytes, TxKind, U256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use secrecy::ExposeSecret;
use twinspan_bridge::error::Disposition;
use twinspan_bridge::ids::{AccountNonce, ChainId};

use self::keystore::SecretBytes;
use crate::evm::fees::Fees;

/// The key of an account that pays for transactions. It authorises nothing else.
#[derive(Clone)]
pub struct TransactionSigner {
    key: PrivateKeySigner,
}

impl std::fmt::Debug for TransactionSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TransactionSigner").field(&self.address()).finish()
    }
}

/// The key could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a secp256k1 key, or it could not sign")]
pub struct SignerError;

impl SignerError {
    /// What the error demands.
    #[must_use]
    pub const fn disposition(&self) -> Disposition {
        Disposition::Halt
    }
}

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
    /// The signer of a key.
    ///
    /// # Errors
    /// [`SignerError`] if the bytes are no key.
    pub fn new(secret: &SecretBytes) -> Result<Self, SignerError> {
        let key = PrivateKeySigner::from_slice(secret.expose_secret()).map_err(|_| SignerError)?;
        Ok(Self { key })
    }

    /// The account that it signs for.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.key.address()
    }

    /// The underlying alloy signer, for deployment tools.
    #[must_use]
    pub const fn as_alloy(&self) -> &PrivateKeySigner {
        &self.key
    }

    /// Signs (RFC 6979: the same transaction always gets the same bytes). The bytes and their hash.
    pub(crate) fn sign(&self, unsigned: &Unsigned<'_>) -> Result<(Bytes, B256), SignerError> {
        let envelope = match unsigned.fees {
            Fees::Legacy { gas_price } => self.envelope(TxLegacy {
                chain_id: Some(unsigned.chain_id.get()),
                nonce: unsigned.nonce.get(),
                gas_price,
                gas_limit: unsigned.gas_limit,
                to: TxKind::Call(unsigned.to),
                value: U256::ZERO,
                input: unsigned.input.clone(),
            })?,
            Fees::Dynamic { max_fee, tip } => self.envelope(TxEip1559 {
                chain_id: unsigned.chain_id.get(),
                nonce: unsigned.nonce.get(),
                gas_limit: unsigned.gas_limit,
                max_fee_per_gas: max_fee,
                max_priority_fee_per_gas: tip,
                to: TxKind::Call(unsigned.to),
                value: U256::ZERO,
                access_list: Default::default(),
                input: unsigned.input.clone(),
            })?,
        };
        Ok((envelope.encoded_2718().into(), *envelope.tx_hash()))
    }

    fn envelope<T>(&self, transaction: T) -> Result<TxEnvelope, SignerError>
    where
        T: SignableTransaction<alloy::primitives::Signature>,
        TxEnvelope: From<alloy::consensus::Signed<T>>,
    {
        let hash = transaction.signature_hash();
        let signature = self.key.sign_hash_sync(&hash).map_err(|_| SignerError)?;
        Ok(transaction.into_signed(signature).into())
    }
}
