//! Puts a transfer's rules and rows into the words of the API.

use alloy::primitives::utils::format_units;
use alloy::primitives::{Bytes, U256};
use alloy::sol_types::SolValue;
use twinspan_api::transfer::{AssetKind, Attestations, Ended, ParkReason, Parked, Request, Stage};
use twinspan_bridge::ids::BlockNumber;
use twinspan_bridge::status::LaneStatus;
use twinspan_bridge::{observe, request, status as lane_status};
use twinspan_chains::evm::token::TokenUnits;
use twinspan_store::{Fate, SettlementRow};

use crate::lanes::LaneEntry;

/// A request, its payload taken apart, its amount as people write it.
pub(super) fn request(request: request::Request, units: Option<TokenUnits>) -> Request {
    let kind = match request.kind {
        request::AssetKind::Native => AssetKind::Native,
        request::AssetKind::Erc20 => AssetKind::Erc20,
        request::AssetKind::Erc721 => AssetKind::Erc721,
        request::AssetKind::Erc1155 => AssetKind::Erc1155,
    };
    let (ids, amounts, uri, data) = taken_apart(&request.payload);
    Request {
        nonce: request.nonce.get(),
        kind,
        sender: request.sender,
        recipient: request.recipient,
        token: request.token,
        counterpart_token: request.counterpart_token,
        amount_units: request.amount,
        amount: units.and_then(|units| whole_tokens(request.amount, units)),
        decimals: units.map(|units| units.decimals),
        ids,
        amounts,
        uri: Some(uri).filter(|uri| !uri.is_empty()),
        data,
        payload: request.payload,
    }
}

/// `abi.encode(Payload)`, and whether it is one: the contract encodes it, but who knows an older one.
fn taken_apart(payload: &[u8]) -> (Vec<U256>, Vec<U256>, String, Bytes) {
    let decoded = <(Vec<U256>, Vec<U256>, Bytes, Bytes)>::abi_decode(payload);
    let (ids, amounts, uri, data) = decoded.unwrap_or_default();
    (ids, amounts, String::from_utf8_lossy(&uri).into_owned(), data)
}

/// Lane units in whole tokens, such as `1.5`.
fn whole_tokens(amount: U256, units: TokenUnits) -> Option<String> {
    let unit = U256::from(10).checked_pow(U256::from(units.unit_decimals))?;
    let text = format_units(amount.checked_mul(unit)?, units.decimals).ok()?;
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    Some(text.to_owned())
}

pub(super) fn parked(entry: &LaneEntry, row: &SettlementRow) -> Option<Parked> {
    let Fate::Parked { reason, earliest } = row.fate else { return None };
    let reason = match reason {
        observe::ParkReason::TokenUnavailable => ParkReason::TokenUnavailable,
        observe::ParkReason::LiquidityShort => ParkReason::LiquidityShort,
        observe::ParkReason::RateLimited => ParkReason::RateLimited,
        observe::ParkReason::Delayed => ParkReason::Delayed,
        observe::ParkReason::PayoutFailed => ParkReason::PayoutFailed,
        observe::ParkReason::OutOfBounds => ParkReason::OutOfBounds,
        observe::ParkReason::DataRefused => ParkReason::DataRefused,
    };
    let ended = row.resolution.map(|resolution| Ended {
        chain_id: entry.lane.destination.chain_id.get(),
        block: resolution.block.map(BlockNumber::get),
        transaction: resolution.transaction,
        returned_as: resolution.returned_as.map(|nonce| entry.lane.reverse().transfer(nonce)),
        released_to: resolution.released_to,
    });
    let earliest = (1..u64::MAX).contains(&earliest).then_some(earliest);
    Some(Parked { reason, earliest, ended })
}

pub(super) fn settled_stage(row: &SettlementRow) -> Stage {
    match (row.fate, row.resolution) {
        (Fate::HandedOver { .. }, _) => Stage::HandedOver,
        (Fate::Parked { .. }, None) => Stage::Parked,
        (Fate::Parked { .. }, Some(resolution)) if resolution.returned_as.is_some() => {
            Stage::Returned
        }
        (Fate::Parked { .. }, Some(_)) => Stage::Released,
    }
}

pub(super) const fn unsettled_stage(stage: lane_status::Stage) -> Stage {
    match stage {
        lane_status::Stage::Observed => Stage::Observed,
        lane_status::Stage::Final => Stage::Final,
        lane_status::Stage::Certified => Stage::Certified,
        lane_status::Stage::Submitted => Stage::Submitted,
    }
}

pub(super) fn waits_for(
    stage: Stage,
    status: &LaneStatus,
    attestations: Option<&Attestations>,
    parked: Option<Parked>,
) -> String {
    match stage {
        Stage::Observed => "its source block to become final".into(),
        Stage::Final => {
            let (have, want) = (attestations.map_or(0, |it| it.signers.len()), status.threshold);
            format!("attestations: {have} of {want}")
        }
        Stage::Certified => "the submitter's batch".into(),
        Stage::Submitted => "its batch to be final on the destination".into(),
        Stage::Parked => parked.map_or_else(String::new, parked_waits_for),
        Stage::HandedOver | Stage::Released | Stage::Returned => String::new(),
    }
}

fn parked_waits_for(parked: Parked) -> String {
    let from = parked.earliest.map_or_else(String::new, |at| format!(", from Unix time {at}"));
    format!(
        "{}{from}: then anyone releases it (releaseParked on the destination bridge); or the recipient \
         sends it back (returnParked)",
        parked.reason.waits_for()
    )
}
