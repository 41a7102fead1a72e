//! Proves a bridge's state (EIP-1186) from a header that the quorum agrees on, so that no endpoint's word is
//! taken for what the contract holds.

use std::sync::OnceLock;

use alloy::primitives::{Address, B256, Bytes, U64, U256, keccak256};
use alloy::rlp::{self, Decodable};
use alloy::rpc::types::{EIP1186AccountProofResponse, Header};
use alloy_trie::proof::verify_proof;
use alloy_trie::{Nibbles, TrieAccount};
use serde::Deserialize;
use serde_json::{Value, json};
use twinspan_bridge::ids::{BlockRef, Epoch};
use twinspan_bridge::observe::BridgeState;

use super::position::position;
use crate::chain::EvmChain;
use crate::rpc::endpoint::{Endpoint, by_trust};
use crate::rpc::fault::RpcFault;
use crate::rpc::quantity::Quantity;

/// Where the bridge keeps what [`BridgeState`] tells (`contracts/src/LaneStorage.sol`, `RelayerSets.sol`):
/// the outgoing position, the incoming one with the pause, the epoch. A test holds the contract to it.
const SLOTS: [u64; 5] = [0, 1, 2, 3, 8];

/// The part of a header that a proof starts from.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Root {
    number: Quantity,
    hash: B256,
    state_root: B256,
}

/// The bridge's own account of itself after the block `at`, proven.
pub(super) async fn bridge_state(
    chain: &EvmChain,
    bridge: Address,
    at: BlockRef,
) -> Result<BridgeState, RpcFault> {
    let root = state_root(chain, at).await?;
    let mut last = RpcFault::Unreachable("no endpoint".to_owned());
    for (_, endpoint) in by_trust(chain.endpoints()) {
        match words(endpoint, bridge, at, root).await {
            Ok(words) => return state_of(words),
            Err(fault) => {
                let (chain, endpoint_label) = (chain.name(), endpoint.label());
                tracing::warn!(chain, endpoint = endpoint_label, %fault, "no proof");
                if matches!(fault, RpcFault::Unproven(_) | RpcFault::Malformed(_)) {
                    endpoint.distrust();
                }
                last = fault;
            }
        }
    }
    Err(last)
}

/// The state root of the block, from a header that the quorum agrees on. Where the chain encodes headers as Ethereum
/// does, it also hashes to the block's own hash.
async fn state_root(chain: &EvmChain, at: BlockRef) -> Result<B256, RpcFault> {
    // By height, so that the block is canonical for whoever answers.
    let asked = (U64::from(at.number.get()), false);
    let header: Value = chain.request_agreed("eth_getBlockByNumber", asked).await?;
    if header.is_null() {
        return Err(RpcFault::UnknownBlock);
    }
    let root = Root::deserialize(&header)
        .map_err(|_| RpcFault::Malformed("a header without a state root".to_owned()))?;
    if root.hash != at.hash || root.number.get() != at.number.get() {
        return Err(RpcFault::UnknownBlock);
    }
    let recomputed = serde_json::from_value(header).ok().map(|it: Header| it.inner.hash_slow());
    let is_recomputed = recomputed == Some(root.hash);
    if chain.memories().of::<HeaderHashing>().is_ethereums(chain, is_recomputed) && !is_recomputed {
        return Err(RpcFault::Unproven("the header does not hash to its block's hash"));
    }
    Ok(root.state_root)
}

/// Whether hashing a header of the chain as Ethereum does gives its block's hash, as the first header that the
/// quorum agreed on showed.
#[derive(Debug, Default)]
struct HeaderHashing(OnceLock<bool>);

impl HeaderHashing {
    fn is_ethereums(&self, chain: &EvmChain, is_recomputed: bool) -> bool {
        *self.0.get_or_init(|| {
            if !is_recomputed {
                tracing::warn!(
                    chain = chain.name(),
                    "its header hashes cannot be recomputed: a state root is what the quorum says it is"
                );
            }
            is_recomputed
        })
    }
}

/// The slots' words, each proven under `root`.
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
    let path = Nibbles::unpack(keccak256(bridge));
    let account = leaf(&answer.account_proof).ok_or(RpcFault::Unproven("it ends in no leaf"))?;
    verify_proof(root, path, Some(account.to_vec()), &answer.account_proof)
        .map_err(|_| RpcFault::Unproven("the account is not under the state root"))?;
    let storage_root = storage_root(account).ok_or(RpcFault::Unproven(
        "the account is no contract, or is encoded as on no chain that we know",
    ))?;
    let mut words = [U256::ZERO; SLOTS.len()];
    for (at, slot) in SLOTS.into_iter().enumerate() {
        let told = answer.storage_proof.get(at).ok_or(RpcFault::Unproven("a slot is missing"))?;
        let path = Nibbles::unpack(keccak256(B256::from(U256::from(slot))));
        let holds = |value| verify_proof(storage_root, path, value, &told.proof);
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

/// The content of a proof's last node, if that is a leaf.
fn leaf(proof: &[Bytes]) -> Option<&[u8]> {
    let mut node = proof.last()?.as_ref();
    let header = rlp::Header::decode(&mut node).ok().filter(|header| header.list)?;
    let mut items = node.get(..header.payload_length)?;
    let _path = rlp::Header::decode_bytes(&mut items, false).ok()?;
    let value = rlp::Header::decode_bytes(&mut items, false).ok()?;
    items.is_empty().then_some(value)
}

/// The storage root of an account: of Ethereum's (Yellow Paper, 4.1), or of a contract on Kaia. Kaia puts its type
/// before it, and the fields of all types of accounts into a list of their own.
fn storage_root(account: &[u8]) -> Option<B256> {
    let mut rest = match account {
        [KAIA_CONTRACT, of_kaia @ ..] => of_kaia,
        of_ethereum => {
            return TrieAccount::decode(&mut &*of_ethereum).ok().map(|it| it.storage_root);
        }
    };
    let outer = rlp::Header::decode(&mut rest).ok().filter(|header| header.list)?;
    let mut items = rest.get(..outer.payload_length)?;
    let common = rlp::Header::decode(&mut items).ok().filter(|header| header.list)?;
    let mut items = items.get(common.payload_length..)?;
    B256::decode(&mut items).ok()
}

/// Kaia's account type of contracts.
const KAIA_CONTRACT: u8 = 2;

fn state_of(
    [sent, sent_head, handed, handed_head, relayers]: [U256; SLOTS.len()],
) -> Result<BridgeState, RpcFault> {
    let low = |word: U256| word.as_limbs()[0];
    Ok(BridgeState {
        outgoing: position(low(sent), sent_head.into())?,
        incoming: position(low(handed), handed_head.into())?,
        epoch: Epoch::new(low(relayers)),
        paused_until: low(handed >> 64),
    })
}

#[cfg(test)]
mod tests {

    use super::*;

    fn list(items: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        let payload_length = items.iter().map(|item| item.len()).sum();
        rlp::Header { list: true, payload_length }.encode(&mut out);
        out.extend(items.concat());
        out
    }

    #[test]
    fn storage_roots_of_ethereum_and_of_kaia_are_found_and_others_are_not() {
        let root = B256::repeat_byte(7);
        let account = TrieAccount { storage_root: root, ..TrieAccount::default() };
        assert_eq!(storage_root(&rlp::encode(account)), Some(root));

        // A contract on Kaia: nonce, balance, whether its address is readable, a key that fails; then as on Ethereum.
        let common = list(&[&[1], &[0x80], &[0x80], &[3], &[0xc0]]);
        let (encoded, code) = (rlp::encode(root), rlp::encode(B256::ZERO));
        let contract = list(&[&common, &encoded, &code, &[0x80]]);
        assert_eq!(storage_root(&[&[KAIA_CONTRACT][..], &contract].concat()), Some(root));
        // Kaia's other accounts have no storage.
        assert_eq!(storage_root(&[&[1][..], &common].concat()), None);
        for end in 0..=contract.len() / 2 {
            let cut = [&[KAIA_CONTRACT][..], &contract[..end]].concat();
            assert_eq!(storage_root(&cut), None, "cut at {end}");
        }
    }

    #[test]
    fn what_is_no_leaf_holds_nothing() {
        let leaf_of = |node: Vec<u8>| leaf(&[Bytes::from(node)]).map(<[u8]>::to_vec);
        assert_eq!(leaf_of(list(&[&[0x20], &[9]])), Some(vec![9]));
        assert_eq!(leaf_of(list(&[&[0x80_u8][..]; 17])), None, "a branch");
        for noise in [vec![], vec![0xff; 9], vec![0xc0], vec![0xf8, 0xff]] {
            assert_eq!(leaf_of(noise), None);
        }
        assert_eq!(leaf(&[]), None);
    }
}
