//! An operator changes the configuration of a running relayer, and looks after its transactions.

use std::time::Duration;

use alloy::providers::Provider;
use eyre::{ensure, eyre};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use twinspan_api::status::Configuration;
use twinspan_api::transaction::Pending;
use twinspan_bridge::side::{PerSide, Side};
use twinspan_devnet::ports::{Ports, free_port};
use twinspan_devnet::traffic::Asset;
use twinspan_integration_tests::books::Ending;
use twinspan_integration_tests::chaos::{Chaos, Fault, Wire};
use twinspan_integration_tests::command::{Outcome, twinspan};
use twinspan_integration_tests::live::{Live, PATIENCE, eventually};

const CHANGED: usize = 1;

async fn configuration(live: &Live) -> eyre::Result<Configuration> {
    Ok(live.world.relayers[CHANGED].status().await?.configuration)
}

/// The relayer's only endpoint dies under load. Others are written into its file: it goes on with them, in the same
/// process, and whatever is wrong with a file is refused while the old one stays in force.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_configuration_is_taken_and_a_faulty_one_refused() -> eyre::Result<()> {
    let ports = PerSide::try_from_fn(|_| free_port())?;
    let direct = ports.map(|_, port| format!("http://127.0.0.1:{port}"));
    let open = |side| Chaos::open(direct[side].clone());
    let proxies = PerSide::new(open(Side::Main).await?, open(Side::Service).await?);
    let mut live = Live::start("reconfigured", |options| {
        options.ports = Ports::Nodes(ports);
        options.endpoints = PerSide::from_fn(|side| vec![proxies[side].url().to_owned()]);
    })
    .await?;
    live.load(6).await?;
    live.close(Ending::default()).await?;
    let path = live.world.relayers[CHANGED].config();
    let good = std::fs::read_to_string(&path)?;
    let before = configuration(&live).await?;
    let pid = live.world.relayers[CHANGED].pid();

    let faulty = [
        (good.replace("takeover_ms = ", "takeover_ms = -"), "pairs.demo.takeover_ms"),
        (good.replace("chain_id = ", "chain_id = 1"), "chain id"),
        (good.replace("relayer.redb", "another.redb"), "store.path"),
    ];
    for (text, says) in faulty {
        ensure!(text != good, "nothing is changed");
        std::fs::write(&path, text)?;
        eventually("it is refused", PATIENCE, async || {
            let now = configuration(&live).await?;
            Ok(now.refused.is_some_and(|why| why.contains(says)) && now.since == before.since)
        })
        .await?;
        live.load(2).await?;
    }

    // Both nodes are to be had elsewhere only.
    for proxy in proxies.values() {
        proxy.set(Fault::Wire(Wire::Reset)).await?;
    }
    let without_proxies = |text: String| {
        let moved = |text: String, side| text.replace(proxies[side].url(), &direct[side]);
        Side::BOTH.into_iter().fold(text, moved)
    };
    for index in 0..live.world.relayers.len() {
        let path = live.world.relayers[index].config();
        let text = if index == CHANGED { good.clone() } else { std::fs::read_to_string(&path)? };
        std::fs::write(&path, without_proxies(text))?;
    }
    // Clients that never finish what they ask hold nothing up.
    let mut slow = Vec::new();
    for port in [live.world.relayers[CHANGED].api_port, live.world.relayers[CHANGED].peer_port] {
        let mut client = TcpStream::connect(("127.0.0.1", port)).await?;
        client.write_all(b"GET /v1/status HTTP/1.1\r\nHost: here\r\nX-Never").await?;
        slow.push(client);
    }
    // This one is told at once; the others find out by themselves.
    let pid = pid.ok_or_else(|| eyre!("it does not run"))?;
    let told = std::process::Command::new("kill").args(["-HUP", &pid.to_string()]).status()?;
    ensure!(told.success(), "SIGHUP is not sent");
    live.load(12).await?;
    live.close(Ending { errors: &[], ..Ending::default() }).await?;
    let after = configuration(&live).await?;
    ensure!(after.refused.is_none() && after.since > before.since, "{after:?}");
    ensure!(live.world.relayers[CHANGED].pid() == Some(pid), "it was started again");
    drop(slow);
    Ok(())
}

async fn tx(live: &Live, relayer: usize, words: &[&str]) -> eyre::Result<Outcome> {
    let config = live.world.relayers[relayer].config().to_string_lossy().into_owned();
    let words = ["tx"].iter().chain(words).map(|word| (*word).to_owned());
    let words: Vec<String> = words.chain(["--config".to_owned(), config]).collect();
    twinspan(words).await
}

async fn listed(live: &Live) -> eyre::Result<Option<(usize, Pending)>> {
    for relayer in 0..live.world.relayers.len() {
        let list = tx(live, relayer, &["list", "--json"]).await?;
        let list: Vec<Pending> = serde_json::from_str(list.ends_well()?)?;
        if let Some(one) = list.into_iter().find(|one| one.chain == "main") {
            return Ok(Some((relayer, one)));
        }
    }
    Ok(None)
}

/// The main chain makes no blocks for a while. What waits there is listed, raised and given up by hand; in the end
/// all is handed over.
#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_transaction_is_listed_raised_and_given_up() -> eyre::Result<()> {
    let mut live = Live::start("by_hand", |_| {}).await?;
    let nobody = tx(&live, 0, &["list"]).await?;
    ensure!(nobody.ends_well()?.contains("no transaction is under way"), "{}", nobody.stdout);
    let main = live.world.chains[Side::Main].provider.clone();
    let mining = async |seconds: u64| -> eyre::Result<()> {
        let (): () = main.raw_request("evm_setIntervalMining".into(), (seconds,)).await?;
        Ok(())
    };
    mining(0).await?;
    live.ask(Side::Service, Asset::Coin).await?;
    let mut stuck = None;
    eventually("a batch waits", PATIENCE, async || {
        stuck = listed(&live).await?;
        Ok(stuck.is_some())
    })
    .await?;
    let (relayer, first) = stuck.ok_or_else(|| eyre!("nothing waits"))?;
    let nonce = first.nonce.to_string();
    ensure!(first.label.starts_with("deliver"), "{first:?}");

    let shown = tx(&live, relayer, &["show", "main", &nonce]).await?;
    ensure!(shown.ends_well()?.contains("state      pending"), "{}", shown.stdout);
    let bumped = tx(&live, relayer, &["bump", "main", &nonce]).await?;
    ensure!(bumped.ends_well()?.contains("replaced by 0x"), "{}", bumped.stdout);
    let (_, now) = listed(&live).await?.ok_or_else(|| eyre!("it is gone"))?;
    ensure!(now.siblings == 2 && now.transaction != first.transaction, "{now:?}");
    let dropped = tx(&live, relayer, &["drop", "main", &nonce]).await?;
    ensure!(dropped.ends_well()?.contains("given up"), "{}", dropped.stdout);

    tx(&live, relayer, &["bump", "elsewhere", &nonce]).await?.refuses(1, &["main", "service"])?;
    tx(&live, relayer, &["bump", "main", "999"]).await?.refuses(1, &["999 is pending"])?;
    mining(1).await?;
    live.load(4).await?;
    live.close(Ending::default()).await?;
    let late = tx(&live, relayer, &["drop", "main", &nonce]).await?;
    late.refuses(1, &["is pending"])?;
    Ok(())
}

/// Nobody but the relayer's own account may give orders.
#[tokio::test(flavor = "multi_thread")]
async fn the_operators_socket_is_for_its_own_account_alone() -> eyre::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mut live = Live::start("socket", |_| {}).await?;
    let socket = live.world.relayers[0].store().with_extension("sock");
    let mode = std::fs::metadata(&socket)?.permissions().mode() & 0o777;
    ensure!(mode == 0o600, "its mode is {mode:o}");
    // The socket of a killed process does not keep the next one from starting.
    live.world.relayers[0].kill().await?;
    ensure!(socket.exists(), "there is nothing left");
    tx(&live, 0, &["list"]).await?.refuses(3, &["no relayer answers", "relayer.sock"])?;
    tokio::time::sleep(Duration::from_millis(100)).await;
    live.restart(0).await?;
    tx(&live, 0, &["list"]).await?.ends_well()?;
    Ok(())
}
