//! An account over a scripted node, and intents for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use alloy::primitives::{Address, B256, Bytes};
use secrecy::SecretBox;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use twinspan_bridge::ids::AccountNonce;
use twinspan_chains::rpc::RpcService;
use twinspan_chains::signer::{LocalKey, TransactionSigner};
use twinspan_chains::transactions::{
    Account, AccountHandle, AccountKey, AccountStopped, Intent, IntentId, MemoryStore, Outcome,
    Resolved, StoreFault, StoredTransaction, TransactionStore,
};
use twinspan_chains::{ChainConfig, EvmChain};

use super::node::{CHAIN_ID, FakeNode};

pub const BRIDGE: Address = Address::repeat_byte(0xb1);

pub fn signer() -> TransactionSigner {
    TransactionSigner::new(LocalKey::new(&SecretBox::new(Box::new([7; 32]))).expect("a key"))
}

/// One of 256 intents.
pub fn intent(n: u8) -> Intent {
    Intent {
        since: None,
        id: IntentId(B256::repeat_byte(n)),
        to: BRIDGE,
        input: Bytes::from(vec![n]),
        gas_limit: 100_000,
        label: format!("batch {n}"),
    }
}

pub struct Rig {
    pub node: FakeNode,
    pub handle: AccountHandle,
    pub outcomes: mpsc::Receiver<Resolved>,
    pub running: JoinHandle<Result<(), AccountStopped>>,
    pub cancel: CancellationToken,
}

impl Rig {
    pub async fn start<S: TransactionStore>(
        node: &FakeNode,
        config: ChainConfig,
        store: S,
    ) -> Self {
        Self::start_over(vec![node.service()], node, config, store).await
    }

    /// Over these ways to the node.
    pub async fn start_over<S: TransactionStore>(
        services: Vec<RpcService>,
        node: &FakeNode,
        config: ChainConfig,
        store: S,
    ) -> Self {
        let chain = EvmChain::connect_over(config, services).await.expect("connects");
        let (sender, outcomes) = mpsc::channel(16);
        let (account, handle) = Account::new(chain, signer(), store, sender);
        let cancel = CancellationToken::new();
        let running = tokio::spawn(account.run(cancel.clone()));
        Self { node: node.clone(), handle, outcomes, running, cancel }
    }

    pub async fn outcome(&mut self) -> Resolved {
        let waited = tokio::time::timeout(Duration::from_secs(600), self.outcomes.recv()).await;
        waited.expect("an outcome in time").expect("the account runs")
    }

    /// Mines a block every second until an outcome comes.
    pub async fn mine_until_outcome(&mut self) -> Resolved {
        for _ in 0..600 {
            let soon = tokio::time::timeout(Duration::from_secs(1), self.outcomes.recv()).await;
            if let Ok(resolved) = soon {
                return resolved.expect("the account runs");
            }
            self.node.mine();
        }
        panic!("no outcome in 600 blocks");
    }

    pub async fn settle(&self, blocks: usize) {
        for _ in 0..blocks {
            tokio::time::sleep(Duration::from_secs(4)).await;
            self.node.mine();
        }
        tokio::time::sleep(Duration::from_secs(4)).await;
    }

    pub async fn stop(self) {
        self.cancel.cancel();
        self.running.await.expect("no panic").expect("no fault");
    }
}

pub fn config() -> ChainConfig {
    super::config(CHAIN_ID, 1)
}

pub fn is_mined(resolved: &Resolved) -> bool {
    matches!(resolved.outcome, Outcome::Mined { .. })
}

/// Fails at one chosen write, before or after it is durable; then works again.
pub struct CrashingStore {
    pub kept: Arc<MemoryStore>,
    pub writes: AtomicUsize,
    pub crash_at: usize,
    pub after: bool,
}

impl CrashingStore {
    fn crashes_now(&self) -> bool {
        self.writes.fetch_add(1, Ordering::SeqCst) == self.crash_at
    }
}

impl TransactionStore for CrashingStore {
    async fn load(&self, account: AccountKey) -> Result<Vec<StoredTransaction>, StoreFault> {
        self.kept.load(account).await
    }

    async fn save(
        &self,
        account: AccountKey,
        transaction: &StoredTransaction,
    ) -> Result<(), StoreFault> {
        let crashes = self.crashes_now();
        if !crashes || self.after {
            self.kept.save(account, transaction).await?;
        }
        if crashes { Err(StoreFault::new("crash")) } else { Ok(()) }
    }

    async fn remove(&self, account: AccountKey, nonce: AccountNonce) -> Result<(), StoreFault> {
        let crashes = self.crashes_now();
        if !crashes || self.after {
            self.kept.remove(account, nonce).await?;
        }
        if crashes { Err(StoreFault::new("crash")) } else { Ok(()) }
    }
}
