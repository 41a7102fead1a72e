//! Every kind of asset moves through live relayers: many in one transaction, both ways, in one step, with data.

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::sol_types::SolCall;
use eyre::{OptionExt, ensure};
use twinspan_api::transfer::{AssetKind, ParkReason, Request, Stage, Transfer};
use twinspan_bridge::request::NATIVE_COIN;
use twinspan_bridge::side::{Direction, Side};
use twinspan_contracts::abi::asset_kind;
use twinspan_contracts::{
    Bridge, BridgeMultiToken, BridgeNFT, HandoverLog, TestMultiToken, TestNFT, Vault,
};
use twinspan_devnet::ledger::Ledger;
use twinspan_devnet::traffic::{Traffic, confirm, nft_order, order, token_uri};
use twinspan_integration_tests::books::Ending;
use twinspan_integration_tests::live::{Live, PATIENCE, eventually, sender};

/// Of each kind in the bulk: 52 in all.
const OF_EACH: u64 = 13;

#[tokio::test(flavor = "multi_thread")]
async fn all_kinds_of_assets_move_both_ways() -> eyre::Result<()> {
    let mut live = Live::start("assets", |_| {}).await?;
    live.traffic.stock_nfts(&live.world, Side::Main, 0..OF_EACH + 2).await?;

    let recipients = bulk(&mut live).await?;
    arrived(&live, &recipients).await?;
    nft_home_in_one_step(&mut live).await?;
    batch_of_ids_in_one_step(&mut live).await?;
    live.load(6).await?;
    fees(&mut live).await?;
    live.close(Ending::default()).await?;
    data(&mut live).await?;
    live.close(Ending::default()).await?;
    Ok(())
}

/// 52 assets of four kinds in one transaction, each to an address of its own.
async fn bulk(live: &mut Live) -> eyre::Result<Vec<Address>> {
    let chain = &live.world.chains[Side::Main];
    let mut orders = Vec::new();
    let mut recipients = Vec::new();
    for id in 0..OF_EACH {
        let to: [Address; 4] = std::array::from_fn(|_| live.traffic.fresh_recipient());
        orders.push(order(NATIVE_COIN, to[0], U256::from(1_000 + id)));
        orders.push(order(chain.token.home, to[1], U256::from(2_000 + id)));
        orders.push(nft_order(chain.nft.home, to[2], id, None));
        orders.push(nft_order(chain.multi.home, to[3], id, Some(3_000 + id)));
        recipients.extend(to);
    }
    let coins = U256::from((0..OF_EACH).map(|id| 1_000 + id).sum::<u64>());
    let asked = live.traffic.bulk(&live.world, Side::Main, orders, coins).await?;
    confirm(&live.world, Side::Main, asked).await?;
    live.others += recipients.len();
    settle(live, 0).await?;
    Ok(recipients)
}

/// Waits until all is handed over, but for `parked`.
async fn settle(live: &Live, parked: usize) -> eyre::Result<Ledger> {
    let mut ledger = Ledger::open(&live.world);
    let requested = live.sent.len() + live.others;
    let totals = ledger.wait(&live.world, requested, PATIENCE).await?;
    ensure!(totals.parked == parked, "{totals:?}, want {parked} parked");
    Ok(ledger)
}

async fn arrived(live: &Live, recipients: &[Address]) -> eyre::Result<()> {
    let (home, there) = (&live.world.chains[Side::Main], &live.world.chains[Side::Service]);
    let nft = BridgeNFT::new(home.nft.representation, &there.provider);
    let multi = BridgeMultiToken::new(home.multi.representation, &there.provider);
    for (id, to) in (0..OF_EACH).zip(recipients.chunks(4)) {
        let owner = nft.ownerOf(U256::from(id)).call().await?;
        ensure!(owner == to[2], "NFT {id} is {owner}'s, want {}", to[2]);
        let uri = nft.tokenURI(U256::from(id)).call().await?;
        ensure!(uri == token_uri(id), "NFT {id} has the token URI {uri}");
        let held = multi.balanceOf(to[3], U256::from(id)).call().await?;
        ensure!(held == U256::from(3_000 + id), "{held} of multi-token {id}");
    }
    Ok(())
}

/// An NFT goes to an account of ours and home again, by a transfer to the vault alone.
async fn nft_home_in_one_step(live: &mut Live) -> eyre::Result<()> {
    let nft = live.world.chains[Side::Main].nft;
    let there = vec![nft_order(nft.home, sender(), OF_EACH, None)];
    live.traffic.bulk(&live.world, Side::Main, there, U256::ZERO).await?;
    live.others += 1;
    settle(live, 0).await?;

    let keeper = live.traffic.fresh_recipient();
    let home = TestNFT::safeTransferFrom_1Call {
        from: sender(),
        to: live.world.chains[Side::Service].vault,
        tokenId: U256::from(OF_EACH),
        data: Bytes::copy_from_slice(keeper.as_slice()),
    };
    let token = nft.representation;
    let sent =
        live.traffic.call(&live.world, Side::Service, token, home.abi_encode(), U256::ZERO).await?;
    confirm(&live.world, Side::Service, sent).await?;
    live.others += 1;
    settle(live, 0).await?;
    let at_home = TestNFT::new(nft.home, &live.world.chains[Side::Main].provider);
    let owner = at_home.ownerOf(U256::from(OF_EACH)).call().await?;
    ensure!(owner == keeper, "the NFT is {owner}'s at home, want {keeper}");
    Ok(())
}

/// Three ids of a multi-token are one request.
async fn batch_of_ids_in_one_step(live: &mut Live) -> eyre::Result<()> {
    let (main, service) = (&live.world.chains[Side::Main], &live.world.chains[Side::Service]);
    let (multi, vault) = (main.multi, main.vault);
    let away = BridgeMultiToken::new(multi.representation, &service.provider);
    let keeper = live.traffic.fresh_recipient();
    let ids: Vec<U256> = [0_u64, 1, OF_EACH + 1].map(U256::from).to_vec();
    let amounts: Vec<U256> = [5_u64, 6, 7].map(U256::from).to_vec();
    let call = TestMultiToken::safeBatchTransferFromCall {
        from: sender(),
        to: vault,
        ids: ids.clone(),
        values: amounts.clone(),
        data: Bytes::copy_from_slice(keeper.as_slice()),
    };
    let input = call.abi_encode();
    let sent = live.traffic.call(&live.world, Side::Main, multi.home, input, U256::ZERO).await?;
    confirm(&live.world, Side::Main, sent).await?;
    live.others += 1;
    settle(live, 0).await?;
    let held = away.balanceOfBatch(vec![keeper; 3], ids).call().await?;
    ensure!(held == amounts, "the recipient holds {held:?}");
    Ok(())
}

/// A fee is asked, paid on top, kept apart, and collected.
async fn fees(live: &mut Live) -> eyre::Result<()> {
    let chain = &live.world.chains[Side::Main];
    let (token, vault) = (chain.token.home, Vault::new(chain.vault, &chain.provider));
    let fee = Vault::Fee { flat: 100, rate: 25 };
    vault.setFee(token, fee).send().await?.get_receipt().await?;
    let amount = U256::from(1_000_000);
    let quote = vault.quote(token, amount).call().await?;
    ensure!(quote.fee == U256::from(2_600), "{quote:?}");
    let call = Vault::requestERC20Call {
        token,
        recipient: live.traffic.fresh_recipient(),
        amount,
        feeLimit: quote.fee,
        data: Bytes::new(),
    };
    let to = chain.vault;
    let sent =
        live.traffic.call(&live.world, Side::Main, to, call.abi_encode(), U256::ZERO).await?;
    confirm(&live.world, Side::Main, sent).await?;
    live.others += 1;
    let ledger = settle(live, 0).await?;
    let books = ledger.conservation(&live.world).await?;
    ensure!(books.iter().any(|token| token.fees == quote.fee), "no fee in {books:?}");

    let chain = &live.world.chains[Side::Main];
    let vault = Vault::new(chain.vault, &chain.provider);
    vault.collectFees(token).send().await?.get_receipt().await?;
    let left = vault.feesHeld(token).call().await?;
    ensure!(left.is_zero(), "{left} was not collected");
    let none = Vault::Fee { flat: 0, rate: 0 };
    vault.setFee(token, none).send().await?.get_receipt().await?;
    Ok(())
}

/// Data reaches a contract that receives handovers; one that refuses it has the assets parked, whole.
async fn data(live: &mut Live) -> eyre::Result<()> {
    let provider = live.world.chains[Side::Service].provider.clone();
    let log = HandoverLog::deploy_builder(&provider).gas_price(0).deploy().await?;
    let log = HandoverLog::new(log, &provider);
    send_data(live, *log.address(), b"deposit 17").await?;
    settle(live, 0).await?;
    let (data, from) = (log.data().call().await?, log.sender().call().await?);
    ensure!(&data[..] == b"deposit 17" && from == sender(), "{data} from {from}");

    log.setRefusing(true).gas_price(0).send().await?.get_receipt().await?;
    send_data(live, *log.address(), b"deposit 18").await?;
    let ledger = settle(live, 1).await?;
    let (nonce, _) =
        ledger.lanes[Direction::ToService].parked.first_key_value().ok_or_eyre("nothing parked")?;
    let id = live.world.lane(Direction::ToService).transfer(*nonce);
    let mut told = Vec::<Transfer>::new();
    eventually("all relayers tell that it is parked", PATIENCE, async || {
        told.clear();
        for relayer in &live.world.relayers {
            told.push(relayer.transfer(id).await?);
        }
        Ok(told.iter().all(|transfer| transfer.stage == Stage::Parked))
    })
    .await?;
    let reason = told[0].parked.map(|parked| parked.reason);
    ensure!(reason == Some(ParkReason::DataRefused), "parked for {reason:?}");

    log.setRefusing(false).gas_price(0).send().await?.get_receipt().await?;
    let request = told[0].request.clone().ok_or_eyre("the relayer does not tell the request")?;
    let release = Bridge::releaseParkedCall {
        request: as_the_bridge_has_it(&request),
        payload: request.payload.clone(),
    };
    let mut anyone = Traffic::prepare(&live.world, 2).await?;
    let bridge = live.world.chains[Side::Service].bridge;
    let input = release.abi_encode();
    let gas = 1_500_000;
    let sent =
        anyone.call_with_gas(&live.world, Side::Service, bridge, input, U256::ZERO, gas).await?;
    confirm(&live.world, Side::Service, sent).await?;
    let (count, data) = (log.count().call().await?, log.data().call().await?);
    ensure!(count == U256::from(2) && &data[..] == b"deposit 18", "{count} with {data}");
    Ok(())
}

fn as_the_bridge_has_it(request: &Request) -> Bridge::Request {
    let kind = match request.kind {
        AssetKind::Native => asset_kind::NATIVE,
        AssetKind::Erc20 => asset_kind::ERC20,
        AssetKind::Erc721 => asset_kind::ERC721,
        AssetKind::Erc1155 => asset_kind::ERC1155,
    };
    Bridge::Request {
        nonce: request.nonce,
        kind,
        sender: request.sender,
        recipient: request.recipient,
        token: request.token,
        counterpartToken: request.counterpart_token,
        amount: request.amount_units,
        payloadHash: keccak256(&request.payload),
    }
}

async fn send_data(live: &mut Live, recipient: Address, data: &[u8]) -> eyre::Result<B256> {
    let chain = &live.world.chains[Side::Main];
    let call = Vault::requestERC20Call {
        token: chain.token.home,
        recipient,
        amount: U256::from(4_000),
        feeLimit: U256::ZERO,
        data: Bytes::copy_from_slice(data),
    };
    let to = chain.vault;
    let sent =
        live.traffic.call(&live.world, Side::Main, to, call.abi_encode(), U256::ZERO).await?;
    confirm(&live.world, Side::Main, sent).await?;
    live.others += 1;
    Ok(sent)
}
