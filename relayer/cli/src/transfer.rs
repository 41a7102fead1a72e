//! `twinspan transfer`

mod plan;

use std::time::Duration;

use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, Bytes, U256};
use alloy::providers::{PendingTransactionBuilder, Provider};
use alloy::rpc::types::TransactionReceipt;
use alloy::sol_types::{SolCall, SolEvent};
use clap::Args;
use eyre::{WrapErr, eyre};
use serde_json::json;
use twinspan_api::client::{ANSWER_LIMIT, Client, Url};
use twinspan_api::transfer::Transfer as View;
use twinspan_bridge::ids::{BridgeAt, ChainId, Nonce, TransferId};
use twinspan_contracts::{Bridge, BridgeToken, TestMultiToken, TestNFT, Vault, explain_revert};

use self::plan::{Moved, Plan};
use super::Failure;
use super::wallet::{Connection, WalletArgs, connect};

/// Send coins, tokens or NFTs to the other chain of a bridge pair
#[derive(Debug, Args)]
pub(super) struct Transfer {
    /// A node of the chain to send from (http or https)
    #[arg(long, value_name = "URL")]
    rpc: Url,
    /// The vault on that chain
    #[arg(long)]
    vault: Address,
    /// The recipient on the other chain
    #[arg(long)]
    to: Address,
    /// The amount in whole tokens or coins, such as 1.5; of an ERC-1155 a plain number
    #[arg(long)]
    amount: Option<String>,
    /// The token to send; without it, the chain's coin
    #[arg(long)]
    token: Option<Address>,
    /// The id of an NFT (ERC-721 or ERC-1155)
    #[arg(long, requires = "token")]
    id: Option<U256>,
    /// Data for a recipient that is a contract, in hex
    #[arg(long, default_value = "0x")]
    data: Bytes,
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
        let plan = self.plan(&connection).await?;
        let receipt = self.send(&connection, &plan).await?;
        let id = id_of(&connection, plan.bridge, &receipt)?;
        let transaction = receipt.transaction_hash;
        if !self.json {
            println!("transfer {id}\nrequested in transaction {transaction}");
            if !plan.fee.is_zero() {
                println!("fee {} of {}", plan.fee_shown(), plan.fee_token_shown());
            }
        }
        let ended = match &self.wait {
            Some(api) => Some(self.wait(api, id).await?),
            None => None,
        };
        if self.json {
            let fee = json!({ "amount": plan.fee, "token": plan.fee_token });
            let told =
                json!({ "id": id, "transaction": transaction, "fee": fee, "transfer": ended });
            println!("{told}");
        }
        Ok(())
    }

    async fn send(
        &self,
        connection: &Connection,
        plan: &Plan,
    ) -> Result<TransactionReceipt, Failure> {
        let (recipient, data, vault) = (self.to, self.data.clone(), self.vault);
        let Plan { token, fee, .. } = *plan;
        let coinless = U256::ZERO;
        let (input, value) = match plan.moved {
            Moved::Coin { amount } => {
                let call = Vault::requestNativeCall { recipient, amount, data };
                (call.abi_encode(), amount + fee)
            }
            Moved::Token { amount } => {
                self.approve(connection, token, amount + fee).await?;
                let call =
                    Vault::requestERC20Call { token, recipient, amount, feeLimit: fee, data };
                (call.abi_encode(), coinless)
            }
            Moved::Nft { id } => {
                let approve = TestNFT::approveCall { to: vault, tokenId: id };
                self.transact(connection, token, approve.abi_encode(), coinless).await?;
                let call = Vault::requestERC721Call { token, recipient, id, data };
                (call.abi_encode(), fee)
            }
            Moved::Multi { id, amount } => {
                let approve =
                    TestMultiToken::setApprovalForAllCall { operator: vault, approved: true };
                self.transact(connection, token, approve.abi_encode(), coinless).await?;
                let (ids, amounts) = (vec![id], vec![amount]);
                let call = Vault::requestERC1155Call { token, recipient, ids, amounts, data };
                (call.abi_encode(), fee)
            }
        };
        self.transact(connection, vault, input, value).await
    }

    async fn approve(
        &self,
        connection: &Connection,
        token: Address,
        amount: U256,
    ) -> Result<(), Failure> {
        let erc20 = BridgeToken::new(token, &connection.provider);
        let allowed = erc20.allowance(connection.account, self.vault).call().await;
        if allowed.map_err(|error| Failure::Unreachable(error.into()))? >= amount {
            return Ok(());
        }
        let approve = BridgeToken::approveCall { spender: self.vault, value: amount };
        self.transact(connection, token, approve.abi_encode(), U256::ZERO).await.map(drop)
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

    async fn wait(&self, api: &Url, id: TransferId) -> Result<View, Failure> {
        let (client, mut shown) = (Client::new(api, ANSWER_LIMIT)?, String::new());
        loop {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let Ok(view) = client.transfer(id).await else { continue };
            let line = match view.waits_for.as_str() {
                "" => view.stage.to_string(),
                waits_for => format!("{}: waits for {waits_for}", view.stage),
            };
            if line != shown && !self.json {
                println!("{line}");
                shown = line;
            }
            if view.stage.is_settled() {
                return Ok(view);
            }
        }
    }
}

fn id_of(
    connection: &Connection,
    bridge: Address,
    receipt: &TransactionReceipt,
) -> Result<TransferId, Failure> {
    let ours = receipt.logs().iter().filter(|log| log.address() == bridge);
    let event = ours
        .filter_map(|log| Bridge::ValueTransferRequested::decode_log(&log.inner).ok())
        .next()
        .ok_or_else(|| eyre!("the bridge took no request in {}", receipt.transaction_hash))?;
    let source = BridgeAt { chain_id: ChainId::new(connection.chain_id), address: bridge };
    Ok(TransferId { source, nonce: Nonce::new(event.nonce) })
}
