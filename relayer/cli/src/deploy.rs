//! `twinspan deploy`

use alloy::primitives::{Address, U256};
use alloy::transports::http::reqwest::Url;
use clap::Args;
use eyre::{WrapErr, eyre};
use serde_json::json;
use twinspan_bridge::side::{PerSide, Side};
use twinspan_chains::signer::Signer;
use twinspan_contracts::Bridge;
use twinspan_contracts::deploy::{
    End, HomeAsset, LinkedToken, Ownership, SideSettings, Site, TokenLimits, TokenMetadata,
    deploy_pair, hand_over, link_token,
};

use super::Failure;
use super::wallet::{WalletArgs, connect};

/// Deploy a bridge pair: one contract on each chain, each naming the other
#[derive(Debug, Args)]
pub(super) struct Deploy {
    /// A node of the main chain (http or https)
    #[arg(long, value_name = "URL")]
    main_rpc: Url,
    /// A node of the service chain (http or https)
    #[arg(long, value_name = "URL")]
    service_rpc: Url,
    #[command(flatten)]
    wallet: WalletArgs,
    /// The relayers' attestation addresses, separated by commas
    #[arg(long, value_delimiter = ',', required = true, value_name = "ADDRESSES")]
    members: Vec<Address>,
    /// Number of members that must attest
    #[arg(long)]
    threshold: u8,
    /// Accept a threshold that is not even a simple majority
    #[arg(long)]
    allow_minority: bool,
    /// Account that registers tokens, sets limits and schedules relayer sets: a multisig [default: the deploying
    /// account]
    #[arg(long)]
    owner: Option<Address>,
    /// Seconds that each act of the owner waits in a timelock, where the guardian can cancel it. 0: no timelock; an
    /// owner other than the deploying account must then accept the ownership
    #[arg(long, default_value_t = 2 * 24 * 3_600)]
    owner_delay: u64,
    /// Account that may pause, tighten limits, veto, cancel, hold and revoke [default: the deploying account]
    #[arg(long)]
    guardian: Option<Address>,
    /// Link an ERC-20 of the main chain (may be given again)
    #[arg(long, value_name = "TOKEN")]
    main_token: Vec<Address>,
    /// Link an ERC-20 of the service chain (may be given again)
    #[arg(long, value_name = "TOKEN")]
    service_token: Vec<Address>,
    /// Link an ERC-721 of the main chain (may be given again)
    #[arg(long, value_name = "TOKEN")]
    main_nft: Vec<Address>,
    /// Link an ERC-721 of the service chain (may be given again)
    #[arg(long, value_name = "TOKEN")]
    service_nft: Vec<Address>,
    /// Link an ERC-1155 of the main chain (may be given again)
    #[arg(long, value_name = "TOKEN")]
    main_multi: Vec<Address>,
    /// Link an ERC-1155 of the service chain (may be given again)
    #[arg(long, value_name = "TOKEN")]
    service_multi: Vec<Address>,
    /// Link the main chain's coin under this symbol
    #[arg(long, value_name = "SYMBOL")]
    main_coin: Option<String>,
    /// Link the service chain's coin under this symbol
    #[arg(long, value_name = "SYMBOL")]
    service_coin: Option<String>,
    /// Seconds until anyone may send a parked handover back
    #[arg(long, default_value_t = 7 * 24 * 3_600)]
    return_delay: u64,
    /// Seconds between scheduling and applying a relayer set
    #[arg(long, default_value_t = 2 * 24 * 3_600)]
    rotation_delay: u64,
    /// Seconds that a large handover is delayed
    #[arg(long, default_value_t = 24 * 3_600)]
    large_delay: u64,
    /// Seconds after which a pause ends unless it is renewed
    #[arg(long, default_value_t = 3 * 24 * 3_600)]
    pause_period: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Deploy {
    pub(super) async fn run(self) -> Result<(), Failure> {
        self.check().map_err(Failure::Refused)?;
        let signer = self.wallet.open()?;
        let main = connect(&self.main_rpc, &signer).await?;
        let service = connect(&self.service_rpc, &signer).await?;
        let deployer = signer.address();
        let sites = PerSide::new(
            Site { provider: &main.provider, deployer, gas_price: main.gas_price },
            Site { provider: &service.provider, deployer, gas_price: service.gas_price },
        );
        let guardian = self.guardian.unwrap_or(deployer);
        let settings = SideSettings {
            guardian,
            members: self.members.clone(),
            threshold: self.threshold,
            timing: Bridge::Timing {
                returnDelay: self.return_delay,
                rotationDelay: self.rotation_delay,
                pausePeriod: self.pause_period,
            },
            large_delay: self.large_delay,
        };
        let pair = deploy_pair(&sites[Side::Main], &sites[Side::Service], &settings, &settings)
            .await
            .wrap_err("deploying the pair")?;
        let ends = PerSide::new(pair.main, pair.service);
        let mut tokens = Vec::new();
        for (home, asset) in self.assets() {
            let away = home.other();
            let link = link_token(
                &sites[home],
                ends[home].vault,
                &sites[away],
                ends[away].vault,
                asset,
                U256::from(u128::MAX),
                TokenLimits::OPEN,
                TokenLimits::OPEN,
            );
            let linked = link.await.wrap_err("linking a token")?;
            tokens.push((home, linked));
        }
        let ownership = self.ownership(deployer, guardian);
        let mut owners = PerSide::default();
        for (side, site) in sites.iter() {
            let timelock =
                hand_over(site, &ends[side], ownership).await.wrap_err("handing over")?;
            owners[side] = timelock.or(self.owner).unwrap_or(deployer);
        }
        let is_offered = matches!(ownership, Ownership::Account(_));
        self.print(&ends, &owners, is_offered, &tokens);
        Ok(())
    }

    fn ownership(&self, deployer: Address, guardian: Address) -> Ownership {
        let proposer = self.owner.unwrap_or(deployer);
        match self.owner_delay {
            0 if proposer == deployer => Ownership::Deployer,
            0 => Ownership::Account(proposer),
            delay => Ownership::Timelock { proposer, guardian, delay },
        }
    }

    fn check(&self) -> eyre::Result<()> {
        let (threshold, members) = (usize::from(self.threshold), self.members.len());
        if threshold == 0 || threshold > members {
            return Err(eyre!(
                "--threshold {threshold}: want 1 to {members}, the number of members"
            ));
        }
        if threshold * 2 <= members && !self.allow_minority {
            return Err(eyre!(
                "--threshold {threshold} of {members} is less than a majority: two groups of \
                 relayers could each hand over; raise it, or say --allow-minority"
            ));
        }
        if threshold * 3 < members * 2 {
            eprintln!("warning: --threshold {threshold} of {members} is below two thirds");
        }
        Ok(())
    }

    fn assets(&self) -> Vec<(Side, HomeAsset)> {
        let coin = |symbol: &String| {
            let name = format!("Bridged {symbol}");
            HomeAsset::Native(TokenMetadata { name, symbol: symbol.clone(), decimals: 18 })
        };
        let sides = PerSide::new(
            (&self.main_coin, &self.main_token, &self.main_nft, &self.main_multi),
            (&self.service_coin, &self.service_token, &self.service_nft, &self.service_multi),
        );
        let mut assets = Vec::new();
        for (home, (symbol, tokens, nfts, multis)) in sides.iter() {
            assets.extend(symbol.iter().map(|symbol| (home, coin(symbol))));
            assets.extend(tokens.iter().map(|token| (home, HomeAsset::Erc20(*token))));
            assets.extend(nfts.iter().map(|token| (home, HomeAsset::Erc721(*token))));
            assets.extend(multis.iter().map(|token| (home, HomeAsset::Erc1155(*token))));
        }
        assets
    }

    fn print(
        &self,
        ends: &PerSide<End>,
        owners: &PerSide<Address>,
        is_offered: bool,
        tokens: &[(Side, LinkedToken)],
    ) {
        if self.json {
            let tokens = tokens.iter().map(|(side, token)| {
                let LinkedToken { home, representation } = token;
                json!({
                    "home_chain": side.label(), "home": home, "representation": representation,
                })
            });
            let mut told = json!({ "tokens": tokens.collect::<Vec<_>>() });
            for (side, end) in ends.iter() {
                told[side.label()] = json!({
                    "chain_id": end.chain_id, "bridge": end.bridge, "vault": end.vault,
                    "start_block": end.block,
                });
                let owner = if is_offered { "pending_owner" } else { "owner" };
                told[side.label()][owner] = json!(owners[side]);
            }
            println!("{told}");
            return;
        }
        println!("# For the configuration of every relayer:");
        println!("[pairs.NAME]");
        for (side, end) in ends.iter() {
            println!(
                "{side} = {{ chain = \"{side}\", bridge = \"{}\", start_block = {} }}",
                end.bridge, end.block
            );
        }
        println!("# For dApps and `twinspan transfer`:");
        for (side, end) in ends.iter() {
            let owned = if is_offered { "offered to" } else { "owned by" };
            println!("# {side} vault {}, {owned} {}", end.vault, owners[side]);
        }
        for (side, LinkedToken { home, representation }) in tokens {
            println!("# {side} token {home} is {representation} on the other chain");
        }
        if !tokens.is_empty() {
            println!(
                "# these tokens have no limits yet: see \"Listing a token\" in docs/contracts.md"
            );
        }
        if self.owner_delay > 0 {
            let delay = self.owner_delay;
            println!("# the owners are timelocks: proposals there wait {delay} seconds");
        } else if is_offered {
            println!("# the owner must accept: acceptOwnership() on both vaults and both bridges");
        }
    }
}
