//! `twinspan deploy`

use alloy::primitives::{Address, U256};
use alloy::transports::http::reqwest::Url;
use clap::Args;
use eyre::{WrapErr, eyre};
use serde_json::json;
use twinspan_contracts::Bridge;
use twinspan_contracts::deploy::{
    BridgeSettings, HomeAsset, Site, TokenLimits, TokenMetadata, deploy_pair, link_token,
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
    /// How many of them must attest
    #[arg(long)]
    threshold: u8,
    /// Accept a threshold that is not even a simple majority
    #[arg(long)]
    allow_minority: bool,
    /// Registers tokens and sets limits: a timelock or multisig [default: the deploying account]
    #[arg(long)]
    owner: Option<Address>,
    /// May pause, veto and revoke [default: the deploying account]
    #[arg(long)]
    guardian: Option<Address>,
    /// Link an ERC-20 of the main chain (may be given again)
    #[arg(long, value_name = "TOKEN")]
    main_token: Vec<Address>,
    /// Link an ERC-20 of the service chain (may be given again)
    #[arg(long, value_name = "TOKEN")]
    service_token: Vec<Address>,
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
        let sites = [
            Site { provider: &main.provider, deployer, gas_price: main.gas_price },
            Site { provider: &service.provider, deployer, gas_price: service.gas_price },
        ];
        let wants_tokens = !self.main_token.is_empty()
            || !self.service_token.is_empty()
            || self.main_coin.is_some()
            || self.service_coin.is_some();
        if wants_tokens && self.owner.is_some_and(|owner| owner != deployer) {
            return Err(Failure::Refused(eyre!(
                "tokens are registered by the owner: link them from --owner, or leave --owner out \
                 and hand the bridges over afterwards"
            )));
        }
        let settings = BridgeSettings {
            owner: self.owner.unwrap_or(deployer),
            guardian: self.guardian.unwrap_or(deployer),
            members: self.members.clone(),
            threshold: self.threshold,
            timing: Bridge::Timing {
                returnDelay: self.return_delay,
                rotationDelay: self.rotation_delay,
                largeDelay: self.large_delay,
                pausePeriod: self.pause_period,
            },
        };
        let pair = deploy_pair(&sites[0], &sites[1], &settings, &settings)
            .await
            .wrap_err("deploying the pair")?;
        let bridges = [pair.main_bridge, pair.service_bridge];
        let mut tokens = Vec::new();
        for (home, asset) in self.assets() {
            let link = link_token(
                &sites[home],
                bridges[home],
                &sites[1 - home],
                bridges[1 - home],
                asset,
                U256::from(u128::MAX),
                TokenLimits::OPEN,
                TokenLimits::OPEN,
            );
            let linked = link.await.wrap_err("linking a token")?;
            let side = ["main", "service"][home];
            tokens.push((side, linked.home, linked.representation));
        }
        self.print(&pair, &tokens);
        Ok(())
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

    fn assets(&self) -> Vec<(usize, HomeAsset)> {
        let coin = |symbol: &String| {
            let name = format!("Bridged {symbol}");
            HomeAsset::Native(TokenMetadata { name, symbol: symbol.clone(), decimals: 18 })
        };
        let sides =
            [(&self.main_coin, &self.main_token), (&self.service_coin, &self.service_token)];
        let mut assets = Vec::new();
        for (home, (symbol, tokens)) in sides.into_iter().enumerate() {
            assets.extend(symbol.iter().map(|symbol| (home, coin(symbol))));
            assets.extend(tokens.iter().map(|token| (home, HomeAsset::Erc20(*token))));
        }
        assets
    }

    fn print(&self, pair: &twinspan_contracts::deploy::Pair, tokens: &[(&str, Address, Address)]) {
        if self.json {
            let tokens = tokens.iter().map(|(side, home, representation)| {
                json!({ "home_chain": side, "home": home, "representation": representation })
            });
            println!(
                "{}",
                json!({
                    "main": { "chain_id": pair.main_chain_id, "bridge": pair.main_bridge,
                              "start_block": pair.main_block },
                    "service": { "chain_id": pair.service_chain_id,
                                 "bridge": pair.service_bridge,
                                 "start_block": pair.service_block },
                    "tokens": tokens.collect::<Vec<_>>(),
                })
            );
            return;
        }
        println!("# For the configuration of every relayer:");
        println!("[pairs.NAME]");
        println!(
            "main = {{ chain = \"main\", bridge = \"{}\", start_block = {} }}",
            pair.main_bridge, pair.main_block
        );
        println!(
            "service = {{ chain = \"service\", bridge = \"{}\", start_block = {} }}",
            pair.service_bridge, pair.service_block
        );
        for (side, home, representation) in tokens {
            println!("# {side} token {home} is {representation} on the other chain");
        }
    }
}
