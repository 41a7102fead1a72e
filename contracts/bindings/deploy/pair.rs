//! Deploys a bridge pair and its vaults, and verifies that each bridge names the other.

use alloy::{
    primitives::{Address, U256},
    providers::Provider,
};

use super::DeployError;
use super::site::{Site, chain_id, created, refused, send};
use crate::abi::{Bridge, Bridge::Timing, Vault};

/// The settings of one side, without its counterpart.
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

/// One side's contracts and what its bridge should name as its counterpart.
#[derive(Clone, Copy)]
struct Ends {
    side: &'static str,
    here: Address,
    vault: Address,
    there_chain: u64,
    there: Address,
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
