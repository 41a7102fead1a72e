//! A whole world on one machine: two real nodes, a bridge pair, and relayers as processes of their own.
//!
//! For trying things out, for demos, live tests and benchmarks. Its keys are made for the occasion and
//! lie, with their passwords, in the world's folder; the deployer's key is the publicly known first one
//! of the node's test mnemonic. Nothing of it may ever hold value.

pub mod demo;
pub mod ledger;
pub mod links;
mod makes;
pub mod node;
pub mod relayer;
pub mod traffic;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use alloy::network::EthereumWallet;
use alloy::primitives::{Address, U256};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::signers::local::PrivateKeySigner;
use eyre::{WrapErr, eyre};
use twinspan_bridge::finality::FinalityRule;
use twinspan_bridge::ids::{BlockNumber, BridgeAt, ChainId, Lane};
use twinspan_chains::{ChainConfig, EndpointConfig, EvmChain, FeePolicy, Truth};
use twinspan_contracts::Bridge;
use twinspan_contracts::deploy::{
    End, HomeAsset, LinkedToken, Pair, SideSettings, Site, TokenLimits, TokenMetadata, deploy_pair,
    deploy_test_multi_token, deploy_test_nft, deploy_test_token, link_token,
};

use self::links::Links;
use self::node::{Node, NodeKind, NodeOptions};
use self::relayer::Relayer;

/// Private keys of the accounts that the node's well-known test mnemonic gives coins to. Public.
pub const TEST_KEYS: [&str; 4] = [
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    "7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
];

/// What the world is like.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where its files lie.
    pub folder: PathBuf,
    /// The relayer's binary.
    pub binary: PathBuf,
    /// How many relayers.
    pub relayers: usize,
    /// How many must attest.
    pub threshold: u8,
    /// Finality of the main and the service chain.
    pub finality: [FinalityRule; 2],
    /// Gas that a block holds, on both.
    pub block_gas_limit: u64,
    /// Which program each of the two nodes is.
    pub nodes: [NodeKind; 2],
    /// States of old blocks that the nodes keep, see [`NodeOptions::states_kept`].
    pub states_kept: Option<u64>,
    /// Blocks that a relayer asks about at once, at most.
    pub log_range_max: u64,
    /// Ports of the two nodes; `None`: any free ones.
    pub node_ports: Option<[u16; 2]>,
    /// What the relayers ask instead of the nodes themselves, by chain; HTTP addresses, each of a provider of
    /// its own. Empty: the node.
    pub endpoints: [Vec<String>; 2],
    /// What their reads rest on, and how many providers must agree.
    pub truth: (Truth, usize),
    /// Seconds between blocks, on both.
    pub block_seconds: f64,
    /// How long attestations may take before they are posted on chain.
    pub cosign_timeout: Duration,
    /// How long a rank waits for the one before it.
    pub takeover: Duration,
    /// Most requests in a batch.
    pub batch_max: u64,
    /// What the relayers log, as a `tracing` filter.
    pub log_filter: String,
}

impl Options {
    /// The world of the demo, in `folder`, with the relayer at `binary`.
    #[must_use]
    pub fn new(folder: PathBuf, binary: PathBuf) -> Self {
        Self {
            folder,
            binary,
            relayers: 4,
            threshold: 3,
            finality: [FinalityRule::Instant; 2],
            block_gas_limit: 30_000_000,
            nodes: [NodeKind::Anvil, NodeKind::Anvil],
            states_kept: None,
            log_range_max: 5_000,
            node_ports: None,
            endpoints: [Vec::new(), Vec::new()],
            truth: (Truth::Single, 1),
            block_seconds: 1.0,
            cosign_timeout: Duration::from_secs(6),
            takeover: Duration::from_secs(3),
            batch_max: 256,
            log_filter: "info".into(),
        }
    }
}

impl Options {
    /// Whether gas costs something on that chain.
    #[must_use]
    pub fn has_fees(&self, index: usize) -> bool {
        index == 0 || matches!(self.nodes[index], NodeKind::Geth(_))
    }
}

/// One of the two chains of a world.
#[derive(Debug)]
pub struct Chain {
    /// `main` or `service`.
    pub name: &'static str,
    /// Its node.
    pub node: Node,
    /// The bridge on it.
    pub bridge: Address,
    /// The vault on it, which takes requests.
    pub vault: Address,
    /// The block that holds the bridge's creation.
    pub deployed_in: BlockNumber,
    /// Sends for the four test accounts.
    pub provider: DynProvider,
    /// For reading what relayers do, apart from them.
    pub access: EvmChain,
    /// A plain token at home here.
    pub token: LinkedToken,
    /// The native coin, at home here.
    pub coin: LinkedToken,
    /// An ERC-721 at home here.
    pub nft: LinkedToken,
    /// An ERC-1155 at home here.
    pub multi: LinkedToken,
}

/// A running world.
#[derive(Debug)]
pub struct World {
    /// What it is like.
    pub options: Options,
    /// The main and the service chain.
    pub chains: [Chain; 2],
    /// The relayers.
    pub relayers: Vec<Relayer>,
    /// The wires between them.
    pub links: Links,
}

/// Chain ids of the two chains.
pub const CHAIN_IDS: [u64; 2] = [31_337, 31_338];

impl World {
    /// Starts the nodes, deploys, and starts the relayers. `say` is told each step.
    ///
    /// # Errors
    /// Whatever fails, with what was being done.
    pub async fn start(options: Options, say: &(dyn Fn(&str) + Sync)) -> eyre::Result<Self> {
        std::fs::create_dir_all(&options.folder).wrap_err("making the world's folder")?;
        say("starting two nodes: main (EIP-1559 fees) and service (zero gas price)");
        let node_options = |index: usize| NodeOptions {
            kind: options.nodes[index].clone(),
            chain_id: CHAIN_IDS[index],
            block_seconds: options.block_seconds,
            port: options.node_ports.map(|ports| ports[index]),
            gas_limit: options.block_gas_limit,
            with_fees: options.has_fees(index),
            rich: (0..TEST_KEYS.len()).map(|index| test_signer(index).address()).collect(),
            states_kept: options.states_kept,
            log: options.folder.join(["main.log", "service.log"][index]),
        };
        let main = Node::start(&node_options(0)).await?;
        let service = Node::start(&node_options(1)).await?;
        say("making keys and deploying the bridge pair");
        let mut relayers = relayer::make(&options)?;
        let members: Vec<Address> = relayers.iter().map(|relayer| relayer.address).collect();
        let chains = deploy(&options, main, service, members).await?;
        for (index, chain) in chains.iter().enumerate() {
            if options.has_fees(index) {
                fund(chain, &relayers).await?;
            }
        }
        let links = Links::open(&relayers).await?;
        for (index, relayer) in relayers.iter_mut().enumerate() {
            relayer.write_config(&options, &chains, &links.urls_of(index))?;
        }
        say("starting the relayers");
        for relayer in &mut relayers {
            relayer.start()?;
        }
        let mut world = Self { options, chains, relayers, links };
        for index in 0..world.relayers.len() {
            world.wait_ready(index, Duration::from_secs(60)).await?;
        }
        Ok(world)
    }

    /// Waits until relayer `index` says that it is ready.
    ///
    /// # Errors
    /// If it does not within `limit`, or ends; with the end of its log.
    pub async fn wait_ready(&mut self, index: usize, limit: Duration) -> eyre::Result<()> {
        let end = Instant::now() + limit;
        while Instant::now() < end {
            if self.relayers[index].is_ready().await {
                return Ok(());
            }
            if !self.relayers[index].is_running() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(eyre!("relayer {index} is not ready:\n{}", self.relayers[index].log_tail()))
    }

    /// The lane whose source is chain `source`.
    #[must_use]
    pub fn lane(&self, source: usize) -> Lane {
        let at = |chain: &Chain, index: usize| BridgeAt {
            chain_id: ChainId::new(CHAIN_IDS[index]),
            address: chain.bridge,
        };
        let (here, there) = (&self.chains[source], &self.chains[1 - source]);
        Lane { source: at(here, source), destination: at(there, 1 - source) }
    }

    /// Stops everything.
    pub async fn stop(mut self) {
        for relayer in &mut self.relayers {
            relayer.terminate().await;
        }
    }
}

/// The signer of test account `index`.
#[must_use]
pub fn test_signer(index: usize) -> PrivateKeySigner {
    TEST_KEYS[index].parse().expect("the well-known keys are keys")
}

async fn deploy(
    options: &Options,
    main: Node,
    service: Node,
    members: Vec<Address>,
) -> eyre::Result<[Chain; 2]> {
    let mut wallet = EthereumWallet::new(test_signer(0));
    for index in 1..TEST_KEYS.len() {
        wallet.register_signer(test_signer(index));
    }
    let providers = [&main, &service].map(|node| {
        ProviderBuilder::new().wallet(wallet.clone()).connect_http(node.http_url()).erased()
    });
    let deployer = test_signer(0).address();
    let site = |index: usize| Site {
        provider: &providers[index],
        deployer,
        gas_price: (!options.has_fees(index)).then_some(0),
    };
    let sites = [site(0), site(1)];
    let settings = side_settings(options.threshold, members);
    let deployed = async {
        let pair = deploy_pair(&sites[0], &sites[1], &settings, &settings).await?;
        let links = link_all(&sites, &pair).await?;
        eyre::Ok((pair, links))
    };
    // Some fifty transactions, one after the other: nobody wants to wait a block's time for each.
    let (pair, [of_main, of_service]) = tokio::select! {
        deployed = deployed => deployed?,
        () = mine_without_pause(&providers) => unreachable!("it never ends"),
    };
    let [for_main, for_service] = providers;
    Ok([
        chain("main", 0, main, for_main, pair.main, of_main).await?,
        chain("service", 1, service, for_service, pair.service, of_service).await?,
    ])
}

/// Has the nodes make a block whenever they are asked, besides those that they make in their time.
async fn mine_without_pause(providers: &[DynProvider; 2]) {
    loop {
        for provider in providers {
            // A node that does not answer fails the deployment, which says so.
            let _ = provider.raw_request::<_, serde_json::Value>("evm_mine".into(), ()).await;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

async fn chain(
    name: &'static str,
    index: usize,
    node: Node,
    provider: DynProvider,
    end: End,
    [coin, token, nft, multi]: [LinkedToken; 4],
) -> eyre::Result<Chain> {
    let access = EvmChain::connect(access(index, &node, FinalityRule::Instant)).await?;
    let End { bridge, vault, block, .. } = end;
    let deployed_in = BlockNumber::new(block);
    Ok(Chain { name, node, bridge, vault, deployed_in, provider, access, token, coin, nft, multi })
}

/// What a world's sides are constructed with: waits that a demonstration can sit through.
#[must_use]
pub fn side_settings(threshold: u8, members: Vec<Address>) -> SideSettings {
    let guardian = test_signer(0).address();
    let timing = Bridge::Timing { returnDelay: 3_600, rotationDelay: 10, pausePeriod: 3_600 };
    SideSettings { guardian, members, threshold, timing, large_delay: 60 }
}

/// Links an asset of each kind of each chain. By chain: coin, token, NFT, multi-token.
async fn link_all<P: Provider>(
    sites: &[Site<'_, P>; 2],
    pair: &Pair,
) -> eyre::Result<[[LinkedToken; 4]; 2]> {
    let vaults = [pair.main.vault, pair.service.vault];
    let mut linked = Vec::new();
    for home in 0..2 {
        let (name, symbol) = [("Main Coin", "MAIN"), ("Service Coin", "SERV")][home];
        let meta = |name: &str, symbol: &str| TokenMetadata {
            name: name.to_owned(),
            symbol: symbol.to_owned(),
            decimals: 18,
        };
        let (token_name, token_symbol) = [("Main Token", "MTK"), ("Service Token", "STK")][home];
        let token = deploy_test_token(&sites[home], &meta(token_name, token_symbol)).await?;
        let nft = deploy_test_nft(&sites[home], token_name, token_symbol).await?;
        let multi = deploy_test_multi_token(&sites[home], "ipfs://multi/{id}.json").await?;
        let assets = [
            HomeAsset::Native(meta(name, symbol)),
            HomeAsset::Erc20(token),
            HomeAsset::Erc721(nft),
            HomeAsset::Erc1155(multi),
        ];
        let mut all = Vec::new();
        for asset in assets {
            let link = link_token(
                &sites[home],
                vaults[home],
                &sites[1 - home],
                vaults[1 - home],
                asset,
                U256::from(u128::MAX),
                TokenLimits::OPEN,
                TokenLimits::OPEN,
            );
            all.push(link.await?);
        }
        linked.push(all.try_into().map_err(|_| eyre!("four assets"))?);
    }
    linked.try_into().map_err(|_| eyre!("two chains"))
}

/// Gives each submitter coins on a chain that has fees.
async fn fund(chain: &Chain, relayers: &[Relayer]) -> eyre::Result<()> {
    use alloy::network::TransactionBuilder;
    use alloy::rpc::types::TransactionRequest;
    for relayer in relayers {
        let transfer = TransactionRequest::default()
            .with_from(test_signer(0).address())
            .with_to(relayer.submitter)
            .with_value(U256::from(100_000_000_000_000_000_000_u128));
        let sent = chain.provider.send_transaction(transfer).await?;
        sent.get_receipt().await.wrap_err("funding a submitter")?;
    }
    Ok(())
}

/// Access to a world's chain.
#[must_use]
pub fn access(index: usize, node: &Node, finality: FinalityRule) -> ChainConfig {
    ChainConfig {
        name: ["main", "service"][index].to_owned(),
        chain_id: ChainId::new(CHAIN_IDS[index]),
        genesis_hash: None,
        endpoints: vec![EndpointConfig {
            label: "devnet".into(),
            provider: "devnet".into(),
            http: Some(node.http_url()),
            ws: Some(node.ws_url()),
            requests_per_second: 5_000,
            concurrency: 64,
            timeout: Duration::from_secs(20),
        }],
        finality,
        poll_interval: Duration::from_secs(1),
        stall_after: Duration::from_secs(120),
        log_range_max: 5_000,
        fees: FeePolicy::default(),
        quorum: 1,
        truth: Truth::Single,
        clock: twinspan_chains::Clock::system(),
    }
}
