//! Follows a bridge's lanes by their events alone, over blocks whose state no node keeps any more.
//!
//! Only an archive node has the state of old blocks. Where there is none, the events are read twice. This first pass
//! links every request and follows every batch, up to a block whose state can still be proven. If they lead there, no
//! request on the way was hidden, invented or altered. The lanes' positions in between are then known as if the
//! contract had been asked. The second pass then reads against these milestones, in order.

use alloy::primitives::Address;
use futures::StreamExt;
use futures::stream::FuturesOrdered;
use twinspan_bridge::ids::{BlockNumber, BlockRef, BridgeAt, Lane};
use twinspan_bridge::observe::{BridgeState, Milestone, SettlementEvent};

use super::decode::{self, LogTold, PlacedLog};
use super::logs;
use super::read::ReadError;
use crate::chain::EvmChain;

/// Runs of blocks that are read at once.
const RUNS_AT_ONCE: usize = 4;

impl EvmChain {
    /// Finds out by its events alone where the bridge's lanes stood on the way from one milestone to the block `to`.
    /// The events provably lead to its state there, which is returned.
    ///
    /// `followed` holds the way. Its last milestone is at `to`; the others are as far apart as the nodes let us ask,
    /// and only where something happened. After a failure the next call goes on from those that are there.
    ///
    /// # Errors
    /// [`ReadError`] if the endpoints do not answer, have no state of `to`, or the events do not lead to it.
    pub async fn survey(
        &self,
        bridge: Address,
        from: Milestone,
        to: BlockRef,
        followed: &mut Vec<Milestone>,
    ) -> Result<BridgeState, ReadError> {
        let proven = logs::distrusting(self, follow_all(self, bridge, from, to, followed).await);
        if let Err(fault) = &proven
            && !matches!(fault, ReadError::Rpc(_) | ReadError::TooManyLogs { .. })
        {
            // Which of the events are not true is not known.
            followed.clear();
        }
        proven
    }
}

/// Holds the logs of [`RUNS_AT_ONCE`] runs, and one milestone for each run that has any.
async fn follow_all(
    chain: &EvmChain,
    bridge: Address,
    from: Milestone,
    to: BlockRef,
    followed: &mut Vec<Milestone>,
) -> Result<BridgeState, ReadError> {
    let proven = chain.bridge_state(bridge, to).await?;
    let own = BridgeAt { chain_id: chain.chain_id(), address: bridge };
    followed.retain(|milestone| (from.block..=to.number).contains(&milestone.block));
    let mut at = followed.last().copied().unwrap_or(from);
    let (mut asked, mut under_way) = (at.block, FuturesOrdered::new());
    loop {
        while under_way.len() < RUNS_AT_ONCE && asked < to.number {
            let after = asked;
            asked = after.plus(chain.range().span()).min(to.number);
            under_way.push_back(run(chain, bridge, after, (asked, to)));
        }
        let Some(read) = under_way.next().await else { break };
        let (last, logs) = read?;
        at = follow(at, last, &logs, own)?;
        match followed.last_mut() {
            // Nothing happened: it is as true of the later block.
            Some(milestone) if logs.is_empty() => milestone.block = last,
            Some(_) | None => followed.push(at),
        }
    }
    check(at, proven)?;
    Ok(proven)
}

async fn run(
    chain: &EvmChain,
    bridge: Address,
    after: BlockNumber,
    (last, to): (BlockNumber, BlockRef),
) -> Result<(BlockNumber, Vec<PlacedLog>), ReadError> {
    Ok((last, logs::read_logs(chain, bridge, after, (last, to)).await?))
}

/// Where the lanes stand after these logs.
fn follow(
    mut at: Milestone,
    last: BlockNumber,
    logs: &[PlacedLog],
    own: BridgeAt,
) -> Result<Milestone, ReadError> {
    // The other end matters to recorded attestations only, which are left to the second pass.
    let lane = Lane { source: own, destination: own };
    for log in logs {
        match decode::decode(log, &lane)? {
            LogTold::Request(sourced) => at.outgoing = at.outgoing.link(sourced.request.hash()),
            LogTold::Settlement(settlement) => {
                if let SettlementEvent::BatchDelivered { count, head, .. } = settlement.event {
                    (at.incoming.count, at.incoming.head) = (count, head);
                }
            }
            LogTold::Recorded(_) | LogTold::RelayersChanged | LogTold::Nothing => {}
        }
    }
    at.block = last;
    Ok(at)
}

fn check(at: Milestone, proven: BridgeState) -> Result<(), ReadError> {
    if (at.outgoing, at.incoming) == (proven.outgoing, proven.incoming) {
        return Ok(());
    }
    Err(ReadError::Astray {
        outgoing: (at.outgoing.count, proven.outgoing.count),
        incoming: (at.incoming.count, proven.incoming.count),
    })
}
