//! Proves a bridge's state (EIP-1186) from a header that the quorum agrees on, so that no endpoint's word is
//! taken for what the contract holds.

use alloy::primitives::{Address, B256, U64, U256, keccak256};
use alloy::rlp;
use alloy::rpc::types::{EIP1186AccountProofResponse, Header};
use alloy_trie::proof::verify_proof;
use alloy_trie::{Nibbles, TrieAccount};
use serde::Deserialize;
use serde_json::{Value, json};
use twinspan_bridge::ids::{BlockRef, Count, Epoch};
use twinspan_bridge::lane_head::LanePosition;
use twinspan_bridge::observe::BridgeState;

use crate::chain::EvmChain;
use crate::rpc::endpoint::{Endpoint, by_trust};
use crate::rpc::fault::RpcFault;

/// Where the bridge keeps what [`BridgeState`] tells (`contracts/src/LaneStorage.sol`, `RelayerSets.sol`):
/// the outgoing position, the incoming one with the pause, the epoch. A test holds the contract to it.
const SLOTS: [u64; 5] = [0, 1, 2, 3, 8];

/// The part of a header that a proof starts from.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Root {
    number: U64,
    hash: B256,
    state_root: B256,
}

/// See [`EvmChain::bridge_state`].
pub(crate) async fn bridge_state(
    chain: &EvmChain,
    bridge: Address,
    at: BlockRef,
) -> Result<BridgeState, RpcFault> {
    let root = state_root(chain, at).await?;
    let mut last = RpcFault::Unreachable("no endpoint".to_owned());
    for (_, endpoint) in by_trust(chain.endpoints()) {
        match words(endpoint, bridge, at, root).await {
            Ok(words) => return Ok(state_of(words)),
            Err(fault) => {
                let (chain, endpoint_label) = (chain.name(), endpoint.label());
                tracing::warn!(chain, endpoint = endpoint_label, %fault, "no proof");
                if matches!(fault, RpcFault::Unproven(_)) {
                    endpoint.distrust();
                }
                last = fault;
            }
        }
    }
    Err(last)
}

/// The state root of the block, from a header that the quorum agrees on and that hashes to the block's own
/// hash where the chain's encoding is Ethereum's.
async fn state_root(chain: &EvmChain, at: BlockRef) -> Result<B256, RpcFault> {
    // By height, so that the block is canonical for whoever answers.
    let asked = (U64::from(at.number.get()), false);
    let header: Value = chain.request_agreed("eth_getBlockByNumber", asked).await?;
    if header.is_null() {
        return Err(RpcFault::UnknownBlock);
    }
    let root = Root::deserialize(&header)
        .map_err(|_| RpcFault::Malformed("a header without a state root".to_owned()))?;
    if root.hash != at.hash || root.number.to::<u64>() != at.number.get() {
        return Err(RpcFault::UnknownBlock);
    }
    let recomputed = serde_json::from_value(header).ok().map(|it: Header| it.inner.hash_slow());
    let is_recomputed = recomputed == Some(root.hash);
    if chain.recomputes_headers(|| is_recomputed) && !is_recomputed {
        return Err(RpcFault::Unproven("the header does not hash to its block's hash"));
    }
    Ok(root.state_root)
}

/// What the slots hold, each proven under `root`.
async fn words(
    endpoint: &Endpoint,
    bridge: Address,
    at: BlockRef,
    root: B256,
) -> Result<[U256; SLOTS.len()], RpcFault> {
    let keys = SLOTS.map(|slot| B256::from(U256::from(slot)));
    let block = json!({ "blockHash": at.hash });
    let answer = endpoint.ask("eth_getProof", (bridge, keys, block)).await?;
    verify(root, bridge, &answer)
}

fn verify(
    root: B256,
    bridge: Address,
    answer: &EIP1186AccountProofResponse,
) -> Result<[U256; SLOTS.len()], RpcFault> {
    let account = TrieAccount {
        nonce: answer.nonce,
        balance: answer.balance,
        storage_root: answer.storage_hash,
        code_hash: answer.code_hash,
    };
    let path = Nibbles::unpack(keccak256(bridge));
    verify_proof(root, path, Some(rlp::encode(account)), &answer.account_proof)
        .map_err(|_| RpcFault::Unproven("the account is not under the state root"))?;
    let mut words = [U256::ZERO; SLOTS.len()];
    for (at, slot) in SLOTS.into_iter().enumerate() {
        let told = answer.storage_proof.get(at).ok_or(RpcFault::Unproven("a slot is missing"))?;
        let path = Nibbles::unpack(keccak256(B256::from(U256::from(slot))));
        let holds = |value| verify_proof(answer.storage_hash, path, value, &told.proof);
        let shown = match told.value.is_zero() {
            false => holds(Some(rlp::encode(told.value))),
            // Zero is not stored, so that its absence is shown; some nodes (anvil) store it.
            true => holds(None).or_else(|_| holds(Some(rlp::encode(U256::ZERO)))),
        };
        shown.map_err(|_| RpcFault::Unproven("a slot is not under the account's storage root"))?;
        words[at] = told.value;
    }
    Ok(words)
}

fn state_of([sent, sent_head, handed, handed_head, relayers]: [U256; SLOTS.len()]) -> BridgeState {
    let low = |word: U256| word.as_limbs()[0];
    let position =
        |word, head| LanePosition { count: Count::new(low(word)), head: B256::from(head) };
    BridgeState {
        outgoing: position(sent, sent_head),
        incoming: position(handed, handed_head),
        epoch: Epoch::new(low(relayers)),
        paused_until: low(handed >> 64),
    }
}
