//! Builds the calls that move a lane: pure functions from protocol types to call data and gas.

use alloy::primitives::{Address, B256, Bytes};
use alloy::sol_types::SolCall;
use twinspan_bridge::attest::{Attestation, CHECKPOINT_INTERVAL};
use twinspan_bridge::ids::{Count, Epoch};
use twinspan_bridge::key::Signature;
use twinspan_bridge::request::{NATIVE_COIN, Request};
use twinspan_contracts::abi::Bridge;

/// A contract call that has yet to become a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The contract.
    pub to: Address,
    /// Call data.
    pub input: Bytes,
    /// Gas that it may use.
    pub gas_limit: u64,
}

// Limits, not estimates: unused gas costs nothing. Measured (`contracts/test/Gas.t.sol`, whole
// transactions): 122,000 for one handover to a fresh recipient, 36,000 each of 64; recording an
// attestation 60,000.

/// Around the handovers: intrinsic gas, the lane's position, the relayer set, the event.
pub const DELIVER_BASE_GAS: u64 = 150_000;
/// One handover of an ordinary token to a new holder: hashing, checks, its transfer, its event. Measured:
/// 36,000 (`contracts/snapshots`). A token that needs more makes the next attempt ask for more.
pub const TOKEN_HANDOVER_GAS: u64 = 42_000;
/// One handover of coins to a new account: the account costs 25,000 and the value 9,000 (EIP-161).
pub const COIN_HANDOVER_GAS: u64 = 60_000;
/// A byte of payload: its call data, an id's place in custody and at its token, a token URI's words, a recipient's own
/// work.
pub const PAYLOAD_BYTE_GAS: u64 = 700;
/// One signature: recovery, two storage reads, its call data.
pub const SIGNATURE_GAS: u64 = 12_000;
/// One hash of the tail: hashing and its call data.
pub const TAIL_HASH_GAS: u64 = 1_200;
/// Gas that the contract demands to be left before each payout, the last one too, so that a submitter cannot park by
/// starving. See `_tryPay` in `Bridge.sol`: the payout's allowance with its 64th, the call, and parking.
pub const PAYOUT_RESERVE_GAS: u64 = 275_000;
/// The same for each byte of the payload (`PAYLOAD_GAS`, with its 64th).
pub const PAYOUT_RESERVE_BYTE_GAS: u64 = 915;
/// One handover at its worst: the recipient burns its whole allowance and the handover is parked.
pub const HANDOVER_WORST_GAS: u64 = 280_000;
/// Recording one attestation.
pub const ATTEST_GAS: u64 = 150_000;

/// The gas that a batch of ordinary payouts may use.
#[must_use]
pub fn deliver_gas(requests: &[Request], tail: usize, signatures: usize) -> u64 {
    let payout = |request: &Request| {
        let plain = match request.counterpart_token {
            NATIVE_COIN => COIN_HANDOVER_GAS,
            _ => TOKEN_HANDOVER_GAS,
        };
        plain + PAYLOAD_BYTE_GAS * request.payload.len() as u64
    };
    gas(requests.iter().map(payout).sum(), longest_payload(requests), tail, signatures)
}

/// The gas that a batch may use whatever its recipients do. For a retry after the contract asked for more.
#[must_use]
pub fn deliver_gas_worst_case(requests: &[Request], tail: usize, signatures: usize) -> u64 {
    let payout = |request: &Request| {
        HANDOVER_WORST_GAS + PAYOUT_RESERVE_BYTE_GAS * request.payload.len() as u64
    };
    gas(requests.iter().map(payout).sum(), longest_payload(requests), tail, signatures)
}

/// The most ordinary requests whose payouts, under `signatures`, fit into a transaction of `gas_max`. One at
/// the least.
#[must_use]
pub const fn requests_within(gas_max: u64, signatures: usize) -> u64 {
    let rest = gas_max.saturating_sub(gas(0, 0, CHECKPOINT_INTERVAL as usize, signatures));
    if rest < TOKEN_HANDOVER_GAS { 1 } else { rest / TOKEN_HANDOVER_GAS }
}

fn longest_payload(requests: &[Request]) -> u64 {
    requests.iter().map(|request| request.payload.len() as u64).max().unwrap_or(0)
}

const fn gas(payouts: u64, longest_payload: u64, tail: usize, signatures: usize) -> u64 {
    let work = DELIVER_BASE_GAS
        + payouts
        + SIGNATURE_GAS * signatures as u64
        + TAIL_HASH_GAS * tail as u64;
    // Each call level keeps a 64th back (EIP-150).
    work + (PAYOUT_RESERVE_GAS + PAYOUT_RESERVE_BYTE_GAS * longest_payload) * 64 / 63
}

/// The call that hands over `requests`, certified by `signatures` (by strictly ascending signer) of the
/// checkpoint (`epoch`, `count`, `head`); `tail` are the request hashes between the batch and `count`.
#[must_use]
pub fn deliver_call(
    bridge: Address,
    requests: &[Request],
    tail: &[B256],
    epoch: Epoch,
    count: Count,
    head: B256,
    signatures: &[Signature],
) -> Call {
    let certificate = Bridge::Certificate {
        epoch: epoch.get(),
        count: count.get(),
        head,
        signatures: signatures.iter().map(encode_signature).collect(),
    };
    let call = Bridge::deliverCall {
        requests: requests.iter().map(encode_request).collect(),
        payloads: requests
            .iter()
            .filter(|request| !request.payload.is_empty())
            .map(|request| request.payload.clone())
            .collect(),
        tail: tail.to_vec(),
        certificate,
    };
    let gas_limit = deliver_gas(requests, tail.len(), signatures.len());
    Call { to: bridge, input: call.abi_encode().into(), gas_limit }
}

/// The call that records an attestation on its destination bridge.
#[must_use]
pub fn attest_call(bridge: Address, attestation: &Attestation) -> Call {
    let checkpoint = &attestation.checkpoint;
    let call = Bridge::attestCall {
        epoch: checkpoint.epoch.get(),
        count: checkpoint.position.count.get(),
        head: checkpoint.position.head,
        signature: encode_signature(&attestation.signature),
    };
    Call { to: bridge, input: call.abi_encode().into(), gas_limit: ATTEST_GAS }
}

/// The request as the contract takes it.
#[must_use]
pub fn encode_request(request: &Request) -> Bridge::Request {
    Bridge::Request {
        nonce: request.nonce.get(),
        kind: request.kind.as_u8(),
        sender: request.sender,
        recipient: request.recipient,
        token: request.token,
        counterpartToken: request.counterpart_token,
        amount: request.amount,
        payloadHash: request.payload_hash(),
    }
}

const fn encode_signature(signature: &Signature) -> Bridge::Signature {
    Bridge::Signature { r: signature.r, vs: signature.vs }
}
