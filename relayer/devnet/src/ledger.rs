//! Keeps the books of a world, apart from its relayers: what was asked, what was paid, and whether it
//! adds up. It reads the contracts' events itself and asks the recipients' balances.

use std::collections::BTreeMap;
use std::time::Duration;

use alloy::primitives::{Address, B256, U256};
use alloy::providers::Provider;
use eyre::{WrapErr, eyre};
use serde::Serialize;
use tokio::time::Instant;
use twinspan_bridge::ids::{BlockNumber, BlockRef, Nonce};
use twinspan_bridge::observe::{BridgeRead, SettlementEvent};
use twinspan_bridge::request::{NATIVE_COIN, Request};
use twinspan_bridge::side::{PerDirection, PerSide, Side};
use twinspan_chains::Disposition;
use twinspan_contracts::{Bridge, TestToken, Vault};

use crate::traffic::{Asset, Sent};
use crate::world::{Chain, World};

/// Longest that a node's view of one block may contradict itself. For a moment anvil answers for the state
/// of a block with that of the next one, while it mines that.
const CONTRADICTION_MAX: Duration = Duration::from_secs(10);

/// One lane's requests and handovers, as the chains tell them.
#[derive(Debug, Default)]
pub struct LaneBook {
    /// Requests by nonce.
    pub requests: BTreeMap<Nonce, (Request, B256, Instant)>,
    /// How often each was handed over, and when first.
    pub handed: BTreeMap<Nonce, (u32, Instant)>,
    /// Parked, and not released or returned since.
    pub parked: BTreeMap<Nonce, Instant>,
    /// Parked, then released or returned.
    pub ended: BTreeMap<Nonce, Instant>,
    /// Transactions that handed over, with how many.
    pub batches: BTreeMap<B256, u64>,
}

/// The books of a world.
#[derive(Debug)]
pub struct Ledger {
    /// By lane.
    pub lanes: PerDirection<LaneBook>,
    cursors: PerSide<BlockNumber>,
}

/// The totals of the books.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Requests taken by the source bridges.
    pub requested: usize,
    /// Paid, once.
    pub handed_over: usize,
    /// Parked and neither released nor returned.
    pub parked: usize,
    /// Neither.
    pub lost: usize,
    /// Paid more than once.
    pub duplicated: usize,
}

/// Whether a token's figures add up.
#[derive(Clone, Debug, Serialize)]
pub struct Conservation {
    /// Which token, for people.
    pub token: String,
    /// Held at home.
    pub locked: U256,
    /// Outstanding on the other side.
    pub minted: U256,
    /// Asked for and neither paid nor parked.
    pub in_flight: U256,
    /// Owed, on both sides.
    pub parked: U256,
    /// Fees that the home vault holds of it.
    pub fees: U256,
    /// The home vault's real balance of it.
    pub held: U256,
    /// Supply of the representation, by its own account.
    pub supply: U256,
}

impl Conservation {
    /// S5: `locked = minted + in flight + parked`, and the counters are the tokens' own truth.
    #[must_use]
    pub fn holds(&self) -> bool {
        let owed = self.minted + self.in_flight + self.parked;
        self.locked == owed && self.held == self.locked + self.fees && self.supply == self.minted
    }
}

async fn read_anew(chain: &Chain, after: BlockNumber, to: BlockRef) -> eyre::Result<BridgeRead> {
    let end = Instant::now() + CONTRADICTION_MAX;
    loop {
        match chain.access.read_bridge(chain.bridge, after, to).await {
            Err(fault) if fault.disposition() != Disposition::Halt && Instant::now() < end => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            read => return Ok(read?),
        }
    }
}

impl Ledger {
    /// Empty books, from the bridges' creation on.
    #[must_use]
    pub fn open(world: &World) -> Self {
        let cursors = PerSide::from_fn(|side| world.chains[side].deployed_in.minus(1));
        Self { lanes: PerDirection::default(), cursors }
    }

    /// Reads what is new on both chains. Whether there was a new block.
    ///
    /// # Errors
    /// If a node does not answer.
    pub async fn update(&mut self, world: &World) -> eyre::Result<bool> {
        let mut is_new = false;
        for (side, chain) in world.chains.iter() {
            let latest = chain.access.latest().await?;
            if latest.number <= self.cursors[side] {
                continue;
            }
            let read = read_anew(chain, self.cursors[side], latest).await?;
            let now = Instant::now();
            for sourced in read.requests {
                let nonce = sourced.request.nonce;
                let entry = (sourced.request, sourced.transaction, now);
                self.lanes[side.outgoing()].requests.insert(nonce, entry);
            }
            for settlement in read.settlements {
                let lane = &mut self.lanes[side.incoming()];
                lane.settle(settlement.event, settlement.transaction, now);
            }
            self.cursors[side] = latest.number;
            is_new = true;
        }
        Ok(is_new)
    }

    /// Reads until every request of both lanes is handed over or parked, and at least `requested` were
    /// made.
    ///
    /// # Errors
    /// After `limit`, with what is missing.
    pub async fn wait(
        &mut self,
        world: &World,
        requested: usize,
        limit: Duration,
    ) -> eyre::Result<Totals> {
        let end = Instant::now() + limit;
        loop {
            self.update(world).await?;
            let totals = self.totals();
            if totals.requested >= requested && totals.lost == 0 {
                return Ok(totals);
            }
            if Instant::now() > end {
                return Err(eyre!("not all is handed over after {limit:?}: {totals:?}"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The totals now.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.lanes.values().map(LaneBook::totals).fold(Totals::default(), |sum, lane| Totals {
            requested: sum.requested + lane.requested,
            handed_over: sum.handed_over + lane.handed_over,
            parked: sum.parked + lane.parked,
            lost: sum.lost + lane.lost,
            duplicated: sum.duplicated + lane.duplicated,
        })
    }

    /// How long each handed-over transfer took from its sending to the block that paid it, ascending.
    #[must_use]
    pub fn latencies(&self, sent: &[Sent]) -> Vec<Duration> {
        let sent_at: BTreeMap<B256, Instant> =
            sent.iter().map(|sent| (sent.transaction, sent.at)).collect();
        let mut latencies = Vec::new();
        for lane in self.lanes.values() {
            for (nonce, (_, transaction, _)) in &lane.requests {
                let (Some(sent), Some((_, handed))) =
                    (sent_at.get(transaction), lane.handed.get(nonce))
                else {
                    continue;
                };
                latencies.push(handed.saturating_duration_since(*sent));
            }
        }
        latencies.sort_unstable();
        latencies
    }

    /// Gas used by the transactions that handed over, in all, and handovers.
    ///
    /// # Errors
    /// If a node does not answer.
    pub async fn gas(&self, world: &World) -> eyre::Result<(u64, u64)> {
        let (mut gas, mut handovers) = (0, 0);
        for (direction, book) in self.lanes.iter() {
            let provider = &world.chains[direction.destination()].provider;
            for (transaction, n) in &book.batches {
                let receipt = provider.get_transaction_receipt(*transaction).await?;
                gas += receipt.ok_or_else(|| eyre!("no receipt of {transaction}"))?.gas_used;
                handovers += n;
            }
        }
        Ok((gas, handovers))
    }

    /// Transfers whose recipient does not hold exactly what was sent to it. Recipients are fresh.
    ///
    /// # Errors
    /// If a node does not answer.
    pub async fn mispaid(&self, world: &World, sent: &[Sent]) -> eyre::Result<Vec<Sent>> {
        let mut wrong = Vec::new();
        for sent in sent {
            if balance(world, sent).await? != sent.amount {
                wrong.push(*sent);
            }
        }
        Ok(wrong)
    }

    /// S5 of every token of the world.
    ///
    /// # Errors
    /// If a node does not answer.
    pub async fn conservation(&self, world: &World) -> eyre::Result<Vec<Conservation>> {
        let mut all = Vec::new();
        for (home, chain) in world.chains.iter() {
            for (linked, what) in [(chain.coin, "coin"), (chain.token, "token")] {
                let token = format!("{home} {what}");
                all.push(
                    self.conserve(world, home, linked.home, linked.representation, token).await?,
                );
            }
        }
        Ok(all)
    }

    async fn conserve(
        &self,
        world: &World,
        home: Side,
        token: Address,
        representation: Address,
        name: String,
    ) -> eyre::Result<Conservation> {
        let (here, there) = (&world.chains[home], &world.chains[home.other()]);
        let (vault, vault_away) =
            (Vault::new(here.vault, &here.provider), Vault::new(there.vault, &there.provider));
        let (bridge, bridge_away) =
            (Bridge::new(here.bridge, &here.provider), Bridge::new(there.bridge, &there.provider));
        let parked = bridge.parkedAmount(token).call().await?
            + bridge_away.parkedAmount(representation).call().await?;
        let held = if token == NATIVE_COIN {
            here.provider.get_balance(here.vault).await?
        } else {
            TestToken::new(token, &here.provider).balanceOf(here.vault).call().await?
        };
        let supply = TestToken::new(representation, &there.provider).totalSupply().call().await?;
        let out = self.lanes[home.outgoing()].in_flight(|request| request.token == token);
        let back = self.lanes[home.incoming()].in_flight(|request| request.token == representation);
        Ok(Conservation {
            token: name,
            locked: vault.custodyOf(token).call().await?,
            minted: vault_away.custodyOf(representation).call().await?,
            in_flight: out + back,
            parked,
            fees: vault.feesHeld(token).call().await?,
            held,
            supply,
        })
    }
}

impl LaneBook {
    fn settle(&mut self, event: SettlementEvent, transaction: B256, now: Instant) {
        match event {
            SettlementEvent::BatchDelivered { first, count, .. } => {
                *self.batches.entry(transaction).or_default() += count.get() - first.get();
            }
            SettlementEvent::HandedOver { nonce, .. } => {
                self.handed.entry(nonce).or_insert((0, now)).0 += 1;
            }
            SettlementEvent::Parked { nonce, .. } => {
                self.parked.insert(nonce, now);
            }
            SettlementEvent::Released { nonce, .. } => {
                self.parked.remove(&nonce);
                self.handed.entry(nonce).or_insert((0, now)).0 += 1;
                self.ended.insert(nonce, now);
            }
            SettlementEvent::Returned { nonce, .. } => {
                self.parked.remove(&nonce);
                self.ended.insert(nonce, now);
            }
        }
    }

    /// The totals of this lane now.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let is_settled = |nonce: &&Nonce| {
            self.handed.contains_key(nonce)
                || self.parked.contains_key(nonce)
                || self.ended.contains_key(nonce)
        };
        let settled = self.requests.keys().filter(is_settled).count();
        Totals {
            requested: self.requests.len(),
            handed_over: self.handed.len(),
            parked: self.parked.len(),
            lost: self.requests.len() - settled,
            duplicated: self.handed.values().filter(|(times, _)| *times > 1).count(),
        }
    }

    fn in_flight(&self, of_token: impl Fn(&Request) -> bool) -> U256 {
        let open = self.requests.iter().filter(|(nonce, _)| {
            !self.handed.contains_key(nonce)
                && !self.parked.contains_key(nonce)
                && !self.ended.contains_key(nonce)
        });
        open.filter(|(_, (request, ..))| of_token(request))
            .fold(U256::ZERO, |sum, (_, (request, ..))| sum + request.amount)
    }
}

/// The recipient's balance of the token that the transfer sent.
///
/// # Errors
/// If a node does not answer.
pub async fn balance(world: &World, sent: &Sent) -> eyre::Result<U256> {
    let (from, to) = (&world.chains[sent.side], &world.chains[sent.side.other()]);
    let token = match sent.asset {
        Asset::Coin => from.coin.representation,
        Asset::Token => from.token.representation,
        Asset::Foreign => to.token.home,
    };
    let token = TestToken::new(token, &to.provider);
    token.balanceOf(sent.recipient).call().await.wrap_err("asking a balance")
}

/// The percentile of an ascending list, in milliseconds.
#[must_use]
pub fn percentile(ascending: &[Duration], percent: usize) -> u64 {
    let last = ascending.len().saturating_sub(1);
    let at = (last * percent).div_ceil(100).min(last);
    ascending.get(at).map_or(0, |latency| u64::try_from(latency.as_millis()).unwrap_or(u64::MAX))
}
