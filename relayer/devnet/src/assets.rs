//! The assets of a world: on each chain one of each kind at home, and what stands for it on the other.

use alloy::primitives::U256;
use alloy::providers::Provider;
use serde::{Deserialize, Serialize};
use twinspan_bridge::side::PerSide;
use twinspan_contracts::deploy::{
    DeployError, HomeAsset, LinkedToken, Pair, Site, TokenLimits, TokenMetadata,
    deploy_test_multi_token, deploy_test_nft, deploy_test_token, link_token,
};

/// A kind of asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The chain's native coin.
    Coin,
    /// An ERC-20.
    Erc20,
    /// An ERC-721 with token URIs.
    Erc721,
    /// An ERC-1155.
    Erc1155,
}

/// An asset at home on one chain, before it is deployed.
pub(crate) struct Asset {
    pub(crate) kind: Kind,
    pub(crate) name: &'static str,
    /// None of an ERC-1155, which knows none.
    pub(crate) symbol: Option<&'static str>,
}

/// Decimals of every coin and ERC-20 of a world, on both chains.
pub(crate) const DECIMALS: u8 = 18;

/// By the chain where they are at home; in the order in which they are deployed.
pub(crate) static ASSETS: PerSide<[Asset; 4]> = PerSide::new(
    [
        Asset { kind: Kind::Coin, name: "Main Coin", symbol: Some("MAIN") },
        Asset { kind: Kind::Erc20, name: "Main Token", symbol: Some("MTK") },
        Asset { kind: Kind::Erc721, name: "Main NFT", symbol: Some("MNFT") },
        Asset { kind: Kind::Erc1155, name: "Main Multi-Token", symbol: None },
    ],
    [
        Asset { kind: Kind::Coin, name: "Service Coin", symbol: Some("SERV") },
        Asset { kind: Kind::Erc20, name: "Service Token", symbol: Some("STK") },
        Asset { kind: Kind::Erc721, name: "Service NFT", symbol: Some("SNFT") },
        Asset { kind: Kind::Erc1155, name: "Service Multi-Token", symbol: None },
    ],
);

impl Asset {
    /// Its decimals, if it is divisible.
    pub(crate) const fn decimals(&self) -> Option<u8> {
        match self.kind {
            Kind::Coin | Kind::Erc20 => Some(DECIMALS),
            Kind::Erc721 | Kind::Erc1155 => None,
        }
    }

    async fn deploy<P: Provider>(&self, site: &Site<'_, P>) -> Result<HomeAsset, DeployError> {
        let symbol = self.symbol.unwrap_or_default();
        let (name, symbol) = (self.name.to_owned(), symbol.to_owned());
        let metadata = TokenMetadata { name, symbol, decimals: DECIMALS };
        Ok(match self.kind {
            Kind::Coin => HomeAsset::Native(metadata),
            Kind::Erc20 => HomeAsset::Erc20(deploy_test_token(site, &metadata).await?),
            Kind::Erc721 => {
                HomeAsset::Erc721(deploy_test_nft(site, &metadata.name, &metadata.symbol).await?)
            }
            Kind::Erc1155 => {
                HomeAsset::Erc1155(deploy_test_multi_token(site, "ipfs://multi/{id}.json").await?)
            }
        })
    }
}

/// Deploys [`ASSETS`] and links each across the pair, without limits. In the same order.
pub(crate) async fn link_all<P: Provider>(
    sites: &PerSide<Site<'_, P>>,
    pair: &Pair,
) -> eyre::Result<PerSide<[LinkedToken; 4]>> {
    let vaults = PerSide::new(pair.main.vault, pair.service.vault);
    let mut linked = PerSide::<Vec<LinkedToken>>::default();
    for (home, assets) in ASSETS.iter() {
        let away = home.other();
        for asset in assets {
            let link = link_token(
                &sites[home],
                vaults[home],
                &sites[away],
                vaults[away],
                asset.deploy(&sites[home]).await?,
                U256::from(u128::MAX),
                TokenLimits::OPEN,
                TokenLimits::OPEN,
            );
            linked[home].push(link.await?);
        }
    }
    PerSide::try_from_fn(|home| Ok(linked[home].as_slice().try_into()?))
}
