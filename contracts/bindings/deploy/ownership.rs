//! Hands a deployed side to who owns it from now on: an account, or a timelock that its owner proposes to.

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    providers::Provider,
    sol_types::SolCall,
};

use super::DeployError;
use super::pair::End;
use super::site::{Site, created, refused, send};
use crate::abi::{Bridge, Timelock, Vault};

/// Who owns a side once it is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// The deployer, as before.
    Deployer,
    /// This account, once it has accepted (`acceptOwnership` on bridge and vault).
    Account(Address),
    /// A timelock of its own: `proposer` schedules, the guardian cancels, anyone executes after `delay` seconds.
    Timelock {
        /// A multisig, or another contract that decides.
        proposer: Address,
        /// Strikes what should not happen.
        guardian: Address,
        /// From scheduling to executing, in seconds.
        delay: u64,
    },
}

/// Hands bridge and vault of a side over. Answers the timelock, if there is one.
///
/// # Errors
/// See [`DeployError`]. After an error the deployer still owns what was not handed over.
pub async fn hand_over<P: Provider>(
    site: &Site<'_, P>,
    end: &End,
    ownership: Ownership,
) -> Result<Option<Address>, DeployError> {
    match ownership {
        Ownership::Deployer => Ok(None),
        Ownership::Account(owner) => {
            offer(site, end, owner).await?;
            Ok(None)
        }
        Ownership::Timelock { proposer, guardian, delay } => {
            let timelock = place_behind_timelock(site, end, proposer, guardian, delay).await?;
            Ok(Some(timelock))
        }
    }
}

async fn offer<P: Provider>(
    site: &Site<'_, P>,
    end: &End,
    owner: Address,
) -> Result<(), DeployError> {
    let doing = "offering the ownership";
    let bridge = Bridge::new(end.bridge, site.provider);
    send(site, doing, bridge.transferOwnership(owner)).await?;
    let vault = Vault::new(end.vault, site.provider);
    send(site, doing, vault.transferOwnership(owner)).await.map(drop)
}

/// The timelock begins without a delay, accepts the ownership, takes its delay, and loses its deployer.
async fn place_behind_timelock<P: Provider>(
    site: &Site<'_, P>,
    end: &End,
    proposer: Address,
    guardian: Address,
    delay: u64,
) -> Result<Address, DeployError> {
    let deployer = site.deployer;
    let (proposers, anyone) = (vec![proposer, deployer], vec![Address::ZERO]);
    let call = Timelock::deploy_builder(site.provider, U256::ZERO, proposers, anyone, deployer);
    let (address, _) = created(site, "deploying a timelock", call).await?;
    offer(site, end, address).await?;

    let timelock = Timelock::new(address, site.provider);
    // Bridge and vault have it from the same library.
    let accept = Bytes::from(Bridge::acceptOwnershipCall {}.abi_encode());
    let update = timelock.updateDelay(U256::from(delay)).calldata().clone();
    let (targets, calls) =
        (vec![end.bridge, end.vault, address], vec![accept.clone(), accept, update]);
    let (values, none) = (vec![U256::ZERO; 3], B256::ZERO);
    let schedule = timelock.scheduleBatch(
        targets.clone(),
        values.clone(),
        calls.clone(),
        none,
        none,
        U256::ZERO,
    );
    send(site, "scheduling the acceptance of the ownership", schedule).await?;
    let execute = timelock.executeBatch(targets, values, calls, none, none);
    send(site, "accepting the ownership", execute).await?;

    let doing = "giving out the timelock's roles";
    let roles = |source| refused(doing, source);
    let cancel = timelock.CANCELLER_ROLE().call().await.map_err(roles)?;
    let propose = timelock.PROPOSER_ROLE().call().await.map_err(roles)?;
    send(site, doing, timelock.grantRole(cancel, guardian)).await?;
    if deployer != proposer {
        send(site, doing, timelock.renounceRole(propose, deployer)).await?;
        if deployer != guardian {
            send(site, doing, timelock.renounceRole(cancel, deployer)).await?;
        }
    }
    // The default admin role of AccessControl. From here on the timelock rules itself.
    send(site, doing, timelock.renounceRole(B256::ZERO, deployer)).await?;
    Ok(address)
}
