//! Reads single transactions: the one that handed a batch over, and the one that asked for transfers.

use alloy::primitives::{Address, B256, Bytes};
use alloy::sol_types::SolCall;
use serde::Deserialize;
use twinspan_bridge::ids::{BlockNumber, BlockRef, BridgeAt, Count, Epoch, Lane};
use twinspan_bridge::key::Signature;
use twinspan_bridge::lane_head::LanePosition;
use twinspan_bridge::payment::{DeliverCall, DeliveredBatch, PaidUnder};
use twinspan_bridge::request::SourcedRequest;
use twinspan_contracts::abi::Bridge;

use super::decode::{self, LogTold, PlacedLog, RawLog};
use super::read::ReadError;
use crate::chain::EvmChain;
use crate::rpc::fault::RpcFault;
use crate::rpc::quantity::Quantity;

/// The fields of a transaction that we read.
#[derive(Debug, Deserialize)]
struct Sent {
    to: Option<Address>,
    input: Bytes,
}

/// The fields of a receipt that tell of requests.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    block_hash: B256,
    block_number: Quantity,
    logs: Vec<RawLog>,
}

impl EvmChain {
    /// Who certified `batch` of `lane`, which ends on this chain, by the call data of the `transaction` that handed it
    /// over. `None`: no node knows the transaction any more, or a contract in between called the bridge.
    ///
    /// # Errors
    /// [`RpcFault`] if the endpoints do not answer, or tell of a call that cannot have led to that batch.
    pub async fn paid_under(
        &self,
        lane: Lane,
        batch: &DeliveredBatch,
        transaction: B256,
    ) -> Result<Option<PaidUnder>, RpcFault> {
        let sent: Option<Sent> = self.request("eth_getTransactionByHash", (transaction,)).await?;
        let Some(sent) = sent.filter(|sent| sent.to == Some(lane.destination.address)) else {
            return Ok(None);
        };
        let Ok(call) = Bridge::deliverCall::abi_decode_validate(&sent.input) else {
            return Ok(None);
        };
        let proven = deliver_call(&call).prove(lane, batch);
        proven.map(Some).map_err(|error| RpcFault::Malformed(error.to_string()))
    }

    /// The requests that `transaction` made of `bridges`, each with its bridge, in a block that may still be taken
    /// back. `None`: it is in no block that the nodes know of. One call.
    ///
    /// # Errors
    /// [`ReadError`] if the endpoints do not answer, or answer otherwise than an honest node does.
    pub async fn requests_of(
        &self,
        bridges: &[Address],
        transaction: B256,
    ) -> Result<Option<(BlockRef, Vec<(Address, SourcedRequest)>)>, ReadError> {
        let asked: Option<Asked> =
            self.request("eth_getTransactionReceipt", (transaction,)).await?;
        let Some(asked) = asked else { return Ok(None) };
        let number = BlockNumber::new(asked.block_number.get());
        let mut requests = Vec::new();
        for raw in asked.logs.into_iter().filter(|raw| bridges.contains(&raw.address)) {
            let bridge = raw.address;
            let here = BridgeAt { chain_id: self.chain_id(), address: bridge };
            // The other end matters to recorded attestations only.
            let lane = Lane { source: here, destination: here };
            let log = PlacedLog::check(raw, bridge, (number, number))?;
            if let LogTold::Request(request) = decode::decode(&log, &lane)? {
                requests.push((bridge, request));
            }
        }
        Ok(Some((BlockRef { number, hash: asked.block_hash }, requests)))
    }
}

fn deliver_call(call: &Bridge::deliverCall) -> DeliverCall {
    let Bridge::Certificate { epoch, count, head, ref signatures } = call.certificate;
    let signature = |it: &Bridge::Signature| Signature { r: it.r, vs: it.vs };
    DeliverCall {
        requests: call.requests.len() as u64,
        tail: call.tail.clone(),
        epoch: Epoch::new(epoch),
        certified: LanePosition { count: Count::new(count), head },
        signatures: signatures.iter().map(signature).collect(),
    }
}
