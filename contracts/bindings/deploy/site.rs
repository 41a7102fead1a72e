//! A chain to deploy on, and how its deployer sends.

use alloy::{
    contract::{CallBuilder, CallDecoder},
    network::Ethereum,
    primitives::Address,
    providers::{PendingTransactionBuilder, Provider},
    rpc::types::TransactionReceipt,
};

use super::DeployError;
use crate::revert::explain_revert;

/// A chain to deploy on, and who deploys.
#[derive(Debug)]
pub struct Site<'a, P> {
    /// Must sign for `deployer` (a wallet filler).
    pub provider: &'a P,
    /// The account that pays and sends.
    pub deployer: Address,
    /// `Some`: legacy transactions at this price in wei, for chains without EIP-1559 or without fees.
    pub gas_price: Option<u128>,
}

pub(super) async fn chain_id<P: Provider>(site: &Site<'_, P>) -> Result<u64, DeployError> {
    let rpc = |source| DeployError::Rpc { doing: "reading the chain id", source };
    site.provider.get_chain_id().await.map_err(rpc)
}

pub(super) async fn created<P, Q, D>(
    site: &Site<'_, P>,
    doing: &'static str,
    call: CallBuilder<Q, D, Ethereum>,
) -> Result<(Address, u64), DeployError>
where
    Q: Provider,
    D: CallDecoder + Unpin,
{
    let receipt = send(site, doing, call).await?;
    let transaction = receipt.transaction_hash;
    let missing = |field| DeployError::ReceiptIncomplete { doing, transaction, field };
    let address = receipt.contract_address.ok_or_else(|| missing("contract address"))?;
    let block = receipt.block_number.ok_or_else(|| missing("block number"))?;
    Ok((address, block))
}

pub(super) async fn send<P, Q, D>(
    site: &Site<'_, P>,
    doing: &'static str,
    call: CallBuilder<Q, D, Ethereum>,
) -> Result<TransactionReceipt, DeployError>
where
    Q: Provider,
    D: CallDecoder + Unpin,
{
    mined(doing, sent(site, doing, call).await?).await
}

pub(super) async fn sent<P, Q, D>(
    site: &Site<'_, P>,
    doing: &'static str,
    call: CallBuilder<Q, D, Ethereum>,
) -> Result<PendingTransactionBuilder<Ethereum>, DeployError>
where
    Q: Provider,
    D: CallDecoder + Unpin,
{
    let call = call.from(site.deployer);
    let call = match site.gas_price {
        Some(price) => call.gas_price(price),
        None => call,
    };
    call.send().await.map_err(|source| refused(doing, source))
}

pub(super) async fn mined(
    doing: &'static str,
    pending: PendingTransactionBuilder<Ethereum>,
) -> Result<TransactionReceipt, DeployError> {
    let receipt =
        pending.get_receipt().await.map_err(|source| DeployError::Pending { doing, source })?;
    if !receipt.status() {
        return Err(DeployError::Failed { doing, transaction: receipt.transaction_hash });
    }
    Ok(receipt)
}

pub(super) fn refused(doing: &'static str, source: alloy::contract::Error) -> DeployError {
    let reason = source
        .as_revert_data()
        .and_then(|data| explain_revert(&data))
        .unwrap_or_else(|| source.to_string());
    DeployError::Call { doing, reason, source: Box::new(source) }
}
