//! Finds the newest final block by the chain's rule, at the price of as few calls as it takes.

use std::collections::BTreeMap;

use alloy::primitives::U64;
use twinspan_bridge::finality::FinalityRule;
use twinspan_bridge::ids::{BlockNumber, BlockRef};

use crate::chain::{EvmChain, Head, Header};
use crate::rpc::fault::RpcFault;

impl EvmChain {
    /// The newest block that the quorum knows of: no lower number of lying endpoints can push it ahead.
    ///
    /// # Errors
    /// [`RpcFault`] if the endpoints do not answer or disagree.
    pub async fn latest_agreed(&self) -> Result<BlockRef, RpcFault> {
        if self.config().quorum <= 1 {
            return self.latest().await;
        }
        let reached = reached(self, "latest").await.ok_or(RpcFault::UnknownBlock)?;
        self.block_at(reached).await?.ok_or(RpcFault::UnknownBlock)
    }

    /// The canonical block of that height; `None` if there is none (yet). Agreed on by the quorum.
    ///
    /// # Errors
    /// [`RpcFault`] if the endpoints do not answer or disagree.
    pub async fn block_at(&self, number: BlockNumber) -> Result<Option<BlockRef>, RpcFault> {
        let asked = (U64::from(number.get()), false);
        let header: Option<Header> = self.request_agreed("eth_getBlockByNumber", asked).await?;
        let Some(block) = header.map(|header| Head::from(header).block) else { return Ok(None) };
        if block.number != number {
            let other = format!("asked for block {number}, got {}", block.number);
            return Err(RpcFault::Malformed(other));
        }
        Ok(Some(block))
    }

    /// The newest final block where `latest` is the newest block, by the chain's rule; `None` if that is
    /// not known yet. Makes no call where blocks are final at once.
    ///
    /// # Errors
    /// [`RpcFault`] if the endpoints do not answer or disagree.
    pub async fn final_block(&self, latest: BlockRef) -> Result<Option<BlockRef>, RpcFault> {
        let rule = self.config().finality;
        match rule {
            FinalityRule::Instant => Ok(Some(latest)),
            FinalityRule::Confirmations(_) => {
                // Counted from what the quorum knows: a block is not deeper because one endpoint says so.
                let newest = match self.config().quorum {
                    0 | 1 => latest.number,
                    _ => self.latest_agreed().await?.number.min(latest.number),
                };
                match rule.final_block(newest, None) {
                    Some(number) if number == latest.number => Ok(Some(latest)),
                    Some(number) => self.block_at(number).await,
                    None => Ok(None),
                }
            }
            FinalityRule::Finalized => tagged(self, latest, "finalized").await,
            FinalityRule::Safe => tagged(self, latest, "safe").await,
        }
    }
}

async fn tagged(
    chain: &EvmChain,
    latest: BlockRef,
    tag: &'static str,
) -> Result<Option<BlockRef>, RpcFault> {
    if chain.config().quorum > 1 {
        return agreed_tag(chain, latest, tag).await;
    }
    let header: Option<Header> = match chain.request("eth_getBlockByNumber", (tag, false)).await {
        // Some clients answer an error until the first block is final.
        Err(RpcFault::UnknownBlock) => None,
        other => other?,
    };
    let block = header.map(|header| Head::from(header).block);
    let rule = chain.config().finality;
    let final_number = rule.final_block(latest.number, block.map(|block| block.number));
    Ok(block.filter(|block| Some(block.number) == final_number))
}

/// The tag's block as far as the quorum has reached it, agreed on by hash.
async fn agreed_tag(
    chain: &EvmChain,
    latest: BlockRef,
    tag: &'static str,
) -> Result<Option<BlockRef>, RpcFault> {
    match reached(chain, tag).await {
        // An endpoint may be ahead of the `latest` that another one told: nothing past it is read anyway.
        Some(number) => chain.block_at(number.min(latest.number)).await,
        None => Ok(None),
    }
}

/// The height that a quorum of providers have at least reached with the tag. Fewer liars cannot push it ahead of the
/// truth.
async fn reached(chain: &EvmChain, tag: &'static str) -> Option<BlockNumber> {
    let asked = chain.endpoints().iter().map(|endpoint| async move {
        let header: Option<Header> =
            endpoint.ask("eth_getBlockByNumber", (tag, false)).await.ok()?;
        Some((endpoint.provider(), Head::from(header?).block.number))
    });
    let mut furthest = BTreeMap::new();
    for (provider, height) in futures::future::join_all(asked).await.into_iter().flatten() {
        let known = furthest.entry(provider).or_insert(height);
        *known = height.max(*known);
    }
    let mut heights: Vec<_> = furthest.into_values().collect();
    heights.sort_unstable_by(|a, b| b.cmp(a));
    heights.get(chain.config().quorum.max(1) - 1).copied()
}
