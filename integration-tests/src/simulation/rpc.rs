//! Answers JSON-RPC for a chain, as far as a relayer asks.

use alloy::primitives::{Address, B256, Bytes, U64, U128};
use alloy::rpc::json_rpc::{
    ErrorPayload, RequestPacket, Response, ResponsePacket, ResponsePayload,
};
use alloy::rpc::types::Header;
use alloy::transports::TransportErrorKind;
use serde::de::DeserializeOwned;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use twinspan_chains::rpc::RpcService;

use super::chain::{Block, FEE, Log, SimChain, State};

/// The balance of every account, in wei.
const BALANCE: u128 = 10_u128.pow(24);

/// A node's refusal: its code, and its text.
type Refused = (i64, String);

pub(super) fn node(chain: SimChain) -> RpcService {
    RpcService::new(tower::service_fn(move |packet: RequestPacket| {
        let chain = chain.clone();
        async move {
            // An answer takes a while, so that other tasks have their turn.
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            let RequestPacket::Single(request) = packet else {
                return Err(TransportErrorKind::custom_str("no batches here"));
            };
            let params: Value = request
                .params()
                .and_then(|raw| serde_json::from_str(raw.get()).ok())
                .unwrap_or_else(|| json!([]));
            let payload = match answer(&mut chain.state(), request.method(), &params) {
                Ok(value) => ResponsePayload::Success(to_raw_value(&value).expect("JSON")),
                Err((code, message)) => ResponsePayload::Failure(ErrorPayload {
                    code,
                    message: message.into(),
                    data: None,
                }),
            };
            Ok(ResponsePacket::Single(Response { id: request.id().clone(), payload }))
        }
    }))
}

fn answer(state: &mut State, method: &str, params: &Value) -> Result<Value, Refused> {
    Ok(match method {
        "eth_chainId" => json!(U64::from(state.chain_id)),
        "eth_blockNumber" => json!(U64::from(state.newest().header.number)),
        "eth_gasPrice" => json!(U128::from(2 * FEE)),
        "eth_maxPriorityFeePerGas" => json!(U128::from(FEE)),
        "eth_getBalance" => json!(U128::from(BALANCE)),
        "eth_getBlockByNumber" => shown(by_number(state, &params[0])),
        "eth_getBlockByHash" => {
            let hash: B256 = parsed(&params[0])?;
            shown(by_hash(state, hash))
        }
        "eth_getTransactionCount" => {
            let account: Address = parsed(&params[0])?;
            json!(U64::from(match params[1].as_str() {
                Some("pending") => state.pending_count(account),
                _ => state.count(account),
            }))
        }
        "eth_getTransactionReceipt" => receipt(state, parsed(&params[0])?),
        "eth_getTransactionByHash" => transaction(state, parsed(&params[0])?),
        "eth_getLogs" => logs(state, &params[0])?,
        "eth_call" => call(state, params)?,
        "eth_getProof" => {
            let (address, keys): (_, Vec<B256>) = (parsed(&params[0])?, parsed(&params[1])?);
            let block = block_of(state, &params[2])?;
            block
                .world
                .proven(address, &keys)
                .ok_or_else(|| (-32000, "no such account".to_owned()))?
        }
        "eth_sendRawTransaction" => {
            let raw: Bytes = parsed(&params[0])?;
            json!(state.take(&raw).map_err(|text| (-32000, text.to_owned()))?)
        }
        _ => return Err((-32601, format!("the method {method} does not exist"))),
    })
}

fn by_number<'a>(state: &'a State, which: &Value) -> Option<&'a Block> {
    match which.as_str()? {
        "latest" | "safe" | "finalized" => Some(state.newest()),
        _ => state.blocks.get(parsed::<U64>(which).ok()?.to::<usize>()),
    }
}

/// A block by its hash (EIP-1898), or by number.
fn block_of<'a>(state: &'a State, which: &Value) -> Result<&'a Block, Refused> {
    let found = match which["blockHash"].is_string() {
        true => by_hash(state, parsed(&which["blockHash"])?),
        false => by_number(state, which),
    };
    found.ok_or_else(|| (-32000, "header not found".to_owned()))
}

fn by_hash(state: &State, hash: B256) -> Option<&Block> {
    state.blocks.iter().rev().find(|block| block.hash == hash)
}

fn shown(block: Option<&Block>) -> Value {
    block.map_or(Value::Null, |block| json!(Header::new(block.header.clone())))
}

fn transaction(state: &State, hash: B256) -> Value {
    let found = state.blocks.iter().rev().find_map(|block| block.mined.get(&hash));
    found.map_or(Value::Null, |mined| json!({ "hash": hash, "to": mined.to, "input": mined.input }))
}

fn receipt(state: &State, hash: B256) -> Value {
    let holds = |block: &&Block| {
        let logs = || block.logs.values().flatten();
        block.mined.contains_key(&hash) || logs().any(|(_, log)| log.transaction == hash)
    };
    let Some(block) = state.blocks.iter().rev().find(holds) else { return Value::Null };
    // Whatever is told of here without having been sent here was accepted.
    let accepted = block.mined.get(&hash).is_none_or(|mined| mined.accepted);
    let logs = block.logs.iter().flat_map(|(address, logs)| {
        let of_this = logs.iter().filter(|(_, log)| log.transaction == hash);
        of_this.map(|(place, log)| shown_log(block, *address, *place, log))
    });
    json!({
        "transactionHash": hash,
        "blockHash": block.hash,
        "blockNumber": U64::from(block.header.number),
        "status": U64::from(u64::from(accepted)),
        "gasUsed": U64::from(50_000),
        "logs": logs.collect::<Vec<_>>(),
    })
}

fn shown_log(block: &Block, address: Address, place: usize, log: &Log) -> Value {
    json!({
        "address": address,
        "topics": log.data.topics(),
        "data": log.data.data,
        "blockNumber": U64::from(block.header.number),
        "blockHash": block.hash,
        "transactionHash": log.transaction,
        "transactionIndex": U64::from(place),
        "logIndex": U64::from(place),
        "removed": false,
    })
}

fn logs(state: &State, filter: &Value) -> Result<Value, Refused> {
    let address: Address = parsed(&filter["address"])?;
    let blocks: Vec<&Block> = if filter["blockHash"].is_string() {
        let block = by_hash(state, parsed(&filter["blockHash"])?);
        vec![block.ok_or_else(|| (-32000, "unknown block".to_owned()))?]
    } else {
        let bound = |name: &str| parsed::<U64>(&filter[name]).map(|number| number.to::<usize>());
        let (from, to) = (bound("fromBlock")?, bound("toBlock")?);
        state.blocks.iter().skip(from).take((to + 1).saturating_sub(from)).collect()
    };
    let mut found = Vec::new();
    for block in blocks {
        for (index, log) in block.logs.get(&address).into_iter().flatten() {
            found.push(shown_log(block, address, *index, log));
        }
    }
    Ok(Value::Array(found))
}

fn call(state: &State, params: &Value) -> Result<Value, Refused> {
    let to: Address = parsed(&params[0]["to"])?;
    let input: Bytes = parsed(&params[0]["input"])?;
    let block = block_of(state, &params[1])?;
    let answer = block.world.bridges().get(&to).and_then(|contract| contract.view(&input));
    let answer = answer.ok_or_else(|| (3, "execution reverted".to_owned()))?;
    Ok(json!(Bytes::from(answer)))
}

fn parsed<T: DeserializeOwned>(value: &Value) -> Result<T, Refused> {
    serde_json::from_value(value.clone())
        .map_err(|error| (-32602, format!("invalid argument {value}: {error}")))
}
