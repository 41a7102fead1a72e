//! A chain's part of the configuration: its endpoints, what reads of it rest on, its finality and fees.

use std::collections::BTreeSet;
use std::path::Path;

use alloy::transports::http::reqwest::Url;
use serde_json::Value;
use twinspan_bridge::finality::FinalityRule;
use twinspan_bridge::ids::ChainId;
use twinspan_chains::{ChainConfig, EndpointConfig, FeePolicy, Truth};

use super::super::raw::{Raw, RawChain, RawEndpoint};
use super::{At, URL, key};
use crate::config::Chain;

pub(super) fn chain(at: &mut At<'_>, name: &str, raw: RawChain, folder: &Path) -> Option<Chain> {
    let chain_id = at.required("chain_id", raw.chain_id, "the chain's id (EIP-155)");
    let allowed = "the hash of the chain's first block, 0x…";
    let genesis_hash = at.optional("genesis_hash", raw.genesis_hash, allowed);
    let genesis_hash = genesis_hash.and_then(|text| at.parse("genesis_hash", &text, allowed));
    let finality = finality(at, raw.finality);
    let mut endpoints = Vec::new();
    if raw.endpoints.is_empty() {
        at.fault("endpoints", "missing", "one { http = …, ws = … } or more");
    }
    for (index, raw) in raw.endpoints.into_iter().enumerate() {
        endpoints.push(endpoint(&mut at.table(format!("endpoints.{index}")), raw, index));
    }
    let (truth, quorum) = truth(at, raw.truth, raw.quorum, &endpoints);
    // One that is there and faulty is not the same as none.
    let submitter = if raw.submitter.is_absent() {
        Some(None)
    } else {
        key(&mut at.table("submitter"), raw.submitter, folder).map(Some)
    };
    let fees = fees(
        at,
        raw.max_fee_per_gas,
        raw.priority_fee_per_gas,
        raw.bump_percent,
        raw.bump_after_ms,
    );
    let poll_interval = at.millis("poll_interval_ms", raw.poll_interval_ms, 1_000, 50, 60_000);
    let stall_after = at.millis("stall_after_ms", raw.stall_after_ms, 120_000, 1_000, 86_400_000);
    let log_range_max = at.bounded("log_range_max", raw.log_range_max, 5_000, 1, 100_000);
    let transaction_gas_max = at.bounded(
        "transaction_gas_max",
        raw.transaction_gas_max,
        1 << 24,
        1_000_000,
        1_000_000_000,
    );
    let access = ChainConfig {
        name: name.to_owned(),
        chain_id: ChainId::new(chain_id?),
        genesis_hash,
        endpoints: endpoints.into_iter().collect::<Option<_>>()?,
        finality: finality?,
        poll_interval,
        stall_after,
        log_range_max,
        fees,
        quorum,
        truth,
        clock: twinspan_chains::Clock::system(),
    };
    Some(Chain { access, submitter: submitter?, transaction_gas_max })
}

/// The basis of reads, and the number of providers that must agree. A given quorum implies that they must.
fn truth(
    at: &mut At<'_>,
    truth: Raw<String>,
    quorum: Raw<usize>,
    endpoints: &[Option<EndpointConfig>],
) -> (Truth, usize) {
    const ALLOWED: &str = "\"proof\", \"quorum\" or \"single\"";
    let providers: BTreeSet<_> = endpoints.iter().flatten().map(|it| &it.provider).collect();
    let quorum = at.optional("quorum", quorum, "a number of providers").unwrap_or(1);
    if quorum == 0 || quorum > providers.len().max(1) {
        let allowed = format!(
            "1 to {}, the number of independent providers among the endpoints",
            providers.len().max(1)
        );
        at.fault("quorum", format!("{quorum} must agree"), allowed);
    }
    let truth = match at.optional("truth", truth, ALLOWED).as_deref() {
        None if quorum > 1 => Truth::Quorum,
        None => Truth::Single,
        Some("proof") => Truth::Proof,
        Some("quorum") => Truth::Quorum,
        Some("single") => Truth::Single,
        Some(other) => {
            at.fault("truth", format!("`{other}`"), ALLOWED);
            Truth::Single
        }
    };
    let contradiction = match truth {
        Truth::Quorum if quorum < 2 => Some("a quorum of one endpoint"),
        Truth::Single if quorum > 1 => Some("single, and a quorum"),
        Truth::Proof | Truth::Quorum | Truth::Single => None,
    };
    if let Some(contradiction) = contradiction {
        at.fault("truth", contradiction, "\"quorum\" with quorum = 2 or more, else \"single\"");
    }
    (truth, quorum)
}

fn fees(
    at: &mut At<'_>,
    max: Raw<u64>,
    priority: Raw<u64>,
    bump: Raw<u32>,
    after: Raw<u64>,
) -> FeePolicy {
    let wei = "an amount in wei";
    let bump_percent = at.optional("bump_percent", bump, "a percentage").unwrap_or(12);
    if bump_percent < 10 {
        at.fault("bump_percent", format!("{bump_percent} %"), "10 or more: nodes refuse less");
    }
    FeePolicy {
        max_fee_per_gas: at.optional("max_fee_per_gas", max, wei).map(u128::from),
        priority_fee_per_gas: at.optional("priority_fee_per_gas", priority, wei).map(u128::from),
        bump_percent,
        bump_after: at.millis("bump_after_ms", after, 15_000, 500, 3_600_000),
    }
}

fn finality(at: &mut At<'_>, raw: Raw<Value>) -> Option<FinalityRule> {
    const ALLOWED: &str = "\"instant\", \"finalized\", \"safe\" or { confirmations = N }";
    let value = at.required("finality", raw, ALLOWED)?;
    let confirmations = || value.as_object().filter(|map| map.len() == 1)?.get("confirmations");
    match value.as_str() {
        Some("instant") => return Some(FinalityRule::Instant),
        Some("finalized") => return Some(FinalityRule::Finalized),
        Some("safe") => return Some(FinalityRule::Safe),
        _ => {}
    }
    let Some(n) = confirmations().and_then(Value::as_u64) else {
        at.fault("finality", format!("`{value}`"), ALLOWED);
        return None;
    };
    Some(FinalityRule::Confirmations(n))
}

fn endpoint(at: &mut At<'_>, raw: RawEndpoint, index: usize) -> Option<EndpointConfig> {
    let mut url = |key: &str, raw: Raw<String>, schemes: [&str; 2]| {
        let text = at.optional(key, raw, URL)?;
        // The text may hold a password: it is not repeated in the fault.
        let Ok(url) = text.parse::<Url>() else {
            at.fault(key, "not a URL", format!("{}://host:port", schemes[0]));
            return None;
        };
        if !schemes.contains(&url.scheme()) {
            let allowed = format!("{} or {}", schemes[0], schemes[1]);
            at.fault(key, format!("scheme `{}`", url.scheme()), allowed);
            return None;
        }
        Some(url)
    };
    let http = url("http", raw.http, ["http", "https"]);
    let ws = url("ws", raw.ws, ["ws", "wss"]);
    if http.is_none() && ws.is_none() {
        at.fault("http", "missing", "http or ws, or both");
    }
    let label = at.optional("label", raw.label, "a name").unwrap_or_else(|| index.to_string());
    let provider = at.optional("provider", raw.provider, "a name").unwrap_or_else(|| label.clone());
    let rate = at.optional("requests_per_second", raw.requests_per_second, "a number");
    let concurrency = at.optional("concurrency", raw.concurrency, "a number").unwrap_or(32);
    if concurrency == 0 || rate == Some(0) {
        at.fault("concurrency", "zero", "1 or more, as for requests_per_second");
    }
    Some(EndpointConfig {
        label,
        provider,
        http,
        ws,
        requests_per_second: rate.unwrap_or(500),
        concurrency,
        timeout: at.millis("timeout_ms", raw.timeout_ms, 10_000, 100, 120_000),
    })
}
