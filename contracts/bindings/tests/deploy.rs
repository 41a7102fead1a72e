//! Deploys a pair on two local nodes, links coin and a token across it, and hands value over and back.
//!
//! Needs the anvil of this repository's npm packages (`npm ci`).

use std::{
    env::consts,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use alloy::{
    network::EthereumWallet,
    primitives::{Address, B256, Bytes, U256, keccak256},
    providers::{Provider, ProviderBuilder},
    signers::{SignerSync, local::PrivateKeySigner},
};
use twinspan_contracts::{
    Bridge, BridgeToken, Refuser, RequestBatcher, Timelock, Vault,
    abi::{
        Bridge::{BridgeInstance, Certificate, Request, Signature, Timing},
        NATIVE_COIN, asset_kind, park_reason,
    },
    deploy::{
        DeployError, HomeAsset, LinkedToken, Ownership, Pair, SideSettings, Site, TokenLimits,
        TokenMetadata, deploy_pair, deploy_test_token, hand_over, link_token, read_metadata,
    },
    explain_revert,
};

/// The first account of every anvil. Public, of no value anywhere.
const KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

/// A local node, ended when dropped.
struct Anvil {
    process: Child,
    port: u16,
}

impl Anvil {
    fn start(chain_id: u64, extra: &[&str]) -> Self {
        let os = if consts::OS == "macos" { "darwin" } else { consts::OS };
        let arch = if consts::ARCH == "x86_64" { "amd64" } else { "arm64" };
        let binary = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join(format!("../node_modules/@foundry-rs/anvil-{os}-{arch}/bin/anvil"));
        let mut process = Command::new(&binary)
            .args(["--port", "0", "--chain-id", &chain_id.to_string()])
            .args(extra)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{} does not start ({error}); run `npm ci` first", binary.display())
            });
        let stdout = process.stdout.take().expect("stdout is piped");
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let port = lines
            .find_map(|line| line.strip_prefix("Listening on 127.0.0.1:")?.parse().ok())
            .expect("anvil says where it listens");
        // Keeps the pipe drained, so that the node never blocks on its own log.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, port }
    }

    fn provider(&self, key: &PrivateKeySigner) -> impl Provider + use<> {
        let url = format!("http://127.0.0.1:{}", self.port).parse().expect("a url");
        ProviderBuilder::new().wallet(EthereumWallet::from(key.clone())).connect_http(url)
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn deployer() -> PrivateKeySigner {
    KEY.parse().expect("a key")
}

/// Relayers' keys, by ascending address.
fn relayers() -> Vec<PrivateKeySigner> {
    let mut keys: Vec<PrivateKeySigner> = (1u64..=4)
        .map(|i| PrivateKeySigner::from_bytes(&keccak256(i.to_be_bytes())).expect("a key"))
        .collect();
    keys.sort_by_key(PrivateKeySigner::address);
    keys
}

fn settings() -> SideSettings {
    SideSettings {
        guardian: Address::repeat_byte(0x60),
        members: relayers().iter().map(PrivateKeySigner::address).collect(),
        threshold: 3,
        timing: Timing { returnDelay: 60, rotationDelay: 60, pausePeriod: 60 },
        large_delay: 60,
    }
}

/// A certificate of `head` at `count` by three relayers, for `to`.
async fn certify<P: Provider>(to: &BridgeInstance<P>, count: u64, head: B256) -> Certificate {
    let digest = to.checkpointDigest(1, count, head).call().await.expect("a digest");
    let signatures = relayers()[..3]
        .iter()
        .map(|key| {
            let bytes = key.sign_hash_sync(&digest).expect("signs").as_erc2098();
            Signature { r: B256::from_slice(&bytes[..32]), vs: B256::from_slice(&bytes[32..]) }
        })
        .collect();
    Certificate { epoch: 1, count, head, signatures }
}

/// Hands `requests` over, certified as the whole of what `from` has linked.
async fn deliver_all<F: Provider, T: Provider>(
    from: &BridgeInstance<F>,
    to: &BridgeInstance<T>,
    requests: Vec<Request>,
) {
    let outgoing = from.positions().call().await.expect("positions").outgoing;
    let certificate = certify(to, outgoing.count, outgoing.head).await;
    let pending =
        to.deliver(requests, Vec::new(), Vec::new(), certificate).send().await.expect("is taken");
    assert!(pending.get_receipt().await.expect("a receipt").status());
    let incoming = to.positions().call().await.expect("positions").incoming;
    assert_eq!((incoming.count, incoming.head), (outgoing.count, outgoing.head));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_hands_coin_and_token_over_and_back() {
    let (main_node, service_node) = (
        Anvil::start(71_001, &[]),
        // A fee-less chain with an old EVM.
        Anvil::start(71_002, &["--hardfork", "london", "--gas-price", "0", "--base-fee", "0"]),
    );
    let key = deployer();
    let (main, service) = (main_node.provider(&key), service_node.provider(&key));
    let main = Site { provider: &main, deployer: key.address(), gas_price: None };
    let service = Site { provider: &service, deployer: key.address(), gas_price: Some(0) };

    let pair = deploy_pair(&main, &service, &settings(), &settings()).await.expect("a pair");
    assert_eq!((pair.main.chain_id, pair.service.chain_id), (71_001, 71_002));
    let (coin, gold) = link_both(&main, &service, &pair).await;
    let here = Bridge::new(pair.main.bridge, main.provider);
    let there = Bridge::new(pair.service.bridge, service.provider);

    // Two coin requests in one transaction, one of them to a contract that refuses the coin's return.
    let batcher = RequestBatcher::deploy(main.provider).await.expect("a batcher");
    let amount = U256::from(1_000);
    let pending = batcher
        .manyNative(pair.main.vault, vec![key.address(), key.address()], amount)
        .value(amount * U256::from(2))
        .send()
        .await
        .expect("is taken");
    assert!(pending.get_receipt().await.expect("a receipt").status());
    let from_batcher = |nonce| Request {
        nonce,
        kind: asset_kind::NATIVE,
        sender: *batcher.address(),
        recipient: key.address(),
        token: NATIVE_COIN,
        counterpartToken: coin.representation,
        amount,
        payloadHash: B256::ZERO,
    };
    deliver_all(&here, &there, vec![from_batcher(0), from_batcher(1)]).await;
    let coin_there = BridgeToken::new(coin.representation, service.provider);
    let held = coin_there.balanceOf(key.address()).call().await.expect("a balance");
    assert_eq!(held, amount * U256::from(2));

    // Back, to a contract that refuses it: parked, then released once it accepts.
    let refuser = Refuser::deploy(main.provider).await.expect("a refuser");
    let approve = coin_there.approve(pair.service.vault, amount).gas_price(0).send().await;
    approve.expect("approves").get_receipt().await.expect("a receipt");
    let vault_there = Vault::new(pair.service.vault, service.provider);
    let to = *refuser.address();
    let back = vault_there.requestERC20(coin.representation, to, amount, U256::ZERO, Bytes::new());
    back.gas_price(0).send().await.expect("is taken").get_receipt().await.expect("a receipt");
    let request = Request {
        nonce: 0,
        kind: asset_kind::ERC20,
        sender: key.address(),
        recipient: *refuser.address(),
        token: coin.representation,
        counterpartToken: NATIVE_COIN,
        amount,
        payloadHash: B256::ZERO,
    };
    deliver_all(&there, &here, vec![request.clone()]).await;
    let parked = here
        .parkedHandover(here.requestHash(request.clone()).call().await.expect("a hash"))
        .call()
        .await
        .expect("an entry");
    assert_eq!(parked.reason, park_reason::PAYOUT_FAILED);

    let refused = here
        .releaseParked(request.clone(), Bytes::new())
        .call()
        .await
        .map(drop)
        .expect_err("is refused");
    let text = explain_revert(&refused.as_revert_data().expect("revert data")).expect("is known");
    assert!(text.contains("recipient refused"), "{text}");
    let accept = refuser.setAccepting(true).send().await.expect("is taken");
    accept.get_receipt().await.expect("a receipt");
    let release = here.releaseParked(request, Bytes::new()).send().await.expect("is taken");
    assert!(release.get_receipt().await.expect("a receipt").status());
    assert_eq!(main.provider.get_balance(*refuser.address()).await.expect("a balance"), amount);

    let vault = Vault::new(pair.main.vault, main.provider);
    let config = vault.tokenConfig(gold.home).call().await.expect("a configuration");
    assert_eq!(config.counterpart, gold.representation);
    let gold_there = BridgeToken::new(gold.representation, service.provider);
    assert_eq!(gold_there.decimals().call().await.expect("decimals"), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_behind_a_timelock_waits() {
    let nodes = [71_006, 71_007].map(|chain_id| Anvil::start(chain_id, &[]));
    let key = deployer();
    let [main, service] = nodes.each_ref().map(|node| node.provider(&key));
    let (main, service) = (site(&main, &key), site(&service, &key));
    let pair = deploy_pair(&main, &service, &settings(), &settings()).await.expect("a pair");

    let (proposer, guardian) = (Address::repeat_byte(0x42), settings().guardian);
    let ownership = Ownership::Timelock { proposer, guardian, delay: 86_400 };
    let timelock = hand_over(&main, &pair.main, ownership).await.expect("is handed over");
    let timelock = Timelock::new(timelock.expect("a timelock"), main.provider);
    let bridge = Bridge::new(pair.main.bridge, main.provider);
    let vault = Vault::new(pair.main.vault, main.provider);
    assert_eq!(bridge.owner().call().await.expect("an owner"), *timelock.address());
    assert_eq!(vault.owner().call().await.expect("an owner"), *timelock.address());
    assert_eq!(timelock.getMinDelay().call().await.expect("a delay"), U256::from(86_400));

    let propose = timelock.PROPOSER_ROLE().call().await.expect("a role");
    let cancel = timelock.CANCELLER_ROLE().call().await.expect("a role");
    for (role, account, want) in [
        (propose, proposer, true),
        (cancel, guardian, true),
        (propose, guardian, false),
        (propose, key.address(), false),
        (cancel, key.address(), false),
        (B256::ZERO, key.address(), false),
    ] {
        let got = timelock.hasRole(role, account).call().await.expect("an answer");
        assert_eq!(got, want, "role {role} of {account}");
    }
    let refused = vault.setFeeReceiver(proposer).call().await.map(drop).expect_err("is refused");
    let text = explain_revert(&refused.as_revert_data().expect("revert data")).expect("is known");
    assert!(text.contains("is not the owner"), "{text}");
}

async fn link_both<M: Provider, S: Provider>(
    main: &Site<'_, M>,
    service: &Site<'_, S>,
    pair: &Pair,
) -> (LinkedToken, LinkedToken) {
    let metadata = |name: &str, decimals| TokenMetadata {
        name: name.into(),
        symbol: name.to_uppercase(),
        decimals,
    };
    let gold = deploy_test_token(main, &metadata("Gold", 6)).await.expect("a token");
    let mut linked = Vec::new();
    for asset in [HomeAsset::Native(metadata("Coin", 18)), HomeAsset::Erc20(gold)] {
        let token = link_token(
            main,
            pair.main.vault,
            service,
            pair.service.vault,
            asset,
            U256::MAX,
            TokenLimits::OPEN,
            TokenLimits::OPEN,
        )
        .await
        .expect("is linked");
        linked.push(token);
    }
    (linked[0], linked[1])
}

fn site<'a, P>(provider: &'a P, key: &PrivateKeySigner) -> Site<'a, P> {
    Site { provider, deployer: key.address(), gas_price: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_a_pair_on_one_chain_and_says_why_a_constructor_refuses() {
    let nodes = [71_003, 71_003, 71_004].map(|chain_id| Anvil::start(chain_id, &[]));
    let key = deployer();
    let [one, same, other] = nodes.each_ref().map(|node| node.provider(&key));

    let same_chain =
        deploy_pair(&site(&one, &key), &site(&same, &key), &settings(), &settings()).await;
    assert!(matches!(same_chain, Err(DeployError::SameChain(71_003))), "{same_chain:?}");

    let unreachable = SideSettings { threshold: 5, ..settings() };
    let refused = deploy_pair(&site(&one, &key), &site(&other, &key), &unreachable, &settings())
        .await
        .expect_err("is refused")
        .to_string();
    assert!(refused.contains("threshold 5") && refused.contains("4 members"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn says_so_when_a_token_has_no_metadata() {
    let node = Anvil::start(71_005, &[]);
    let key = deployer();
    let provider = node.provider(&key);
    let nowhere = read_metadata(&site(&provider, &key), Address::repeat_byte(7)).await;
    let text = nowhere.expect_err("is no token").to_string();
    assert!(text.contains("name, symbol and decimals"), "{text}");
}
