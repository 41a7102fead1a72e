//! Acts of a test on a chain: reorganise it, look at its blocks.

use alloy::primitives::{B256, Bytes};
use alloy::providers::Provider;
use alloy::sol_types::SolEvent;
use eyre::{WrapErr, eyre};
use serde_json::{Value, json};
use twinspan_bridge::ids::Nonce;
use twinspan_bridge::side::Side;
use twinspan_contracts::Bridge;
use twinspan_devnet::World;

use crate::live::{PATIENCE, eventually};

/// Replaces the newest `depth` blocks by empty ones. What they held is gone, also from the pool.
///
/// # Errors
/// If the node refuses.
pub async fn reorganise(world: &World, side: Side, depth: u64) -> eyre::Result<()> {
    let provider = &world.chains[side].provider;
    let done: Value = provider
        .raw_request("anvil_reorg".into(), json!([depth, []]))
        .await
        .wrap_err_with(|| format!("reorganising {depth} blocks"))?;
    drop(done);
    Ok(())
}

/// The newest block's number.
///
/// # Errors
/// If the node does not answer.
pub async fn height(world: &World, side: Side) -> eyre::Result<u64> {
    Ok(world.chains[side].provider.get_block_number().await?)
}

/// Waits until the chain is `blocks` longer than now.
///
/// # Errors
/// If it is not, in time.
pub async fn pass(world: &World, side: Side, blocks: u64) -> eyre::Result<()> {
    let until = height(world, side).await? + blocks;
    eventually("the chain goes on", PATIENCE, async || Ok(height(world, side).await? >= until))
        .await
}

/// The block that holds a transaction now, if one does.
///
/// # Errors
/// If the node does not answer.
pub async fn block_of(world: &World, side: Side, transaction: B256) -> eyre::Result<Option<u64>> {
    let receipt = world.chains[side].provider.get_transaction_receipt(transaction).await?;
    Ok(receipt.and_then(|receipt| receipt.block_number))
}

/// Waits until a transaction is in a block, and tells which.
///
/// # Errors
/// If it is in none, in time.
pub async fn mined(world: &World, side: Side, transaction: B256) -> eyre::Result<u64> {
    let mut block = None;
    eventually("the transaction is in a block", PATIENCE, async || {
        block = block_of(world, side, transaction).await?;
        Ok(block.is_some())
    })
    .await?;
    block.ok_or_else(|| eyre!("no block"))
}

/// A signed transaction as it was sent.
///
/// # Errors
/// If the node does not know it.
pub async fn raw(world: &World, side: Side, transaction: B256) -> eyre::Result<Bytes> {
    let found = world.chains[side].provider.get_raw_transaction_by_hash(transaction).await?;
    found.ok_or_else(|| eyre!("the node does not know {transaction}"))
}

/// The place in its lane of the request that a mined transaction made.
///
/// # Errors
/// If it made none.
pub async fn nonce_of(world: &World, side: Side, transaction: B256) -> eyre::Result<Nonce> {
    let receipt = world.chains[side].provider.get_transaction_receipt(transaction).await?;
    let receipt = receipt.ok_or_else(|| eyre!("{transaction} is in no block"))?;
    let mut events = receipt
        .logs()
        .iter()
        .filter(|log| log.address() == world.chains[side].bridge)
        .filter_map(|log| Bridge::ValueTransferRequested::decode_log(&log.inner).ok());
    let event = events.next().ok_or_else(|| eyre!("{transaction} made no request"))?;
    Ok(Nonce::new(event.nonce))
}

/// Sends signed transactions, as wallets do that miss theirs, until all are in a block.
///
/// # Errors
/// If that takes too long.
pub async fn include(
    world: &World,
    side: Side,
    transactions: &[(B256, Bytes)],
) -> eyre::Result<()> {
    eventually("what was taken back is included again", PATIENCE, async || {
        let mut missing = Vec::new();
        for (transaction, raw) in transactions {
            if block_of(world, side, *transaction).await?.is_none() {
                // The node may still have it in its pool.
                let sent = world.chains[side].provider.send_raw_transaction(raw).await;
                missing.push((*transaction, sent.err().map(|error| error.to_string())));
            }
        }
        match missing.first() {
            None => Ok(true),
            Some((first, said)) => {
                let pool: Value =
                    world.chains[side].provider.raw_request("txpool_status".into(), ()).await?;
                let said = said.as_deref().unwrap_or("taken");
                Err(eyre!("{} missing, first {first}: {said}; the pool: {pool}", missing.len()))
            }
        }
    })
    .await
}
