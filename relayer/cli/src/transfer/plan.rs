//! Plans a transfer: its assets and its cost. Everything that the vault would refuse is refused here, in words, before
//! anything is sent.

use alloy::primitives::utils::{format_units, parse_units};
use alloy::primitives::{Address, U256};
use alloy::providers::Provider;
use eyre::eyre;
use twinspan_bridge::request::NATIVE_COIN;
use twinspan_contracts::abi::{asset_kind, direction};
use twinspan_contracts::{Bridge, TestMultiToken, TestNFT, TestToken, Vault, explain_revert};

use super::Transfer;
use crate::Failure;
use crate::wallet::Connection;

/// Decimals of every chain's coin.
const COIN_DECIMALS: u8 = 18;

/// A transfer that the vault takes, by its own account.
#[derive(Debug)]
pub(super) struct Plan {
    /// The bridge that takes it.
    pub(super) bridge: Address,
    /// The asset; [`NATIVE_COIN`] for the coin.
    pub(super) token: Address,
    /// The amount or id that is moved.
    pub(super) moved: Moved,
    /// The fee on top, in the smallest unit of `fee_token`.
    pub(super) fee: U256,
    /// The token of the fee.
    pub(super) fee_token: Address,
    fee_decimals: u8,
}

/// The moved assets, by kind. Amounts in the smallest unit.
#[derive(Clone, Copy, Debug)]
pub(super) enum Moved {
    Coin { amount: U256 },
    Token { amount: U256 },
    Nft { id: U256 },
    Multi { id: U256, amount: U256 },
}

impl Plan {
    pub(super) fn fee_shown(&self) -> String {
        shown(self.fee, self.fee_decimals)
    }

    pub(super) fn fee_token_shown(&self) -> String {
        if self.fee_token == NATIVE_COIN { "the coin".into() } else { self.fee_token.to_string() }
    }
}

fn refused(text: impl Into<String>) -> Failure {
    Failure::Refused(eyre!(text.into()))
}

fn node(error: impl Into<eyre::Report>) -> Failure {
    Failure::Unreachable(error.into())
}

fn shown(amount: U256, decimals: u8) -> String {
    format_units(amount, decimals).unwrap_or_else(|_| amount.to_string())
}

impl Transfer {
    /// # Errors
    /// If the vault would refuse it, with what would pass.
    pub(super) async fn plan(&self, connection: &Connection) -> Result<Plan, Failure> {
        if self.to.is_zero() {
            return Err(refused("--to is the zero address: nobody could ever use what arrives"));
        }
        let provider = &connection.provider;
        let vault = Vault::new(self.vault, provider);
        let bridge = self.bridge_of(connection).await?;
        let token = self.token.unwrap_or(NATIVE_COIN);
        let config = vault.tokenConfig(token).call().await.map_err(node)?;
        if config.kind == asset_kind::NONE || !config.enabled {
            let what = self.token.map_or_else(|| "the coin".into(), |token| token.to_string());
            let why = if config.kind == asset_kind::NONE { "not registered" } else { "disabled" };
            return Err(refused(format!("{what} is {why} at vault {}", self.vault)));
        }
        let decimals = self.decimals(connection, config.kind).await?;
        let moved = self.moved(config.kind, decimals)?;
        let amount = match moved {
            Moved::Coin { amount } | Moved::Token { amount } | Moved::Multi { amount, .. } => {
                amount
            }
            Moved::Nft { .. } => U256::ONE,
        };
        self.check_bounds(connection, token, amount, decimals).await?;
        let quote = vault.quote(token, amount).call().await.map_err(|error| {
            match error.as_revert_data().and_then(|data| explain_revert(&data)) {
                Some(reason) => refused(format!("refused: {reason}")),
                None => node(error),
            }
        })?;
        if quote.earliest > twinspan_chains::Clock::system().unix_seconds() + 1 {
            let room = vault.available(token, direction::OUTGOING).call().await.map_err(node)?;
            let when = match quote.earliest {
                u64::MAX => "never by the limits in force".to_owned(),
                at => format!("from Unix time {at} on"),
            };
            return Err(refused(format!(
                "the rate limit has room for {} now; this amount passes {when}",
                shown(room, decimals)
            )));
        }
        let fee_decimals = if quote.feeToken == token { decimals } else { COIN_DECIMALS };
        let plan =
            Plan { bridge, token, moved, fee: quote.fee, fee_token: quote.feeToken, fee_decimals };
        self.check_holdings(connection, &plan, decimals).await?;
        Ok(plan)
    }

    /// The bridge that takes requests, if this is a vault and the bridge is not paused.
    async fn bridge_of(&self, connection: &Connection) -> Result<Address, Failure> {
        let provider = &connection.provider;
        let code = provider.get_code_at(self.vault).await.map_err(node)?;
        if code.is_empty() {
            return Err(refused(format!(
                "there is no contract at --vault {} on chain {}: is --rpc the right chain?",
                self.vault, connection.chain_id
            )));
        }
        let address = Vault::new(self.vault, provider).bridge().call().await.map_err(|_| {
            refused(format!(
                "the contract at --vault {} is no vault: give the vault, not the bridge or a token",
                self.vault
            ))
        })?;
        if address.is_zero() {
            return Err(refused("no bridge takes requests at this vault"));
        }
        let bridge = Bridge::new(address, provider);
        let counterpart = bridge.counterpartBridge().call().await.map_err(node)?;
        if [self.vault, address, counterpart].contains(&self.to) {
            return Err(refused("--to is a bridge or its vault: it would keep what arrives"));
        }
        let until = bridge.positions().call().await.map_err(node)?.pausedUntil;
        if until > twinspan_chains::Clock::system().unix_seconds() {
            return Err(refused(format!("the bridge is paused until Unix time {until}")));
        }
        Ok(address)
    }

    async fn decimals(&self, connection: &Connection, kind: u8) -> Result<u8, Failure> {
        match (kind, self.token) {
            (asset_kind::ERC20, Some(token)) => {
                let token = TestToken::new(token, &connection.provider);
                token.decimals().call().await.map_err(node)
            }
            (asset_kind::NATIVE, _) => Ok(COIN_DECIMALS),
            _ => Ok(0),
        }
    }

    fn moved(&self, kind: u8, decimals: u8) -> Result<Moved, Failure> {
        let amount = || match &self.amount {
            Some(text) => parse_amount(text, decimals),
            None => Err(refused("--amount is missing: say how much")),
        };
        let id = || self.id.ok_or_else(|| refused("--id is missing: say which NFT"));
        let is_nft = kind == asset_kind::ERC721 || kind == asset_kind::ERC1155;
        if !is_nft && self.id.is_some() {
            return Err(refused("--id is for NFTs: this token has none"));
        }
        match kind {
            asset_kind::NATIVE => Ok(Moved::Coin { amount: amount()? }),
            asset_kind::ERC20 => Ok(Moved::Token { amount: amount()? }),
            asset_kind::ERC721 if self.amount.is_some() => {
                Err(refused("--amount is not for an ERC-721: --id says it all"))
            }
            asset_kind::ERC721 => Ok(Moved::Nft { id: id()? }),
            asset_kind::ERC1155 => Ok(Moved::Multi { id: id()?, amount: amount()? }),
            other => Err(refused(format!("asset kind {other} is unknown to this release"))),
        }
    }

    async fn check_bounds(
        &self,
        connection: &Connection,
        token: Address,
        amount: U256,
        decimals: u8,
    ) -> Result<(), Failure> {
        let vault = Vault::new(self.vault, &connection.provider);
        let limits = vault.limits(token, direction::OUTGOING).call().await.map_err(node)?;
        if amount >= limits.min && amount <= limits.max && !amount.is_zero() {
            return Ok(());
        }
        let least = shown(limits.min.max(U256::ONE), decimals);
        let most = if limits.max == U256::MAX {
            "any amount".to_owned()
        } else {
            shown(limits.max, decimals)
        };
        Err(refused(format!(
            "--amount {} is out of bounds: the vault takes {least} to {most}",
            self.amount.as_deref().unwrap_or("1"),
        )))
    }

    /// The account holds what is moved and what the fee takes.
    async fn check_holdings(
        &self,
        connection: &Connection,
        plan: &Plan,
        decimals: u8,
    ) -> Result<(), Failure> {
        let (provider, account) = (&connection.provider, connection.account);
        let coins = provider.get_balance(account).await.map_err(node)?;
        let (held, want) = match plan.moved {
            Moved::Coin { amount } => (coins, amount + plan.fee),
            Moved::Token { amount } => {
                let token = TestToken::new(plan.token, provider);
                let held = token.balanceOf(account).call().await.map_err(node)?;
                (held, amount + plan.fee)
            }
            Moved::Nft { id } => {
                let owner = TestNFT::new(plan.token, provider).ownerOf(id).call().await;
                let owner = owner.map_err(|_| refused(format!("there is no NFT {id}")))?;
                if owner != account {
                    return Err(refused(format!("NFT {id} is {owner}'s, not {account}'s")));
                }
                return self.check_coin_fee(coins, plan);
            }
            Moved::Multi { id, amount } => {
                let token = TestMultiToken::new(plan.token, provider);
                let held = token.balanceOf(account, id).call().await.map_err(node)?;
                self.check_coin_fee(coins, plan)?;
                (held, amount)
            }
        };
        if held >= want {
            return Ok(());
        }
        let fee = if plan.fee.is_zero() {
            String::new()
        } else {
            format!(" and the fee of {}", plan.fee_shown())
        };
        Err(refused(format!(
            "{account} holds {}, less than --amount {}{fee}",
            shown(held, decimals),
            self.amount.as_deref().unwrap_or_default(),
        )))
    }

    fn check_coin_fee(&self, coins: U256, plan: &Plan) -> Result<(), Failure> {
        if coins >= plan.fee {
            return Ok(());
        }
        Err(refused(format!(
            "the fee is {} coins, the account holds {}",
            plan.fee_shown(),
            shown(coins, COIN_DECIMALS)
        )))
    }
}

fn parse_amount(text: &str, decimals: u8) -> Result<U256, Failure> {
    let parsed = parse_units(text, decimals).ok().filter(|parsed| !parsed.is_negative());
    let fraction = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    match parsed {
        Some(parsed) if fraction <= usize::from(decimals) => Ok(parsed.get_absolute()),
        _ => Err(refused(format!(
            "--amount {text}: want a number such as 1.5 with at most {decimals} decimals"
        ))),
    }
}
