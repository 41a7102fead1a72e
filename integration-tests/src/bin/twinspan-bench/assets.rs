//! Costs of a handover by kind of asset, to recipients that hold nothing yet.

use alloy::primitives::{Address, Bytes, U256};
use alloy::providers::Provider;
use eyre::eyre;
use twinspan_bridge::side::Side;
use twinspan_contracts::Vault;
use twinspan_devnet::World;
use twinspan_devnet::ledger::Ledger;
use twinspan_devnet::traffic::{Traffic, confirm, nft_order, order};

use crate::figures::Gas;
use crate::scenes::{SETTLE_LIMIT, WEIGHED};

/// The test account that asks.
const ACCOUNT: usize = 3;

/// How many requests a batch has.
const SIZES: [u64; 3] = [1, 16, 64];

/// A kind of asset, and how to order one of it.
type Kind = (&'static str, fn(&World, Address, u64) -> Vault::Order);

const KINDS: [Kind; 5] = [
    ("coin", |_, to, _| order(twinspan_bridge::request::NATIVE_COIN, to, U256::ONE)),
    ("ERC-20", |world, to, _| order(world.chains[Side::Main].token.home, to, U256::from(1_000))),
    ("ERC-721", |world, to, id| nft_order(world.chains[Side::Main].nft.home, to, id, None)),
    ("ERC-1155", |world, to, id| nft_order(world.chains[Side::Main].multi.home, to, id, Some(10))),
    ("ERC-20 with data", |world, to, _| Vault::Order {
        data: Bytes::from_static(b"deposit 17"),
        ..order(world.chains[Side::Main].token.home, to, U256::from(1_000))
    }),
];

/// From main to service, where all of them are minted.
pub(crate) async fn gas(world: &World, ledger: &mut Ledger) -> eyre::Result<Vec<Gas>> {
    let mut traffic = Traffic::prepare(world, ACCOUNT).await?;
    traffic.stock_nfts(world, Side::Main, 0..SIZES.iter().sum()).await?;
    let mut rows = Vec::new();
    for (what, make) in KINDS {
        let mut id = 0;
        for n in SIZES {
            let orders: Vec<_> =
                (id..id + n).map(|id| make(world, traffic.fresh_recipient(), id)).collect();
            id += n;
            let before = ledger.lanes[WEIGHED].batches.clone();
            let requested = ledger.totals().requested;
            let asked = traffic.bulk(world, Side::Main, orders, U256::from(n)).await?;
            confirm(world, Side::Main, asked).await?;
            ledger.wait(world, requested + usize::try_from(n)?, SETTLE_LIMIT).await?;
            let batches = ledger.lanes[WEIGHED].batches.keys();
            let provider = &world.chains[WEIGHED.destination()].provider;
            let mut used = 0;
            for hash in batches.filter(|hash| !before.contains_key(*hash)) {
                let receipt = provider.get_transaction_receipt(*hash).await?;
                used += receipt.ok_or_else(|| eyre!("no receipt"))?.gas_used;
            }
            rows.push(Gas {
                what: what.into(),
                batch: usize::try_from(n)?,
                recipients: "fresh".into(),
                gas_per_handover: used / n,
            });
        }
    }
    Ok(rows)
}
