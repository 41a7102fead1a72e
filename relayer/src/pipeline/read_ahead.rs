//! Reads a bridge's history in runs of blocks, some of them while the engine still stores those before.

use std::collections::VecDeque;
use std::future::Future;

use alloy::primitives::Address;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;
use tracing::info;
use twinspan_bridge::ids::{BlockNumber, BlockRef};
use twinspan_bridge::observe::{BridgeRead, BridgeState, Milestone};
use twinspan_chains::{EvmChain, ReadError, RpcFault};

/// Reads under way or waiting for the engine, at most. Each holds the logs of one run, see
/// [`LOGS_MAX`](twinspan_chains::evm::LOGS_MAX).
const READS_MAX: usize = 4;

/// The reads of one bridge, in order.
#[derive(Debug)]
pub(crate) struct ReadAhead {
    chain: EvmChain,
    bridge: Address,
    /// How far reads are under way.
    asked: BlockNumber,
    /// The last final block.
    last: BlockRef,
    under_way: FuturesOrdered<BoxFuture<'static, Result<BridgeRead, ReadError>>>,
    ready: VecDeque<Result<BridgeRead, ReadError>>,
    /// Where the lanes stood on the way, where no node has the state of those blocks.
    milestones: VecDeque<Milestone>,
    /// The way that a survey has come so far that is not at its end.
    followed: Vec<Milestone>,
    /// The state that the milestones lead to.
    surveyed: Option<BridgeState>,
}

impl ReadAhead {
    /// Nothing read yet of `bridge`.
    #[must_use]
    pub(crate) fn new(chain: EvmChain, bridge: Address) -> Self {
        let start = BlockRef { number: BlockNumber::new(0), hash: Default::default() };
        Self {
            chain,
            bridge,
            asked: start.number,
            last: start,
            under_way: FuturesOrdered::new(),
            ready: VecDeque::new(),
            milestones: VecDeque::new(),
            followed: Vec::new(),
            surveyed: None,
        }
    }

    /// Forgets what was read: it is of another history, or of a node that lies.
    pub(crate) fn forget(&mut self) {
        self.restart();
        self.milestones.clear();
        self.followed.clear();
        self.surveyed = None;
    }

    fn restart(&mut self) {
        self.under_way.clear();
        self.ready.clear();
    }

    /// The read that follows on `cursor`, of blocks up to `last`.
    ///
    /// # Errors
    /// [`ReadError`]; the next call reads anew.
    pub(crate) async fn next(
        &mut self,
        cursor: &Milestone,
        last: BlockRef,
    ) -> Result<BridgeRead, ReadError> {
        if self.under_way.is_empty() && self.ready.is_empty() {
            self.asked = cursor.block;
        }
        while self.milestones.front().is_some_and(|milestone| milestone.block <= cursor.block) {
            self.milestones.pop_front();
        }
        self.last = last;
        self.fill();
        let read = match self.ready.pop_front() {
            Some(read) => read,
            None => self.under_way.next().await.unwrap_or(Err(RpcFault::UnknownBlock.into())),
        };
        self.fill();
        if read.is_err() {
            self.restart();
        }
        read
    }

    /// Waits for `other`, and reads on meanwhile.
    pub(crate) async fn during<T>(&mut self, other: impl Future<Output = T>) -> T {
        let mut other = std::pin::pin!(other);
        loop {
            tokio::select! {
                biased;
                done = &mut other => return done,
                Some(read) = self.under_way.next() => {
                    self.ready.push_back(read);
                    self.fill();
                }
            }
        }
    }

    /// Finds out from the events alone where the lanes stood between `cursor` and `last`, so that reading there needs
    /// no state of old blocks. If it fails, the next call goes on where it was.
    ///
    /// # Errors
    /// [`ReadError`] as [`EvmChain::survey`].
    pub(crate) async fn survey(
        &mut self,
        cursor: &Milestone,
        last: BlockRef,
    ) -> Result<(), ReadError> {
        self.restart();
        let chain = self.chain.name().to_owned();
        let from = self.followed.last().map_or(cursor.block, |milestone| milestone.block);
        info!(chain, %from, to = %last.number, "no node has the state of old blocks: following the events first");
        let surveyed = self.chain.survey(self.bridge, *cursor, last, &mut self.followed).await?;
        self.milestones = std::mem::take(&mut self.followed).into();
        self.surveyed = Some(surveyed);
        let runs = self.milestones.len();
        info!(chain, %from, to = %last.number, runs, "the events lead to the contract's state");
        Ok(())
    }

    /// Starts reads as long as there is place and something to read.
    fn fill(&mut self) {
        while self.under_way.len() + self.ready.len() < READS_MAX
            && self.asked < self.last.number
            && !self.ready.iter().any(Result::is_err)
        {
            let (after, last) = (self.asked, self.last);
            let (chain, bridge) = (self.chain.clone(), self.bridge);
            let next = self.milestones.partition_point(|milestone| milestone.block <= after);
            let known = self.milestones.get(next).copied().zip(self.surveyed);
            let to = match known {
                Some((milestone, _)) => milestone.block,
                None => after.plus(chain.log_range()).min(last.number),
            };
            self.asked = to;
            self.under_way.push_back(Box::pin(async move {
                let to = if to == last.number { last } else { block(&chain, to).await? };
                match known {
                    Some((milestone, surveyed)) => {
                        let Milestone { outgoing, incoming, .. } = milestone;
                        let state = BridgeState { outgoing, incoming, ..surveyed };
                        chain.read_bridge_known(bridge, after, to, state).await
                    }
                    None => chain.read_bridge(bridge, after, to).await,
                }
            }));
        }
    }
}

/// The canonical block of that height.
///
/// # Errors
/// [`RpcFault`], also if there is none.
pub(crate) async fn block(chain: &EvmChain, number: BlockNumber) -> Result<BlockRef, RpcFault> {
    chain.block_at(number).await?.ok_or(RpcFault::UnknownBlock)
}
