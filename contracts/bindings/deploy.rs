//! Deploys a bridge pair and links tokens across it.
//!
//! Each bridge names the other in its constructor, so both addresses are predicted from the deployers' account
//! nonces (CREATE). A deployer's account must send nothing else meanwhile; what comes out is verified.

mod error;

use alloy::{
    contract::{CallBuilder, CallDecoder},
    network::Ethereum,
    primitives::{Address, U256},
    providers::Provider,
    rpc::types::TransactionReceipt,
};

use crate::{
    abi::{
        Bridge,
        Bridge::{Timing, TokenConfig},
        BridgeToken, NATIVE_COIN, TestToken, asset_kind, custody,
    },
    revert::explain_revert,
};

pub use error::DeployError;

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

/// What one bridge is constructed with, besides its counterpart.
#[derive(Clone, Debug)]
pub struct BridgeSettings {
    /// Registers tokens, sets limits, schedules relayer sets.
    pub owner: Address,
    /// Pauses, vetoes, revokes.
    pub guardian: Address,
    /// Relayers' attestation addresses of epoch 1.
    pub members: Vec<Address>,
    /// How many of them must attest.
    pub threshold: u8,
    /// Waiting times, in seconds.
    pub timing: Timing,
}

/// A deployed bridge pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// EIP-155 id of the main chain.
    pub main_chain_id: u64,
    /// The bridge on the main chain.
    pub main_bridge: Address,
    /// The block that holds the main bridge's creation: where its logs start.
    pub main_block: u64,
    /// EIP-155 id of the service chain.
    pub service_chain_id: u64,
    /// The bridge on the service chain.
    pub service_bridge: Address,
    /// The block that holds the service bridge's creation.
    pub service_block: u64,
}

/// Bounds of a token on one side, in its smallest unit. `u128::MAX` is no limit; zero accepts nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenLimits {
    /// Least amount of one request.
    pub min_amount: u128,
    /// Greatest amount of one request.
    pub max_amount: u128,
    /// Most that may be handed over at once.
    pub bucket_capacity: u128,
    /// What the bucket regains every second.
    pub bucket_refill: u128,
    /// A handover of this amount or more is delayed.
    pub delayed_from: u128,
}

impl TokenLimits {
    /// One unit at the least, no other limit. For tests and demos.
    pub const OPEN: Self = Self {
        min_amount: 1,
        max_amount: u128::MAX,
        bucket_capacity: u128::MAX,
        bucket_refill: 0,
        delayed_from: u128::MAX,
    };
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

/// The asset to link, on the chain where it is at home.
#[derive(Clone, Debug)]
pub enum HomeAsset {
    /// An ERC-20 token; its representation copies its name, symbol and decimals.
    Erc20(Address),
    /// The native coin; its representation takes these.
    Native(TokenMetadata),
}

/// A token linked across a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkedToken {
    /// At home (locked and unlocked); the ERC-7528 address for the native coin.
    pub home: Address,
    /// Its representation on the other chain (minted and burned).
    pub representation: Address,
}

/// Deploys a bridge on each chain, each naming the other, and verifies both.
///
/// # Errors
/// See [`DeployError`]. After an error in the second half one bridge may exist without its twin: deploy both again.
pub async fn deploy_pair<M, S>(
    main: &Site<'_, M>,
    service: &Site<'_, S>,
    main_settings: &BridgeSettings,
    service_settings: &BridgeSettings,
) -> Result<Pair, DeployError>
where
    M: Provider,
    S: Provider,
{
    let (main_chain_id, want_main) = predict(main).await?;
    let (service_chain_id, want_service) = predict(service).await?;
    if main_chain_id == service_chain_id {
        return Err(DeployError::SameChain(main_chain_id));
    }
    let main_ends =
        Ends { side: "main", here: want_main, there_chain: service_chain_id, there: want_service };
    let service_ends =
        Ends { side: "service", here: want_service, there_chain: main_chain_id, there: want_main };
    let main_block = deploy_bridge(main, main_settings, main_ends).await?;
    let service_block = deploy_bridge(service, service_settings, service_ends).await?;
    verify(main, main_ends).await?;
    verify(service, service_ends).await?;
    Ok(Pair {
        main_chain_id,
        main_bridge: want_main,
        main_block,
        service_chain_id,
        service_bridge: want_service,
        service_block,
    })
}

/// Deploys the representation of `asset` on the other chain and registers both sides. The deployers must own the
/// bridges. `supply_cap` bounds the representation, in the smallest unit.
///
/// # Errors
/// See [`DeployError`].
#[expect(clippy::too_many_arguments, reason = "two ends, and what to link: each names itself")]
pub async fn link_token<H, A>(
    home: &Site<'_, H>,
    home_bridge: Address,
    away: &Site<'_, A>,
    away_bridge: Address,
    asset: HomeAsset,
    supply_cap: U256,
    home_limits: TokenLimits,
    away_limits: TokenLimits,
) -> Result<LinkedToken, DeployError>
where
    H: Provider,
    A: Provider,
{
    let (home_token, home_kind, metadata) = match asset {
        HomeAsset::Native(metadata) => (NATIVE_COIN, asset_kind::NATIVE, metadata),
        HomeAsset::Erc20(token) => (token, asset_kind::ERC20, read_metadata(home, token).await?),
    };
    let representation = deploy_bridge_token(away, away_bridge, &metadata, supply_cap).await?;
    register_token(
        home,
        home_bridge,
        home_token,
        home_limits.config(representation, home_kind, custody::LOCK),
    )
    .await?;
    register_token(
        away,
        away_bridge,
        representation,
        away_limits.config(home_token, asset_kind::ERC20, custody::MINT),
    )
    .await?;
    Ok(LinkedToken { home: home_token, representation })
}

/// Deploys a token that `bridge` mints and burns.
///
/// # Errors
/// See [`DeployError`].
pub async fn deploy_bridge_token<P: Provider>(
    site: &Site<'_, P>,
    bridge: Address,
    metadata: &TokenMetadata,
    supply_cap: U256,
) -> Result<Address, DeployError> {
    let doing = "deploying a bridge token";
    let TokenMetadata { name, symbol, decimals } = metadata.clone();
    let call =
        BridgeToken::deploy_builder(site.provider, bridge, name, symbol, decimals, supply_cap);
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

/// Registers `token` at `bridge`; the deployer must own it.
///
/// # Errors
/// See [`DeployError`].
pub async fn register_token<P: Provider>(
    site: &Site<'_, P>,
    bridge: Address,
    token: Address,
    config: TokenConfig,
) -> Result<(), DeployError> {
    let bridge = Bridge::new(bridge, site.provider);
    send(site, "registering a token", bridge.registerToken(token, config)).await.map(drop)
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

impl TokenLimits {
    /// The registration of a token with these limits, switched on.
    pub fn config(self, counterpart: Address, kind: u8, custody: u8) -> TokenConfig {
        TokenConfig {
            counterpart,
            kind,
            custody,
            enabled: true,
            minAmount: self.min_amount,
            maxAmount: self.max_amount,
            bucketCapacity: self.bucket_capacity,
            bucketRefill: self.bucket_refill,
            delayedFrom: self.delayed_from,
        }
    }
}

/// One side's bridge and what it should name as its counterpart.
#[derive(Clone, Copy)]
struct Ends {
    side: &'static str,
    here: Address,
    there_chain: u64,
    there: Address,
}

async fn predict<P: Provider>(site: &Site<'_, P>) -> Result<(u64, Address), DeployError> {
    let rpc = |source| DeployError::Rpc {
        doing: "reading the chain id and the deployer's account nonce",
        source,
    };
    let chain_id = site.provider.get_chain_id().await.map_err(rpc)?;
    let account_nonce =
        site.provider.get_transaction_count(site.deployer).pending().await.map_err(rpc)?;
    Ok((chain_id, site.deployer.create(account_nonce)))
}

async fn deploy_bridge<P: Provider>(
    site: &Site<'_, P>,
    settings: &BridgeSettings,
    ends: Ends,
) -> Result<u64, DeployError> {
    let call = Bridge::deploy_builder(
        site.provider,
        settings.owner,
        settings.guardian,
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

async fn verify<P: Provider>(site: &Site<'_, P>, ends: Ends) -> Result<(), DeployError> {
    let doing = "verifying a bridge";
    let code = site
        .provider
        .get_code_at(ends.here)
        .await
        .map_err(|source| DeployError::Rpc { doing, source })?;
    if code.is_empty() {
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
    Ok(())
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
    let call = call.from(site.deployer);
    let call = match site.gas_price {
        Some(price) => call.gas_price(price),
        None => call,
    };
    let pending = call.send().await.map_err(|source| refused(doing, source))?;
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
