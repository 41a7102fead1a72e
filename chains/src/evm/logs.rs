//! Reads what a bridge did in a run of blocks, in as few `eth_getLogs` as the node lets us.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use alloy::primitives::{Address, U64};
use serde_json::{Value, json};
use twinspan_bridge::ids::{BlockNumber, BlockRef, BridgeAt, ChainId, Count, Lane};
use twinspan_bridge::observe::{BridgeRead, BridgeState};
use twinspan_contracts::abi::Bridge;

use super::complete;
use super::decode::{self, LogFault, LogTold, PlacedLog, RawLog};
use super::read::{self, ReadError};
use crate::chain::EvmChain;
use crate::disposition::Disposition;
use crate::rpc::fault::RpcFault;

/// Most logs that one read holds in memory. A caller that meets it reads in shorter runs.
pub const LOGS_MAX: usize = 100_000;

impl EvmChain {
    /// Everything that the bridge did in the blocks `(after, to]`, strictly decoded, in the order of the
    /// chain, and its state after `to`.
    ///
    /// # Errors
    /// [`ReadError`] if the endpoints do not answer, or answer what no honest node would.
    pub async fn read_bridge(
        &self,
        bridge: Address,
        after: BlockNumber,
        to: BlockRef,
    ) -> Result<BridgeRead, ReadError> {
        distrusting(self, read_strictly(self, bridge, after, to, None).await)
    }

    /// As [`read_bridge`](Self::read_bridge), where the state after `to` is known from a [`survey`](Self::survey).
    ///
    /// # Errors
    /// As there.
    pub async fn read_bridge_known(
        &self,
        bridge: Address,
        after: BlockNumber,
        to: BlockRef,
        state: BridgeState,
    ) -> Result<BridgeRead, ReadError> {
        distrusting(self, read_strictly(self, bridge, after, to, Some(state)).await)
    }
}

/// Facts about the bridges of a chain that were read before: at most one entry a bridge in each map.
#[derive(Debug, Default)]
struct Memory {
    /// The other end of each.
    counterparts: Mutex<BTreeMap<Address, BridgeAt>>,
    /// Where each one's incoming lane stood at the end of the last read.
    incoming: Mutex<BTreeMap<Address, (BlockRef, Count)>>,
}

fn known<T: Copy>(memory: &Mutex<BTreeMap<Address, T>>, bridge: Address) -> Option<T> {
    memory.lock().unwrap_or_else(PoisonError::into_inner).get(&bridge).copied()
}

fn remember<T>(memory: &Mutex<BTreeMap<Address, T>>, bridge: Address, what: T) {
    memory.lock().unwrap_or_else(PoisonError::into_inner).insert(bridge, what);
}

/// Asks another endpoint next time, if this read shows that the one that was asked lies or stands on another fork.
pub(super) fn distrusting<T>(chain: &EvmChain, read: Result<T, ReadError>) -> Result<T, ReadError> {
    if let Err(fault) = &read
        && fault.disposition() == Disposition::Quarantine
    {
        chain.distrust_logs();
    }
    read
}

/// Everything in `(after, to]`. `known`: the state after `to`, where it need not be asked for.
async fn read_strictly(
    chain: &EvmChain,
    bridge: Address,
    after: BlockNumber,
    to: BlockRef,
    known: Option<BridgeState>,
) -> Result<BridgeRead, ReadError> {
    let state = async {
        match known {
            Some(state) => Ok(state),
            None => chain.bridge_state(bridge, to).await.map_err(ReadError::from),
        }
    };
    let logs = read_logs(chain, bridge, after, (to.number, to));
    let (logs, state) = futures::try_join!(logs, state)?;
    let mut read = BridgeRead {
        after,
        to,
        requests: Vec::new(),
        settlements: Vec::new(),
        recorded: Vec::new(),
        relayers_changed: false,
        state,
    };
    let own = BridgeAt { chain_id: chain.chain_id(), address: bridge };
    // Only a recorded attestation needs the counterpart, and hardly any read has one.
    let counterpart = match logs.iter().any(decode::is_recorded_attestation) {
        true => counterpart(chain, own, to).await?,
        false => own,
    };
    let incoming = Lane { source: counterpart, destination: own };
    for log in &logs {
        match decode::decode(log, &incoming)? {
            LogTold::Request(request) => read.requests.push(request),
            LogTold::Settlement(settlement) => read.settlements.push(settlement),
            LogTold::Recorded(attestation) => read.recorded.push(attestation),
            LogTold::RelayersChanged => read.relayers_changed = true,
            LogTold::Nothing => {}
        }
    }
    check_complete(chain, bridge, &read).await?;
    let memory = chain.memories().of::<Memory>();
    remember(&memory.incoming, bridge, (to, read.state.incoming.count));
    Ok(read)
}

/// Refuses a read that misses settlements, as far as the read before it lets us know.
async fn check_complete(
    chain: &EvmChain,
    bridge: Address,
    read: &BridgeRead,
) -> Result<(), ReadError> {
    let memory = chain.memories().of::<Memory>();
    let known = known(&memory.incoming, bridge).filter(|(at, _)| at.number == read.after);
    let before = known.map(|(_, count)| count);
    let Err(incomplete) = complete::check(&read.settlements, before, read.state.incoming) else {
        return Ok(());
    };
    let Some((at, _)) = known else { return Err(incomplete.into()) };
    let before = match chain.bridge_state(bridge, at).await {
        // That block is of a fork that is no more: it proves nothing.
        Err(RpcFault::UnknownBlock) => None,
        // Or the node had told us of a later block than we asked for.
        Ok(state) => {
            remember(&memory.incoming, bridge, (at, state.incoming.count));
            Some(state.incoming.count)
        }
        Err(fault) => return Err(fault.into()),
    };
    Ok(complete::check(&read.settlements, before, read.state.incoming)?)
}

/// The other end of the bridge. It never changes.
async fn counterpart(chain: &EvmChain, own: BridgeAt, at: BlockRef) -> Result<BridgeAt, ReadError> {
    let memory = chain.memories().of::<Memory>();
    if let Some(known) = known(&memory.counterparts, own.address) {
        return Ok(known);
    }
    let chain_id = read::view(chain, own.address, at, Bridge::counterpartChainIdCall {}).await?;
    let chain_id = u64::try_from(chain_id)
        .map_err(|_| RpcFault::Malformed("a chain id beyond 64 bits".to_owned()))?;
    let address = read::view(chain, own.address, at, Bridge::counterpartBridgeCall {}).await?;
    let counterpart = BridgeAt { chain_id: ChainId::new(chain_id), address };
    remember(&memory.counterparts, own.address, counterpart);
    Ok(counterpart)
}

/// All logs of the bridge in `(after, last]`, in the order of the chain, everything but their content
/// checked. `to`: a block that is known, `last` or a later one.
pub(super) async fn read_logs(
    chain: &EvmChain,
    bridge: Address,
    after: BlockNumber,
    (last, to): (BlockNumber, BlockRef),
) -> Result<Vec<PlacedLog>, ReadError> {
    let mut logs = Vec::new();
    let mut from = after.plus(1);
    // Ends: each turn either moves `from` on or halves the span, which is 1 at the least.
    while from <= last {
        let span = chain.range().span();
        let end = from.plus(span - 1).min(last);
        let asked = end.get() - from.get() + 1;
        match ask(chain, bridge, from, end, to).await {
            Ok(raw) => {
                chain.range().was_answered(asked, raw.len());
                append(&mut logs, raw, bridge, (from, end), to)?;
                from = end.plus(1);
            }
            Err(RpcFault::TooLarge | RpcFault::Timeout) if asked > 1 => {
                chain.range().was_too_large(asked);
                tracing::debug!(chain = chain.name(), asked, "asking for fewer blocks at a time");
            }
            Err(fault) => return Err(fault.into()),
        }
    }
    Ok(logs)
}

async fn ask(
    chain: &EvmChain,
    bridge: Address,
    from: BlockNumber,
    end: BlockNumber,
    to: BlockRef,
) -> Result<Vec<RawLog>, RpcFault> {
    let filter: Value = if from == to.number {
        // The last block alone: by hash, so that a node on another fork cannot answer for it.
        json!([{ "address": bridge, "blockHash": to.hash }])
    } else {
        let (from, end) = (U64::from(from.get()), U64::from(end.get()));
        json!([{ "address": bridge, "fromBlock": from, "toBlock": end }])
    };
    chain.request("eth_getLogs", filter).await
}

fn append(
    logs: &mut Vec<PlacedLog>,
    raw: Vec<RawLog>,
    bridge: Address,
    range: (BlockNumber, BlockNumber),
    to: BlockRef,
) -> Result<(), ReadError> {
    if logs.len() + raw.len() > LOGS_MAX {
        return Err(ReadError::TooManyLogs { max: LOGS_MAX });
    }
    let mut placed = Vec::with_capacity(raw.len());
    for log in raw {
        let log = PlacedLog::check(log, bridge, range)?;
        if log.place.block == to.number && log.block_hash != to.hash {
            return Err(LogFault::OtherFork { got: log.block_hash, want: to.hash }.into());
        }
        placed.push(log);
    }
    placed.sort_by_key(|log| log.place);
    if let Some(twice) = placed.windows(2).find(|pair| pair[0].place == pair[1].place) {
        let place = twice[0].place;
        return Err(LogFault::Duplicate { block: place.block, index: place.index }.into());
    }
    logs.append(&mut placed);
    Ok(())
}
