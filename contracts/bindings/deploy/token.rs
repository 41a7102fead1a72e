//! Links a token across a pair: deploys its representation and registers both sides.

use alloy::{
    primitives::{Address, U256},
    providers::Provider,
};

use super::DeployError;
use super::site::{Site, created, mined, refused, sent};
use crate::abi::{
    BridgeMultiToken, BridgeNFT, BridgeToken, NATIVE_COIN, TestMultiToken, TestNFT, TestToken,
    Vault,
    Vault::{Limits, TokenConfig},
    asset_kind, custody, direction,
};

/// Gas of a call that changes a token's settings: a few storage slots, an event.
const SETTING_GAS: u64 = 300_000;

/// A token's limits on one side, in its smallest unit there. `U256::MAX` is no limit; zero accepts nothing.
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
