//! Decides what a transaction offers for its gas, and by how much a replacement offers more.

use alloy::primitives::{Address, U64, U128, U256};
use serde::Deserialize;

use crate::chain::{EvmChain, Head};
use crate::config::FeePolicy;
use crate::disposition::Disposition;
use crate::rpc::fault::RpcFault;

/// How a chain charges for gas. Detected from the chain, never configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FeeMode {
    /// EIP-1559: a base fee in each header, and a tip.
    Dynamic,
    /// One gas price, as before EIP-1559.
    Legacy,
    /// Gas costs nothing: nothing is ever bumped.
    Free,
}

/// A signed transaction's offer, in wei per gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fees {
    /// An EIP-1559 transaction.
    Dynamic {
        /// Most that it pays.
        max_fee: u128,
        /// Of that, at most this to the block's maker.
        tip: u128,
    },
    /// A legacy transaction. Price 0 on chains without fees.
    Legacy {
        /// Its price.
        gas_price: u128,
    },
}

impl Fees {
    /// Most that a unit of gas costs.
    pub(crate) const fn most(self) -> u128 {
        match self {
            Self::Dynamic { max_fee, .. } => max_fee,
            Self::Legacy { gas_price } => gas_price,
        }
    }
}

/// The chain's fees as last told by a quorum and seen in heads, so that signing seldom needs a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FeeView {
    pub(crate) mode: FeeMode,
    /// Base fee (dynamic) or gas price (legacy), as a quorum told it.
    price: u128,
    /// The tip that the nodes suggest.
    tip: u128,
    /// Base fee of the newest head: one endpoint's word.
    seen: Option<u128>,
}

/// A tip where neither the configuration nor the node suggests one: 1 gwei.
const TIP_DEFAULT: u128 = 1_000_000_000;
/// Pools demand that a replacement offers so many percent more.
const BUMP_PERCENT_MIN: u32 = 10;

/// Asks the chain how it charges for gas, and how much at present.
pub(crate) async fn detect(chain: &EvmChain) -> Result<FeeView, RpcFault> {
    let base_fee = base_fee(chain).await?;
    let price = chain.request_suggestion("eth_gasPrice", (), wei).await?.unwrap_or_default();
    // A node of a chain without a base fee may suggest a tip all the same; the operator knows better.
    let wants_no_tip = chain.config().fees.priority_fee_per_gas == Some(0);
    Ok(match base_fee {
        None if price == 0 => FeeView::FREE,
        Some(0) if price == 0 || wants_no_tip => FeeView::FREE,
        None => FeeView { mode: FeeMode::Legacy, price, ..FeeView::FREE },
        Some(base_fee) => {
            let tip = suggested_tip(chain).await?;
            FeeView { mode: FeeMode::Dynamic, price: base_fee, tip, seen: Some(base_fee) }
        }
    })
}

/// A fee that a node tells.
fn wei(told: U128) -> Option<u128> {
    Some(told.to())
}

/// The newest block's base fee; `None`: the chain has none. With a quorum, what that many providers say.
async fn base_fee(chain: &EvmChain) -> Result<Option<u128>, RpcFault> {
    if chain.config().quorum < 2 {
        return Ok(chain.latest_head().await?.base_fee);
    }
    let asked = ("latest", false);
    let read = |priced: Priced| priced.base_fee_per_gas.and_then(wei);
    chain.request_suggestion("eth_getBlockByNumber", asked, read).await
}

/// The fee in a header.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Priced {
    #[serde(default)]
    base_fee_per_gas: Option<U128>,
}

impl FeeView {
    /// Gas costs nothing.
    pub(crate) const FREE: Self = Self { mode: FeeMode::Free, price: 0, tip: 0, seen: None };

    /// Takes over what a new head says; no call.
    pub(crate) const fn update(&mut self, head: &Head) {
        self.seen = head.base_fee;
    }

    /// Whether a quorum must be asked again before anything is offered. So it is when the heads' fee is more than
    /// double or less than half of the quorum's, or when fees were switched on. One endpoint's word moves an offer no
    /// further than that.
    pub(crate) fn is_doubtful(&self) -> bool {
        match self.mode {
            FeeMode::Dynamic => self.seen.is_some_and(|seen| seen != self.likely(seen)),
            FeeMode::Free | FeeMode::Legacy => self.seen.is_some_and(|seen| seen > 0),
        }
    }

    /// The base fee that heads tell, as far as it is near to what a quorum told.
    fn likely(&self, seen: u128) -> u128 {
        seen.clamp(self.price / 2, self.price.saturating_mul(2))
    }

    /// Asks the chain anew, also how it charges: a chain without fees may have got some.
    pub(crate) async fn refresh(&mut self, chain: &EvmChain) -> Result<(), RpcFault> {
        *self = detect(chain).await?;
        Ok(())
    }

    /// The offer of a new transaction: room for the base fee to double, within the cap.
    pub(crate) fn offer(&self, policy: &FeePolicy) -> Fees {
        let cap = policy.max_fee_per_gas.unwrap_or(u128::MAX);
        match self.mode {
            FeeMode::Free => Fees::Legacy { gas_price: 0 },
            FeeMode::Legacy => Fees::Legacy { gas_price: self.price.min(cap) },
            FeeMode::Dynamic => {
                let tip = policy.priority_fee_per_gas.unwrap_or(self.tip);
                let price = self.seen.map_or(self.price, |seen| self.likely(seen));
                let max_fee = price.saturating_mul(2).saturating_add(tip).min(cap);
                Fees::Dynamic { max_fee, tip: tip.min(max_fee) }
            }
        }
    }

    /// The offer of a replacement for a transaction that offered `last`; `None` where a replacement is
    /// pointless: the chain has no fees, or the cap leaves no room for what pools demand.
    pub(crate) fn bump(&self, last: Fees, policy: &FeePolicy) -> Option<Fees> {
        let cap = policy.max_fee_per_gas.unwrap_or(u128::MAX);
        let percent = u128::from(policy.bump_percent.max(BUMP_PERCENT_MIN));
        let raised = |fee: u128| {
            // Rounded up, so that a fee of a few wei grows too.
            fee.saturating_add(fee.saturating_mul(percent).div_ceil(100)).max(fee.saturating_add(1))
        };
        match (self.mode, last, self.offer(policy)) {
            (FeeMode::Free, _, _) => None,
            (_, Fees::Dynamic { max_fee, tip }, Fees::Dynamic { max_fee: now, tip: tip_now }) => {
                let next = Fees::Dynamic {
                    max_fee: raised(max_fee).max(now),
                    tip: raised(tip).max(tip_now),
                };
                within(next, cap)
            }
            (_, Fees::Legacy { gas_price }, Fees::Legacy { gas_price: now }) => {
                within(Fees::Legacy { gas_price: raised(gas_price).max(now) }, cap)
            }
            // The chain changed its fee rule (a fork): pools compare a legacy price with both fees.
            (_, Fees::Legacy { gas_price }, Fees::Dynamic { max_fee, .. }) => {
                let fee = raised(gas_price).max(max_fee);
                within(Fees::Dynamic { max_fee: fee, tip: fee }, cap)
            }
            (_, Fees::Dynamic { max_fee, .. }, Fees::Legacy { gas_price }) => {
                within(Fees::Legacy { gas_price: raised(max_fee).max(gas_price) }, cap)
            }
        }
    }
}

fn within(fees: Fees, cap: u128) -> Option<Fees> {
    match fees {
        Fees::Dynamic { max_fee, tip } => {
            (max_fee <= cap).then_some(Fees::Dynamic { max_fee, tip: tip.min(max_fee) })
        }
        Fees::Legacy { gas_price } => (gas_price <= cap).then_some(fees),
    }
}

/// Why an account cannot send transactions on a chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountFault {
    /// It holds nothing, and gas costs something.
    #[error("account {account} holds no coins on chain `{chain}`, where gas costs: send it some")]
    NoCoins {
        /// The chain's name.
        chain: String,
        /// The account.
        account: Address,
    },
    /// No block of late took a transaction that offers so little.
    #[error(
        "max_fee_per_gas of chain `{chain}` is {cap} wei, and no block of late took less than {least}: raise it"
    )]
    CapTooLow {
        /// The chain's name.
        chain: String,
        /// The configured cap, in wei per gas.
        cap: u128,
        /// The least that would have done, in wei per gas.
        least: u128,
    },
    /// The chain does not answer.
    #[error("chain `{chain}`: {fault}")]
    Unreachable {
        /// The chain's name.
        chain: String,
        /// Why.
        #[source]
        fault: RpcFault,
    },
}

impl AccountFault {
    /// The caller's next step.
    #[must_use]
    pub const fn disposition(&self) -> Disposition {
        match self {
            Self::NoCoins { .. } | Self::CapTooLow { .. } => Disposition::Halt,
            Self::Unreachable { .. } => Disposition::Wait,
        }
    }
}

/// Blocks that the least fee is looked for in.
const HISTORY_BLOCKS: u64 = 1_024;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct History {
    base_fee_per_gas: Vec<U128>,
}

impl EvmChain {
    /// Whether `account` can pay for transactions, within the fee cap.
    ///
    /// # Errors
    /// [`AccountFault`] with the remedy.
    pub async fn check_account(&self, account: Address) -> Result<(), AccountFault> {
        let name = || self.name().to_owned();
        let unreachable = |fault| AccountFault::Unreachable { chain: name(), fault };
        let view = detect(self).await.map_err(unreachable)?;
        if view.mode == FeeMode::Free {
            return Ok(());
        }
        if let Some(cap) = self.config().fees.max_fee_per_gas {
            let least = least_fee(self, view).await;
            if cap < least {
                return Err(AccountFault::CapTooLow { chain: name(), cap, least });
            }
        }
        // Agreed on: one liar does not keep a relayer from starting.
        let asked = (account, "latest");
        let balance: U256 =
            self.request_agreed("eth_getBalance", asked).await.map_err(unreachable)?;
        if balance.is_zero() {
            return Err(AccountFault::NoCoins { chain: name(), account });
        }
        Ok(())
    }
}

/// The least fee of late. A node that does not tell its history has no more than the present fee to show.
async fn least_fee(chain: &EvmChain, view: FeeView) -> u128 {
    if view.mode != FeeMode::Dynamic {
        return view.price;
    }
    let asked = (U64::from(HISTORY_BLOCKS), "latest", Vec::<u64>::new());
    let history = chain.request::<_, History>("eth_feeHistory", asked).await;
    let fees = history.map(|history| history.base_fee_per_gas).unwrap_or_default();
    fees.into_iter().map(|fee| fee.to::<u128>()).fold(view.price, u128::min)
}

/// A node without the method suggests nothing.
async fn suggested_tip(chain: &EvmChain) -> Result<u128, RpcFault> {
    if let Some(tip) = chain.config().fees.priority_fee_per_gas {
        return Ok(tip);
    }
    match chain.request_suggestion("eth_maxPriorityFeePerGas", (), wei).await {
        Ok(tip) => Ok(tip.unwrap_or(TIP_DEFAULT)),
        Err(RpcFault::Refused { .. }) => Ok(TIP_DEFAULT),
        Err(fault) => Err(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GWEI: u128 = 1_000_000_000;

    fn view(mode: FeeMode, price: u128, tip: u128) -> FeeView {
        FeeView { mode, price, tip, seen: None }
    }

    fn head_with(base_fee: u128) -> Head {
        let number = twinspan_bridge::ids::BlockNumber::new(1);
        let hash = alloy::primitives::B256::ZERO;
        let block = twinspan_bridge::ids::BlockRef { number, hash };
        Head { block, parent: hash, timestamp: 0, base_fee: Some(base_fee), gas_limit: 1 }
    }

    #[test]
    fn a_chain_without_fees_is_offered_nothing_and_never_bumped() {
        let free = view(FeeMode::Free, 0, 0);
        let policy = FeePolicy::default();
        assert_eq!(free.offer(&policy), Fees::Legacy { gas_price: 0 });
        assert_eq!(free.bump(Fees::Legacy { gas_price: 0 }, &policy), None);
    }

    #[test]
    fn fees_that_are_switched_on_are_noticed_without_a_call() {
        let mut fees = view(FeeMode::Free, 0, 0);
        fees.update(&head_with(0));
        assert!(!fees.is_doubtful());
        fees.update(&head_with(7));
        assert!(fees.is_doubtful());
    }

    #[test]
    fn a_replacement_follows_fees_that_were_switched_on() {
        let fees = view(FeeMode::Dynamic, 7, 1);
        let was = Fees::Legacy { gas_price: 0 };
        let now = Fees::Dynamic { max_fee: 15, tip: 15 };
        assert_eq!(fees.bump(was, &FeePolicy::default()), Some(now));
    }

    #[test]
    fn one_head_moves_an_offer_by_half_or_double_at_most() {
        let mut fees = view(FeeMode::Dynamic, 100 * GWEI, GWEI);
        for (seen, likely, doubtful) in [
            (150 * GWEI, 150 * GWEI, false),
            (200 * GWEI, 200 * GWEI, false),
            (201 * GWEI, 200 * GWEI, true),
            (u128::MAX, 200 * GWEI, true),
            (50 * GWEI, 50 * GWEI, false),
            (0, 50 * GWEI, true),
        ] {
            fees.update(&head_with(seen));
            assert_eq!(fees.is_doubtful(), doubtful, "{seen}");
            let want = Fees::Dynamic { max_fee: 2 * likely + GWEI, tip: GWEI };
            assert_eq!(fees.offer(&FeePolicy::default()), want, "{seen}");
        }
    }

    #[test]
    fn a_replacement_offers_at_least_ten_percent_more_of_both_fees() {
        let policy = FeePolicy { bump_percent: 1, ..FeePolicy::default() };
        let dynamic = view(FeeMode::Dynamic, 0, 0);
        let last = Fees::Dynamic { max_fee: 15, tip: 1 };
        let bumped = dynamic.bump(last, &policy);
        assert_eq!(bumped, Some(Fees::Dynamic { max_fee: 17, tip: 2 }));
    }

    #[test]
    fn a_replacement_follows_a_base_fee_that_ran_away() {
        let dynamic = view(FeeMode::Dynamic, 100 * GWEI, GWEI);
        let last = Fees::Dynamic { max_fee: 2 * GWEI, tip: GWEI };
        let Some(Fees::Dynamic { max_fee, .. }) = dynamic.bump(last, &FeePolicy::default()) else {
            panic!("there is room for a replacement");
        };
        assert_eq!(max_fee, 201 * GWEI);
    }

    #[test]
    fn the_cap_is_never_exceeded() {
        let policy = FeePolicy { max_fee_per_gas: Some(10 * GWEI), ..FeePolicy::default() };
        let dynamic = view(FeeMode::Dynamic, 100 * GWEI, GWEI);
        let offer = dynamic.offer(&policy);
        assert_eq!(offer, Fees::Dynamic { max_fee: 10 * GWEI, tip: GWEI });
        assert_eq!(dynamic.bump(offer, &policy), None);
    }
}
