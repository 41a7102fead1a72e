//! A relayer answers strangers in words, whatever they ask, and never tells what it has not read.

use std::time::Duration;

use eyre::{OptionExt, WrapErr, ensure};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::time::Instant;
use twinspan_api::client::{Client, ClientError};
use twinspan_api::transfer::Stage;
use twinspan_api::{ApiError, ErrorCode};
use twinspan_bridge::ids::{Nonce, TransferId};
use twinspan_integration_tests::books::Ending;
use twinspan_integration_tests::live::{Live, PATIENCE};

const ASKED: usize = 1;

#[tokio::test(flavor = "multi_thread")]
async fn a_relayer_answers_in_words_and_tells_nothing_that_it_has_not_read() -> eyre::Result<()> {
    let mut live = Live::start("api", |_| {}).await?;
    live.load(12).await?;
    let ledger = live.close(Ending::default()).await?;
    let (first, _) = ledger.lanes[0].requests.first_key_value().ok_or_eyre("nothing asked")?;
    let paid = live.world.lane(0).transfer(*first);
    refusals(&live, paid).await?;
    words(&live, paid).await?;
    browsers(&live).await?;
    rebuilt(&mut live, paid).await?;
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
    ensure!(told["request_hash"].is_string() && told["certificate"].is_null(), "{told:#}");
    let hash = told["source"]["transaction"].as_str().ok_or_eyre("no transaction")?;
    let path = format!("/v1/transfers?transaction={hash}");
    let found: Value = ask(live, Method::GET, &path).await?.json().await?;
    ensure!(found["transfers"][0]["id"] == told["id"], "{found:#}");
    ensure!(found["as_of"].as_array().is_some_and(|chains| chains.len() == 2), "{found:#}");
    Ok(())
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
