//! `world.json`: what a program needs to use a running world. It lies in the world's folder while the world runs.
//!
//! ```json
//! {
//!   "chains": {
//!     "main": {
//!       "chain_id": 31337,
//!       "rpc": "http://127.0.0.1:21000/",
//!       "ws": "ws://127.0.0.1:21000/",
//!       "evm": "current",
//!       "fees": "eip1559",
//!       "vault": "0x…",
//!       "bridge": "0x…",
//!       "deployed_in": 5
//!     },
//!     "service": { … }
//!   },
//!   "pairs": [
//!     {
//!       "kind": "coin",
//!       "name": "Main Coin",
//!       "symbol": "MAIN",
//!       "decimals": 18,
//!       "home": { "chain": "main", "token": "0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee" },
//!       "counterpart": { "chain": "service", "token": "0x…" }
//!     }
//!   ],
//!   "accounts": [ { "address": "0x…", "key": "0x…", "owns_contracts": true } ],
//!   "threshold": 3,
//!   "relayers": [
//!     {
//!       "name": "relayer-0",
//!       "attestation": "0x…",
//!       "submitter": "0x…",
//!       "api": "http://127.0.0.1:21002",
//!       "peers": "http://127.0.0.1:21003",
//!       "config": "…/relayer-0/relayer.toml",
//!       "log": "…/relayer-0/relayer.log"
//!     }
//!   ]
//! }
//! ```
//!
//! One address may mean different things on the two chains: a token is named by its chain and its address. The tokens
//! at home are test tokens, of which anybody may `mint`. New fields may come; readers pass over those that they do not
//! know.

use std::path::{Path, PathBuf};

use alloy::primitives::{Address, B256};
use eyre::{OptionExt, WrapErr};
use serde::{Deserialize, Serialize};
use twinspan_bridge::side::Side;

use crate::accounts::{TEST_KEYS, test_signer};
use crate::assets::{ASSETS, Asset};
use crate::node::NodeKind;
use crate::options::ServiceChain;
use crate::world::{CHAIN_IDS, Chain, World};

pub use crate::assets::Kind;

/// The file's name.
const NAME: &str = "world.json";

/// The whole file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorldFile {
    /// The two chains.
    pub chains: Chains,
    /// Every asset, with what stands for it on the other chain.
    pub pairs: Vec<TokenPair>,
    /// Accounts that hold coins on both chains.
    pub accounts: Vec<Account>,
    /// How many relayers must attest.
    pub threshold: u8,
    /// The relayers.
    pub relayers: Vec<RelayerAt>,
}

/// The two chains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chains {
    /// The main chain.
    pub main: ChainAt,
    /// The service chain.
    pub service: ChainAt,
}

/// One chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainAt {
    /// EIP-155 id.
    pub chain_id: u64,
    /// JSON-RPC over HTTP. Browsers may use it from any origin.
    pub rpc: String,
    /// JSON-RPC over WebSocket.
    pub ws: String,
    /// The code that its EVM can run.
    pub evm: Evm,
    /// How gas is paid.
    pub fees: Fees,
    /// The vault, which dApps call.
    pub vault: Address,
    /// The bridge.
    pub bridge: Address,
    /// The block that holds the bridge's creation: events begin there.
    pub deployed_in: u64,
}

/// The code that a chain's EVM can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evm {
    /// The default output of current compilers.
    Current,
    /// Older than Shanghai, on purpose: contracts for it are compiled for `paris` or older.
    Paris,
}

/// How gas is paid on a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fees {
    /// EIP-1559: a base fee and a tip.
    Eip1559,
    /// Gas is free: legacy transactions with a gas price of zero.
    None,
}

/// An asset and what stands for it on the other chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenPair {
    /// Its kind at home. A coin's counterpart is an ERC-20; any other has its own kind.
    pub kind: Kind,
    /// Its name, on both chains.
    pub name: String,
    /// Its symbol, on both chains; none of an ERC-1155.
    pub symbol: Option<String>,
    /// Its decimals, on both chains; none of an NFT or an ERC-1155.
    pub decimals: Option<u8>,
    /// Where it is locked.
    pub home: TokenAt,
    /// Where it is minted and burned.
    pub counterpart: TokenAt,
}

/// A token on one of the two chains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenAt {
    /// `main` or `service`.
    pub chain: String,
    /// Its contract; the ERC-7528 address for a coin.
    pub token: Address,
}

/// An account that everybody has the key of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its address, on both chains.
    pub address: Address,
    /// Its private key. Publicly known: nothing of value may ever belong to it.
    pub key: B256,
    /// Whether it owns and guards the contracts.
    pub owns_contracts: bool,
}

/// A relayer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayerAt {
    /// Its name.
    pub name: String,
    /// The address of the key that it attests with.
    pub attestation: Address,
    /// The account that it submits from.
    pub submitter: Address,
    /// Its API.
    pub api: String,
    /// Where its peers reach it.
    pub peers: String,
    /// Its configuration.
    pub config: PathBuf,
    /// Its log.
    pub log: PathBuf,
}

impl WorldFile {
    /// The file of a world.
    ///
    /// # Errors
    /// If the world's folder is not to be found.
    pub fn of(world: &World) -> eyre::Result<Self> {
        let [main, service] = Side::BOTH.map(|side| ChainAt::of(world, side));
        let folder =
            std::path::absolute(&world.options.folder).wrap_err("finding the world's folder")?;
        let account = |(index, key): (usize, &&str)| {
            let key = key.parse().wrap_err("a well-known key")?;
            let address = test_signer(index).address();
            eyre::Ok(Account { address, key, owns_contracts: index == 0 })
        };
        let relayers = world.relayers.iter().map(|relayer| {
            let name = format!("relayer-{}", relayer.index);
            let folder = folder.join(&name);
            RelayerAt {
                name,
                attestation: relayer.address,
                submitter: relayer.submitter,
                api: relayer.api_url(),
                peers: format!("http://127.0.0.1:{}", relayer.peer_port),
                config: folder.join("relayer.toml"),
                log: folder.join("relayer.log"),
            }
        });
        Ok(Self {
            chains: Chains { main, service },
            pairs: world.chains.iter().flat_map(token_pairs).collect(),
            accounts: TEST_KEYS.iter().enumerate().map(account).collect::<eyre::Result<_>>()?,
            threshold: world.options.threshold,
            relayers: relayers.collect(),
        })
    }

    /// Where the file of a world in `folder` is.
    #[must_use]
    pub fn path(folder: &Path) -> PathBuf {
        folder.join(NAME)
    }

    /// Reads the file of the world in `folder`.
    ///
    /// # Errors
    /// If there is none, or something else in its place.
    pub fn read(folder: &Path) -> eyre::Result<Self> {
        let path = Self::path(folder);
        let text = std::fs::read(&path).wrap_err_with(|| format!("reading {}", path.display()))?;
        serde_json::from_slice(&text).wrap_err_with(|| format!("{} is no world", path.display()))
    }

    /// The pair of `kind` that is at home on `chain`.
    ///
    /// # Errors
    /// If there is none.
    pub fn pair(&self, kind: Kind, chain: &str) -> eyre::Result<&TokenPair> {
        let mut pairs = self.pairs.iter();
        let found = pairs.find(|pair| pair.kind == kind && pair.home.chain == chain);
        found.ok_or_eyre(format!("no {kind:?} is at home on chain {chain}"))
    }

    /// Writes the file in one step: who sees it may use the world.
    pub(crate) fn write(&self, folder: &Path) -> eyre::Result<()> {
        let (path, unfinished) = (Self::path(folder), folder.join("world.json.unfinished"));
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(&unfinished, text + "\n")
            .and_then(|()| std::fs::rename(&unfinished, &path))
            .wrap_err_with(|| format!("writing {}", path.display()))
    }

    /// Takes the file away before the world ends.
    pub(crate) fn remove(folder: &Path) {
        // A folder that is gone already has no such file.
        let _ = std::fs::remove_file(Self::path(folder));
    }
}

impl ChainAt {
    fn of(world: &World, side: Side) -> Self {
        let (chain, options) = (&world.chains[side], &world.options);
        let is_old = side == Side::Service
            && options.nodes[side] == NodeKind::Anvil
            && options.service == ServiceChain::Old;
        Self {
            chain_id: CHAIN_IDS[side],
            rpc: chain.node.http_url().to_string(),
            ws: chain.node.ws_url().to_string(),
            evm: if is_old { Evm::Paris } else { Evm::Current },
            fees: if options.has_fees(side) { Fees::Eip1559 } else { Fees::None },
            vault: chain.vault,
            bridge: chain.bridge,
            deployed_in: chain.deployed_in.get(),
        }
    }
}

/// The pairs of what is at home on chain `home`.
fn token_pairs((home, chain): (Side, &Chain)) -> impl Iterator<Item = TokenPair> {
    let links = [chain.coin, chain.token, chain.nft, chain.multi];
    ASSETS[home].iter().zip(links).map(move |(asset, link)| {
        let Asset { kind, name, symbol } = asset;
        let at = |side: Side, token| TokenAt { chain: side.to_string(), token };
        TokenPair {
            kind: *kind,
            name: (*name).to_owned(),
            symbol: symbol.map(str::to_owned),
            decimals: asset.decimals(),
            home: at(home, link.home),
            counterpart: at(home.other(), link.representation),
        }
    })
}
