//! The state root of a chain's bridges, and what stands under it (EIP-1186).

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::rlp;
use alloy_trie::proof::ProofRetainer;
use alloy_trie::{HashBuilder, Nibbles, TrieAccount};
use serde_json::{Value, json};

use super::bridge::SimBridge;

/// The root of a trie, and the nodes on the way to `target`.
fn trie(leaves: &BTreeMap<B256, Vec<u8>>, target: Option<B256>) -> (B256, Vec<Bytes>) {
    let retainer = target.map(|target| Nibbles::unpack(target)).into_iter().collect();
    let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(retainer));
    for (path, value) in leaves {
        builder.add_leaf(Nibbles::unpack(path), value);
    }
    let root = builder.root();
    let nodes = builder.take_proof_nodes().into_nodes_sorted();
    (root, nodes.into_iter().map(|(_, node)| node).collect())
}

fn storage(bridge: &SimBridge) -> BTreeMap<B256, Vec<u8>> {
    let slots = bridge.slots().into_iter().filter(|(_, word)| !word.is_zero());
    slots.map(|(slot, word)| (keccak256(B256::from(slot)), rlp::encode(word))).collect()
}

fn accounts(bridges: &BTreeMap<Address, SimBridge>) -> BTreeMap<B256, Vec<u8>> {
    let account = |(address, bridge): (&Address, &SimBridge)| {
        let storage_root = trie(&storage(bridge), None).0;
        let account = TrieAccount { nonce: 1, storage_root, ..TrieAccount::default() };
        (keccak256(address), rlp::encode(account))
    };
    bridges.iter().map(account).collect()
}

/// The bridges of a chain after a block, with what proofs of them are made of.
#[derive(Debug)]
pub(super) struct WorldState {
    bridges: BTreeMap<Address, SimBridge>,
    accounts: BTreeMap<B256, Vec<u8>>,
    root: B256,
}

impl WorldState {
    pub(super) fn new(bridges: BTreeMap<Address, SimBridge>) -> Self {
        let accounts = accounts(&bridges);
        let root = trie(&accounts, None).0;
        Self { bridges, accounts, root }
    }

    pub(super) const fn bridges(&self) -> &BTreeMap<Address, SimBridge> {
        &self.bridges
    }

    pub(super) const fn root(&self) -> B256 {
        self.root
    }

    /// The answer of `eth_getProof` about a bridge; `None` if there is none at that address.
    pub(super) fn proven(&self, address: Address, keys: &[B256]) -> Option<Value> {
        let bridge = self.bridges.get(&address)?;
        let (held, slots) = (storage(bridge), bridge.slots());
        let of_slot = |key: &B256| {
            let slot = U256::from_be_bytes(key.0);
            let held_there = slots.iter().find(|(held, _)| *held == slot);
            let value = held_there.map_or(U256::ZERO, |(_, word)| *word);
            json!({ "key": key, "value": value, "proof": trie(&held, Some(keccak256(key))).1 })
        };
        Some(json!({
            "address": address,
            "balance": "0x0",
            "codeHash": keccak256([]),
            "nonce": "0x1",
            "storageHash": trie(&held, None).0,
            "accountProof": trie(&self.accounts, Some(keccak256(address))).1,
            "storageProof": keys.iter().map(of_slot).collect::<Vec<_>>(),
        }))
    }
}
