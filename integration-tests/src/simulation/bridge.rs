//! A bridge contract as its chain keeps it: lanes, relayer set, events. It decides as `Bridge.sol` does.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256, Bytes, LogData, U256};
use alloy::sol_types::{SolCall, SolEvent};
use twinspan_bridge::checkpoint::Checkpoint;
use twinspan_bridge::ids::{BridgeAt, Count, Epoch, Lane, Nonce};
use twinspan_bridge::key::Signature;
use twinspan_bridge::lane_head::{LanePosition, link};
use twinspan_bridge::relayer_set::RelayerSet;
use twinspan_bridge::request::{AssetKind, Request};
use twinspan_contracts::abi::Bridge;

/// A contract and what it holds.
#[derive(Clone, Debug)]
pub struct SimBridge {
    /// The lane that begins here.
    pub outgoing_lane: Lane,
    /// The lane that ends here.
    pub incoming_lane: Lane,
    /// The requests made here.
    pub outgoing: LanePosition,
    /// The handovers made here.
    pub incoming: LanePosition,
    set: RelayerSet,
    /// Recorded attestations: by checkpoint, who.
    recorded: BTreeMap<(u64, u64, B256), BTreeSet<Address>>,
}

impl SimBridge {
    /// A bridge of which nothing was asked yet.
    #[must_use]
    pub fn new(here: BridgeAt, there: BridgeAt, set: RelayerSet) -> Self {
        let outgoing_lane = Lane { source: here, destination: there };
        let incoming_lane = outgoing_lane.reverse();
        Self {
            outgoing: LanePosition::start(&outgoing_lane),
            incoming: LanePosition::start(&incoming_lane),
            outgoing_lane,
            incoming_lane,
            set,
            recorded: BTreeMap::new(),
        }
    }

    /// Somebody asks for a transfer of `amount`.
    pub fn request(&mut self, recipient: Address, amount: u64) -> LogData {
        let request = Request {
            nonce: self.outgoing.count.next_nonce(),
            kind: AssetKind::Erc20,
            sender: Address::repeat_byte(0x5e),
            recipient,
            token: Address::repeat_byte(0x70),
            counterpart_token: Address::repeat_byte(0x71),
            amount: U256::from(amount),
            payload: Bytes::new(),
        };
        self.outgoing = self.outgoing.link(request.hash());
        let event = Bridge::ValueTransferRequested {
            nonce: request.nonce.get(),
            sender: request.sender,
            recipient,
            kind: request.kind.as_u8(),
            token: request.token,
            counterpartToken: request.counterpart_token,
            amount: request.amount,
            payload: Bytes::new(),
            head: self.outgoing.head,
        };
        event.encode_log_data()
    }

    /// The words in the slots that proofs are made of (`LaneStorage.sol`, `RelayerSets.sol`).
    pub(super) fn slots(&self) -> [(U256, U256); 5] {
        let word = |head: B256| U256::from_be_bytes(head.0);
        let words = [
            (0, U256::from(self.outgoing.count.get())),
            (1, word(self.outgoing.head)),
            (2, U256::from(self.incoming.count.get())),
            (3, word(self.incoming.head)),
            (8, U256::from(self.set.epoch().get())),
        ];
        words.map(|(slot, word)| (U256::from(slot), word))
    }

    /// The answer of a view; `None` if there is no such view.
    #[must_use]
    pub fn view(&self, input: &[u8]) -> Option<Vec<u8>> {
        if input == Bridge::positionsCall::SELECTOR {
            let position =
                |at: LanePosition| Bridge::LanePosition { count: at.count.get(), head: at.head };
            let answer = Bridge::positionsReturn {
                outgoing: position(self.outgoing),
                incoming: position(self.incoming),
                epoch: self.set.epoch().get(),
                pausedUntil: 0,
            };
            return Some(Bridge::positionsCall::abi_encode_returns(&answer));
        }
        if input == Bridge::relayerSetCall::SELECTOR {
            let answer = Bridge::relayerSetReturn {
                epoch: self.set.epoch().get(),
                threshold: self.set.threshold(),
                members: self.set.members().to_vec(),
            };
            return Some(Bridge::relayerSetCall::abi_encode_returns(&answer));
        }
        None
    }

    /// Executes a transaction's call. Its events; `None` if it reverts.
    pub fn execute(&mut self, from: Address, input: &[u8]) -> Option<Vec<LogData>> {
        if let Ok(call) = Bridge::deliverCall::abi_decode_validate(input) {
            return self.deliver(from, &call);
        }
        let call = Bridge::attestCall::abi_decode_validate(input).ok()?;
        self.attest(&call)
    }

    /// In the order of the contract: first nonce, heads, signatures; only then anything changes.
    fn deliver(&mut self, from: Address, call: &Bridge::deliverCall) -> Option<Vec<LogData>> {
        let mut payloads = call.payloads.iter();
        let mut requests = Vec::new();
        for sent in &call.requests {
            let payload =
                if sent.payloadHash.is_zero() { Bytes::new() } else { payloads.next()?.clone() };
            let request = decoded(sent, payload)?;
            (request.payload_hash() == sent.payloadHash).then_some(())?;
            requests.push(request);
        }
        let first = requests.first()?.nonce;
        (first == self.incoming.count.next_nonce() && payloads.next().is_none()).then_some(())?;
        let mut at = self.incoming;
        for request in &requests {
            (request.nonce == at.count.next_nonce()).then_some(())?;
            at = at.link(request.hash());
        }
        let certified = call.tail.iter().fold(at.head, |head, hash| link(head, *hash));
        let certificate = &call.certificate;
        let ends = at.count.plus(call.tail.len() as u64).get() == certificate.count;
        (ends && certified == certificate.head && self.is_certified(certificate)?).then_some(())?;
        self.incoming = at;
        let paid = |request: &Request| Bridge::HandedOver {
            nonce: request.nonce.get(),
            recipient: request.recipient,
            amount: request.amount,
        };
        let mut events: Vec<LogData> =
            requests.iter().map(|request| paid(request).encode_log_data()).collect();
        // A batch is told of after its handovers.
        let batch = Bridge::BatchDelivered {
            firstNonce: first.get(),
            count: at.count.get(),
            head: at.head,
            submitter: from,
        };
        events.push(batch.encode_log_data());
        Some(events)
    }

    /// Whether enough members signed; `None` if a signature is not acceptable.
    fn is_certified(&self, certificate: &Bridge::Certificate) -> Option<bool> {
        let checkpoint = self.checkpoint(certificate.epoch, certificate.count, certificate.head);
        (checkpoint.epoch == self.set.epoch()).then_some(())?;
        let key = (certificate.epoch, certificate.count, certificate.head);
        let mut members = self.recorded.get(&key).cloned().unwrap_or_default();
        let mut last = Address::ZERO;
        for signature in &certificate.signatures {
            let signature = Signature { r: signature.r, vs: signature.vs };
            let signer = signature.recover(checkpoint.digest()).ok()?;
            (signer > last && self.set.contains(signer)).then_some(())?;
            members.insert(signer);
            last = signer;
        }
        Some(members.len() >= usize::from(self.set.threshold()))
    }

    fn attest(&mut self, call: &Bridge::attestCall) -> Option<Vec<LogData>> {
        let checkpoint = self.checkpoint(call.epoch, call.count, call.head);
        let signature = Signature { r: call.signature.r, vs: call.signature.vs };
        let signer = signature.recover(checkpoint.digest()).ok()?;
        let is_open =
            checkpoint.epoch == self.set.epoch() && checkpoint.count() > self.incoming.count;
        (is_open && self.set.contains(signer)).then_some(())?;
        let known = self.recorded.entry((call.epoch, call.count, call.head)).or_default();
        known.insert(signer).then_some(())?;
        let event = Bridge::AttestationRecorded {
            signer,
            epoch: call.epoch,
            count: call.count,
            head: call.head,
            signature: call.signature.clone(),
        };
        Some(vec![event.encode_log_data()])
    }

    fn checkpoint(&self, epoch: u64, count: u64, head: B256) -> Checkpoint {
        let position = LanePosition { count: Count::new(count), head };
        Checkpoint { lane: self.incoming_lane, epoch: Epoch::new(epoch), position }
    }
}

fn decoded(sent: &Bridge::Request, payload: Bytes) -> Option<Request> {
    Some(Request {
        nonce: Nonce::new(sent.nonce),
        kind: AssetKind::from_u8(sent.kind)?,
        sender: sent.sender,
        recipient: sent.recipient,
        token: sent.token,
        counterpart_token: sent.counterpartToken,
        amount: sent.amount,
        payload,
    })
}
