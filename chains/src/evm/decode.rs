//! Decodes a bridge's logs strictly: a log counts only if encoding what was read gives it back exactly.

use alloy::primitives::{Address, B256, Bytes, LogData};
use alloy::sol_types::SolEvent;
use serde::Deserialize;
use twinspan_bridge::attest::Attestation;
use twinspan_bridge::checkpoint::Checkpoint;
use twinspan_bridge::ids::{BlockNumber, BlockStamp, Count, Epoch, Lane, Nonce};
use twinspan_bridge::key::Signature;
use twinspan_bridge::lane_head::LanePosition;
use twinspan_bridge::observe::{ParkReason, Settlement, SettlementEvent};
use twinspan_bridge::request::{AssetKind, Request, SourcedRequest};
use twinspan_contracts::abi::Bridge;

use crate::rpc::quantity::{self, Quantity};

/// A log as JSON-RPC shows it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RawLog {
    pub(crate) address: Address,
    pub(crate) topics: Vec<B256>,
    pub(crate) data: Bytes,
    #[serde(default)]
    pub(crate) block_number: Option<Quantity>,
    #[serde(default)]
    pub(crate) block_hash: Option<B256>,
    /// Younger nodes tell it.
    #[serde(default)]
    pub(crate) block_timestamp: Option<Quantity>,
    #[serde(default)]
    pub(crate) transaction_hash: Option<B256>,
    #[serde(default)]
    pub(crate) log_index: Option<Quantity>,
    #[serde(default)]
    pub(crate) removed: bool,
}

/// A log that no honest, settled node serves in answer to our question.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogFault {
    /// Of a contract that was not asked about.
    #[error("a log of {got} in answer to a question about {want}")]
    Emitter {
        /// Its emitter.
        got: Address,
        /// The contract asked about.
        want: Address,
    },
    /// Taken back by a reorganisation, or not yet in a block.
    #[error("a log that is removed or pending")]
    Unsettled,
    /// Outside the range that was asked for.
    #[error("a log of block {got} in answer to blocks {from} to {to}")]
    OutOfRange {
        /// Its block.
        got: BlockNumber,
        /// The first block asked for.
        from: BlockNumber,
        /// The last block asked for.
        to: BlockNumber,
    },
    /// Of another block at the height that was asked for.
    #[error("a log of another block {got} at the height of {want}")]
    OtherFork {
        /// Its block's hash.
        got: B256,
        /// The hash of the block asked for.
        want: B256,
    },
    /// Served twice.
    #[error("log {index} of block {block} was served twice")]
    Duplicate {
        /// Its block.
        block: BlockNumber,
        /// Its place there.
        index: u64,
    },
    /// An event of ours whose topics or data are not what the contract encodes.
    #[error("a log of topic {topic} is not what the contract encodes")]
    Malformed {
        /// Its first topic.
        topic: B256,
    },
    /// An event of ours that tells of a request further than any lane reaches.
    #[error("a log of topic {topic} tells of request {number}, which no lane reaches")]
    Unreached {
        /// Its first topic.
        topic: B256,
        /// The nonce or count that it tells.
        number: u64,
    },
}

/// Where a log stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LogPlace {
    pub(crate) block: BlockNumber,
    pub(crate) index: u64,
}

/// A log with a place in a block, by the contract asked about.
#[derive(Clone, Debug)]
pub(crate) struct PlacedLog {
    pub(crate) place: LogPlace,
    pub(crate) block_hash: B256,
    block_time: Option<u64>,
    transaction: B256,
    data: LogData,
}

impl PlacedLog {
    /// Checks everything about a log but its content.
    pub(crate) fn check(
        raw: RawLog,
        bridge: Address,
        (from, to): (BlockNumber, BlockNumber),
    ) -> Result<Self, LogFault> {
        if raw.address != bridge {
            return Err(LogFault::Emitter { got: raw.address, want: bridge });
        }
        let (false, Some(number), Some(block_hash), Some(transaction), Some(index)) =
            (raw.removed, raw.block_number, raw.block_hash, raw.transaction_hash, raw.log_index)
        else {
            return Err(LogFault::Unsettled);
        };
        let block = BlockNumber::new(number.get());
        if block < from || block > to {
            return Err(LogFault::OutOfRange { got: block, from, to });
        }
        let place = LogPlace { block, index: index.get() };
        let data = LogData::new_unchecked(raw.topics, raw.data);
        let block_time = raw.block_timestamp.map(Quantity::get);
        Ok(Self { place, block_hash, block_time, transaction, data })
    }
}

impl PlacedLog {
    const fn stamp(&self) -> BlockStamp {
        BlockStamp { hash: Some(self.block_hash), time: self.block_time }
    }
}

/// The content of a log of the bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LogTold {
    Request(SourcedRequest),
    Settlement(Settlement),
    Recorded(Attestation),
    /// The relayer set changed, or a member was revoked.
    RelayersChanged,
    /// An event that is not about a lane, or one that this version does not know.
    Nothing,
}

/// Reads a log. `incoming` is the lane whose destination the bridge is.
pub(crate) fn decode(log: &PlacedLog, incoming: &Lane) -> Result<LogTold, LogFault> {
    let Some(&topic) = log.data.topics().first() else { return Ok(LogTold::Nothing) };
    let event = match topic {
        Bridge::ValueTransferRequested::SIGNATURE_HASH => {
            return request(log, strictly(log, topic)?, topic).map(LogTold::Request);
        }
        Bridge::AttestationRecorded::SIGNATURE_HASH => {
            return Ok(LogTold::Recorded(recorded(strictly(log, topic)?, topic, incoming)?));
        }
        Bridge::RelayerSetChanged::SIGNATURE_HASH | Bridge::RelayerRevoked::SIGNATURE_HASH => {
            return Ok(LogTold::RelayersChanged);
        }
        Bridge::BatchDelivered::SIGNATURE_HASH => {
            let event: Bridge::BatchDelivered = strictly(log, topic)?;
            SettlementEvent::BatchDelivered {
                first: nonce(event.firstNonce, topic)?,
                count: count(event.count, topic)?,
                head: event.head,
                submitter: event.submitter,
            }
        }
        Bridge::HandedOver::SIGNATURE_HASH => {
            let event: Bridge::HandedOver = strictly(log, topic)?;
            SettlementEvent::HandedOver {
                nonce: nonce(event.nonce, topic)?,
                recipient: event.recipient,
                amount: event.amount,
            }
        }
        Bridge::HandoverParked::SIGNATURE_HASH => parked(strictly(log, topic)?, topic)?,
        Bridge::HandoverReleased::SIGNATURE_HASH => {
            let event: Bridge::HandoverReleased = strictly(log, topic)?;
            let recipient = event.recipient;
            SettlementEvent::Released { nonce: nonce(event.nonce, topic)?, recipient }
        }
        Bridge::HandoverReturned::SIGNATURE_HASH => {
            let event: Bridge::HandoverReturned = strictly(log, topic)?;
            SettlementEvent::Returned {
                nonce: nonce(event.nonce, topic)?,
                return_nonce: nonce(event.returnNonce, topic)?,
            }
        }
        _ => return Ok(LogTold::Nothing),
    };
    let (block, transaction) = (log.place.block, log.transaction);
    Ok(LogTold::Settlement(Settlement { event, block, stamp: log.stamp(), transaction }))
}

/// Decodes and encodes again: wrong lengths, dirty padding and leftovers do not survive that.
fn strictly<E: SolEvent>(log: &PlacedLog, topic: B256) -> Result<E, LogFault> {
    let malformed = || LogFault::Malformed { topic };
    let event = E::decode_raw_log_validate(log.data.topics().iter().copied(), &log.data.data)
        .map_err(|_| malformed())?;
    if event.encode_log_data() != log.data {
        return Err(malformed());
    }
    Ok(event)
}

fn request(
    log: &PlacedLog,
    event: Bridge::ValueTransferRequested,
    topic: B256,
) -> Result<SourcedRequest, LogFault> {
    let kind = AssetKind::from_u8(event.kind).ok_or(LogFault::Malformed { topic })?;
    let request = Request {
        nonce: nonce(event.nonce, topic)?,
        kind,
        sender: event.sender,
        recipient: event.recipient,
        token: event.token,
        counterpart_token: event.counterpartToken,
        amount: event.amount,
        payload: event.payload,
    };
    let (block, transaction) = (log.place.block, log.transaction);
    let (stamp, emitted_head) = (log.stamp(), event.head);
    Ok(SourcedRequest { request, block, stamp, transaction, emitted_head })
}

fn recorded(
    event: Bridge::AttestationRecorded,
    topic: B256,
    incoming: &Lane,
) -> Result<Attestation, LogFault> {
    let position = LanePosition { count: count(event.count, topic)?, head: event.head };
    let checkpoint = Checkpoint { lane: *incoming, epoch: Epoch::new(event.epoch), position };
    let signature = Signature { r: event.signature.r, vs: event.signature.vs };
    Ok(Attestation { checkpoint, signer: event.signer, signature })
}

fn parked(event: Bridge::HandoverParked, topic: B256) -> Result<SettlementEvent, LogFault> {
    let reason = ParkReason::from_u8(event.reason).ok_or(LogFault::Malformed { topic })?;
    Ok(SettlementEvent::Parked {
        nonce: nonce(event.nonce, topic)?,
        request_hash: event.requestHash,
        reason,
        earliest: event.earliest,
    })
}

fn nonce(told: u64, topic: B256) -> Result<Nonce, LogFault> {
    reached(told, topic).map(Nonce::new)
}

fn count(told: u64, topic: B256) -> Result<Count, LogFault> {
    reached(told, topic).map(Count::new)
}

fn reached(told: u64, topic: B256) -> Result<u64, LogFault> {
    quantity::counted(told).map_err(|_| LogFault::Unreached { topic, number: told })
}

/// Whether the log is a recorded attestation, which names its lane by the bridge's counterpart.
pub(crate) fn is_recorded_attestation(log: &PlacedLog) -> bool {
    log.data.topics().first() == Some(&Bridge::AttestationRecorded::SIGNATURE_HASH)
}
