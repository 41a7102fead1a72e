//! The transfer command refuses in words what the bridge would refuse, and follows what it sends.

use std::path::PathBuf;

use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, B256, U256, address};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use eyre::{OptionExt, ensure};
use serde_json::Value;
use twinspan_api::status::Status;
use twinspan_api::transfer::{Stage, Transfer, Transfers};
use twinspan_bridge::request::NATIVE_COIN;
use twinspan_bridge::side::Side;
use twinspan_contracts::abi::direction;
use twinspan_contracts::{TestMultiToken, TestNFT, TestToken, Vault};
use twinspan_devnet::test_signer;
use twinspan_integration_tests::books::Ending;
use twinspan_integration_tests::command::{Outcome, twinspan};
use twinspan_integration_tests::live::Live;

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
    let main = &live.world.chains[Side::Main];
    let token = main.token.home.to_string();
    let stranger = live.world.relayers[0].address.to_string();
    let zero = Address::ZERO.to_string();
    let (recipient, bridge) = (RECIPIENT.to_string(), main.bridge.to_string());
    let counterpart = live.world.chains[Side::Service].bridge.to_string();
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
    nfts(&live, &user, &api).await?;
    limits_and_fees(&live, &user, &api).await?;
    live.others += 5;
    live.close(Ending::default()).await?;
    paid(&live).await?;
    ask_status(&api, id).await
}

/// An ERC-721 and some of an ERC-1155, each by id.
async fn nfts(live: &Live, user: &User, api: &str) -> eyre::Result<()> {
    let (main, service) = (&live.world.chains[Side::Main], &live.world.chains[Side::Service]);
    let (nft, multi) = (main.nft.home.to_string(), main.multi.home.to_string());
    let to = RECIPIENT.to_string();
    let refused: [(&[&str], &[&str]); 5] = [
        (&["--to", &to, "--token", &nft], &["--id is missing"]),
        (&["--to", &to, "--token", &nft, "--id", "7", "--amount", "1"], &["not for an ERC-721"]),
        (&["--to", &to, "--token", &nft, "--id", "8"], &["there is no NFT 8"]),
        (&["--to", &to, "--token", &multi, "--id", "7"], &["--amount is missing"]),
        (
            &["--to", &to, "--token", &multi, "--id", "7", "--amount", "6"],
            &["holds 5", "less than --amount 6"],
        ),
    ];
    for (arguments, words) in refused {
        user.transfer(live, arguments).await?.refuses(4, words)?;
    }
    let sent = ["--to", &to, "--token", &nft, "--id", "7", "--wait", api];
    user.transfer(live, &sent).await?.ends_well()?;
    let sent = ["--to", &to, "--token", &multi, "--id", "7", "--amount", "5", "--wait", api];
    user.transfer(live, &sent).await?.ends_well()?;
    let id = U256::from(7);
    let owner = TestNFT::new(main.nft.representation, &service.provider).ownerOf(id).call().await?;
    ensure!(owner == RECIPIENT, "the NFT is {owner}'s");
    let held = TestMultiToken::new(main.multi.representation, &service.provider);
    let held = held.balanceOf(RECIPIENT, id).call().await?;
    ensure!(held == U256::from(5), "the recipient holds {held} of the multi-token");
    Ok(())
}

/// Limits refuse with the figure that would pass. A fee is told.
async fn limits_and_fees(live: &Live, user: &User, api: &str) -> eyre::Result<()> {
    let main = &live.world.chains[Side::Main];
    let vault = Vault::new(main.vault, &main.provider);
    let coin = |whole: u64| U256::from(whole) * U256::from(10_u64.pow(18));
    let open = vault.limits(NATIVE_COIN, direction::OUTGOING).call().await?;
    let tight = Vault::Limits {
        min: coin(1),
        max: coin(5),
        capacity: coin(3),
        period: 100_000,
        ..open.clone()
    };
    vault.setLimits(NATIVE_COIN, direction::OUTGOING, tight).send().await?.get_receipt().await?;
    let fee = Vault::Fee { flat: 10_u128.pow(16), rate: 100 };
    vault.setFee(NATIVE_COIN, fee).send().await?.get_receipt().await?;
    let to = RECIPIENT.to_string();
    for (amount, words) in [
        ("0.5", &["out of bounds", "takes 1.0", "to 5.0"][..]),
        ("6", &["out of bounds"]),
        ("4", &["rate limit has room for 3.0", "never by the limits in force"]),
    ] {
        user.transfer(live, &["--to", &to, "--amount", amount]).await?.refuses(4, words)?;
    }
    let sent = user.transfer(live, &["--to", &to, "--amount", "2", "--wait", api]).await?;
    let told = sent.ends_well()?;
    ensure!(told.contains("fee 0.03"), "no fee of 0.03 in:\n{told}");
    let short = user.transfer(live, &["--to", &to, "--amount", "2"]).await?;
    short.refuses(4, &["rate limit has room for 1.0", "from Unix time"])?;

    vault.setLimits(NATIVE_COIN, direction::OUTGOING, open).send().await?.get_receipt().await?;
    let none = Vault::Fee { flat: 0, rate: 0 };
    vault.setFee(NATIVE_COIN, none).send().await?.get_receipt().await?;
    Ok(())
}

/// The recipient holds what the transfers of coin and token sent.
async fn paid(live: &Live) -> eyre::Result<()> {
    let one = U256::from(10_u64.pow(18));
    let (main, service) = (&live.world.chains[Side::Main], &live.world.chains[Side::Service]);
    for (token, wanted) in
        [(main.coin, one * U256::from(7) / U256::from(2)), (main.token, one * U256::from(50))]
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
    let status: Status = serde_json::from_str(status.ends_well()?)?;
    let threshold = status.lanes().next().and_then(|lane| Some(lane.status.as_ref()?.threshold));
    ensure!(threshold == Some(3), "{status:?}");
    let text = twinspan(["status", "--api", api, id]).await?;
    for word in [id, "handed over", "requested", "settled", "certified", "sends      1.5 of"] {
        ensure!(text.ends_well()?.contains(word), "does not say `{word}`:\n{}", text.stdout);
    }
    let transfer = twinspan(["status", "--api", api, id, "--json"]).await?;
    let transfer: Transfer = serde_json::from_str(transfer.ends_well()?)?;
    let is_it = transfer.id.to_string() == id && transfer.stage == Stage::HandedOver;
    ensure!(is_it, "{transfer:?}");
    by_transaction(api, id, &transfer).await?;
    let (prefix, _) = id.rsplit_once('-').ok_or_eyre("an id has three parts")?;
    let unknown = twinspan(["status", "--api", api, &format!("{prefix}-999999")]).await?;
    unknown.refuses(1, &["404", "no such request"])?;
    let nobody = twinspan(["status", "--api", "http://127.0.0.1:1"]).await?;
    nobody.refuses(3, &["no relayer answers at", "127.0.0.1:1"])?;
    let malformed = twinspan(["status", "--api", api, "17"]).await?;
    ensure!(malformed.code == 2 && malformed.stderr.contains("is no transfer id"), "{malformed:?}");
    Ok(())
}

/// The same by the hash of the transaction that asked for it.
async fn by_transaction(api: &str, id: &str, transfer: &Transfer) -> eyre::Result<()> {
    let hash = transfer.source.ok_or_eyre("no source")?.transaction.to_string();
    let found = twinspan(["status", "--api", api, &hash]).await?;
    for word in [id, "handed over"] {
        ensure!(found.ends_well()?.contains(word), "does not say `{word}`:\n{}", found.stdout);
    }
    let found = twinspan(["status", "--api", api, &hash, "--json"]).await?;
    let found: Transfers = serde_json::from_str(found.ends_well()?)?;
    ensure!(found.transfers.iter().any(|one| one.id == transfer.id), "{found:?}");
    let nothing = twinspan(["status", "--api", api, &B256::repeat_byte(7).to_string()]).await?;
    nothing.refuses(1, &["no transfer of transaction 0x0707"])?;
    ensure!(nothing.stdout.contains("chain 31337 is read up to block"), "{}", nothing.stdout);
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
        let main = &live.world.chains[Side::Main];
        let one = U256::from(10_u64.pow(18));
        let coins = TransactionRequest::default()
            .with_from(test_signer(3).address())
            .with_to(address)
            .with_value(one * U256::from(10));
        main.provider.send_transaction(coins).await?.get_receipt().await?;
        let token = TestToken::new(main.token.home, &main.provider);
        let mint = token.mint(address, one * U256::from(50)).from(test_signer(3).address());
        mint.send().await?.get_receipt().await?;
        let (nft, multi) = (
            TestNFT::new(main.nft.home, &main.provider),
            TestMultiToken::new(main.multi.home, &main.provider),
        );
        let mint = nft.mint(address, U256::from(7), "ipfs://seven".to_owned());
        mint.from(test_signer(3).address()).send().await?.get_receipt().await?;
        let mint = multi.mint(address, U256::from(7), U256::from(5));
        mint.from(test_signer(3).address()).send().await?.get_receipt().await?;
        Ok(Self { address, keystore, password })
    }

    async fn transfer(&self, live: &Live, arguments: &[&str]) -> eyre::Result<Outcome> {
        let main = &live.world.chains[Side::Main];
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
