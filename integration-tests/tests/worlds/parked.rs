//! A recipient that refuses the coin is parked, delays nobody, and is then paid or sends it back.

use alloy::primitives::{Address, Bytes, U256};
use alloy::providers::Provider;
use alloy::sol_types::SolCall;
use eyre::{OptionExt, ensure};
use twinspan_api::transfer::{ParkReason, Stage, Transfer};
use twinspan_bridge::ids::{Nonce, TransferId};
use twinspan_bridge::request::Request;
use twinspan_bridge::side::Side;
use twinspan_chains::evm::calls::encode_request;
use twinspan_contracts::{Bridge, BridgeToken, Refuser, Vault};
use twinspan_devnet::ledger::Ledger;
use twinspan_devnet::traffic::{Asset, Traffic, confirm};
use twinspan_integration_tests::books::Ending;
use twinspan_integration_tests::chain;
use twinspan_integration_tests::live::{Live, PATIENCE, eventually, sender};

/// The coin's home, where the refusing recipient lives.
const HOME: Side = Side::Main;
const AWAY: Side = HOME.other();

#[tokio::test(flavor = "multi_thread")]
async fn a_refusing_recipient_is_parked_then_released_or_returned() -> eyre::Result<()> {
    let mut live = Live::start("parked", |_| {}).await?;
    let refuser = *Refuser::deploy(&live.world.chains[HOME].provider).await?.address();
    let amount = U256::from(5_000_000_u64);
    let held = hold_coins_away(&mut live, amount * U256::from(2)).await?;

    // Released.
    live.load(6).await?;
    let first = send_home(&mut live, refuser, amount).await?;
    live.load(6).await?;
    let parked = live.close(Ending { parked: 1, ..Ending::default() }).await?;
    let request = request_of(&parked, first)?;
    expect(&live, id(&live, first), Stage::Parked).await?;
    let mut anyone = Traffic::prepare(&live.world, 2).await?;
    let bridge = live.world.chains[HOME].bridge;
    set_accepting(&live, &mut anyone, refuser, true).await?;
    let release = Bridge::releaseParkedCall {
        request: encode_request(&request),
        payload: request.payload.clone(),
    };
    let released = anyone.call(&live.world, HOME, bridge, release.abi_encode(), U256::ZERO).await?;
    confirm(&live.world, HOME, released).await?;
    let ended = expect(&live, id(&live, first), Stage::Released).await?;
    let by = ended.parked.and_then(|parked| parked.ended).map(|ended| ended.transaction);
    ensure!(by == Some(released), "{ended:?}");
    let paid = live.world.chains[HOME].provider.get_balance(refuser).await?;
    ensure!(paid == amount, "the recipient holds {paid}");

    // Returned.
    set_accepting(&live, &mut anyone, refuser, false).await?;
    let second = send_home(&mut live, refuser, amount).await?;
    live.load(6).await?;
    let parked = live.close(Ending { parked: 1, ..Ending::default() }).await?;
    let request = request_of(&parked, second)?;
    let back = Refuser::returnParkedCall {
        bridge,
        request: as_refuser_has_it(&request),
        payload: request.payload.clone(),
    };
    let back = anyone.call(&live.world, HOME, refuser, back.abi_encode(), U256::ZERO).await?;
    confirm(&live.world, HOME, back).await?;
    live.others += 1;
    let ended = expect(&live, id(&live, second), Stage::Returned).await?;
    let ended = ended.parked.and_then(|parked| parked.ended);
    let home = ended.and_then(|ended| ended.returned_as).ok_or_eyre("returned as what?")?;
    ensure!(
        home.source == live.world.lane(HOME.outgoing()).source,
        "{home} is not of the opposite lane"
    );
    expect(&live, home, Stage::HandedOver).await?;
    live.close(Ending { returned: 1, ..Ending::default() }).await?;
    let again = coins_away(&live).await?;
    ensure!(again == held - amount, "the sender holds {again}, and held {held} at first");
    Ok(())
}

/// Gives the sender the service chain's representation of the main coin. How much it then holds.
async fn hold_coins_away(live: &mut Live, amount: U256) -> eyre::Result<U256> {
    live.traffic.send_to(&live.world, HOME, Asset::Coin, amount, sender()).await?;
    live.others += 1;
    let (coin, vault) = (live.world.chains[HOME].coin, live.world.chains[AWAY].vault);
    let approve = BridgeToken::approveCall { spender: vault, value: U256::MAX }.abi_encode();
    let token = coin.representation;
    let approved = live.traffic.call(&live.world, AWAY, token, approve, U256::ZERO).await?;
    confirm(&live.world, AWAY, approved).await?;
    live.all_arrived().await?;
    coins_away(live).await
}

async fn coins_away(live: &Live) -> eyre::Result<U256> {
    let token = live.world.chains[HOME].coin.representation;
    let provider = &live.world.chains[AWAY].provider;
    Ok(BridgeToken::new(token, provider).balanceOf(sender()).call().await?)
}

/// Sends the coin home to `recipient`. The request's place in its lane.
async fn send_home(live: &mut Live, recipient: Address, amount: U256) -> eyre::Result<Nonce> {
    let token = live.world.chains[HOME].coin.representation;
    let vault = live.world.chains[AWAY].vault;
    let call = Vault::requestERC20Call {
        token,
        recipient,
        amount,
        feeLimit: U256::ZERO,
        data: Bytes::new(),
    };
    let call = call.abi_encode();
    let sent = live.traffic.call(&live.world, AWAY, vault, call, U256::ZERO).await?;
    live.others += 1;
    confirm(&live.world, AWAY, sent).await?;
    chain::nonce_of(&live.world, AWAY, sent).await
}

async fn set_accepting(
    live: &Live,
    anyone: &mut Traffic,
    refuser: Address,
    accepting: bool,
) -> eyre::Result<()> {
    let call = Refuser::setAcceptingCall { accepting_: accepting }.abi_encode();
    let done = anyone.call(&live.world, HOME, refuser, call, U256::ZERO).await?;
    confirm(&live.world, HOME, done).await
}

fn id(live: &Live, nonce: Nonce) -> TransferId {
    live.world.lane(AWAY.outgoing()).transfer(nonce)
}

fn request_of(ledger: &Ledger, nonce: Nonce) -> eyre::Result<Request> {
    let found = ledger.lanes[AWAY.outgoing()].requests.get(&nonce);
    Ok(found.ok_or_eyre("the books do not have the request")?.0.clone())
}

fn as_refuser_has_it(request: &Request) -> Refuser::Request {
    let request = encode_request(request);
    Refuser::Request {
        nonce: request.nonce,
        kind: request.kind,
        sender: request.sender,
        recipient: request.recipient,
        token: request.token,
        counterpartToken: request.counterpartToken,
        amount: request.amount,
        payloadHash: request.payloadHash,
    }
}

/// Every relayer comes to tell that the transfer is at `stage`; as the first of them tells it.
async fn expect(live: &Live, id: TransferId, stage: Stage) -> eyre::Result<Transfer> {
    let mut told = Vec::<Transfer>::new();
    eventually("all relayers tell the stage", PATIENCE, async || {
        told.clear();
        for relayer in &live.world.relayers {
            told.push(relayer.transfer(id).await?);
        }
        Ok(told.iter().all(|transfer| transfer.stage == stage))
    })
    .await?;
    let first = told.swap_remove(0);
    if stage == Stage::Parked {
        let reason = first.parked.map(|parked| parked.reason);
        ensure!(reason == Some(ParkReason::PayoutFailed), "parked for {reason:?}");
    }
    Ok(first)
}
