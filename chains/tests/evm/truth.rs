//! The grounds of reads, against real nodes behind endpoints that lie.

use std::time::Duration;

use crate::support;
use crate::support::anvil::{Anvil, DEV_KEY};
use crate::support::connect;
use alloy::network::EthereumWallet;
use alloy::primitives::{Address, B256, Bytes, U64, U256};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::rpc::json_rpc::{RequestPacket, ResponsePacket};
use alloy::signers::local::PrivateKeySigner;
use alloy::transports::TransportErrorKind;
use serde_json::{Value, json};
use twinspan_bridge::finality::FinalityRule;
use twinspan_bridge::ids::BlockRef;
use twinspan_bridge::observe::BridgeState;
use twinspan_chains::rpc::RpcService;
use twinspan_chains::{ChainConfig, ConnectError, EvmChain, RpcFault, Truth};
use twinspan_contracts::abi::{Bridge, Vault};
use twinspan_contracts::deploy::{
    HomeAsset, SideSettings, Site, TokenLimits, TokenMetadata, deploy_pair, link_token,
};

/// A falsification of the answer to a method.
type Lie = fn(&str, &mut Value);

/// An endpoint of the node that tells `lie` of what the node says.
fn endpoint(node: &Anvil, lie: Lie) -> RpcService {
    let (client, url) = (reqwest::Client::new(), node.http());
    RpcService::new(tower::service_fn(move |packet: RequestPacket| {
        let (client, url) = (client.clone(), url.clone());
        async move {
            let method = packet.as_single().map(|it| it.method().to_owned()).unwrap_or_default();
            let sent = client.post(url).json(&packet).send().await;
            let answer: Result<Value, _> = sent.expect("the node runs").json().await;
            let mut answer = answer.expect("JSON");
            if let Some(result) = answer.get_mut("result") {
                lie(&method, result);
            }
            Ok(serde_json::from_value::<ResponsePacket>(answer).expect("an answer"))
        }
    }))
}

fn honest(node: &Anvil) -> RpcService {
    endpoint(node, |_, _| {})
}

fn down() -> RpcService {
    RpcService::new(tower::service_fn(async |_: RequestPacket| {
        Err(TransportErrorKind::custom_str("connection refused"))
    }))
}

/// A chain whose bridge has sent requests and is paused.
struct World {
    node: Anvil,
    bridge: Address,
    at: BlockRef,
    state: BridgeState,
    _other: Anvil,
}

impl World {
    async fn new(chain_id: u64) -> Self {
        let world = Self::with(chain_id, 2).await;
        assert_eq!((world.state.outgoing.count.get(), world.state.epoch.get()), (2, 1));
        assert!(world.state.paused_until > 0);
        world
    }

    /// With so many requests, and paused if there are any.
    async fn with(chain_id: u64, requests: u64) -> Self {
        let (node, other) =
            (Anvil::start(chain_id, &[]).await, Anvil::start(chain_id + 1, &[]).await);
        let (here, there) = (wallet(&node).await, wallet(&other).await);
        let deployer = PrivateKeySigner::from_slice(&DEV_KEY).expect("a key").address();
        let main = Site { provider: &here, deployer, gas_price: None };
        let service = Site { provider: &there, deployer, gas_price: None };
        let settings = SideSettings {
            guardian: deployer,
            members: vec![Address::repeat_byte(5)],
            threshold: 1,
            timing: Bridge::Timing { returnDelay: 60, rotationDelay: 60, pausePeriod: 3_600 },
            large_delay: 0,
        };
        let pair = deploy_pair(&main, &service, &settings, &settings).await.expect("deployed");
        let coin = HomeAsset::Native(TokenMetadata {
            name: "Coin".to_owned(),
            symbol: "COIN".to_owned(),
            decimals: 18,
        });
        let (home, away) = (pair.main.vault, pair.service.vault);
        let open = TokenLimits::OPEN;
        link_token(&main, home, &service, away, coin, U256::MAX, open, open).await.expect("linked");
        let vault = Vault::new(home, &here);
        for n in 1..=requests {
            let value = U256::from(n);
            let call =
                vault.requestNative(Address::repeat_byte(7), value, Bytes::new()).value(value);
            call.send().await.expect("sent").get_receipt().await.expect("mined");
        }
        let bridge = pair.main.bridge;
        if requests > 0 {
            let pause = Bridge::new(bridge, &here).pause().send().await.expect("sent");
            pause.get_receipt().await.expect("mined");
        }
        let chain = connect(config(chain_id, 1, Truth::Single, 1), vec![honest(&node)]).await;
        let at = chain.latest().await.expect("a head");
        let state = chain.bridge_state(bridge, at).await.expect("read");
        Self { node, bridge, at, state, _other: other }
    }

    async fn read(&self, chain: &EvmChain) -> Result<BridgeState, RpcFault> {
        chain.bridge_state(self.bridge, self.at).await
    }
}

async fn wallet(node: &Anvil) -> DynProvider {
    let key = EthereumWallet::from(PrivateKeySigner::from_slice(&DEV_KEY).expect("a key"));
    let url = node.http().parse().expect("a URL");
    ProviderBuilder::new().wallet(key).connect_http(url).erased()
}

fn config(chain_id: u64, endpoints: usize, truth: Truth, quorum: usize) -> ChainConfig {
    let mut config = support::config(chain_id, endpoints);
    (config.truth, config.quorum) = (truth, quorum);
    for endpoint in &mut config.endpoints {
        endpoint.timeout = Duration::from_millis(500);
    }
    config
}

/// Everything that one endpoint can say of a bridge's state that is not so.
const LIES: &[(&str, Lie)] = &[
    ("a slot holds more", |method, result| {
        if method == "eth_getProof" {
            result["storageProof"][0]["value"] = json!("0x9");
        }
    }),
    ("a slot is empty", |method, result| {
        if method == "eth_getProof" {
            result["storageProof"][0]["value"] = json!("0x0");
            result["storageProof"][0]["proof"] = json!([]);
        }
    }),
    ("the proof of another slot", |method, result| {
        if method == "eth_getProof" {
            result["storageProof"][0] = result["storageProof"][2].clone();
        }
    }),
    ("fewer slots than asked for", |method, result| {
        if method == "eth_getProof" {
            result["storageProof"] = json!([]);
        }
    }),
    ("storage of its own making", |method, result| {
        if method == "eth_getProof" {
            let empty = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421";
            result["storageHash"] = json!(empty);
            for slot in result["storageProof"].as_array_mut().into_iter().flatten() {
                (slot["value"], slot["proof"]) = (json!("0x0"), json!([]));
            }
        }
    }),
    ("an account that is not there", |method, result| {
        if method == "eth_getProof" {
            result["accountProof"] = json!([]);
        }
    }),
    ("a proof cut short", |method, result| {
        if method == "eth_getProof"
            && let Some(nodes) = result["accountProof"].as_array_mut()
        {
            nodes.pop();
        }
    }),
    ("no proof at all", |method, result| {
        if method == "eth_getProof" {
            *result = Value::Null;
        }
    }),
    ("another state root", |method, result| {
        if method == "eth_getBlockByNumber" && result.is_object() {
            result["stateRoot"] = json!(B256::repeat_byte(9));
        }
    }),
    ("another block", |method, result| {
        if method == "eth_getBlockByNumber" && result.is_object() {
            result["hash"] = json!(B256::repeat_byte(9));
        }
    }),
    ("no such block", |method, result| {
        if method == "eth_getBlockByNumber" {
            *result = Value::Null;
        }
    }),
    ("another answer to the call", |method, result| {
        if method == "eth_call" {
            let flipped = result.as_str().unwrap_or_default().replace('2', "3");
            *result = json!(flipped);
        }
    }),
];

#[tokio::test]
async fn every_truth_reads_the_same_of_honest_nodes() {
    let world = World::new(31_450).await;
    for (truth, quorum) in [(Truth::Single, 1), (Truth::Quorum, 2), (Truth::Proof, 2)] {
        let endpoints = vec![honest(&world.node), honest(&world.node), honest(&world.node)];
        let chain = connect(config(31_450, 3, truth, quorum), endpoints).await;
        assert_eq!(world.read(&chain).await.as_ref(), Ok(&world.state), "{truth}");
    }
}

#[tokio::test]
async fn one_liar_never_passes_and_never_stops_the_others() {
    let world = World::new(31_452).await;
    for truth in [Truth::Proof, Truth::Quorum] {
        for (lie, told) in LIES {
            let endpoints =
                vec![endpoint(&world.node, *told), honest(&world.node), honest(&world.node)];
            let chain = connect(config(31_452, 3, truth, 2), endpoints).await;
            assert_eq!(world.read(&chain).await.as_ref(), Ok(&world.state), "{truth}: {lie}");
        }
    }
}

#[tokio::test]
async fn liars_below_the_quorum_are_not_believed_while_the_honest_are_down() {
    let world = World::new(31_454).await;
    for truth in [Truth::Proof, Truth::Quorum] {
        for (lie, told) in LIES {
            let endpoints = vec![endpoint(&world.node, *told), down(), honest(&world.node)];
            // Two of the three answer, so that it connects; then they must agree on what is read.
            let chain = connect(config(31_454, 3, truth, 2), endpoints).await;
            if let Ok(state) = world.read(&chain).await {
                assert_eq!(state, world.state, "{truth}: {lie}");
            }
            let endpoints =
                vec![endpoint(&world.node, *told), endpoint(&world.node, *told), down()];
            let chain = connect(config(31_454, 3, truth, 2), endpoints).await;
            let outcome = world.read(&chain).await;
            // Two liars are a quorum: only a proof, or a header that is hashed again, still finds them out.
            if truth == Truth::Proof && *lie != "another state root" {
                assert!(outcome.is_err() || outcome == Ok(world.state), "{lie}: {outcome:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_header_that_does_not_hash_to_its_block_is_refused_even_if_all_agree() {
    let world = World::new(31_456).await;
    // All tell the truth until the chain has shown that its headers can be hashed again.
    static LYING: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    let told: Lie = |method, result| {
        let lying = LYING.load(std::sync::atomic::Ordering::Relaxed);
        if lying && method == "eth_getBlockByNumber" && result.is_object() {
            result["stateRoot"] = json!(B256::repeat_byte(9));
        }
    };
    let endpoints = vec![endpoint(&world.node, told), endpoint(&world.node, told)];
    let chain = connect(config(31_456, 2, Truth::Proof, 2), endpoints).await;
    assert_eq!(world.read(&chain).await, Ok(world.state));
    LYING.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(matches!(world.read(&chain).await, Err(RpcFault::Unproven(_))));
}

#[tokio::test]
async fn a_block_is_not_deeper_because_one_endpoint_says_so() {
    let world = World::new(31_458).await;
    let ahead: Lie = |method, result| {
        if method == "eth_getBlockByNumber" && result.is_object() {
            let number: u64 = result["number"].as_str().map_or(0, |hex| {
                u64::from_str_radix(hex.trim_start_matches("0x"), 16).unwrap_or(0)
            });
            result["number"] = json!(U64::from(number + 1_000));
        }
    };
    let mut config = config(31_458, 3, Truth::Quorum, 2);
    config.finality = FinalityRule::Confirmations(2);
    let endpoints = vec![endpoint(&world.node, ahead), honest(&world.node), honest(&world.node)];
    let chain = connect(config, endpoints).await;
    let latest = chain.latest().await.expect("a head");
    assert_eq!(latest.number.get(), world.at.number.get() + 1_000, "the liar is asked first");
    let agreed = chain.latest_agreed().await.expect("a head");
    assert_eq!(agreed, world.at);
    let last = chain.final_block(latest).await.expect("answered").expect("final");
    assert_eq!(last.number.get(), world.at.number.get() - 2);
}

#[tokio::test]
async fn what_a_bridge_has_not_written_yet_is_proven_too() {
    let world = World::with(31_462, 0).await;
    assert_eq!((world.state.outgoing.count.get(), world.state.paused_until), (0, 0));
    let endpoints = vec![honest(&world.node), honest(&world.node)];
    let chain = connect(config(31_462, 2, Truth::Proof, 2), endpoints).await;
    assert_eq!(world.read(&chain).await, Ok(world.state));
}

#[tokio::test]
async fn endpoints_of_one_provider_are_no_quorum() {
    let node = Anvil::start(31_460, &[]).await;
    let mut config = config(31_460, 2, Truth::Quorum, 2);
    config.endpoints[1].provider = config.endpoints[0].provider.clone();
    let refused = EvmChain::connect_over(config, vec![honest(&node), honest(&node)]).await;
    let Err(ConnectError::QuorumTooLarge { quorum: 2, providers: 1, .. }) = refused else {
        panic!("{refused:?}");
    };
}

#[tokio::test]
async fn one_endpoint_alone_does_not_set_what_is_paid() {
    let node = Anvil::start(31_464, &["--hardfork", "berlin"]).await;
    let account = PrivateKeySigner::from_slice(&DEV_KEY).expect("a key").address();
    let dear: Lie = |method, result| {
        if method == "eth_gasPrice" {
            *result = json!(U64::from(10_u64.pow(15)));
        }
    };
    for (truth, quorum) in [(Truth::Single, 1), (Truth::Quorum, 2), (Truth::Proof, 2)] {
        let mut config = config(31_464, 3, truth, quorum);
        config.fees.max_fee_per_gas = Some(10_u128.pow(12));
        let endpoints = vec![endpoint(&node, dear), honest(&node), honest(&node)];
        let chain = connect(config, endpoints).await;
        let checked = chain.check_account(account).await;
        assert_eq!(checked.is_ok(), truth != Truth::Single, "{truth}: {checked:?}");
    }
}

#[tokio::test]
async fn a_node_of_another_chain_with_the_same_id_is_refused() {
    let ours = Anvil::start(31_466, &[]).await;
    let theirs = Anvil::start(31_466, &["--timestamp", "1700000000"]).await;
    let first: Value = wallet(&ours)
        .await
        .raw_request("eth_getBlockByNumber".into(), json!(["0x0", false]))
        .await
        .expect("a block");
    let genesis: B256 = serde_json::from_value(first["hash"].clone()).expect("a hash");
    let mut config = config(31_466, 2, Truth::Single, 1);
    config.genesis_hash = Some(genesis);
    connect(config.clone(), vec![honest(&ours), honest(&ours)]).await;
    let refused = EvmChain::connect_over(config, vec![honest(&ours), honest(&theirs)]).await;
    let Err(ConnectError::WrongGenesis { endpoint, want, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((endpoint.as_str(), want), ("node-1", genesis));
}
