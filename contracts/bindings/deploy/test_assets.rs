//! Deploys assets that anyone may mint, for tests and demos.

use alloy::{primitives::Address, providers::Provider};

use super::DeployError;
use super::site::{Site, created};
use super::token::TokenMetadata;
use crate::abi::{TestMultiToken, TestNFT, TestToken};

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
