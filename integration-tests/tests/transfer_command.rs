//! The transfer command refuses in words what the bridge would refuse, and follows what it sends.

use std::path::PathBuf;

use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, U256, address};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use eyre::{OptionExt, ensure};
use serde_json::Value;
use twinspan_contracts::TestToken;
use twinspan_integration_tests::books::Ending;
use twinspan_integration_tests::command::{Outcome, twinspan};
use twinspan_integration_tests::live::Live;
use twinspan_relayer::devnet::test_signer;

const RECIPIENT: Address = address!("0x00000000000000000000000000000000000abcde");

/// A person with a wallet on the main chain.
struct User {
    address: Address,
    keystore: PathBuf,
    password: PathBuf,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_is_refused_in_words_or_followed_to_its_end() -> eyre::Result<()> {
    let mut live = Live::start("transfer_command", |_| {}).await?;
    let user = User::make(&live).await?;
    let main = &live.world.chains[0];
    let token = main.token.home.to_string();
    let stranger = live.world.relayers[0].address.to_string();
    let zero = Address::ZERO.to_string();
    let (recipient, bridge) = (RECIPIENT.to_string(), main.bridge.to_string());
    let counterpart = live.world.chains[1].bridge.to_string();
    let nonce = main.provider.get_transaction_count(user.address).await?;

    let refused: [(&[&str], &[&str]); 9] = [
        (
            &["--to", &recipient, "--amount", "1", "--token", &stranger],
            &["not registered", &stranger],
        ),
        (&["--to", &zero, "--amount", "1"], &["--to", "zero address"]),
        (&["--to", &recipient, "--amount", "1000"], &["holds", "less than --amount 1000"]),
        (&["--to", &recipient, "--amount", "51", "--token", &token], &["holds 50", "less than"]),
        (&["--to", &recipient, "--amount", "0.1234567890123456789"], &["at most 18 decimals"]),
        (&["--to", &recipient, "--amount", "0"], &["out of bounds"]),
        (&["--to", &recipient, "--amount=-1"], &["--amount -1", "want a number"]),
        (&["--to", &bridge, "--amount", "1"], &["--to is a bridge"]),
        (&["--to", &counterpart, "--amount", "1"], &["--to is a bridge"]),
    ];
    for (arguments, words) in refused {
        user.transfer(&live, arguments).await?.refuses(4, words)?;
    }
    let unsent = main.provider.get_transaction_count(user.address).await?;
    ensure!(unsent == nonce, "a refused transfer sent {} transactions", unsent - nonce);

    let api = live.world.relayers[1].api_url();
    let coin = ["--to", &recipient, "--amount", "1.5", "--wait", &api];
    let coin = user.transfer(&live, &coin).await?;
    let told = coin.ends_well()?;
    let last = told.lines().last().unwrap_or_default();
    ensure!(last == "handed over", "it ended with `{last}`:\n{told}");
    let id = told.lines().find_map(|line| line.strip_prefix("transfer "));
    let id = id.ok_or_eyre("it does not tell the transfer's id")?;

    let with_token = ["--to", &recipient, "--amount", "50", "--token", &token, "--json", "--wait"];
    let with_token = user.transfer(&live, &[&with_token[..], &[&api]].concat()).await?;
    let told: Value = serde_json::from_str(with_token.ends_well()?)?;
    ensure!(told["transfer"]["stage"] == "handed_over", "{told}");
    live.others += 2;
    live.close(Ending::default()).await?;
    paid(&live).await?;
    ask_status(&api, id).await
}

/// The recipient holds what the two transfers sent.
async fn paid(live: &Live) -> eyre::Result<()> {
    let one = U256::from(10_u64.pow(18));
    let (main, service) = (&live.world.chains[0], &live.world.chains[1]);
    for (token, wanted) in
        [(main.coin, one * U256::from(3) / U256::from(2)), (main.token, one * U256::from(50))]
    {
        let token = TestToken::new(token.representation, &service.provider);
        let balance = token.balanceOf(RECIPIENT).call().await?;
        ensure!(balance == wanted, "the recipient holds {balance}, want {wanted}");
    }
    Ok(())
}

async fn ask_status(api: &str, id: &str) -> eyre::Result<()> {
    let table = twinspan(["status", "--api", api]).await?;
    for word in ["relayer-1", "demo/main→service", "demo/service→main", "ok"] {
        ensure!(table.ends_well()?.contains(word), "does not say `{word}`:\n{}", table.stdout);
    }
    let status = twinspan(["status", "--api", api, "--json"]).await?;
    let status: Value = serde_json::from_str(status.ends_well()?)?;
    ensure!(status["pairs"][0]["lanes"][0]["status"]["threshold"] == 3, "{status}");
    let text = twinspan(["status", "--api", api, id]).await?;
    for word in [id, "handed over", "requested", "settled", "attested"] {
        ensure!(text.ends_well()?.contains(word), "does not say `{word}`:\n{}", text.stdout);
    }
    let transfer = twinspan(["status", "--api", api, id, "--json"]).await?;
    let transfer: Value = serde_json::from_str(transfer.ends_well()?)?;
    ensure!(transfer["id"] == id && transfer["stage"] == "handed_over", "{transfer}");
    let (prefix, _) = id.rsplit_once('-').ok_or_eyre("an id has three parts")?;
    let unknown = twinspan(["status", "--api", api, &format!("{prefix}-999999")]).await?;
    unknown.refuses(1, &["404", "no such request"])?;
    let nobody = twinspan(["status", "--api", "http://127.0.0.1:1"]).await?;
    nobody.refuses(3, &["no relayer answers at", "127.0.0.1:1"])?;
    let malformed = twinspan(["status", "--api", api, "17"]).await?;
    ensure!(malformed.code == 2 && malformed.stderr.contains("is no transfer id"), "{malformed:?}");
    Ok(())
}

impl User {
    /// With 10 coins, and 50 tokens of the main chain.
    async fn make(live: &Live) -> eyre::Result<Self> {
        let folder = &live.world.options.folder;
        let (keystore, password) = (folder.join("user.json"), folder.join("user.password"));
        std::fs::write(&password, "correct horse\n")?;
        let made = [
            "keys".as_ref(),
            "new".as_ref(),
            "--out".as_ref(),
            keystore.as_os_str(),
            "--password-file".as_ref(),
            password.as_os_str(),
        ];
        let made = twinspan(made).await?;
        let address = made.ends_well()?.trim().parse()?;
        let main = &live.world.chains[0];
        let one = U256::from(10_u64.pow(18));
        let coins = TransactionRequest::default()
            .with_from(test_signer(3).address())
            .with_to(address)
            .with_value(one * U256::from(10));
        main.provider.send_transaction(coins).await?.get_receipt().await?;
        let token = TestToken::new(main.token.home, &main.provider);
        let mint = token.mint(address, one * U256::from(50)).from(test_signer(3).address());
        mint.send().await?.get_receipt().await?;
        Ok(Self { address, keystore, password })
    }

    async fn transfer(&self, live: &Live, arguments: &[&str]) -> eyre::Result<Outcome> {
        let main = &live.world.chains[0];
        let (rpc, vault) = (main.node.http_url().to_string(), main.vault.to_string());
        let fixed = ["transfer", "--rpc", &rpc, "--vault", &vault];
        let wallet = [
            "--keystore".as_ref(),
            self.keystore.as_os_str(),
            "--password-file".as_ref(),
            self.password.as_os_str(),
        ];
        let words = fixed.iter().chain(arguments).map(|word| std::ffi::OsStr::new(*word));
        twinspan(words.chain(wallet)).await
    }
}
