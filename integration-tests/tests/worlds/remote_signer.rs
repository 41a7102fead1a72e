//! A relayer whose keys a Web3Signer keeps: it attests and submits like any other, and waits while its signer is away.

#[allow(dead_code, unreachable_pub, missing_docs, reason = "shared with the tests of `chains`")]
#[path = "../../../chains/tests/evm/support/web3signer.rs"]
mod web3signer;

use std::time::Duration;

use eyre::ensure;
use secrecy::{ExposeSecret, SecretString};
use twinspan_chains::signer::keystore::load_keystore;
use twinspan_devnet::relayer::PASSWORD;
use twinspan_integration_tests::books::Ending;
use twinspan_integration_tests::live::{Live, PATIENCE, eventually};
use web3signer::{Behaviour, Web3Signer};

/// The relayer whose keys are elsewhere.
const REMOTE: usize = 1;
/// One that is down, so that nothing is certified without the other three.
const DOWN: usize = 0;

/// Moves a key of the relayer out of its configuration; `written` is how that names it, `named` how it shall.
async fn move_key(
    live: &Live,
    file: &str,
    written: &str,
    named: impl Fn(&str, String) -> String,
) -> eyre::Result<Web3Signer> {
    let relayer = &live.world.relayers[REMOTE];
    let password = SecretString::from(PASSWORD.to_owned());
    let secret = load_keystore(&relayer.folder.join(file), &password)?;
    let server = Web3Signer::start(*secret.expose_secret()).await;
    let text = std::fs::read_to_string(relayer.config())?;
    ensure!(text.contains(written), "no `{written}` in {text}");
    let key = server.remote_key();
    let text = text.replace(written, &named(key.url.as_str(), key.address.to_string()));
    std::fs::write(relayer.config(), text)?;
    std::fs::remove_file(relayer.folder.join(file))?;
    Ok(server)
}

async fn handed_over(live: &Live) -> eyre::Result<bool> {
    let handed = live.lanes(REMOTE).await?.values().map(|lane| lane.newest.count).sum::<u64>();
    Ok(usize::try_from(handed)? == live.sent.len() + live.others)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relayer_whose_keys_are_elsewhere_attests_submits_and_waits_for_them() -> eyre::Result<()>
{
    let mut live = Live::start("remote_signer", |_| {}).await?;
    live.world.relayers[REMOTE].kill().await?;
    let attester = move_key(
        &live,
        "attestation.json",
        "keystore = \"attestation.json\"\npassword_file = \"password\"\n",
        |url, address| format!("remote = \"{url}\"\naddress = \"{address}\"\n"),
    )
    .await?;
    let submitter = move_key(
        &live,
        "submitter.json",
        "{ keystore = \"submitter.json\", password_file = \"password\" }",
        |url, address| format!("{{ remote = \"{url}\", address = \"{address}\" }}"),
    )
    .await?;
    live.restart(REMOTE).await?;
    live.world.relayers[DOWN].kill().await?;

    live.load(12).await?;
    eventually("all is handed over with its attestations", PATIENCE, async || {
        handed_over(&live).await
    })
    .await?;

    attester.behave(Behaviour::Status(503));
    live.load(6).await?;
    eventually("it asks for signatures in vain", PATIENCE, async || {
        let failures = live.world.relayers[REMOTE].metric("twinspan_signer_failures_total").await?;
        Ok(failures >= 2.0)
    })
    .await?;
    ensure!(!handed_over(&live).await?, "nothing is certified without it");
    ensure!(live.world.relayers[REMOTE].is_ready().await, "it runs on");
    attester.behave(Behaviour::Good);
    eventually("what waited is signed and handed over", PATIENCE, async || {
        handed_over(&live).await
    })
    .await?;

    for _ in 0..40 {
        live.load(2).await?;
        tokio::time::sleep(Duration::from_millis(900)).await;
        if live.world.relayers[REMOTE].metric("twinspan_transactions_total").await? >= 1.0 {
            break;
        }
    }
    let signed = submitter.heads().iter().filter(|head| head.starts_with("POST")).count();
    ensure!(signed > 0, "its turn came and it sent nothing");
    let log = live.log(REMOTE);
    ensure!(!log.contains("secret"), "the log shows the signer's password");
    ensure!(log.contains("waits for its signature"), "the log does not say what waits");
    live.restart(DOWN).await?;
    live.close(Ending::default()).await?;
    Ok(())
}
