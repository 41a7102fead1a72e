//! Deploys a bridge pair and a world's assets on its two nodes.

use std::time::Duration;

use alloy::network::{EthereumWallet, TransactionBuilder};
use alloy::primitives::{Address, U256};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::rpc::types::TransactionRequest;
use eyre::WrapErr;
use twinspan_bridge::finality::FinalityRule;
use twinspan_bridge::ids::{BlockNumber, ChainId};
use twinspan_bridge::side::{PerSide, Side};
use twinspan_chains::{ChainConfig, Clock, EndpointConfig, EvmChain, FeePolicy, Truth};
use twinspan_contracts::Bridge;
use twinspan_contracts::deploy::{End, SideSettings, Site, deploy_pair};

use crate::accounts::{TEST_KEYS, test_signer};
use crate::assets::link_all;
use crate::node::Node;
use crate::options::Options;
use crate::relayer::Relayer;
use crate::world::{CHAIN_IDS, Chain};

/// Between two blocks that the nodes are asked for while they are deployed to.
const PAUSE: Duration = Duration::from_millis(30);

/// The settings of a world's sides, with waits that a demonstration can sit through.
#[must_use]
pub fn side_settings(threshold: u8, members: Vec<Address>) -> SideSettings {
    let guardian = test_signer(0).address();
    let timing = Bridge::Timing { returnDelay: 3_600, rotationDelay: 10, pausePeriod: 3_600 };
    SideSettings { guardian, members, threshold, timing, large_delay: 60 }
}

/// The main and the service chain, with bridge, vault and assets, on these nodes.
pub(crate) async fn deploy(
    options: &Options,
    nodes: PerSide<Node>,
    members: Vec<Address>,
) -> eyre::Result<PerSide<Chain>> {
    let mut wallet = EthereumWallet::new(test_signer(0));
    for index in 1..TEST_KEYS.len() {
        wallet.register_signer(test_signer(index));
    }
    let providers = PerSide::from_fn(|side| {
        let node = nodes[side].http_url();
        ProviderBuilder::new().wallet(wallet.clone()).connect_http(node).erased()
    });
    let deployer = test_signer(0).address();
    let sites = PerSide::from_fn(|side| Site {
        provider: &providers[side],
        deployer,
        gas_price: (!options.has_fees(side)).then_some(0),
    });
    let settings = side_settings(options.threshold, members);
    let deployed = async {
        let (main, service) = (&sites[Side::Main], &sites[Side::Service]);
        let pair = deploy_pair(main, service, &settings, &settings).await?;
        let links = link_all(&sites, &pair).await?;
        eyre::Ok((pair, links))
    };
    // Some fifty transactions, one after the other: nobody wants to wait a block's time for each.
    let (pair, links) = tokio::select! {
        biased;
        deployed = deployed => deployed?,
        () = mine_without_pause(&providers) => unreachable!("it never ends"),
    };
    let connect = |side| EvmChain::connect(access(side, &nodes[side]));
    let access = PerSide::new(connect(Side::Main).await?, connect(Side::Service).await?);
    let ends = PerSide::new(pair.main, pair.service);
    Ok(nodes.map(|side, node| {
        let [coin, token, nft, multi] = links[side];
        let End { bridge, vault, block, .. } = ends[side];
        let (provider, access) = (providers[side].clone(), access[side].clone());
        let deployed_in = BlockNumber::new(block);
        Chain { node, bridge, vault, deployed_in, provider, access, token, coin, nft, multi }
    }))
}

/// Has the nodes make a block whenever they are asked, besides those that they make in their time.
async fn mine_without_pause(providers: &PerSide<DynProvider>) {
    loop {
        for provider in providers.values() {
            // A node that does not answer fails the deployment, which says so.
            let _ = provider.raw_request::<_, serde_json::Value>("evm_mine".into(), ()).await;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// How a world reads its own chains, apart from its relayers.
fn access(side: Side, node: &Node) -> ChainConfig {
    ChainConfig {
        name: side.to_string(),
        chain_id: ChainId::new(CHAIN_IDS[side]),
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
        finality: FinalityRule::Instant,
        poll_interval: Duration::from_secs(1),
        stall_after: Duration::from_secs(120),
        log_range_max: 5_000,
        fees: FeePolicy::default(),
        quorum: 1,
        truth: Truth::Single,
        clock: Clock::system(),
    }
}

/// Gives each submitter coins on a chain that has fees.
pub(crate) async fn fund(chain: &Chain, relayers: &[Relayer]) -> eyre::Result<()> {
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
