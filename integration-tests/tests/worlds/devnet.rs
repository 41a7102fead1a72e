//! `twinspan devnet` for those who build on it: `world.json` tells programs all that they need, and the world ends with
//! everything that it started.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use alloy::network::EthereumWallet;
use alloy::primitives::{Address, Bytes, U256, address};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::signers::local::PrivateKeySigner;
use eyre::{OptionExt, WrapErr, ensure};
use serde_json::Value;
use tokio::process::{Child, Command};
use twinspan_contracts::{BridgeToken, TestToken, Vault};
use twinspan_devnet::ports::free_port;
use twinspan_devnet::world_file::{Account, ChainAt, Evm, Fees, Kind, WorldFile};
use twinspan_integration_tests::command::twinspan;
use twinspan_integration_tests::live::{PATIENCE, binary, eventually, folder};

const RECIPIENT: Address = address!("0x00000000000000000000000000000000000abcde");

/// Ports of a world with one relayer.
const PORTS: u16 = 4;

/// A running `twinspan devnet --keep`, known by its file alone.
struct Devnet {
    process: Child,
    folder: PathBuf,
    file: WorldFile,
}

impl Devnet {
    /// Starts one with a single relayer and waits for its file.
    async fn start(name: &str, base: u16, words: &[&str]) -> eyre::Result<Self> {
        let parent = folder(name)?;
        let mut process = Command::new(binary())
            .args(["devnet", "--keep", "--relayers", "1", "--port-base", &base.to_string()])
            .arg("--folder")
            .arg(&parent)
            .args(words)
            .stdout(std::fs::File::create(parent.join("guide"))?)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let folder = parent.join("world");
        eventually("the world's file is there", PATIENCE, async || {
            let ended = process.try_wait()?;
            ensure!(
                ended.is_none(),
                "it ended: {ended:?}; is the binary built with `--features twinspan-cli/devnet`?"
            );
            Ok(WorldFile::path(&folder).exists())
        })
        .await?;
        Ok(Self { process, file: WorldFile::read(&folder)?, folder })
    }

    /// Asks it to stop, and waits until it has.
    async fn stop(mut self, signal: &str) -> eyre::Result<()> {
        let pid = self.process.id().ok_or_eyre("it does not run")?.to_string();
        let told = Command::new("kill").args([signal, &pid]).status().await?;
        ensure!(told.success(), "{signal} is not sent");
        let ended = tokio::time::timeout(Duration::from_secs(30), self.process.wait()).await;
        let ended = ended.wrap_err("it does not stop")??;
        ensure!(ended.success(), "it ended with {ended}");
        ensure!(!WorldFile::path(&self.folder).exists(), "its file is left");
        Ok(())
    }
}

/// Whether nobody listens on any of a world's ports.
fn are_free(base: u16) -> bool {
    (base..base + PORTS).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok())
}

/// The account's wallet on a chain.
fn wallet(chain: &ChainAt, account: &Account) -> eyre::Result<DynProvider> {
    let signer = PrivateKeySigner::from_bytes(&account.key)?;
    ensure!(signer.address() == account.address, "{} has another key", account.address);
    let wallet = EthereumWallet::new(signer);
    Ok(ProviderBuilder::new().wallet(wallet).connect_http(chain.rpc.parse()?).erased())
}

/// The recipient holds `amount` of the counterpart.
async fn arrives(chain: &ChainAt, token: Address, amount: U256) -> eyre::Result<()> {
    let provider = ProviderBuilder::new().connect_http(chain.rpc.parse()?);
    let token = BridgeToken::new(token, provider);
    eventually("it arrives", PATIENCE, async || {
        Ok(token.balanceOf(RECIPIENT).call().await? == amount)
    })
    .await
}

/// Coins from `from` to `to`, then an ERC-20: by what the file says, with a tool's own fees.
async fn move_value(file: &WorldFile, name: &str) -> eyre::Result<()> {
    let (main, service) = (&file.chains.main, &file.chains.service);
    let (from, to) = if name == "main" { (main, service) } else { (service, main) };
    let user = file.accounts.iter().find(|account| !account.owns_contracts);
    let user = user.ok_or_eyre("no account of a user")?;
    let provider = wallet(from, user)?;
    ensure!(provider.get_chain_id().await? == from.chain_id, "another chain");
    let vault = Vault::new(from.vault, &provider);

    let amount = U256::from(1_500);
    let coin = file.pair(Kind::Coin, name)?;
    ensure!(coin.decimals == Some(18) && coin.symbol.is_some(), "{coin:?}");
    let request = vault.requestNative(RECIPIENT, amount, Bytes::new()).value(amount);
    ensure!(request.send().await?.get_receipt().await?.status(), "no coins are taken");
    arrives(to, coin.counterpart.token, amount).await?;

    let pair = file.pair(Kind::Erc20, name)?;
    let token = TestToken::new(pair.home.token, &provider);
    token.mint(user.address, amount).send().await?.get_receipt().await?;
    token.approve(from.vault, amount).send().await?.get_receipt().await?;
    let request = vault.requestERC20(pair.home.token, RECIPIENT, amount, U256::ZERO, Bytes::new());
    ensure!(request.send().await?.get_receipt().await?.status(), "no tokens are taken");
    arrives(to, pair.counterpart.token, amount).await
}

/// Each pair's counterpart has the symbol and the decimals that the file tells.
async fn pairs_are_as_told(file: &WorldFile) -> eyre::Result<()> {
    ensure!(file.pairs.len() == 8, "four kinds at home on each chain: {:?}", file.pairs);
    for pair in &file.pairs {
        let chain =
            if pair.counterpart.chain == "main" { &file.chains.main } else { &file.chains.service };
        let provider = ProviderBuilder::new().connect_http(chain.rpc.parse()?);
        let token = BridgeToken::new(pair.counterpart.token, provider);
        if let Some(decimals) = pair.decimals {
            ensure!(token.decimals().call().await? == decimals, "{pair:?}");
        }
        if let Some(symbol) = &pair.symbol {
            ensure!(token.symbol().call().await? == *symbol, "{pair:?}");
        }
    }
    Ok(())
}

/// The question of a browser before it lets a page of another origin use the node.
pub(crate) async fn browsers_may_use(rpc: &str) -> eyre::Result<()> {
    let asked = reqwest::Client::new()
        .request(reqwest::Method::OPTIONS, rpc)
        .header("Origin", "http://dapp.example")
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "content-type")
        .send()
        .await?;
    let allowed = asked.headers().get("access-control-allow-origin");
    ensure!(allowed.is_some_and(|origin| origin == "*"), "{:?}", asked.headers());
    Ok(())
}

/// A contract that begins with PUSH0, as current compilers make them.
async fn runs_current_code(chain: &ChainAt) -> eyre::Result<bool> {
    let provider = ProviderBuilder::new().connect_http(chain.rpc.parse()?);
    // PUSH0 PUSH0 RETURN: creates an empty contract where PUSH0 is known.
    let call: Result<Bytes, _> = provider
        .raw_request("eth_call".into(), (serde_json::json!({ "data": "0x5f5ff3" }), "latest"))
        .await;
    Ok(call.is_ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_worlds_file_says_moves_value_and_all_ends_when_asked() -> eyre::Result<()> {
    let base = free_range()?;
    let devnet = Devnet::start("devnet", base, &[]).await?;
    let file = &devnet.file;
    let local = |port: u16| format!("http://127.0.0.1:{port}");
    for (place, url) in [
        &file.chains.main.rpc,
        &file.chains.service.rpc,
        &file.relayers[0].api,
        &file.relayers[0].peers,
    ]
    .into_iter()
    .enumerate()
    {
        let want = local(base + u16::try_from(place)?);
        ensure!(url.trim_end_matches('/') == want, "{url}, want {want}");
    }
    ensure!(file.threshold == 1 && file.relayers.len() == 1, "{file:?}");
    let status: Value =
        reqwest::get(format!("{}/v1/status", file.relayers[0].api)).await?.json().await?;
    let attestation: Address = serde_json::from_value(status["relayer"].clone())?;
    ensure!(attestation == file.relayers[0].attestation, "{status}");
    ensure!(file.relayers[0].config.is_file() && file.relayers[0].log.is_file(), "{file:?}");
    for (name, chain) in [("main", &file.chains.main), ("service", &file.chains.service)] {
        ensure!((chain.evm, chain.fees) == (Evm::Current, Fees::Eip1559), "{chain:?}");
        ensure!(runs_current_code(chain).await?, "PUSH0 is not known on {name}");
        browsers_may_use(&chain.rpc).await?;
        move_value(file, name).await.wrap_err(name)?;
    }
    pairs_are_as_told(file).await?;
    guide_shows_pairs(&devnet)?;

    ensure!(!are_free(base), "nobody listens");
    let taken = ["devnet", "--keep", "--relayers", "1", "--port-base", &base.to_string()];
    let elsewhere = folder("devnet_refused")?;
    let taken = taken
        .iter()
        .map(|word| (*word).into())
        .chain(["--folder".into(), elsewhere.clone().into_os_string()]);
    let taken: Vec<std::ffi::OsString> = taken.collect();
    let says = format!("port {base}, of the main node");
    twinspan(taken).await?.refuses(2, &[&says, "cannot be had"])?;
    ensure!(!elsewhere.join("world").exists(), "something was started");

    devnet.stop("-TERM").await?;
    eventually("all ports are free", PATIENCE, async || Ok(are_free(base))).await
}

/// The old service chain, for what must run there; stopped as by Ctrl-C.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_service_chain_says_that_it_is_old() -> eyre::Result<()> {
    let base = free_range()?;
    let devnet = Devnet::start("devnet_old", base, &["--service", "old"]).await?;
    let service = &devnet.file.chains.service;
    ensure!((service.evm, service.fees) == (Evm::Paris, Fees::None), "{service:?}");
    ensure!(!runs_current_code(service).await?, "PUSH0 is known");
    let guide = std::fs::read_to_string(devnet.folder.with_file_name("guide"))?;
    for words in ["EVM version `paris`", "gas price of 0"] {
        ensure!(guide.contains(words), "does not say `{words}`:\n{guide}");
    }
    devnet.stop("-INT").await?;
    eventually("all ports are free", PATIENCE, async || Ok(are_free(base))).await
}

/// The guide names both sides of every pair.
fn guide_shows_pairs(devnet: &Devnet) -> eyre::Result<()> {
    let guide = std::fs::read_to_string(devnet.folder.with_file_name("guide"))?;
    for pair in &devnet.file.pairs {
        let line = guide.lines().find(|line| line.contains(&pair.name));
        let line = line.ok_or_eyre(format!("{} is not shown:\n{guide}", pair.name))?;
        for token in [pair.home.token, pair.counterpart.token] {
            ensure!(line.contains(&token.to_string()), "no {token} in {line}");
        }
    }
    Ok(())
}

/// The first of enough free ports in a row, of which no other test of this process is given one.
fn free_range() -> eyre::Result<u16> {
    for _ in 0..100 {
        let ports: Vec<u16> = (0..PORTS).map(|_| free_port()).collect::<eyre::Result<_>>()?;
        let base = ports[0];
        if ports.iter().copied().eq(base..base + PORTS) {
            return Ok(base);
        }
    }
    eyre::bail!("no {PORTS} ports in a row are free")
}
