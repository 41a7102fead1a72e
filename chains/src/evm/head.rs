//! Watches a chain for new heads: a subscription with polling underneath.

use std::time::Duration;

use alloy::pubsub::RawSubscription;
use futures::future::BoxFuture;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;
use twinspan_bridge::ids::BlockRef;

use crate::backoff::Backoff;
use crate::chain::{EvmChain, Head, Header};
use crate::rpc::endpoint::by_trust;
use crate::rpc::fault::RpcFault;
use crate::rpc::quantity::Quantity;

/// Polls in a row that must show a lower head before it is believed. An endpoint that merely lags soon catches up; a
/// chain that went back stays there.
const LOWER_POLLS: u32 = 3;
/// A live subscription may be silent for so many poll intervals before we look ourselves.
const SILENT_INTERVALS: u32 = 3;
/// Polls without a new head after which the endpoints are compared with each other.
const STILL_POLLS: u32 = 5;
/// The longest wait between two tries while the chain cannot be reached, unless its poll interval is longer.
const LOOK_MAX: Duration = Duration::from_secs(30);
/// Waits between two tries to open a subscription, from the first to the last.
const OPEN_MIN: Duration = Duration::from_secs(5);
const OPEN_MAX: Duration = Duration::from_secs(30);
/// Most time that opening a subscription takes.
const SUBSCRIBE_TIMEOUT: Duration = Duration::from_secs(5);
/// Blocks that an endpoint may be behind the newest one before it is asked last.
const LAG_MAX: u64 = 3;

/// Yields each new head of a chain. Never ends; tells a head once; skips to the newest.
pub struct HeadWatcher {
    chain: EvmChain,
    last: Option<Head>,
    subscription: Option<RawSubscription>,
    /// Opening a subscription, under way. Kept here so that dropping `next` does not undo it.
    opening: Option<BoxFuture<'static, Result<RawSubscription, RpcFault>>>,
    open_at: Instant,
    open_backoff: Backoff,
    /// Which of the endpoints with a WebSocket is subscribed to next.
    turn: usize,
    /// A look at the newest block, under way. Kept here for the same reason.
    looking: Option<BoxFuture<'static, Result<Head, RpcFault>>>,
    look_at: Instant,
    look_backoff: Backoff,
    lower: u32,
    still: u32,
}

impl std::fmt::Debug for HeadWatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let subscribed = self.subscription.is_some();
        f.debug_struct("HeadWatcher")
            .field("chain", &self.chain.name())
            .field("last", &self.last)
            .field("subscribed", &subscribed)
            .finish_non_exhaustive()
    }
}

enum Event {
    Pushed(Head),
    Unreadable,
    Broken,
    Opened(Result<RawSubscription, RpcFault>),
    Seen(Result<Head, RpcFault>),
}

impl HeadWatcher {
    fn new(chain: EvmChain) -> Self {
        let now = Instant::now();
        let (interval, clock) = (chain.config().poll_interval, chain.clock());
        // The first wait is longer than that of a chain that is well.
        let look_backoff = clock.backoff(interval.saturating_mul(2), LOOK_MAX);
        let open_backoff = clock.backoff(OPEN_MIN, OPEN_MAX);
        Self {
            chain,
            last: None,
            subscription: None,
            opening: None,
            open_at: now,
            open_backoff,
            turn: 0,
            looking: None,
            look_at: now,
            look_backoff,
            lower: 0,
            still: 0,
        }
    }

    /// The next head's block. Can be dropped and called again without losing a head.
    pub async fn next(&mut self) -> BlockRef {
        self.next_head().await.block
    }

    /// The next head, with what its header says. Can be dropped and called again without losing a head.
    pub async fn next_head(&mut self) -> Head {
        loop {
            let head = match self.wait().await {
                Event::Pushed(head) => Some(head),
                Event::Unreadable => {
                    self.look_at = Instant::now();
                    None
                }
                Event::Broken => {
                    self.subscription = None;
                    self.look_at = Instant::now();
                    None
                }
                Event::Opened(outcome) => {
                    self.on_opened(outcome);
                    None
                }
                Event::Seen(outcome) => self.on_seen(outcome),
            };
            if let Some(head) = head.filter(|head| self.is_new(head)) {
                self.last = Some(head);
                self.still = 0;
                self.chain.publish_head(head);
                return head;
            }
        }
    }

    /// No state changes after an await, so that this can be dropped anywhere.
    async fn wait(&mut self) -> Event {
        loop {
            let may_open = self.subscription.is_none() && self.opening.is_none();
            tokio::select! {
                biased;
                event = pushed(&mut self.subscription) => return event,
                outcome = under_way(&mut self.opening) => return Event::Opened(outcome),
                outcome = under_way(&mut self.looking) => return Event::Seen(outcome),
                () = tokio::time::sleep_until(self.open_at), if may_open && self.has_ws() => {
                    self.open();
                }
                () = tokio::time::sleep_until(self.look_at), if self.looking.is_none() => {
                    let chain = self.chain.clone();
                    // A head that stands still may only be an endpoint that does.
                    let compare = self.still != 0 && self.still.is_multiple_of(STILL_POLLS);
                    self.looking = Some(Box::pin(async move {
                        if compare {
                            chain.check_lag().await;
                        }
                        chain.latest_head().await
                    }));
                }
            }
        }
    }

    fn has_ws(&self) -> bool {
        self.chain.endpoints().iter().any(|endpoint| endpoint.ws().is_some())
    }

    fn open(&mut self) {
        self.open_at = Instant::now() + self.open_backoff.next();
        let with_ws: Vec<_> =
            self.chain.endpoints().iter().filter_map(|endpoint| endpoint.ws()).collect();
        let Some(ws) = with_ws.get(self.turn % with_ws.len().max(1)) else { return };
        let ws = (*ws).clone();
        self.opening = Some(Box::pin(async move {
            let opened = tokio::time::timeout(SUBSCRIBE_TIMEOUT, ws.new_heads()).await;
            opened.unwrap_or(Err(RpcFault::Timeout))
        }));
    }

    fn on_opened(&mut self, outcome: Result<RawSubscription, RpcFault>) {
        match outcome {
            Ok(subscription) => {
                self.subscription = Some(subscription);
                self.open_backoff.reset();
            }
            Err(fault) => {
                self.turn = self.turn.wrapping_add(1);
                tracing::debug!(chain = self.chain.name(), %fault, "no subscription");
            }
        }
        // Heads may have passed while there was no subscription.
        self.look_at = Instant::now();
    }

    fn on_seen(&mut self, outcome: Result<Head, RpcFault>) -> Option<Head> {
        match outcome {
            Ok(head) => {
                self.look_backoff.reset();
                self.look_at = Instant::now() + self.next_look();
                if self.last.is_some_and(|last| last.block == head.block) {
                    self.still = self.still.saturating_add(1);
                }
                Some(head)
            }
            Err(fault) => {
                let wait = self.look_backoff.next();
                self.look_at = Instant::now() + wait;
                tracing::warn!(chain = self.chain.name(), %fault, ?wait, "no head");
                None
            }
        }
    }

    fn next_look(&self) -> Duration {
        let interval = self.chain.config().poll_interval;
        if self.subscription.is_some() {
            interval.saturating_mul(SILENT_INTERVALS)
        } else {
            interval
        }
    }

    fn is_new(&mut self, head: &Head) -> bool {
        if self.subscription.is_some() {
            self.look_at = Instant::now() + self.next_look();
        }
        let Some(last) = self.last else { return true };
        if head.block == last.block {
            return false;
        }
        if head.block.number >= last.block.number {
            self.lower = 0;
            return true;
        }
        self.lower += 1;
        let believed = self.lower >= LOWER_POLLS;
        if believed {
            tracing::warn!(
                chain = self.chain.name(), from = %last.block.number, to = %head.block.number,
                "the chain's head went back"
            );
            self.lower = 0;
        } else {
            // Look again soon: it is either a lagging endpoint or a reorganisation.
            self.look_at = Instant::now() + self.chain.config().poll_interval;
        }
        believed
    }
}

impl EvmChain {
    /// The newest block.
    ///
    /// # Errors
    /// [`RpcFault`] if no endpoint gives it.
    pub async fn latest(&self) -> Result<BlockRef, RpcFault> {
        Ok(self.latest_head().await?.block)
    }

    /// The newest block with what its header says. Every chain has one: an endpoint that says there is none is
    /// passed over.
    ///
    /// # Errors
    /// [`RpcFault`] if no endpoint gives it.
    pub async fn latest_head(&self) -> Result<Head, RpcFault> {
        let mut last = RpcFault::Unreachable("no endpoint".to_owned());
        for (_, endpoint) in by_trust(self.endpoints()) {
            match endpoint.ask::<_, Option<Header>>("eth_getBlockByNumber", ("latest", false)).await
            {
                Ok(Some(header)) => {
                    self.pulse().answered();
                    return Ok(header.into());
                }
                Ok(None) => last = RpcFault::UnknownBlock,
                Err(fault) => last = fault,
            }
        }
        Err(last)
    }

    /// A watcher of new heads.
    #[must_use]
    pub fn heads(&self) -> HeadWatcher {
        HeadWatcher::new(self.clone())
    }

    /// Asks every endpoint for its newest block and marks those that lag, so that they are asked last.
    async fn check_lag(&self) {
        let endpoints = self.endpoints();
        if endpoints.len() < 2 {
            return;
        }
        let asked = endpoints.iter().map(|endpoint| async move {
            let number: Result<Quantity, _> = endpoint.ask("eth_blockNumber", ()).await;
            number.ok().map(Quantity::get)
        });
        let heights = futures::future::join_all(asked).await;
        let newest = heights.iter().flatten().max().copied().unwrap_or_default();
        for (endpoint, height) in endpoints.iter().zip(heights) {
            // One that does not answer is the breaker's business.
            let Some(height) = height else { continue };
            let lagging = newest.saturating_sub(height) > LAG_MAX;
            if lagging != endpoint.is_lagging() {
                tracing::warn!(
                    chain = self.name(),
                    endpoint = endpoint.label(),
                    height,
                    newest,
                    lagging,
                    "endpoint changed its distance to the newest block"
                );
                endpoint.set_lagging(lagging);
            }
        }
    }
}

/// The newest head pushed; pending for ever without a subscription.
async fn pushed(subscription: &mut Option<RawSubscription>) -> Event {
    let Some(subscription) = subscription else { return std::future::pending().await };
    let mut newest = match subscription.recv().await {
        Ok(raw) => Some(raw),
        // Older heads were dropped: the newest are still to come.
        Err(RecvError::Lagged(_)) => None,
        Err(RecvError::Closed) => return Event::Broken,
    };
    // At most as many as the channel holds.
    while let Ok(raw) = subscription.try_recv() {
        newest = Some(raw);
    }
    let header = newest.and_then(|raw| serde_json::from_str::<Header>(raw.get()).ok());
    header.map_or(Event::Unreadable, |header| Event::Pushed(header.into()))
}

/// The end of what is under way, which is taken out then; pending for ever if nothing is.
async fn under_way<T>(future: &mut Option<BoxFuture<'static, T>>) -> T {
    let Some(running) = future else { return std::future::pending().await };
    let outcome = running.await;
    *future = None;
    outcome
}
