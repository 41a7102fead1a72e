//! Answers operators, dApps and monitoring over HTTP, in the words of [`twinspan_api`].
//!
//! [`public`] and [`operator`] hold the routes; [`http`] holds the connections and their bounds.

mod cross_origin;
mod evidence;
pub(crate) mod http;
mod lanes;
pub mod operator;
mod orders;
mod places;
pub(crate) mod public;
mod refusal;
mod status;
#[cfg(test)]
mod tests;
mod transfer_words;
mod transfers;
mod turn_away;
mod visitors;

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch;
use twinspan_api::status::Configuration;
use twinspan_chains::EvmChain;
use twinspan_chains::transactions::AccountHandle;

use self::evidence::Evidence;
use crate::lanes::Directory;
use crate::status::PairReport;
use twinspan_store::Store;

/// The state of the relayer from which answers are made.
#[derive(Clone)]
pub(crate) struct Api {
    /// The relayer's name and attestation address.
    pub relayer: Arc<(String, alloy::primitives::Address)>,
    /// The pairs.
    pub pairs: Arc<Vec<watch::Receiver<PairReport>>>,
    /// The lanes.
    pub directory: Arc<Directory>,
    /// The chains.
    pub chains: Arc<Vec<EvmChain>>,
    /// The accounts that submit.
    pub accounts: Arc<Vec<AccountHandle>>,
    /// The store.
    pub store: Store,
    /// Findings on the chains beside it.
    pub(crate) evidence: Arc<Evidence>,
    /// The metrics.
    pub metrics: PrometheusHandle,
    /// The configuration in force.
    pub configuration: watch::Receiver<Configuration>,
    /// When the relayer started.
    pub started: tokio::time::Instant,
}

impl Api {
    /// The accounts that submit on `chain`.
    fn accounts_on(&self, chain: &EvmChain) -> impl Iterator<Item = &AccountHandle> {
        let chain_id = chain.chain_id();
        self.accounts.iter().filter(move |account| account.account().chain_id == chain_id)
    }
}
