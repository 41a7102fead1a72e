//! Finds on the chains what the store does not hold of a transfer: who certified it, and how its token counts.
//!
//! Certificates are stored once they are found. A question without an answer is remembered for a while, so that asking
//! it again and again costs the nodes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};

use alloy::primitives::{Address, B256};
use tracing::{debug, warn};
use twinspan_bridge::ids::{BridgeAt, Lane};
use twinspan_bridge::lane_head::LanePosition;
use twinspan_bridge::payment::DeliveredBatch;
use twinspan_bridge::request::Request;
use twinspan_chains::EvmChain;
use twinspan_chains::evm::token::TokenUnits;
use twinspan_chains::rpc::{Limiter, limiter};
use twinspan_store::{BatchRow, CertificateRow, Store, Write};

/// Tokens, and transactions without an answer, that are remembered; then all are forgotten.
const KNOWN_MAX: usize = 4_096;

/// Transactions a second that are looked for on the chains because they are in no final block.
const LOOKS_PER_SECOND: NonZeroU32 = NonZeroU32::new(20).expect("not zero");

/// The units of the known tokens, each beside its bridge.
type Units = BTreeMap<(BridgeAt, Address), Option<TokenUnits>>;

/// Findings that have no place in the store.
#[derive(Debug)]
pub(crate) struct Evidence {
    looks: Limiter,
    units: Mutex<Units>,
    /// Transactions that are no plain call of a bridge, or that no node knows.
    unanswered: Mutex<BTreeSet<B256>>,
}

impl Default for Evidence {
    fn default() -> Self {
        let (units, unanswered) = (Mutex::default(), Mutex::default());
        Self { looks: limiter(LOOKS_PER_SECOND), units, unanswered }
    }
}

impl Evidence {
    /// Whether one more transaction may be looked for on a chain now.
    pub(super) fn may_look(&self) -> bool {
        self.looks.check().is_ok()
    }

    /// Who certified a batch of `lane`: from its `transaction` on the destination chain.
    pub(super) async fn certificate(
        &self,
        store: &Store,
        (lane, chain): (Lane, &EvmChain),
        batch: &BatchRow,
        transaction: B256,
    ) -> Option<CertificateRow> {
        if unlocked(&self.unanswered).contains(&transaction) {
            return None;
        }
        let BatchRow { first, count, head, submitter } = *batch;
        let after = LanePosition { count, head };
        let delivered = DeliveredBatch { first, after, submitter };
        let row = match chain.paid_under(lane, &delivered, transaction).await {
            Ok(Some(paid)) => CertificateRow {
                epoch: paid.checkpoint().epoch,
                count: paid.checkpoint().count(),
                head: paid.checkpoint().position.head,
                signers: paid.signers().to_vec(),
            },
            Ok(None) => {
                let mut unanswered = unlocked(&self.unanswered);
                if unanswered.len() >= KNOWN_MAX {
                    unanswered.clear();
                }
                unanswered.insert(transaction);
                return None;
            }
            Err(fault) => {
                debug!(%transaction, %fault, "the certificate of a batch is not read now");
                return None;
            }
        };
        let write = Write::Certificate(lane.id(), first..count.next_nonce(), row.clone());
        if let Err(error) = store.commit(vec![write]).await {
            warn!(%error, "a certificate is not stored");
        }
        Some(row)
    }

    /// The units of a request's token on its source chain; `None` where they are not known.
    pub(super) async fn units(
        &self,
        (bridge, chain): (BridgeAt, &EvmChain),
        request: &Request,
    ) -> Option<TokenUnits> {
        let key = (bridge, request.token);
        if let Some(known) = unlocked(&self.units).get(&key) {
            return *known;
        }
        match chain.token_units(bridge.address, request.token, request.kind).await {
            Ok(units) => {
                let mut known = unlocked(&self.units);
                if known.len() >= KNOWN_MAX {
                    known.clear();
                }
                known.insert(key, units);
                units
            }
            Err(fault) => {
                debug!(token = %request.token, %fault, "how a token counts is not read now");
                None
            }
        }
    }
}

fn unlocked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
