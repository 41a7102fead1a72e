//! Finds the newest final block by the chain's rule, at the price of as few calls as it takes.

use alloy::primitives::U64;
use twinspan_bridge::finality::FinalityRule;
use twinspan_bridge::ids::{BlockNumber, BlockRef};

use super::head::{Head, Header};
use crate::chain::EvmChain;
use crate::rpc::fault::RpcFault;

/// See [`EvmChain::block_at`].
pub(crate) async fn block_at(
    chain: &EvmChain,
    number: BlockNumber,
) -> Result<Option<BlockRef>, RpcFault> {
    let asked = (U64::from(number.get()), false);
    let header: Option<Header> = chain.request_agreed("eth_getBlockByNumber", asked).await?;
    let Some(block) = header.map(|header| Head::from(header).block) else { return Ok(None) };
    if block.number != number {
        return Err(RpcFault::Malformed(format!("asked for block {number}, got {}", block.number)));
    }
    Ok(Some(block))
}

/// See [`EvmChain::final_block`].
pub(crate) async fn final_block(
    chain: &EvmChain,
    latest: BlockRef,
) -> Result<Option<BlockRef>, RpcFault> {
    let rule = chain.config().finality;
    match rule {
        FinalityRule::Instant => Ok(Some(latest)),
        FinalityRule::Confirmations(_) => match rule.final_block(latest.number, None) {
            Some(number) if number == latest.number => Ok(Some(latest)),
            Some(number) => block_at(chain, number).await,
            None => Ok(None),
        },
        FinalityRule::Finalized => tagged(chain, latest, "finalized").await,
        FinalityRule::Safe => tagged(chain, latest, "safe").await,
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

/// The height that `quorum` endpoints have at least reached with the tag: no smaller number of lying
/// endpoints can push it ahead of the truth. Its block is then agreed on by hash.
async fn agreed_tag(
    chain: &EvmChain,
    latest: BlockRef,
    tag: &'static str,
) -> Result<Option<BlockRef>, RpcFault> {
    let asked = chain.endpoints().iter().map(|endpoint| async move {
        let call =
            endpoint.client().request::<_, Option<Header>>("eth_getBlockByNumber", (tag, false));
        call.await.ok().flatten().map(|header| Head::from(header).block.number)
    });
    let mut heights: Vec<_> =
        futures::future::join_all(asked).await.into_iter().flatten().collect();
    heights.sort_unstable_by(|a, b| b.cmp(a));
    let reached = heights.get(chain.config().quorum - 1).copied();
    // An endpoint may be ahead of the `latest` that another one told: nothing past it is read anyway.
    let reached = reached.map(|number| number.min(latest.number));
    match reached {
        Some(number) => block_at(chain, number).await,
        None => Ok(None),
    }
}
