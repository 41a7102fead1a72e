//! The hashes, digests and signatures of the contracts, computed here as well.
#![allow(missing_docs)]

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolValue;
use serde_json::Value;
use twinspan_bridge::checkpoint::Checkpoint;
use twinspan_bridge::eip712::{recovery_digest, release_digest};
use twinspan_bridge::ids::{BridgeAt, ChainId, Count, Epoch, Lane, Nonce};
use twinspan_bridge::key::AttestationKey;
use twinspan_bridge::lane_head::LanePosition;
use twinspan_bridge::request::{AssetKind, Request};

fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts/vectors/hashes.json");
    let text = std::fs::read_to_string(path).expect("the vectors are checked in");
    serde_json::from_str(&text).expect("the vectors are JSON")
}

fn number(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).expect("a number")
}

fn address(value: &Value) -> Address {
    value.as_str().expect("a text").parse().expect("an address")
}

fn word(value: &Value) -> B256 {
    value.as_str().expect("a text").parse().expect("32 bytes")
}

fn lane(value: &Value) -> Lane {
    let at = |chain: &str, bridge: &str| BridgeAt {
        chain_id: ChainId::new(number(&value[chain])),
        address: address(&value[bridge]),
    };
    Lane {
        source: at("sourceChainId", "sourceBridge"),
        destination: at("destinationChainId", "destinationBridge"),
    }
}

fn list(value: &Value) -> &[Value] {
    let list = value.as_array().expect("a list");
    assert!(!list.is_empty(), "vectors that are not there prove nothing");
    list
}

fn checkpoint(vectors: &Value, value: &Value) -> Checkpoint {
    let position =
        LanePosition { count: Count::new(number(&value["count"])), head: word(&value["head"]) };
    let epoch = Epoch::new(number(&value["epoch"]));
    Checkpoint { lane: lane(&vectors["lane"]), epoch, position }
}

#[test]
fn lane_heads_and_request_hashes_are_the_contracts() {
    let vectors = vectors();
    let lane = lane(&vectors["lane"]);
    let mut at = LanePosition::start(&lane);
    assert_eq!(at.head, word(&vectors["lane"]["head"]));
    for value in list(&vectors["requests"]) {
        let kind = u8::try_from(number(&value["kind"])).expect("a small number");
        let amount = value["amount"].as_str().expect("a decimal text");
        let request = Request {
            nonce: Nonce::new(number(&value["nonce"])),
            kind: AssetKind::from_u8(kind).expect("a kind"),
            sender: address(&value["sender"]),
            recipient: address(&value["recipient"]),
            token: address(&value["token"]),
            counterpart_token: address(&value["counterpartToken"]),
            amount: U256::from_str_radix(amount, 10).expect("a number"),
            payload: value["payload"].as_str().expect("a text").parse().expect("bytes"),
        };
        assert_eq!(request.hash(), word(&value["requestHash"]));
        at = at.link(request.hash());
        assert_eq!(at.head, word(&value["head"]));
    }
}

#[test]
fn checkpoint_digests_are_the_contracts() {
    let vectors = vectors();
    for value in list(&vectors["checkpoints"]) {
        assert_eq!(checkpoint(&vectors, value).digest(), word(&value["digest"]));
    }
}

#[test]
fn recovery_and_release_digests_are_the_contracts() {
    let vectors = vectors();
    let lane = lane(&vectors["lane"]);
    for value in list(&vectors["recoveries"]) {
        let at = |name: &str| {
            let index = usize::try_from(number(&value[name])).expect("an index");
            checkpoint(&vectors, &vectors["checkpoints"][index]).position
        };
        let digest =
            recovery_digest(&lane, Epoch::new(number(&value["epoch"])), at("from"), at("to"));
        assert_eq!(digest, word(&value["digest"]));
    }
    for value in list(&vectors["releases"]) {
        let (hash, to) = (word(&value["requestHash"]), address(&value["to"]));
        let digest = release_digest(&lane, hash, to, U256::from(number(&value["deadline"])));
        assert_eq!(digest, word(&value["digest"]));
    }
}

/// The payload as Rust would encode it: what indexers and wallets show of it comes from there.
#[test]
fn payloads_are_encoded_as_the_contracts_do() {
    type Parts = (Vec<U256>, Vec<U256>, String, Bytes);
    let vectors = vectors();
    for value in list(&vectors["payloads"]) {
        let numbers = |name: &str| -> Vec<U256> {
            let list = value[name].as_array().expect("a list").iter();
            list.map(|n| n.as_str().expect("a text").parse().expect("a number")).collect()
        };
        let uri = value["uri"].as_str().expect("a text").to_owned();
        let bytes =
            |name: &str| -> Bytes { value[name].as_str().expect("a text").parse().expect("bytes") };
        let parts: Parts = (numbers("ids"), numbers("amounts"), uri, bytes("data"));
        assert_eq!(Bytes::from(parts.abi_encode()), bytes("payload"));
    }
}

#[test]
fn attestations_are_those_that_the_contract_recovers() {
    let vectors = vectors();
    for value in list(&vectors["attestations"]) {
        let at = usize::try_from(number(&value["checkpoint"])).expect("an index");
        let checkpoint = checkpoint(&vectors, &vectors["checkpoints"][at]);
        let key = AttestationKey::from_bytes(word(&value["privateKey"]).0).expect("a key");
        assert_eq!(key.address(), address(&value["signer"]));
        // RFC 6979: the same key and digest give the same signature everywhere.
        let attestation = *key.sign(checkpoint).get();
        assert_eq!(attestation.signature.r, word(&value["r"]));
        assert_eq!(attestation.signature.vs, word(&value["vs"]));
    }
}
