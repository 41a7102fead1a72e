//! Every metric of this crate, with its labels.

use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::Address;
use metrics::{
    Gauge, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

const REQUESTS: &str = "twinspan_rpc_requests_total";
const REQUEST_SECONDS: &str = "twinspan_rpc_request_seconds";
const BREAKER: &str = "twinspan_rpc_breaker_state";
const TRANSACTIONS: &str = "twinspan_transactions_total";
const PENDING: &str = "twinspan_transactions_pending";
const OLDEST_PENDING: &str = "twinspan_transaction_oldest_pending_seconds";
const COINS: &str = "twinspan_account_coins";
const RUNWAY: &str = "twinspan_account_runway_hours";
const LATENCY: &str = "twinspan_own_latency_seconds";

/// Tells the recorder of the process what they mean.
pub fn describe() {
    describe_counter!(REQUESTS, "JSON-RPC calls that went over the wire, each attempt, by outcome");
    describe_histogram!(REQUEST_SECONDS, "How long an attempt took");
    describe_gauge!(
        BREAKER,
        "0: the endpoint is asked, 1: it is left alone, 2: one call probes it"
    );
    describe_counter!(TRANSACTIONS, "Intents that ended, by outcome");
    describe_gauge!(PENDING, "Transactions that wait to be in a block");
    describe_gauge!(OLDEST_PENDING, "Age of the oldest of them");
    describe_gauge!(COINS, "Coins of the submitting account");
    describe_gauge!(RUNWAY, "How long that lasts at the rate of the last hour");
    describe_histogram!(LATENCY, "Final block seen to batch accepted by a node");
}

/// An attempt of a call ended. `method` and `outcome` are of closed sets.
pub(crate) fn attempted(
    chain: &Arc<str>,
    endpoint: &Arc<str>,
    method: &'static str,
    outcome: &'static str,
    took: Duration,
) {
    let (chain, endpoint) = (Arc::clone(chain), Arc::clone(endpoint));
    counter!(
        REQUESTS, "chain" => Arc::clone(&chain), "endpoint" => Arc::clone(&endpoint),
        "method" => method, "outcome" => outcome,
    )
    .increment(1);
    histogram!(REQUEST_SECONDS, "chain" => chain, "endpoint" => endpoint, "method" => method)
        .record(took);
}

/// The state of an endpoint's breaker.
pub(crate) fn breaker(chain: &Arc<str>, endpoint: &Arc<str>) -> Gauge {
    gauge!(BREAKER, "chain" => Arc::clone(chain), "endpoint" => Arc::clone(endpoint))
}

/// An intent ended. `outcome` is one of a closed set of words.
pub(crate) fn resolved(chain: &str, outcome: &'static str) {
    counter!(TRANSACTIONS, "chain" => chain.to_owned(), "outcome" => outcome).increment(1);
}

/// A node took the transaction, so long after its cause was known.
pub(crate) fn sent_after(chain: &str, took: Duration) {
    histogram!(LATENCY, "chain" => chain.to_owned()).record(took);
}

/// So many transactions of the account wait, the oldest for that long.
pub(crate) fn pending(chain: &str, account: Address, waiting: usize, oldest: Duration) {
    of_account(PENDING, chain, account).set(waiting as f64);
    of_account(OLDEST_PENDING, chain, account).set(oldest.as_secs_f64());
}

/// The account holds so many coins, which last for so many hours; for infinity while nothing is spent.
pub(crate) fn balance(chain: &str, account: Address, coins: f64, hours: f64) {
    of_account(COINS, chain, account).set(coins);
    of_account(RUNWAY, chain, account).set(hours);
}

fn of_account(name: &'static str, chain: &str, account: Address) -> Gauge {
    gauge!(name, "chain" => chain.to_owned(), "account" => account.to_string())
}
