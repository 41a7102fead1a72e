//! A relayer answers strangers in words, whatever they ask, and never tells what it has not read.

use std::time::Duration;

use alloy::consensus::Transaction;
use alloy::primitives::{Address, B256, Signature};
use alloy::providers::{DynProvider, Provider};
use alloy::sol_types::SolCall;
use eyre::{OptionExt, WrapErr, ensure};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::time::Instant;
use twinspan_api::client::{Client, ClientError};
use twinspan_api::transfer::{Certificate, Stage};
use twinspan_api::{ApiError, ErrorCode};
use twinspan_bridge::ids::{Nonce, TransferId};
use twinspan_bridge::side::Direction;
use twinspan_contracts::abi::Bridge;
use twinspan_devnet::ledger::Ledger;
use twinspan_integration_tests::books::Ending;
use twinspan_integration_tests::live::{Live, PATIENCE};

const ASKED: usize = 1;

#[tokio::test(flavor = "multi_thread")]
async fn a_relayer_answers_in_words_and_tells_nothing_that_it_has_not_read() -> eyre::Result<()> {
    let mut live = Live::start("api", |_| {}).await?;
    live.load(12).await?;
    let ledger = live.close(Ending::default()).await?;
    let requests = &ledger.lanes[Direction::ToService].requests;
    let (first, _) = requests.first_key_value().ok_or_eyre("nothing asked")?;
    let paid = live.world.lane(Direction::ToService).transfer(*first);
    refusals(&live, paid).await?;
    words(&live, paid).await?;
    let told = certificates(&live, &ledger).await?;
    browsers(&live).await?;
    rebuilt(&mut live, paid).await?;
    ensure!(certificates(&live, &ledger).await? == told, "the rebuilt one tells otherwise");
    live.load(4).await?;
    live.close(Ending::default()).await?;
    Ok(())
}

async fn ask(live: &Live, method: Method, path: &str) -> eyre::Result<reqwest::Response> {
    let url = format!("{}{path}", live.world.relayers[ASKED].api_url());
    Ok(reqwest::Client::new().request(method, url).send().await?)
}

/// No number in a path panics, and "never heard of" says up to where was looked.
async fn refusals(live: &Live, paid: TransferId) -> eyre::Result<()> {
    for nonce in [u64::MAX, u64::MAX - 1, 1_000_000] {
        let id = TransferId { nonce: Nonce::new(nonce), ..paid };
        let answer = ask(live, Method::GET, &format!("/v1/transfers/{id}")).await?;
        ensure!(answer.status() == StatusCode::NOT_FOUND, "{id}: {}", answer.status());
        let error: ApiError = answer.json().await?;
        ensure!(error.code == ErrorCode::UnknownTransfer, "{error:?}");
        let as_of = error.as_of.ok_or_eyre("up to which block?")?;
        ensure!(as_of.chain_id == paid.source.chain_id.get() && as_of.block > 0, "{as_of:?}");
    }
    let beyond =
        format!("/v1/transfers/{}-{:#x}-18446744073709551616", 31_337, paid.source.address);
    let answer = ask(live, Method::GET, &beyond).await?;
    ensure!(answer.status() == StatusCode::BAD_REQUEST, "{}", answer.status());
    let error: ApiError = answer.json().await?;
    ensure!(error.code == ErrorCode::Malformed, "{error:?}");
    Ok(())
}

/// Ids and amounts keep their digits in JavaScript.
async fn words(live: &Live, paid: TransferId) -> eyre::Result<()> {
    let told: Value =
        ask(live, Method::GET, &format!("/v1/transfers/{paid}")).await?.json().await?;
    ensure!(told["source"]["chain_id"] == "31337", "{told:#}");
    let amount = told["request"]["amount_units"].as_str().ok_or_eyre("no amount")?;
    ensure!(amount.parse::<u128>().is_ok(), "{told:#}");
    ensure!(told["request_hash"].is_string() && told["head"].is_string(), "{told:#}");
    let whole = told["request"]["amount"].as_str().ok_or_eyre("no amount in whole tokens")?;
    ensure!(whole.parse::<f64>().is_ok() && told["request"]["decimals"] == 18, "{told:#}");
    for place in ["source", "destination"] {
        ensure!(told[place]["block_hash"].is_string() && told[place]["time"].is_u64(), "{told:#}");
    }
    let hash = told["source"]["transaction"].as_str().ok_or_eyre("no transaction")?;
    let path = format!("/v1/transfers?transaction={hash}");
    let found: Value = ask(live, Method::GET, &path).await?.json().await?;
    ensure!(found["transfers"][0]["id"] == told["id"], "{found:#}");
    ensure!(found["as_of"].as_array().is_some_and(|chains| chains.len() == 2), "{found:#}");
    Ok(())
}

/// Every relayer names the same signers for every transfer: those of the call that handed it over, as an auditor finds
/// them with nothing but the chain.
async fn certificates(
    live: &Live,
    ledger: &Ledger,
) -> eyre::Result<Vec<(TransferId, Certificate)>> {
    let mut all = Vec::new();
    for (direction, lane) in ledger.lanes.iter() {
        for nonce in lane.requests.keys() {
            let id = live.world.lane(direction).transfer(*nonce);
            let mut told = Vec::new();
            for relayer in &live.world.relayers {
                let client = Client::new(&relayer.api_url().parse()?, Duration::from_secs(5))?;
                told.push(client.transfer(id).await?);
            }
            let first = told.swap_remove(0);
            let paid_by = first.destination.ok_or_eyre("not handed over")?;
            let certificate = first.certificate.clone().ok_or_eyre("no certificate")?;
            for other in told {
                ensure!(other.certificate == first.certificate, "{id}: {other:?}");
                ensure!((other.source, other.destination) == (first.source, first.destination));
                ensure!((other.request_hash, other.head) == (first.request_hash, first.head));
            }
            let destination = &live.world.chains[direction.destination()];
            let bridge = live.world.lane(direction).destination.address;
            let want = signers_on_chain(&destination.provider, bridge, paid_by.transaction).await?;
            ensure!(certificate.signers == want, "{id}: {certificate:?}, want {want:?}");
            ensure!(certificate.signers.len() >= 3 && certificate.count > nonce.get(), "{id}");
            all.push((id, certificate));
        }
    }
    Ok(all)
}

/// The signers of a `deliver` call, by the contract's own digest.
async fn signers_on_chain(
    provider: &DynProvider,
    bridge: Address,
    transaction: B256,
) -> eyre::Result<Vec<Address>> {
    let sent = provider.get_transaction_by_hash(transaction).await?.ok_or_eyre("not there")?;
    let call = Bridge::deliverCall::abi_decode(sent.input())?;
    let Bridge::Certificate { epoch, count, head, signatures } = call.certificate;
    let bridge = Bridge::new(bridge, provider);
    let digest = bridge.checkpointDigest(epoch, count, head).call().await?;
    let signer = |it: &Bridge::Signature| {
        let compact = [it.r.0, it.vs.0].concat();
        Ok(Signature::from_erc2098(&compact).recover_address_from_prehash(&digest)?)
    };
    signatures.iter().map(signer).collect()
}

/// A page of any origin may ask what anybody may ask.
async fn browsers(live: &Live) -> eyre::Result<()> {
    const ALLOWED: &str = "access-control-allow-origin";
    let preflight = ask(live, Method::OPTIONS, "/v1/status").await?;
    ensure!(preflight.status() == StatusCode::NO_CONTENT, "{}", preflight.status());
    for answer in [
        preflight,
        ask(live, Method::GET, "/v1/status").await?,
        ask(live, Method::HEAD, "/v1/transfers").await?,
        ask(live, Method::GET, "/nowhere").await?,
    ] {
        ensure!(answer.headers().get(ALLOWED).is_some_and(|any| any == "*"), "{answer:?}");
    }
    let metrics = ask(live, Method::GET, "/metrics").await?;
    ensure!(metrics.headers().get(ALLOWED).is_none(), "a page may read the metrics");
    Ok(())
}

/// A relayer that has lost its store tells that it reads, or the truth.
async fn rebuilt(live: &mut Live, paid: TransferId) -> eyre::Result<()> {
    live.world.relayers[ASKED].kill().await?;
    std::fs::remove_file(live.world.relayers[ASKED].store())?;
    let client =
        Client::new(&live.world.relayers[ASKED].api_url().parse()?, Duration::from_secs(5))?;
    live.world.relayers[ASKED].start()?;
    let (end, mut rebuilding) = (Instant::now() + PATIENCE, 0);
    loop {
        match client.transfer(paid).await {
            Ok(told) if told.stage == Stage::HandedOver => break,
            // The source is read, and the handover is not.
            Ok(told) => ensure!(told.stage == Stage::Submitted, "told of a paid one: {told:?}"),
            Err(ClientError::Unreachable { .. }) => {}
            Err(ClientError::Refused { status, error, .. }) => {
                let is_rebuilding = status == StatusCode::SERVICE_UNAVAILABLE
                    && error.code == ErrorCode::Rebuilding;
                ensure!(is_rebuilding, "told of a paid one: {status} {error:?}");
                rebuilding += 1;
            }
            Err(error) => return Err(error).wrap_err("neither an answer nor a refusal"),
        }
        ensure!(Instant::now() < end, "it is not rebuilt after {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    println!("{rebuilding} answers that it is rebuilding");
    live.world.wait_ready(ASKED, PATIENCE).await
}
