//! The actor: takes intents, listens to heads, and reports outcomes.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use alloy::primitives::U256;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use twinspan_bridge::ids::AccountNonce;

use super::book::{Book, Slot};
use super::commands::Ask;
use super::handle::{AccountHandle, INTENTS_MAX};
use super::intent::{Intent, Resolved};
use super::runway::Runway;
use super::send::Sending;
use super::store::{StoreFault, TransactionStore};
use super::stored::{AccountKey, TransactionState};
use super::view::AccountSnapshot;
use crate::chain::{EvmChain, Head};
use crate::evm::fees::FeeView;
use crate::metrics;
use crate::rpc::fault::RpcFault;
use crate::rpc::quantity::Quantity;
use crate::signer::{SignerError, TransactionSigner};

/// Transactions of the account that wait to be in a block; more intents wait in the channel. Pools keep
/// 16 (geth's guaranteed slots) to 64 of one account.
const IN_FLIGHT_MAX: usize = 32;
/// Outcomes that wait for their reader; past that no intent is taken.
const REPORTS_MAX: usize = 64;
/// How often we look whether something is due, while something is under way. Costs no call.
const TICK: Duration = Duration::from_millis(500);
/// Poll intervals without a head after which we look for ourselves, while something is under way.
const SILENT_INTERVALS: u32 = 3;
/// Coins that last less than this are worth an alarm.
const RUNWAY_ALARM: Duration = Duration::from_secs(24 * 3_600);
/// Waits between two tries to reach the chain at the start, from the first to the last.
const START_MIN: Duration = Duration::from_secs(2);
const START_MAX: Duration = Duration::from_secs(10);

/// Why an account ended, apart from being asked to.
#[derive(Debug, thiserror::Error)]
pub enum AccountStopped {
    /// A record could not be written.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// Nobody reads the outcomes.
    #[error("nobody reads the outcomes of transactions")]
    OutcomesClosed,
    /// The key cannot sign.
    #[error(transparent)]
    Signer(#[from] SignerError),
}

/// Sends the transactions of one account on one chain. See the [module](super) for its contract.
#[derive(Debug)]
pub struct Account<S> {
    pub(super) chain: EvmChain,
    pub(super) signer: TransactionSigner,
    pub(super) store: S,
    pub(super) account: AccountKey,
    outcomes: mpsc::Sender<Resolved>,
    intents: mpsc::Receiver<Intent>,
    commands: mpsc::Receiver<Ask>,
    view: watch::Sender<AccountSnapshot>,
    pub(super) book: Book,
    /// The account nonce that the next intent takes.
    pub(super) next: u64,
    pub(super) fees: FeeView,
    pub(super) head: Option<Head>,
    looked_at: Instant,
    pub(super) heads_seen: u64,
    /// Account nonces whose bytes wait for their turn to be broadcast.
    pub(super) outgoing: BTreeSet<u64>,
    /// The broadcast under way, at most one. In a mutex that nobody locks: only to let the account be shared
    /// between threads by reference.
    pub(super) sends: Mutex<FuturesUnordered<Sending>>,
    pub(super) reports: VecDeque<(u64, Resolved)>,
    /// An intent that the signer gave no signature for, and since when; no other is taken before it.
    pub(super) unsigned: Option<(Intent, Instant)>,
    pub(super) balance_at: Option<Instant>,
    runway: Runway,
}

impl<S: TransactionStore> Account<S> {
    /// The signer's account. `outcomes` is where intents end.
    #[must_use]
    pub fn new(
        chain: EvmChain,
        signer: TransactionSigner,
        store: S,
        outcomes: mpsc::Sender<Resolved>,
    ) -> (Self, AccountHandle) {
        let account = AccountKey { chain_id: chain.chain_id(), address: signer.address() };
        let (intents_in, intents) = mpsc::channel(INTENTS_MAX);
        let (commands_in, commands) = mpsc::channel(INTENTS_MAX);
        let snapshot = AccountSnapshot {
            account,
            next_nonce: None,
            balance: None,
            runway: None,
            pending: Vec::new(),
            clock: chain.clock().clone(),
        };
        let (view, viewed) = watch::channel(snapshot);
        let this = Self {
            chain,
            signer,
            store,
            account,
            outcomes,
            intents,
            commands,
            view,
            book: Book::default(),
            next: 0,
            fees: FeeView::FREE,
            head: None,
            looked_at: Instant::now(),
            heads_seen: 0,
            outgoing: BTreeSet::new(),
            sends: Mutex::new(FuturesUnordered::new()),
            reports: VecDeque::new(),
            unsigned: None,
            balance_at: None,
            runway: Runway::default(),
        };
        (this, AccountHandle::new(intents_in, commands_in, viewed))
    }

    /// Runs until cancelled. All that is under way then goes on at the next start.
    ///
    /// # Errors
    /// [`AccountStopped`] if it cannot go on safely.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), AccountStopped> {
        // Dropping `serve` anywhere is safe: what was not recorded was not done.
        tokio::select! {
            biased;
            () = cancel.cancelled() => Ok(()),
            ended = self.serve() => ended,
        }
    }

    async fn serve(&mut self) -> Result<(), AccountStopped> {
        self.load().await?;
        self.reach_chain().await?;
        let mut heads = self.chain.seen_heads();
        let outcomes = self.outcomes.clone();
        let mut has_callers = true;
        let mut tick_at = Instant::now();
        loop {
            self.publish();
            let takes_more = self.unsigned.is_none()
                && self.book.pending().count() < IN_FLIGHT_MAX
                && self.reports.len() < REPORTS_MAX;
            let busy = self.is_busy();
            if !has_callers && !busy && self.reports.is_empty() {
                return Ok(());
            }
            let sending = !unlocked(&mut self.sends).is_empty();
            tokio::select! {
                biased;
                // 1. What has ended is told, if somebody listens.
                permit = outcomes.reserve(), if !self.reports.is_empty() => {
                    let permit = permit.map_err(|_| AccountStopped::OutcomesClosed)?;
                    if let Some((nonce, resolved)) = self.reports.pop_front() {
                        permit.send(resolved);
                        self.forget_abandoned(nonce).await?;
                    }
                }
                // 2. What nodes said of our broadcasts.
                Some(sent) = unlocked(&mut self.sends).next(), if sending => {
                    self.on_sent(sent).await?;
                }
                // 3. New work goes out at once; without callers what is under way is finished.
                Some(ask) = self.commands.recv() => self.obey(ask).await?,
                intent = self.intents.recv(), if has_callers && takes_more => match intent {
                    Some(intent) => self.accept(intent).await?,
                    None => has_callers = false,
                },
                // 4. A new head may hold what we wait for.
                Ok(()) = heads.changed() => {
                    let head = *heads.borrow_and_update();
                    if let Some(head) = head {
                        self.on_head(head).await?;
                    }
                }
                // 5. Time passes.
                () = tokio::time::sleep_until(tick_at), if busy => {
                    tick_at = Instant::now() + TICK;
                    self.on_tick().await?;
                }
                else => std::future::pending().await,
            }
        }
    }

    async fn load(&mut self) -> Result<(), AccountStopped> {
        let now = Instant::now();
        for stored in self.store.load(self.account).await? {
            self.next = self.next.max(stored.nonce.get().saturating_add(1));
            let nonce = stored.nonce.get();
            let unsettled = match stored.state {
                TransactionState::Included { .. } | TransactionState::Abandoned { .. } => true,
                TransactionState::Pending | TransactionState::Settled { .. } => false,
            };
            self.book.insert(Slot::new(stored, now));
            if unsettled {
                // It may have been recorded and not told.
                self.report(nonce);
            }
        }
        Ok(())
    }

    /// Learns fees and account nonce, repairs gaps, and broadcasts again what is pending.
    async fn reach_chain(&mut self) -> Result<(), AccountStopped> {
        let mut backoff = self.chain.clock().backoff(START_MIN, START_MAX);
        loop {
            match self.learn().await {
                Ok(()) => break,
                Err(fault) => {
                    tracing::warn!(chain = self.chain.name(), %fault, "transactions wait for the chain");
                    tokio::time::sleep(backoff.next()).await;
                }
            }
        }
        self.repair_gaps().await?;
        self.check_pending(true).await?;
        self.do_what_is_due().await
    }

    async fn learn(&mut self) -> Result<(), RpcFault> {
        self.fees.refresh(&self.chain).await?;
        self.head = Some(self.chain.latest_head().await?);
        self.looked_at = Instant::now();
        let latest = self.transaction_count("latest").await?;
        // A pool that cannot tell is no reason not to start.
        let pending = self.transaction_count("pending").await.unwrap_or(latest);
        self.next = self.next.max(latest).max(pending);
        self.look_at_balance().await;
        Ok(())
    }

    async fn on_head(&mut self, head: Head) -> Result<(), AccountStopped> {
        self.looked_at = Instant::now();
        let before = self.head.replace(head);
        if before.is_some_and(|before| before.block == head.block) {
            return Ok(());
        }
        self.fees.update(&head);
        self.heads_seen += 1;
        self.book.count_head();
        self.check_pending(false).await?;
        let reorganised = before.is_some_and(|before| went_back(&before, &head));
        self.check_included(&head, reorganised).await?;
        self.do_what_is_due().await
    }

    async fn on_tick(&mut self) -> Result<(), AccountStopped> {
        self.accept_unsigned().await?;
        let silence = self.chain.config().poll_interval.saturating_mul(SILENT_INTERVALS).max(TICK);
        if self.looked_at.elapsed() >= silence {
            self.looked_at = Instant::now();
            match self.chain.latest_head().await {
                Ok(head) => self.on_head(head).await?,
                Err(fault) => {
                    tracing::debug!(chain = self.chain.name(), %fault, "no head");
                }
            }
        }
        self.do_what_is_due().await
    }

    /// Whether anything is under way that time or a head can change.
    fn is_busy(&self) -> bool {
        self.unsigned.is_some()
            || self.book.iter().any(|(_, slot)| match slot.stored.state {
                TransactionState::Pending | TransactionState::Included { .. } => true,
                TransactionState::Settled { .. } | TransactionState::Abandoned { .. } => false,
            })
    }

    /// Counts the end of an intent and queues it to be told.
    pub(super) fn conclude(&mut self, nonce: u64) {
        let ended = self.book.get(nonce).filter(|slot| slot.stored.intent.is_some());
        if let Some(outcome) = ended.and_then(|slot| slot.stored.outcome()) {
            metrics::resolved(self.chain.name(), outcome.label());
        }
        self.report(nonce);
    }

    /// Queues the outcome recorded at `nonce` to be told.
    pub(super) fn report(&mut self, nonce: u64) {
        let Some(slot) = self.book.get(nonce) else { return };
        let Some(outcome) = slot.stored.outcome() else { return };
        let Some(intent) = &slot.stored.intent else { return };
        self.reports.push_back((nonce, Resolved { id: intent.id, to: intent.to, outcome }));
    }

    async fn forget_abandoned(&mut self, nonce: u64) -> Result<(), AccountStopped> {
        let abandoned = self
            .book
            .get(nonce)
            .is_some_and(|slot| matches!(slot.stored.state, TransactionState::Abandoned { .. }));
        if abandoned {
            self.store.remove(self.account, AccountNonce::new(nonce)).await?;
            self.book.remove(nonce);
        }
        Ok(())
    }

    pub(super) async fn save(&self, nonce: u64) -> Result<(), AccountStopped> {
        if let Some(slot) = self.book.get(nonce) {
            self.store.save(self.account, &slot.stored).await?;
        }
        Ok(())
    }

    pub(super) async fn transaction_count(&self, tag: &'static str) -> Result<u64, RpcFault> {
        let asked = (self.account.address, tag);
        Ok(self.chain.request::<_, Quantity>("eth_getTransactionCount", asked).await?.get())
    }

    pub(super) async fn look_at_balance(&mut self) {
        self.balance_at = Some(Instant::now());
        let asked = (self.account.address, "latest");
        if let Ok(balance) = self.chain.request::<_, U256>("eth_getBalance", asked).await {
            let runway = self.runway.note(balance, Instant::now());
            self.show_runway(balance, runway);
            self.view.send_modify(|view| (view.balance, view.runway) = (Some(balance), runway));
        }
    }

    fn show_runway(&self, balance: U256, runway: Option<Duration>) {
        let coins = f64::from(balance) / 1e18;
        let hours = runway.map_or(f64::INFINITY, |runway| runway.as_secs_f64() / 3_600.0);
        metrics::balance(self.chain.name(), self.account.address, coins, hours);
        if runway.is_some_and(|runway| runway < RUNWAY_ALARM) {
            tracing::warn!(
                chain = self.chain.name(), account = %self.account.address, coins, hours,
                "the account's coins run out: top it up"
            );
        }
    }

    fn publish(&self) {
        let mut pending = self.book.views();
        pending.extend(self.unsigned_view());
        self.view.send_modify(|view| {
            view.next_nonce = Some(AccountNonce::new(self.next));
            view.pending = pending;
            let (waiting, oldest) = (view.pending.len(), view.oldest_age().unwrap_or_default());
            metrics::pending(self.chain.name(), self.account.address, waiting, oldest);
        });
    }
}

/// The content of a mutex that nobody else can hold.
pub(super) fn unlocked<T>(mutex: &mut Mutex<T>) -> &mut T {
    mutex.get_mut().unwrap_or_else(PoisonError::into_inner)
}

/// Whether `head` proves that the chain that `before` was on is not the chain any more.
fn went_back(before: &Head, head: &Head) -> bool {
    let follows = head.block.number == before.block.number.plus(1);
    head.block.number <= before.block.number || (follows && head.parent != before.block.hash)
}
