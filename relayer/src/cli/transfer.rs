//! `twinspan transfer`

use std::time::Duration;

use alloy::network::TransactionBuilder;
use alloy::primitives::utils::{format_units, parse_units};
use alloy::primitives::{Address, U256};
use alloy::providers::{PendingTransactionBuilder, Provider};
use alloy::rpc::types::TransactionReceipt;
use alloy::sol_types::{SolCall, SolEvent};
use alloy::transports::http::reqwest::Url;
use clap::Args;
use eyre::{WrapErr, eyre};
use serde_json::json;
use twinspan_bridge::ids::{BridgeAt, ChainId, Nonce, TransferId};
use twinspan_bridge::lifecycle::Stage;
use twinspan_bridge::request::NATIVE_COIN;
use twinspan_contracts::{Bridge, BridgeToken, TestToken, explain_revert};

use super::Failure;
use super::status::fetch;
use super::wallet::{Connection, WalletArgs, connect};
use crate::api::transfers::Transfer as View;

/// Send coins or tokens to the other chain of a bridge pair
#[derive(Debug, Args)]
pub(super) struct Transfer {
    /// A node of the chain to send from (http or https)
    #[arg(long, value_name = "URL")]
    rpc: Url,
    /// The bridge on that chain
    #[arg(long)]
    bridge: Address,
    /// Who is paid on the other chain
    #[arg(long)]
    to: Address,
    /// How much, in whole tokens or coins, such as 1.5
    #[arg(long)]
    amount: String,
    /// The ERC-20 to send; without it, the chain's coin
    #[arg(long)]
    token: Option<Address>,
    #[command(flatten)]
    wallet: WalletArgs,
    /// A relayer's API: wait there until the transfer has ended
    #[arg(long, value_name = "URL")]
    wait: Option<Url>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Transfer {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let signer = self.wallet.open()?;
        let connection = connect(&self.rpc, &signer).await?;
        let amount = self.check(&connection).await?;
        let receipt = self.send(&connection, amount).await?;
        let id = self.id_of(&connection, &receipt)?;
        let transaction = receipt.transaction_hash;
        if !self.json {
            println!("transfer {id}\nrequested in transaction {transaction}");
        }
        let ended = match &self.wait {
            Some(api) => Some(self.wait(api, id).await?),
            None => None,
        };
        if self.json {
            println!("{}", json!({ "id": id, "transaction": transaction, "transfer": ended }));
        }
        Ok(())
    }

    /// Everything that the bridge would refuse is refused here, in words, before anything is sent.
    async fn check(&self, connection: &Connection) -> Result<U256, Failure> {
        let refused = |text: String| Failure::Refused(eyre!(text));
        let node = |error: alloy::contract::Error| Failure::Unreachable(error.into());
        if self.to.is_zero() {
            return Err(refused(
                "--to is the zero address: nobody could ever use what arrives".into(),
            ));
        }
        let provider = &connection.provider;
        let code = provider.get_code_at(self.bridge).await;
        let code = code.map_err(|error| Failure::Unreachable(error.into()))?;
        if code.is_empty() {
            return Err(refused(format!(
                "there is no contract at --bridge {} on chain {}: is --rpc the right chain?",
                self.bridge, connection.chain_id
            )));
        }
        let bridge = Bridge::new(self.bridge, provider);
        let asset = self.token.unwrap_or(NATIVE_COIN);
        let config = bridge.tokenConfig(asset).call().await.map_err(node)?;
        if config.counterpart.is_zero() || !config.enabled {
            let what = self.token.map_or_else(|| "the coin".into(), |token| token.to_string());
            let why = if config.counterpart.is_zero() { "not registered" } else { "disabled" };
            return Err(refused(format!("{what} is {why} at bridge {}", self.bridge)));
        }
        if self.to == self.bridge
            || self.to == bridge.counterpartBridge().call().await.map_err(node)?
        {
            return Err(refused("--to is a bridge: it would keep what arrives".into()));
        }
        let positions = bridge.positions().call().await.map_err(node)?;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        if positions.pausedUntil > now.unwrap_or_default().as_secs() {
            let until = positions.pausedUntil;
            return Err(refused(format!("the bridge is paused until Unix time {until}")));
        }
        let (decimals, balance) = self.holdings(connection).await?;
        let amount = self.parse_amount(decimals)?;
        let shown =
            |amount: U256| format_units(amount, decimals).unwrap_or_else(|_| amount.to_string());
        let (min, max) = (U256::from(config.minAmount), U256::from(config.maxAmount));
        if amount < min || amount > max || amount.is_zero() {
            return Err(refused(format!(
                "--amount {} is out of bounds: the bridge takes {} to {}",
                self.amount,
                shown(min.max(U256::from(1))),
                shown(max)
            )));
        }
        if balance < amount {
            return Err(refused(format!(
                "{} holds {}, less than --amount {}",
                connection.account,
                shown(balance),
                self.amount
            )));
        }
        Ok(amount)
    }

    async fn holdings(&self, connection: &Connection) -> Result<(u8, U256), Failure> {
        let node = |error: eyre::Report| Failure::Unreachable(error);
        let Some(token) = self.token else {
            let balance = connection.provider.get_balance(connection.account).await;
            return Ok((18, balance.map_err(|error| node(error.into()))?));
        };
        let token = TestToken::new(token, &connection.provider);
        let decimals = token.decimals().call().await.map_err(|error| node(error.into()))?;
        let balance = token.balanceOf(connection.account).call().await;
        Ok((decimals, balance.map_err(|error| node(error.into()))?))
    }

    fn parse_amount(&self, decimals: u8) -> Result<U256, Failure> {
        let parsed =
            parse_units(&self.amount, decimals).ok().filter(|parsed| !parsed.is_negative());
        let fraction = self.amount.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        match parsed {
            Some(parsed) if fraction <= usize::from(decimals) => Ok(parsed.get_absolute()),
            _ => Err(Failure::Refused(eyre!(
                "--amount {}: want a number such as 1.5 with at most {decimals} decimals",
                self.amount
            ))),
        }
    }

    async fn send(
        &self,
        connection: &Connection,
        amount: U256,
    ) -> Result<TransactionReceipt, Failure> {
        let Connection { provider, account, .. } = connection;
        let recipient = self.to;
        let (input, value) = match self.token {
            None => (Bridge::requestNativeCall { recipient }.abi_encode(), amount),
            Some(token) => {
                let erc20 = BridgeToken::new(token, provider);
                let allowed = erc20.allowance(*account, self.bridge).call().await;
                let allowed = allowed.map_err(|error| Failure::Unreachable(error.into()))?;
                if allowed < amount {
                    let approve = BridgeToken::approveCall { spender: self.bridge, value: amount };
                    self.transact(connection, token, approve.abi_encode(), U256::ZERO).await?;
                }
                let call = Bridge::requestERC20Call { token, recipient, amount };
                (call.abi_encode(), U256::ZERO)
            }
        };
        self.transact(connection, self.bridge, input, value).await
    }

    async fn transact(
        &self,
        connection: &Connection,
        to: Address,
        input: Vec<u8>,
        value: U256,
    ) -> Result<TransactionReceipt, Failure> {
        let mut request = alloy::rpc::types::TransactionRequest::default()
            .with_from(connection.account)
            .with_to(to)
            .with_input(input)
            .with_value(value);
        if let Some(price) = connection.gas_price {
            request.set_gas_price(price);
        }
        let sent: Result<PendingTransactionBuilder<_>, _> =
            connection.provider.send_transaction(request).await;
        let sent = sent.map_err(|error| {
            let data = error.as_error_resp().and_then(|answer| answer.as_revert_data());
            match data.and_then(|data| explain_revert(&data)) {
                Some(reason) => Failure::Refused(eyre!("refused: {reason}")),
                None => Failure::Failed(eyre::Report::from(error)),
            }
        })?;
        let receipt = sent
            .with_timeout(Some(Duration::from_secs(120)))
            .get_receipt()
            .await
            .wrap_err("waiting for the transaction's block")?;
        if !receipt.status() {
            return Err(eyre!("transaction {} reverted", receipt.transaction_hash).into());
        }
        Ok(receipt)
    }

    fn id_of(
        &self,
        connection: &Connection,
        receipt: &TransactionReceipt,
    ) -> Result<TransferId, Failure> {
        let ours = receipt.logs().iter().filter(|log| log.address() == self.bridge);
        let event = ours
            .filter_map(|log| Bridge::ValueTransferRequested::decode_log(&log.inner).ok())
            .next()
            .ok_or_else(|| eyre!("the bridge took no request in {}", receipt.transaction_hash))?;
        let source = BridgeAt { chain_id: ChainId::new(connection.chain_id), address: self.bridge };
        Ok(TransferId { source, nonce: Nonce::new(event.nonce) })
    }

    async fn wait(&self, api: &Url, id: TransferId) -> Result<View, Failure> {
        let mut shown = String::new();
        loop {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let Ok(view) = fetch::<View>(api, &format!("/v1/transfers/{id}")).await else {
                continue;
            };
            let line = match view.waits_for.as_str() {
                "" => view.stage.to_string(),
                waits_for => format!("{}: waits for {waits_for}", view.stage),
            };
            if line != shown && !self.json {
                println!("{line}");
                shown = line;
            }
            match view.stage {
                Stage::HandedOver | Stage::Parked | Stage::Released | Stage::Returned => {
                    return Ok(view);
                }
                Stage::Observed | Stage::Final | Stage::Certified | Stage::Submitted => {}
            }
        }
    }
}
