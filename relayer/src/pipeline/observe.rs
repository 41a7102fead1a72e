//! Reads one side of a pair, block by block, and hands the engine what is final and complete.
//!
//! The cursor is the engine's: it moves in the commit that stores everything before it. What the
//! engine refuses is read again; if the node insists, its account of the block read last tells
//! whether it lies about logs or stands on another history.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use alloy::primitives::Address;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use twinspan_bridge::ids::{BlockNumber, BlockRef, Epoch};
use twinspan_bridge::observe::{BridgeRead, BridgeState};
use twinspan_bridge::relayer_set::RelayerSet;
use twinspan_bridge::schedule::{Term, term_start};
use twinspan_chains::{EvmChain, ReadError, RpcFault};

use crate::engine::{Message, Observation, Refusal, Verdict};

/// Longest pause after a failed read.
const BACKOFF_MAX: Duration = Duration::from_secs(10);

/// Refusals in a row after which the node's account of the last block is asked for.
const REFUSALS_BEFORE_PROBE: u32 = 2;

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Rpc(#[from] RpcFault),
    #[error("block {0} is not known to the node")]
    NoBlock(BlockNumber),
    #[error("{0}")]
    Refused(Refusal),
    #[error("the engine has stopped")]
    Stopped,
}

/// Reads one side.
#[derive(Debug)]
pub struct Observer {
    /// Which side of the pair.
    pub side: usize,
    /// For logs: `<pair>/<chain>`.
    pub name: String,
    /// The chain.
    pub chain: EvmChain,
    /// The bridge on it.
    pub bridge: Address,
    /// Blocks that share one order of submitters.
    pub term_blocks: u64,
    /// The last block stored.
    pub cursor: BlockNumber,
    /// Where observations go.
    pub engine: mpsc::Sender<Message>,
    /// What is known between two reads.
    pub memory: Memory,
}

/// What an observer remembers between two reads; all of it can be forgotten.
#[derive(Debug, Default)]
pub struct Memory {
    epoch: Option<Epoch>,
    term: Option<Term>,
    blocks_max: u64,
    refusals: u32,
    peeked: Option<BlockRef>,
}

impl Observer {
    /// Reads until cancelled.
    ///
    /// # Errors
    /// Never by itself: whatever fails is tried again.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), std::convert::Infallible> {
        cancel.clone().run_until_cancelled_owned(self.observe()).await;
        Ok(())
    }

    async fn observe(&mut self) {
        self.memory.blocks_max = self.chain.config().log_range_max;
        let mut heads = self.chain.heads();
        let mut pause = Duration::from_millis(100);
        let mut latest = heads.next().await;
        loop {
            let seen_at = Instant::now();
            match self.advance(latest, seen_at).await {
                Ok(()) => {
                    pause = Duration::from_millis(100);
                    self.memory.refusals = 0;
                    latest = heads.next().await;
                }
                Err(Fault::Stopped) => return,
                Err(fault) => {
                    warn!(side = %self.name, block = %latest.number, %fault, "read failed, trying again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(BACKOFF_MAX);
                    if let Err(fault) = self.after(&fault).await {
                        warn!(side = %self.name, %fault, "probe failed, trying again");
                    }
                    // One endpoint's newest block may be none of this chain's.
                    latest = self.chain.latest_agreed().await.unwrap_or(latest);
                }
            }
        }
    }

    /// Brings the engine up to the last final block.
    async fn advance(&mut self, latest: BlockRef, seen_at: Instant) -> Result<(), Fault> {
        let Some(last) = self.chain.final_block(latest).await? else { return Ok(()) };
        while self.cursor < last.number {
            let to = self.cursor.plus(self.memory.blocks_max).min(last.number);
            let to = if to == last.number { last } else { self.block(to).await? };
            let read = match self.chain.read_bridge(self.bridge, self.cursor, to).await {
                Err(ReadError::TooManyLogs { .. }) if self.memory.blocks_max > 1 => {
                    self.memory.blocks_max /= 2;
                    continue;
                }
                read => read?,
            };
            let newest = self.newest(&read, latest).await?;
            let observation = self.complete(read, newest, latest, last.number, seen_at).await?;
            let verdict = self.ask(|reply| Message::Observed(Box::new(observation), reply)).await?;
            match verdict {
                Verdict::Accepted { cursor, room } => {
                    self.cursor = cursor;
                    let max = self.chain.config().log_range_max;
                    self.memory.blocks_max = (self.memory.blocks_max * 2).min(max);
                    if !room {
                        // The lane is full: what is there must be handed over first. The lane that ends
                        // here goes on.
                        return self.peek(latest).await;
                    }
                }
                Verdict::Stale { cursor } | Verdict::Rewritten { cursor } => self.cursor = cursor,
                Verdict::Refused(refusal) => return Err(Fault::Refused(refusal)),
            }
        }
        self.peek(latest).await
    }

    /// The newest state, where the newest block is not final yet.
    async fn newest(&mut self, read: &BridgeRead, latest: BlockRef) -> Result<BridgeState, Fault> {
        if read.to.number >= latest.number {
            return Ok(read.state);
        }
        self.memory.peeked = Some(latest);
        Ok(self.chain.bridge_state(self.bridge, latest).await?)
    }

    /// Tells the engine of the newest block, if that is beyond what it has been told.
    async fn peek(&mut self, latest: BlockRef) -> Result<(), Fault> {
        if latest.number <= self.cursor || self.memory.peeked == Some(latest) {
            return Ok(());
        }
        let newest = self.chain.bridge_state(self.bridge, latest).await?;
        self.memory.peeked = Some(latest);
        let paused = is_paused(&newest);
        let message = Message::Peeked { side: self.side, newest, paused };
        self.engine.send(message).await.map_err(|_| Fault::Stopped)
    }

    async fn complete(
        &mut self,
        read: BridgeRead,
        newest: BridgeState,
        latest: BlockRef,
        final_to: BlockNumber,
        seen_at: Instant,
    ) -> Result<Observation, Fault> {
        let set = if self.memory.epoch == Some(newest.epoch) && !read.relayers_changed {
            None
        } else {
            let at = if read.to.number >= latest.number { read.to } else { latest };
            self.relayer_set(newest.epoch, at).await?
        };
        let start = term_start(read.to.number, self.term_blocks);
        let term = match self.memory.term {
            Some(term) if term.start == start => term,
            _ => {
                let block =
                    if start == read.to.number { read.to } else { self.block(start).await? };
                Term { start, start_hash: block.hash }
            }
        };
        self.memory.term = Some(term);
        let paused = is_paused(&newest);
        Ok(Observation { side: self.side, read, newest, set, paused, term, final_to, seen_at })
    }

    /// The relayer set, unless so many members were revoked that it cannot reach its threshold: then
    /// nothing is certified before a new set is in force, and reading goes on.
    async fn relayer_set(
        &mut self,
        epoch: Epoch,
        at: BlockRef,
    ) -> Result<Option<RelayerSet>, Fault> {
        match self.chain.relayer_set(self.bridge, at).await {
            Ok(set) => {
                self.memory.epoch = Some(set.epoch());
                info!(
                    side = %self.name, epoch = %set.epoch(), threshold = set.threshold(),
                    members = set.members().len(), "relayer set"
                );
                Ok(Some(set))
            }
            Err(ReadError::RelayerSet(error)) => {
                error!(
                    side = %self.name, %error,
                    "nothing can be handed over here: the bridge's owner must set new relayers"
                );
                self.memory.epoch = Some(epoch);
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What to do before the next attempt.
    async fn after(&mut self, fault: &Fault) -> Result<(), Fault> {
        // What was remembered may be of the history that failed.
        self.memory.term = None;
        self.memory.epoch = None;
        if !matches!(fault, Fault::Refused(_)) {
            return Ok(());
        }
        // Another endpoint may tell the truth.
        self.chain.distrust_logs();
        self.memory.refusals += 1;
        if self.memory.refusals < REFUSALS_BEFORE_PROBE {
            return Ok(());
        }
        let block = self.block(self.cursor).await?;
        let state = self.chain.bridge_state(self.bridge, block).await?;
        let side = self.side;
        let verdict = self.ask(|reply| Message::Probed { side, state, reply }).await?;
        if let Verdict::Rewritten { cursor } | Verdict::Stale { cursor } = verdict {
            self.cursor = cursor;
        }
        Ok(())
    }

    async fn ask(
        &self,
        message: impl FnOnce(oneshot::Sender<Verdict>) -> Message,
    ) -> Result<Verdict, Fault> {
        let (reply, verdict) = oneshot::channel();
        self.engine.send(message(reply)).await.map_err(|_| Fault::Stopped)?;
        verdict.await.map_err(|_| Fault::Stopped)
    }

    async fn block(&self, number: BlockNumber) -> Result<BlockRef, Fault> {
        self.chain.block_at(number).await?.ok_or(Fault::NoBlock(number))
    }
}

fn is_paused(state: &BridgeState) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    state.paused_until > now.as_secs()
}
