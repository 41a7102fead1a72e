//! Real nodes: a chain with fees and one without, a deployed bridge pair, and value that moves.
#![expect(clippy::disallowed_methods, reason = "a test starts what it watches, and ends with it")]

use std::time::{Duration, Instant};

use crate::support;
use crate::support::anvil::{Anvil, DEV_KEY};
use alloy::network::EthereumWallet;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::signers::local::PrivateKeySigner;
use secrecy::SecretBox;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use twinspan_bridge::checkpoint::Checkpoint;
use twinspan_bridge::ids::{BlockNumber, BlockRef, BridgeAt, ChainId, Epoch, Lane};
use twinspan_bridge::key::AttestationKey;
use twinspan_bridge::lane_head::{LanePosition, Linked};
use twinspan_bridge::observe::SettlementEvent;
use twinspan_chains::evm::calls::{attest_call, deliver_call};
use twinspan_chains::signer::{LocalKey, TransactionSigner};
use twinspan_chains::transactions::{
    Account, AccountHandle, Intent, IntentId, MemoryStore, Outcome, Resolved,
};
use twinspan_chains::{ChainConfig, EvmChain, PreflightError};
use twinspan_contracts::abi::{Bridge, NATIVE_COIN, Vault};
use twinspan_contracts::deploy::{
    HomeAsset, SideSettings, Site, TokenLimits, TokenMetadata, deploy_pair, link_token,
};

/// Arguments of a chain on which gas costs nothing.
const WITHOUT_FEES: &[&str] =
    &["--gas-price", "0", "--block-base-fee-per-gas", "0", "--disable-min-priority-fee"];

fn config(anvil: &Anvil) -> ChainConfig {
    let mut config = support::config(anvil.chain_id, 1);
    config.endpoints[0].http = Some(anvil.http().parse().expect("a URL"));
    config.endpoints[0].ws = Some(anvil.ws().parse().expect("a URL"));
    config.poll_interval = Duration::from_millis(200);
    config
}

async fn connect(anvil: &Anvil) -> EvmChain {
    EvmChain::connect(config(anvil)).await.expect("connects")
}

fn wallet(chain: &EvmChain) -> DynProvider {
    let key = PrivateKeySigner::from_slice(&DEV_KEY).expect("a key");
    let wallet = EthereumWallet::from(key);
    ProviderBuilder::new().wallet(wallet).connect_provider(chain.provider().clone()).erased()
}

fn dev_address() -> Address {
    PrivateKeySigner::from_slice(&DEV_KEY).expect("a key").address()
}

/// A submitter with an account of its own, funded by the development account.
struct Submitter {
    handle: AccountHandle,
    outcomes: mpsc::Receiver<Resolved>,
    cancel: CancellationToken,
}

impl Submitter {
    async fn start(chain: &EvmChain) -> Self {
        let signer = TransactionSigner::new(
            LocalKey::new(&SecretBox::new(Box::new([9; 32]))).expect("a key"),
        );
        let funds = json!([signer.address(), U256::from(10).pow(U256::from(18))]);
        let set: Result<serde_json::Value, _> =
            chain.provider().raw_request("anvil_setBalance".into(), funds).await;
        set.expect("funded");
        let (sender, outcomes) = mpsc::channel(16);
        let (account, handle) = Account::new(chain.clone(), signer, MemoryStore::default(), sender);
        let cancel = CancellationToken::new();
        tokio::spawn(account.run(cancel.clone()));
        let mut heads = chain.heads();
        let stop = cancel.clone();
        tokio::spawn(async move {
            let watch = async {
                loop {
                    heads.next().await;
                }
            };
            stop.run_until_cancelled(watch).await
        });
        Self { handle, outcomes, cancel }
    }

    async fn outcome(&mut self) -> Resolved {
        let waited = tokio::time::timeout(Duration::from_secs(20), self.outcomes.recv()).await;
        waited.expect("an outcome in time").expect("the account runs")
    }
}

impl Drop for Submitter {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

fn settings(members: Vec<Address>) -> SideSettings {
    let timing = Bridge::Timing { returnDelay: 60, rotationDelay: 60, pausePeriod: 3_600 };
    let guardian = dev_address();
    SideSettings { guardian, members, threshold: 1, timing, large_delay: 0 }
}

#[tokio::test]
async fn heads_come_by_subscription_and_survive_the_loss_of_the_node() {
    let anvil = Anvil::start(31_401, &["--block-time", "1"]).await;
    let mut config = config(&anvil);
    config.poll_interval = Duration::from_secs(1);
    let chain = EvmChain::connect(config).await.expect("connects");
    let mut heads = chain.heads();
    let mut last = heads.next().await;
    let before = chain.calls().total();
    for _ in 0..3 {
        let head =
            tokio::time::timeout(Duration::from_secs(5), heads.next()).await.expect("a head");
        assert!(head.number > last.number);
        last = head;
    }
    // The subscription itself is one call at the most.
    assert!(chain.calls().total() - before <= 1, "a live subscription needs no polling");
    let (port, chain_id) = (anvil.port, anvil.chain_id);
    drop(anvil);
    assert!(tokio::time::timeout(Duration::from_secs(2), heads.next()).await.is_err());
    let port = port.to_string();
    // The same address again, from its genesis: lower heads, which are believed once they stay.
    let again = Anvil::start_on(chain_id, &port, &["--block-time", "1"]).await;
    let head = tokio::time::timeout(Duration::from_secs(60), heads.next()).await;
    assert!(head.is_ok(), "heads come again");
    drop(again);
}

#[tokio::test]
async fn an_account_sends_on_chains_with_and_without_fees() {
    for (chain_id, args) in [(31_402, &[][..]), (31_403, WITHOUT_FEES)] {
        let anvil = Anvil::start(chain_id, args).await;
        let mut config = config(&anvil);
        if !args.is_empty() {
            // Calls go over the WebSocket where there is nothing else.
            config.endpoints[0].http = None;
        }
        let chain = EvmChain::connect(config).await.expect("connects");
        let mut submitter = Submitter::start(&chain).await;
        let target = Address::repeat_byte(0x77);
        let mut slowest = Duration::ZERO;
        for n in 1..=5 {
            let intent = Intent {
                since: None,
                id: IntentId(B256::repeat_byte(n)),
                to: target,
                input: vec![n].into(),
                gas_limit: 60_000,
                label: "test".to_owned(),
            };
            let started = Instant::now();
            submitter.handle.submit(intent).await.expect("taken");
            let resolved = submitter.outcome().await;
            assert!(matches!(resolved.outcome, Outcome::Mined { .. }), "{resolved:?}");
            if n > 1 {
                slowest = slowest.max(started.elapsed());
            }
        }
        println!("chain {chain_id}: slowest of 4 from submit to outcome {slowest:?}");
        let snapshot = submitter.handle.snapshot();
        assert_eq!(snapshot.next_nonce.map(|nonce| nonce.get()), Some(5));
        assert!(snapshot.balance.is_some());
        let balance = chain.provider().get_balance(snapshot.account.address).await;
        let paid = balance.expect("a balance") < U256::from(10).pow(U256::from(18));
        assert_eq!(paid, args.is_empty(), "only the chain with fees costs anything");
    }
}

#[tokio::test]
async fn a_stuck_transaction_is_replaced_on_a_real_pool() {
    let anvil = Anvil::start(31_404, &["--no-mining"]).await;
    let mut config = config(&anvil);
    config.fees.bump_after = Duration::from_secs(2);
    let chain = EvmChain::connect(config).await.expect("connects");
    let mut submitter = Submitter::start(&chain).await;
    let intent = Intent {
        since: None,
        id: IntentId(B256::repeat_byte(1)),
        to: Address::repeat_byte(0x77),
        input: Default::default(),
        gas_limit: 60_000,
        label: "stuck".to_owned(),
    };
    submitter.handle.submit(intent).await.expect("taken");
    let replaced = async {
        while submitter.handle.snapshot().pending.first().is_none_or(|pending| pending.siblings < 3)
        {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), replaced).await.expect("replaced twice");
    let mine: Result<serde_json::Value, _> =
        chain.provider().raw_request("evm_mine".into(), json!([])).await;
    mine.expect("mined");
    let resolved = submitter.outcome().await;
    assert!(matches!(resolved.outcome, Outcome::Mined { .. }), "{resolved:?}");
}

#[tokio::test]
async fn value_moves_over_a_deployed_pair() {
    let main_node = Anvil::start(31_405, &[]).await;
    let service_node = Anvil::start(31_406, WITHOUT_FEES).await;
    let (main, service) = (connect(&main_node).await, connect(&service_node).await);
    let (main_wallet, service_wallet) = (wallet(&main), wallet(&service));
    let deployer = dev_address();
    let main_site = Site { provider: &main_wallet, deployer, gas_price: None };
    let service_site = Site { provider: &service_wallet, deployer, gas_price: Some(0) };
    let key = AttestationKey::from_bytes([5; 32]).expect("a key");
    let own = settings(vec![key.address()]);
    let pair = deploy_pair(&main_site, &service_site, &own, &own).await.expect("deployed");
    let coin = HomeAsset::Native(TokenMetadata {
        name: "Coin".to_owned(),
        symbol: "COIN".to_owned(),
        decimals: 18,
    });
    let open = TokenLimits::OPEN;
    let (home, away) = (pair.main.vault, pair.service.vault);
    link_token(&main_site, home, &service_site, away, coin, U256::MAX, open, open)
        .await
        .expect("linked");

    // Both ends are what they should be, and an address without a contract is told.
    let preflight = service.preflight(pair.service.bridge).await.expect("a bridge");
    let source = BridgeAt { chain_id: ChainId::new(31_405), address: pair.main.bridge };
    let destination = BridgeAt { chain_id: ChainId::new(31_406), address: pair.service.bridge };
    assert_eq!((preflight.counterpart, preflight.bridge), (source, destination));
    assert_eq!(preflight.relayer_set.members(), [key.address()]);
    let nothing = main.preflight(Address::repeat_byte(1)).await;
    assert!(matches!(nothing, Err(PreflightError::NoCode(_))));

    // 64 requests, read back and proven complete.
    let vault = Vault::new(pair.main.vault, &main_wallet);
    let after = main.latest().await.expect("a head").number;
    for n in 0..64_u64 {
        let recipient = Address::from_word(B256::from(U256::from(0x1000 + n)));
        let amount = U256::from(1_000 + n);
        let call = vault.requestNative(recipient, amount, Bytes::new()).value(amount);
        call.send().await.expect("sent").get_receipt().await.expect("mined");
    }
    let to = main.latest().await.expect("a head");
    let calls = main.calls().total();
    let read = main.read_bridge(pair.main.bridge, after, to).await.expect("read");
    let spent = main.calls().total() - calls;
    assert!(spent <= 7, "one for the state, six for the logs of 64 blocks, not {spent}");
    let lane = Lane { source, destination };
    let linked = Linked::check(LanePosition::start(&lane), read.requests, read.state.outgoing)
        .expect("the lane is complete");
    assert_eq!(linked.requests().len(), 64);
    assert_eq!(linked.requests()[0].sourced.request.token, NATIVE_COIN);

    // Certified and handed over, first half in one batch with a tail, then the rest.
    let checkpoint = Checkpoint { lane, epoch: Epoch::new(1), position: linked.to() };
    let attestation = *key.sign(checkpoint).get();
    let requests: Vec<_> =
        linked.requests().iter().map(|linked| linked.sourced.request.clone()).collect();
    let tail: Vec<B256> = linked.requests()[32..].iter().map(|linked| linked.hash).collect();
    let mut submitter = Submitter::start(&service).await;
    let before: BlockNumber = service.latest().await.expect("a head").number;
    for (n, (part, tail)) in
        [(&requests[..32], tail), (&requests[32..], vec![])].into_iter().enumerate()
    {
        let position = linked.to();
        let call = deliver_call(
            pair.service.bridge,
            part,
            &tail,
            checkpoint.epoch,
            position.count,
            position.head,
            &[attestation.signature],
        );
        let allowed = call.gas_limit;
        let id = IntentId(B256::repeat_byte(n as u8 + 1));
        submitter.handle.submit(Intent::new(id, call, "batch")).await.expect("taken");
        let resolved = submitter.outcome().await;
        let Outcome::Mined { gas_used, .. } = resolved.outcome else {
            panic!("not handed over: {resolved:?}");
        };
        println!("32 handovers, tail {}: {gas_used} gas of {allowed} allowed", tail.len());
        assert!(gas_used < allowed / 10 * 8);
    }
    let to: BlockRef = service.latest().await.expect("a head");
    let read = service.read_bridge(pair.service.bridge, before, to).await.expect("read");
    let paid = read
        .settlements
        .iter()
        .filter(|settlement| matches!(settlement.event, SettlementEvent::HandedOver { .. }));
    assert_eq!(paid.count(), 64);
    assert_eq!(read.state.incoming, linked.to(), "the destination holds the source's head");

    // A checkpoint that is passed reverts, and the revert's data says so.
    let late = attest_call(pair.service.bridge, &attestation);
    let id = IntentId(B256::repeat_byte(9));
    submitter.handle.submit(Intent::new(id, late, "late attestation")).await.expect("taken");
    let resolved = submitter.outcome().await;
    let Outcome::Reverted { data, .. } = &resolved.outcome else { panic!("{resolved:?}") };
    let told = twinspan_contracts::explain_revert(data).expect("an error of the bridge");
    assert!(told.contains("passed"), "{told}");
}

#[tokio::test]
async fn an_attestation_recorded_on_chain_is_read_and_verifies() {
    let main_node = Anvil::start(31_407, &[]).await;
    let service_node = Anvil::start(31_408, WITHOUT_FEES).await;
    let (main, service) = (connect(&main_node).await, connect(&service_node).await);
    let (main_wallet, service_wallet) = (wallet(&main), wallet(&service));
    let deployer = dev_address();
    let main_site = Site { provider: &main_wallet, deployer, gas_price: None };
    let service_site = Site { provider: &service_wallet, deployer, gas_price: Some(0) };
    let key = AttestationKey::from_bytes([5; 32]).expect("a key");
    let own = settings(vec![key.address()]);
    let pair = deploy_pair(&main_site, &service_site, &own, &own).await.expect("deployed");
    let lane = Lane {
        source: BridgeAt { chain_id: main.chain_id(), address: pair.main.bridge },
        destination: BridgeAt { chain_id: service.chain_id(), address: pair.service.bridge },
    };
    let position = LanePosition::start(&lane).link(B256::repeat_byte(3));
    let attestation = *key.sign(Checkpoint { lane, epoch: Epoch::new(1), position }).get();
    let after = service.latest().await.expect("a head").number;
    let mut submitter = Submitter::start(&service).await;
    let call = attest_call(pair.service.bridge, &attestation);
    let allowed = call.gas_limit;
    let id = IntentId(B256::repeat_byte(1));
    submitter.handle.submit(Intent::new(id, call, "attestation")).await.expect("taken");
    let resolved = submitter.outcome().await;
    let Outcome::Mined { gas_used, .. } = resolved.outcome else { panic!("{resolved:?}") };
    println!("recording an attestation: {gas_used} gas of {allowed} allowed");
    let to = service.latest().await.expect("a head");
    let read = service.read_bridge(pair.service.bridge, after, to).await.expect("read");
    assert_eq!(read.recorded, [attestation]);
    assert!(read.recorded[0].verify().is_ok());
}
