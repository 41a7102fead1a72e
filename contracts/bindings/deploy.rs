//! Deploys a bridge pair and its vaults, links tokens across it, and hands it to an owner behind a timelock.
//!
//! Each bridge names the other in its constructor, so both addresses are predicted from the deployers' account
//! nonces (CREATE). A deployer's account must send nothing else meanwhile; what comes out is verified.

mod error;
mod ownership;

use alloy::{
    contract::{CallBuilder, CallDecoder},
    network::Ethereum,
    primitives::{Address, U256},
    providers::{PendingTransactionBuilder, Provider},
    rpc::types::TransactionReceipt,
};

use crate::{
    abi::{
        Bridge,
        Bridge::Timing,
        BridgeMultiToken, BridgeNFT, BridgeToken, NATIVE_COIN, TestMultiToken, TestNFT, TestToken,
        Vault,
        Vault::{Limits, TokenConfig},
        asset_kind, custody, direction,
    },
    revert::explain_revert,
};

pub use error::DeployError;
pub use ownership::{Ownership, hand_over};

/// Gas of a call that changes a token's settings: a few storage slots, an event.
const SETTING_GAS: u64 = 300_000;

/// A chain to deploy on, and who deploys.
#[derive(Debug)]
pub struct Site<'a, P> {
    /// Must sign for `deployer` (a wallet filler).
    pub provider: &'a P,
    /// The account that pays and sends.
    pub deployer: Address,
    /// `Some`: legacy transactions at this price in wei, for chains without EIP-1559 or without fees.
    pub gas_price: Option<u128>,
}

/// What one side is constructed with, besides its counterpart.
#[derive(Clone, Debug)]
pub struct SideSettings {
    /// Pauses, vetoes, revokes, tightens.
    pub guardian: Address,
    /// Relayers' attestation addresses of epoch 1.
    pub members: Vec<Address>,
    /// How many of them must attest.
    pub threshold: u8,
    /// The bridge's waiting times, in seconds.
    pub timing: Timing,
    /// How long a large handover waits, in seconds.
    pub large_delay: u64,
}

/// One side of a deployed pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// EIP-155 id of the chain.
    pub chain_id: u64,
    /// Where lanes and handovers are.
    pub bridge: Address,
    /// Where value is, and what dApps call.
    pub vault: Address,
    /// The block that holds the bridge's creation: where its logs start.
    pub block: u64,
}

/// A deployed bridge pair. The deployers own it until they hand it over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The main chain's side.
    pub main: End,
    /// The service chain's side.
    pub service: End,
}

/// What may pass of a token on one side, in its smallest unit there. `U256::MAX` is no limit; zero accepts nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenLimits {
    /// Least amount of one transfer.
    pub min: U256,
    /// Greatest amount of one transfer.
    pub max: U256,
    /// Most that passes at once, in either direction.
    pub capacity: U256,
    /// Seconds in which the bucket fills from nothing.
    pub period: u32,
    /// A handover of this amount or more is delayed.
    pub delayed_from: U256,
    /// Share of the capacity, in 1/10,000, that only small transfers may take.
    pub reserved: u16,
    /// Up to this share of the capacity, in 1/10,000, a transfer is small.
    pub small: u16,
}

impl TokenLimits {
    /// One unit at the least, no other limit. For tests and demos.
    pub const OPEN: Self = Self {
        min: U256::ONE,
        max: U256::MAX,
        capacity: U256::MAX,
        period: 3_600,
        delayed_from: U256::MAX,
        reserved: 0,
        small: 0,
    };

    /// As the vault takes them for one of its two directions.
    #[must_use]
    pub const fn of(self, direction: u8) -> Limits {
        let delays = direction == direction::INCOMING;
        Limits {
            min: self.min,
            max: self.max,
            capacity: self.capacity,
            period: self.period,
            delayedFrom: if delays { self.delayed_from } else { U256::MAX },
            reserved: self.reserved,
            small: self.small,
        }
    }
}

/// Name, symbol and decimals of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenMetadata {
    /// ERC-20 `name`.
    pub name: String,
    /// ERC-20 `symbol`.
    pub symbol: String,
    /// ERC-20 `decimals`.
    pub decimals: u8,
}

/// The asset to link, on the chain where it is at home. Its representation copies its name, symbol and decimals.
#[derive(Clone, Debug)]
pub enum HomeAsset {
    /// An ERC-20 token.
    Erc20(Address),
    /// The native coin; its representation takes these.
    Native(TokenMetadata),
    /// An ERC-721 token.
    Erc721(Address),
    /// An ERC-1155 token.
    Erc1155(Address),
}

/// A token linked across a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkedToken {
    /// At home (locked and unlocked); the ERC-7528 address for the native coin.
    pub home: Address,
    /// Its representation on the other chain (minted and burned).
    pub representation: Address,
}

/// Deploys a vault and a bridge on each chain, the bridges naming each other, and verifies all.
///
/// # Errors
/// See [`DeployError`]. After an error in the second half one side may exist without its twin: deploy both again.
pub async fn deploy_pair<M, S>(
    main: &Site<'_, M>,
    service: &Site<'_, S>,
    main_settings: &SideSettings,
    service_settings: &SideSettings,
) -> Result<Pair, DeployError>
where
    M: Provider,
    S: Provider,
{
    let (main_chain_id, service_chain_id) = (chain_id(main).await?, chain_id(service).await?);
    if main_chain_id == service_chain_id {
        return Err(DeployError::SameChain(main_chain_id));
    }
    let main_vault = deploy_vault(main, main_settings).await?;
    let service_vault = deploy_vault(service, service_settings).await?;
    let (want_main, want_service) = (predict(main).await?, predict(service).await?);
    let main_ends = Ends {
        side: "main",
        here: want_main,
        vault: main_vault,
        there_chain: service_chain_id,
        there: want_service,
    };
    let service_ends = Ends {
        side: "service",
        here: want_service,
        vault: service_vault,
        there_chain: main_chain_id,
        there: want_main,
    };
    let main_block = deploy_bridge(main, main_settings, main_ends).await?;
    let service_block = deploy_bridge(service, service_settings, service_ends).await?;
    serve(main, main_ends).await?;
    serve(service, service_ends).await?;
    let end =
        |chain_id, ends: Ends, block| End { chain_id, bridge: ends.here, vault: ends.vault, block };
    Ok(Pair {
        main: end(main_chain_id, main_ends, main_block),
        service: end(service_chain_id, service_ends, service_block),
    })
}

/// Deploys the representation of `asset` on the other chain and registers both sides. The deployers must own the
/// vaults. `supply_cap` bounds the representation, in the smallest unit (NFTs: how many).
///
/// # Errors
/// See [`DeployError`].
#[expect(clippy::too_many_arguments, reason = "two ends, and what to link: each names itself")]
pub async fn link_token<H, A>(
    home: &Site<'_, H>,
    home_vault: Address,
    away: &Site<'_, A>,
    away_vault: Address,
    asset: HomeAsset,
    supply_cap: U256,
    home_limits: TokenLimits,
    away_limits: TokenLimits,
) -> Result<LinkedToken, DeployError>
where
    H: Provider,
    A: Provider,
{
    let (token, kind, kind_away, representation) =
        represent(home, away, away_vault, asset, supply_cap).await?;
    let at_home = config(representation, kind, custody::LOCK);
    register_token(home, home_vault, token, at_home, home_limits).await?;
    let away_config = config(token, kind_away, custody::MINT);
    register_token(away, away_vault, representation, away_config, away_limits).await?;
    Ok(LinkedToken { home: token, representation })
}

/// Deploys what stands for `asset` away from home: the token at home, its kind, the kind away, the representation.
async fn represent<H: Provider, A: Provider>(
    home: &Site<'_, H>,
    away: &Site<'_, A>,
    vault: Address,
    asset: HomeAsset,
    supply_cap: U256,
) -> Result<(Address, u8, u8, Address), DeployError> {
    Ok(match asset {
        HomeAsset::Native(metadata) => {
            let representation = deploy_bridge_token(away, vault, &metadata, supply_cap).await?;
            (NATIVE_COIN, asset_kind::NATIVE, asset_kind::ERC20, representation)
        }
        HomeAsset::Erc20(token) => {
            let metadata = read_metadata(home, token).await?;
            let representation = deploy_bridge_token(away, vault, &metadata, supply_cap).await?;
            (token, asset_kind::ERC20, asset_kind::ERC20, representation)
        }
        HomeAsset::Erc721(token) => {
            let doing = "reading an NFT's name and symbol";
            let at_home = TestNFT::new(token, home.provider);
            let name = at_home.name().call().await.map_err(|source| refused(doing, source))?;
            let symbol = at_home.symbol().call().await.map_err(|source| refused(doing, source))?;
            let call = BridgeNFT::deploy_builder(away.provider, vault, name, symbol, supply_cap);
            let (representation, _) = created(away, "deploying a bridge NFT", call).await?;
            (token, asset_kind::ERC721, asset_kind::ERC721, representation)
        }
        HomeAsset::Erc1155(token) => {
            let doing = "reading a multi-token's URI";
            let at_home = TestMultiToken::new(token, home.provider);
            let uri = at_home.uri(U256::ZERO).call().await;
            let uri = uri.map_err(|source| refused(doing, source))?;
            let call = BridgeMultiToken::deploy_builder(away.provider, vault, uri, supply_cap);
            let (representation, _) = created(away, "deploying a bridge multi-token", call).await?;
            (token, asset_kind::ERC1155, asset_kind::ERC1155, representation)
        }
    })
}

/// Deploys an ERC-20 that `vault` mints and burns.
///
/// # Errors
/// See [`DeployError`].
pub async fn deploy_bridge_token<P: Provider>(
    site: &Site<'_, P>,
    vault: Address,
    metadata: &TokenMetadata,
    supply_cap: U256,
) -> Result<Address, DeployError> {
    let doing = "deploying a bridge token";
    let TokenMetadata { name, symbol, decimals } = metadata.clone();
    let call =
        BridgeToken::deploy_builder(site.provider, vault, name, symbol, decimals, supply_cap);
    created(site, doing, call).await.map(|(address, _)| address)
}

/// Deploys a plain ERC-20 that anyone may mint. For tests and demos.
///
/// # Errors
/// See [`DeployError`].
pub async fn deploy_test_token<P: Provider>(
    site: &Site<'_, P>,
    metadata: &TokenMetadata,
) -> Result<Address, DeployError> {
    let TokenMetadata { name, symbol, decimals } = metadata.clone();
    let call = TestToken::deploy_builder(site.provider, name, symbol, decimals);
    created(site, "deploying a test token", call).await.map(|(address, _)| address)
}

/// Deploys an ERC-721 that anyone may mint. For tests and demos.
///
/// # Errors
/// See [`DeployError`].
pub async fn deploy_test_nft<P: Provider>(
    site: &Site<'_, P>,
    name: &str,
    symbol: &str,
) -> Result<Address, DeployError> {
    let call = TestNFT::deploy_builder(site.provider, name.to_owned(), symbol.to_owned());
    created(site, "deploying a test NFT", call).await.map(|(address, _)| address)
}

/// Deploys an ERC-1155 that anyone may mint. For tests and demos.
///
/// # Errors
/// See [`DeployError`].
pub async fn deploy_test_multi_token<P: Provider>(
    site: &Site<'_, P>,
    uri: &str,
) -> Result<Address, DeployError> {
    let call = TestMultiToken::deploy_builder(site.provider, uri.to_owned());
    created(site, "deploying a test multi-token", call).await.map(|(address, _)| address)
}

/// Registers `token` at `vault` and sets what may pass; the deployer must own it.
///
/// # Errors
/// See [`DeployError`].
pub async fn register_token<P: Provider>(
    site: &Site<'_, P>,
    vault: Address,
    token: Address,
    config: TokenConfig,
    limits: TokenLimits,
) -> Result<(), DeployError> {
    let doing = "registering a token";
    let vault = Vault::new(vault, site.provider);
    let register = vault.registerToken(token, config).gas(SETTING_GAS);
    let limit =
        |direction| vault.setLimits(token, direction, limits.of(direction)).gas(SETTING_GAS);
    // One after the other without waiting: a token that is not registered yet cannot be asked for the gas of its
    // limits, and blocks may be seconds apart.
    let registered = sent(site, doing, register).await?;
    let outgoing = sent(site, doing, limit(direction::OUTGOING)).await?;
    let incoming = sent(site, doing, limit(direction::INCOMING)).await?;
    for pending in [registered, outgoing, incoming] {
        mined(doing, pending).await?;
    }
    Ok(())
}

/// Reads name, symbol and decimals of an ERC-20.
///
/// # Errors
/// See [`DeployError`]; a token without these functions fails here.
pub async fn read_metadata<P: Provider>(
    site: &Site<'_, P>,
    token: Address,
) -> Result<TokenMetadata, DeployError> {
    let doing = "reading a token's name, symbol and decimals";
    let token = TestToken::new(token, site.provider);
    Ok(TokenMetadata {
        name: token.name().call().await.map_err(|source| refused(doing, source))?,
        symbol: token.symbol().call().await.map_err(|source| refused(doing, source))?,
        decimals: token.decimals().call().await.map_err(|source| refused(doing, source))?,
    })
}

/// A token's registration, switched on, with equal decimals on both sides.
#[must_use]
pub const fn config(counterpart: Address, kind: u8, custody: u8) -> TokenConfig {
    TokenConfig { counterpart, kind, custody, enabled: true, unitDecimals: 0 }
}

/// One side's contracts and what its bridge should name as its counterpart.
#[derive(Clone, Copy)]
struct Ends {
    side: &'static str,
    here: Address,
    vault: Address,
    there_chain: u64,
    there: Address,
}

async fn chain_id<P: Provider>(site: &Site<'_, P>) -> Result<u64, DeployError> {
    let rpc = |source| DeployError::Rpc { doing: "reading the chain id", source };
    site.provider.get_chain_id().await.map_err(rpc)
}

/// Where the deployer's next contract will be.
async fn predict<P: Provider>(site: &Site<'_, P>) -> Result<Address, DeployError> {
    let rpc = |source| DeployError::Rpc { doing: "reading the deployer's account nonce", source };
    let account_nonce = site.provider.get_transaction_count(site.deployer).pending().await;
    Ok(site.deployer.create(account_nonce.map_err(rpc)?))
}

async fn deploy_vault<P: Provider>(
    site: &Site<'_, P>,
    settings: &SideSettings,
) -> Result<Address, DeployError> {
    let call = Vault::deploy_builder(
        site.provider,
        site.deployer,
        settings.guardian,
        settings.large_delay,
    );
    created(site, "deploying a vault", call).await.map(|(address, _)| address)
}

async fn deploy_bridge<P: Provider>(
    site: &Site<'_, P>,
    settings: &SideSettings,
    ends: Ends,
) -> Result<u64, DeployError> {
    let call = Bridge::deploy_builder(
        site.provider,
        site.deployer,
        settings.guardian,
        ends.vault,
        U256::from(ends.there_chain),
        ends.there,
        settings.members.clone(),
        settings.threshold,
        settings.timing.clone(),
    );
    let (got, block) = created(site, "deploying a bridge", call).await?;
    if got != ends.here {
        return Err(DeployError::AddressMismatch { side: ends.side, got, want: ends.here });
    }
    Ok(block)
}

/// Lets the bridge take requests, once it is what it should be.
async fn serve<P: Provider>(site: &Site<'_, P>, ends: Ends) -> Result<(), DeployError> {
    let doing = "verifying a bridge";
    let code = site.provider.get_code_at(ends.here).await;
    if code.map_err(|source| DeployError::Rpc { doing, source })?.is_empty() {
        return Err(DeployError::CodeMissing { side: ends.side, bridge: ends.here });
    }
    let bridge = Bridge::new(ends.here, site.provider);
    let got_chain =
        bridge.counterpartChainId().call().await.map_err(|source| refused(doing, source))?;
    let got_bridge =
        bridge.counterpartBridge().call().await.map_err(|source| refused(doing, source))?;
    let want_chain = U256::from(ends.there_chain);
    if got_chain != want_chain || got_bridge != ends.there {
        return Err(DeployError::CounterpartMismatch {
            side: ends.side,
            got_chain,
            want_chain,
            got_bridge,
            want_bridge: ends.there,
        });
    }
    let vault = Vault::new(ends.vault, site.provider);
    send(site, "putting a bridge into service", vault.serve(ends.here)).await.map(drop)
}

async fn created<P, Q, D>(
    site: &Site<'_, P>,
    doing: &'static str,
    call: CallBuilder<Q, D, Ethereum>,
) -> Result<(Address, u64), DeployError>
where
    Q: Provider,
    D: CallDecoder + Unpin,
{
    let receipt = send(site, doing, call).await?;
    let transaction = receipt.transaction_hash;
    let missing = |field| DeployError::ReceiptIncomplete { doing, transaction, field };
    let address = receipt.contract_address.ok_or_else(|| missing("contract address"))?;
    let block = receipt.block_number.ok_or_else(|| missing("block number"))?;
    Ok((address, block))
}

async fn send<P, Q, D>(
    site: &Site<'_, P>,
    doing: &'static str,
    call: CallBuilder<Q, D, Ethereum>,
) -> Result<TransactionReceipt, DeployError>
where
    Q: Provider,
    D: CallDecoder + Unpin,
{
    mined(doing, sent(site, doing, call).await?).await
}

async fn sent<P, Q, D>(
    site: &Site<'_, P>,
    doing: &'static str,
    call: CallBuilder<Q, D, Ethereum>,
) -> Result<PendingTransactionBuilder<Ethereum>, DeployError>
where
    Q: Provider,
    D: CallDecoder + Unpin,
{
    let call = call.from(site.deployer);
    let call = match site.gas_price {
        Some(price) => call.gas_price(price),
        None => call,
    };
    call.send().await.map_err(|source| refused(doing, source))
}

async fn mined(
    doing: &'static str,
    pending: PendingTransactionBuilder<Ethereum>,
) -> Result<TransactionReceipt, DeployError> {
    let receipt =
        pending.get_receipt().await.map_err(|source| DeployError::Pending { doing, source })?;
    if !receipt.status() {
        return Err(DeployError::Failed { doing, transaction: receipt.transaction_hash });
    }
    Ok(receipt)
}

fn refused(doing: &'static str, source: alloy::contract::Error) -> DeployError {
    let reason = source
        .as_revert_data()
        .and_then(|data| explain_revert(&data))
        .unwrap_or_else(|| source.to_string());
    DeployError::Call { doing, reason, source: Box::new(source) }
}
