//! A running world: its nodes, contracts, relayers and wires.

use std::time::Duration;

use alloy::primitives::Address;
use alloy::providers::DynProvider;
use eyre::{WrapErr, eyre};
use futures::future::join_all;
use tokio::time::Instant;
use twinspan_bridge::ids::{BlockNumber, BridgeAt, ChainId, Lane};
use twinspan_bridge::side::{Direction, PerSide, Side};
use twinspan_chains::EvmChain;
use twinspan_contracts::deploy::LinkedToken;

use crate::accounts::{TEST_KEYS, test_signer};
use crate::deploy::{deploy, fund};
use crate::links::Links;
use crate::node::{Node, NodeOptions};
use crate::options::Options;
use crate::ports::Part;
use crate::relayer::{self, Relayer};
use crate::world_file::WorldFile;

/// Chain ids of the two chains.
pub const CHAIN_IDS: PerSide<u64> = PerSide::new(31_337, 31_338);

/// How long a relayer may take to be ready.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// One of the two chains of a world.
#[derive(Debug)]
pub struct Chain {
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

/// A running world. Its processes end with it.
#[derive(Debug)]
pub struct World {
    /// Its options.
    pub options: Options,
    /// The two chains.
    pub chains: PerSide<Chain>,
    /// The relayers.
    pub relayers: Vec<Relayer>,
    /// The wires between them.
    pub links: Links,
}

impl World {
    /// Starts the nodes, deploys, starts the relayers, and writes [`WorldFile`] once all are ready. `say` is told
    /// each step.
    ///
    /// # Errors
    /// An error of [`Options::check`], before anything is started; then the first step that fails.
    pub async fn start(options: Options, say: &(dyn Fn(&str) + Sync)) -> eyre::Result<Self> {
        options.check()?;
        std::fs::create_dir_all(&options.folder).wrap_err("making the world's folder")?;
        let [main, service] = Side::BOTH
            .map(|side| if options.has_fees(side) { "EIP-1559 fees" } else { "zero gas price" });
        say(&format!("starting two nodes: main ({main}) and service ({service})"));
        let main = start_node(&options, Side::Main).await?;
        let nodes = PerSide::new(main, start_node(&options, Side::Service).await?);
        say("making keys and deploying the bridge pair");
        let mut relayers = relayer::make(&options)?;
        let members: Vec<Address> = relayers.iter().map(|relayer| relayer.address).collect();
        let chains = deploy(&options, nodes, members).await?;
        for (side, chain) in chains.iter() {
            if options.has_fees(side) {
                fund(chain, &relayers).await?;
            }
        }
        let links = Links::open(&relayers, options.ports).await?;
        for (index, relayer) in relayers.iter_mut().enumerate() {
            relayer.write_config(&options, &chains, &links.urls_of(index))?;
        }
        say("starting the relayers");
        for relayer in &mut relayers {
            relayer.start()?;
        }
        let mut world = Self { options, chains, relayers, links };
        for index in 0..world.relayers.len() {
            world.wait_ready(index, READY_LIMIT).await?;
        }
        WorldFile::of(&world)?.write(&world.options.folder)?;
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

    /// The lane that leads there.
    #[must_use]
    pub fn lane(&self, direction: Direction) -> Lane {
        let at = |side: Side| BridgeAt {
            chain_id: ChainId::new(CHAIN_IDS[side]),
            address: self.chains[side].bridge,
        };
        Lane { source: at(direction.source()), destination: at(direction.destination()) }
    }

    /// Stops everything: the relayers as an operator would, then the nodes.
    pub async fn stop(mut self) {
        WorldFile::remove(&self.options.folder);
        join_all(self.relayers.iter_mut().map(Relayer::terminate)).await;
    }
}

async fn start_node(options: &Options, side: Side) -> eyre::Result<Node> {
    let node = NodeOptions {
        kind: options.nodes[side].clone(),
        chain_id: CHAIN_IDS[side],
        block_seconds: options.block_seconds,
        port: options.ports.of(Part::Node(side), options.relayers)?,
        gas_limit: options.block_gas_limit,
        with_fees: options.has_fees(side),
        rich: (0..TEST_KEYS.len()).map(|index| test_signer(index).address()).collect(),
        states_kept: options.states_kept,
        log: options.folder.join(side.label()).with_extension("log"),
    };
    Node::start(&node).await
}
