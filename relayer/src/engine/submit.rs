//! Turns what a lane wants on its destination into transactions, and their ends into inputs.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, keccak256};
use tokio::time::Instant;
use tracing::{info, warn};
use twinspan_bridge::attest::Attestation;
use twinspan_bridge::batch::Batch;
use twinspan_bridge::ids::LaneId;
use twinspan_bridge::io::{Input, Purpose};
use twinspan_bridge::key::Signature;
use twinspan_chains::EvmChain;
use twinspan_chains::evm::calls::{Call, attest_call, deliver_call, deliver_gas_worst_case};
use twinspan_chains::transactions::{AccountHandle, Intent, IntentId, Outcome, Resolved};

use crate::metrics;

/// The share of a block that one transaction may ask for.
const BLOCK_SHARE_PERCENT: u64 = 90;

/// Sends to one destination bridge.
#[derive(Debug)]
pub(crate) struct Submitter {
    chain: EvmChain,
    transaction_gas_max: u64,
    bridge: Address,
    lane: LaneId,
    /// The lane's name in logs and metrics.
    name: String,
    account: AccountHandle,
    /// The transactions on their way. Never more than [`UNTOLD_MAX`](twinspan_bridge::machine::UNTOLD_MAX) batches and
    /// the attestations of one lane.
    pending: BTreeMap<B256, Purpose>,
    /// Told at once to the machine: the account had no place for it.
    refused: Vec<Purpose>,
}

impl Submitter {
    /// Sends to `bridge` on `chain` from `account`, for the lane of that id and name.
    #[must_use]
    pub(crate) fn new(
        chain: EvmChain,
        transaction_gas_max: u64,
        bridge: Address,
        (lane, name): (LaneId, String),
        account: AccountHandle,
    ) -> Self {
        let (pending, refused) = (BTreeMap::new(), Vec::new());
        Self { chain, transaction_gas_max, bridge, lane, name, account, pending, refused }
    }

    /// Sends a batch.
    pub(crate) async fn deliver(&mut self, batch: &Batch, attempt: u32, since: Option<Instant>) {
        let checkpoint = batch.certificate.checkpoint();
        let signatures: Vec<Signature> =
            batch.certificate.signatures().iter().map(|(_, signature)| *signature).collect();
        let position = checkpoint.position;
        let mut call = deliver_call(
            self.bridge,
            &batch.requests,
            &batch.tail,
            checkpoint.epoch,
            position.count,
            position.head,
            &signatures,
        );
        if attempt > 0 {
            // Recipients may have burnt what ordinary ones leave.
            let worst = deliver_gas_worst_case(
                &batch.requests,
                batch.tail.len(),
                batch.certificate.signatures().len(),
            );
            // Never less than ordinary recipients take: a block's size is one endpoint's word.
            call.gas_limit = worst.min(self.block_gas()).max(call.gas_limit);
        }
        let first = batch.first().count_before();
        let purpose = Purpose::Deliver { first, end: batch.end() };
        let (lane, requests) = (self.name.as_str(), batch.requests.len());
        info!(lane, %first, requests, tail = batch.tail.len(), attempt, "sending batch");
        metrics::submitted(lane);
        let label = format!("deliver {lane} {first}+{requests}");
        self.send(purpose, attempt, call, label, since).await;
    }

    /// Records an attestation on chain.
    pub(crate) async fn post(&mut self, attestation: &Attestation, attempt: u32) {
        let (lane, count) = (self.name.as_str(), attestation.checkpoint.count());
        warn!(lane, %count, "peers leave us without a certificate: posting our attestation on chain");
        metrics::posted(lane);
        let call = attest_call(self.bridge, attestation);
        let label = format!("attest {lane} {count}");
        self.send(Purpose::Attest { count }, attempt, call, label, None).await;
    }

    async fn send(
        &mut self,
        purpose: Purpose,
        attempt: u32,
        call: Call,
        label: String,
        since: Option<Instant>,
    ) {
        let intent_id = intent_id(self.lane, purpose, attempt);
        let gas_limit = call.gas_limit.min(self.transaction_gas_max);
        let call = Call { gas_limit, ..call };
        let intent = Intent { since, ..Intent::new(IntentId(intent_id), call, label) };
        self.pending.insert(intent_id, purpose);
        if let Err(fault) = self.account.submit(intent).await {
            warn!(lane = %self.name, %fault, "the account takes no transaction now");
            self.pending.remove(&intent_id);
            self.refused.push(purpose);
        }
    }

    /// The gas of a block that one transaction may ask for: a node refuses what no block holds.
    fn block_gas(&self) -> u64 {
        let head = *self.chain.seen_heads().borrow();
        head.map_or(u64::MAX, |head| head.gas_limit / 100 * BLOCK_SHARE_PERCENT)
    }

    /// The input that a transaction's end is to the lane, if it is one of ours.
    pub(crate) fn resolved(&mut self, resolved: &Resolved) -> Option<Input> {
        let purpose = self.pending.remove(&resolved.id.0)?;
        let accepted = match &resolved.outcome {
            Outcome::Mined { .. } => true,
            Outcome::Reverted { transaction, data, .. } => {
                let reason = twinspan_contracts::explain_revert(data)
                    .unwrap_or_else(|| "no reason given".into());
                info!(lane = %self.name, %transaction, reason, "our transaction reverted");
                metrics::lost(&self.name);
                false
            }
            Outcome::Abandoned { reason } => {
                warn!(lane = %self.name, reason, "our transaction was given up");
                false
            }
        };
        Some(Input::TransactionResolved { purpose, accepted })
    }

    /// The intents that the account had no place for since the last call.
    pub(crate) fn refused(&mut self) -> Vec<Input> {
        let refused = std::mem::take(&mut self.refused);
        let input = |purpose| Input::TransactionResolved { purpose, accepted: false };
        refused.into_iter().map(input).collect()
    }

    /// Forgets what is on its way: the machine that asked for it is gone.
    pub(crate) fn forget(&mut self) {
        self.pending.clear();
        self.refused.clear();
    }
}

/// The same intent has the same id after a restart, so that it is not sent twice.
fn intent_id(lane: LaneId, purpose: Purpose, attempt: u32) -> B256 {
    let (kind, from, to) = match purpose {
        Purpose::Deliver { first, end } => (1_u8, first.get(), end.get()),
        Purpose::Attest { count } => (2_u8, count.get(), 0),
    };
    let mut message = lane.0.to_vec();
    message.push(kind);
    message.extend(from.to_be_bytes());
    message.extend(to.to_be_bytes());
    message.extend(attempt.to_be_bytes());
    keccak256(message)
}
