//! Makes requests, as dApps do: coins and tokens, both ways, to recipients that nobody used before.

use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use alloy::sol_types::SolCall;
use eyre::{WrapErr, eyre};
use tokio::time::Instant;
use twinspan_bridge::side::{PerSide, Side};
use twinspan_chains::Clock;
use twinspan_contracts::{BridgeToken, TestMultiToken, TestNFT, TestToken, Vault};

use crate::accounts::test_signer;
use crate::world::{CHAIN_IDS, World};

/// Gas of a single request or approval, with room to spare.
const REQUEST_GAS: u64 = 400_000;

/// An asset to move. The side is where the transfer starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Asset {
    /// The coin of the side itself: locked there, minted on the other.
    Coin,
    /// The token at home on the side: locked there, minted on the other.
    Token,
    /// The representation of the other side's token: burned here, unlocked there.
    Foreign,
}

/// Gas of one order of a bulk, NFTs among them, with room to spare.
const ORDER_GAS: u64 = 250_000;

/// The token URI of an NFT that [`Traffic::stock_nfts`] mints.
#[must_use]
pub fn token_uri(id: u64) -> String {
    format!("ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi/{id}.json")
}

/// An order of `amount` of a coin or an ERC-20.
#[must_use]
pub fn order(token: Address, recipient: Address, amount: U256) -> Vault::Order {
    let (ids, amounts) = (Vec::new(), Vec::new());
    let data = Bytes::new();
    Vault::Order { token, recipient, amount, ids, amounts, feeLimit: U256::ZERO, data }
}

/// An order of an ERC-721 (no `amount`) or of an ERC-1155.
#[must_use]
pub fn nft_order(token: Address, recipient: Address, id: u64, amount: Option<u64>) -> Vault::Order {
    let amounts = amount.into_iter().map(U256::from).collect();
    Vault::Order { ids: vec![U256::from(id)], amounts, ..order(token, recipient, U256::ZERO) }
}

/// A transfer that was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// The side it starts on.
    pub side: Side,
    /// The asset.
    pub asset: Asset,
    /// Who is paid.
    pub recipient: Address,
    /// How much, in the smallest unit.
    pub amount: U256,
    /// The transaction that asks.
    pub transaction: B256,
    /// When it was sent.
    pub at: Instant,
}

/// Sends requests from one test account on each side.
#[derive(Debug)]
pub struct Traffic {
    sender: usize,
    nonces: PerSide<u64>,
    salt: B256,
    count: u64,
}

impl Traffic {
    /// Gives test account `sender` tokens on both sides and the vaults leave to take them.
    ///
    /// # Errors
    /// If a node refuses.
    pub async fn prepare(world: &World, sender: usize) -> eyre::Result<Self> {
        let now = Clock::system().unix().as_nanos();
        let salt = keccak256((now + sender as u128).to_be_bytes());
        let mut traffic = Self { sender, nonces: PerSide::default(), salt, count: 0 };
        let account = test_signer(sender).address();
        for (side, chain) in world.chains.iter() {
            traffic.nonces[side] = chain.provider.get_transaction_count(account).await?;
            let approve = TestToken::approveCall { spender: chain.vault, value: U256::MAX };
            let mint = TestToken::mintCall { to: account, amount: U256::from(u128::MAX >> 8) };
            let foreign = world.chains[side.other()].token.representation;
            let approve_foreign =
                BridgeToken::approveCall { spender: chain.vault, value: U256::MAX };
            let token = chain.token.home;
            traffic.call(world, side, token, mint.abi_encode(), U256::ZERO).await?;
            traffic.call(world, side, token, approve.abi_encode(), U256::ZERO).await?;
            let last = traffic
                .call(world, side, foreign, approve_foreign.abi_encode(), U256::ZERO)
                .await?;
            confirm(world, side, last).await?;
        }
        Ok(traffic)
    }

    /// An address that nobody used before.
    pub fn fresh_recipient(&mut self) -> Address {
        self.count += 1;
        let mut message = self.salt.to_vec();
        message.extend(self.count.to_be_bytes());
        Address::from_slice(&keccak256(message)[12..])
    }

    /// Asks for a transfer to a fresh recipient.
    ///
    /// # Errors
    /// If the node refuses the transaction.
    pub async fn send(
        &mut self,
        world: &World,
        side: Side,
        asset: Asset,
        amount: U256,
    ) -> eyre::Result<Sent> {
        let recipient = self.fresh_recipient();
        self.send_to(world, side, asset, amount, recipient).await
    }

    /// Asks for a transfer to `recipient`.
    ///
    /// # Errors
    /// If the node refuses the transaction.
    pub async fn send_to(
        &mut self,
        world: &World,
        side: Side,
        asset: Asset,
        amount: U256,
        recipient: Address,
    ) -> eyre::Result<Sent> {
        let chain = &world.chains[side];
        let token = match asset {
            Asset::Coin => None,
            Asset::Token => Some(chain.token.home),
            Asset::Foreign => Some(world.chains[side.other()].token.representation),
        };
        let (input, value) = match token {
            None => {
                let call = Vault::requestNativeCall { recipient, amount, data: Bytes::new() };
                (call.abi_encode(), amount)
            }
            Some(token) => {
                let call = Vault::requestERC20Call {
                    token,
                    recipient,
                    amount,
                    feeLimit: U256::ZERO,
                    data: Bytes::new(),
                };
                (call.abi_encode(), U256::ZERO)
            }
        };
        let at = Instant::now();
        let transaction = self.call(world, side, chain.vault, input, value).await?;
        Ok(Sent { side, asset, recipient, amount, transaction, at })
    }

    /// Mints NFTs `ids` and a million of each multi-token id to the account, at home on `side`, and gives the vault
    /// leave to take them.
    ///
    /// # Errors
    /// If the node refuses.
    pub async fn stock_nfts(
        &mut self,
        world: &World,
        side: Side,
        ids: std::ops::Range<u64>,
    ) -> eyre::Result<()> {
        let me = test_signer(self.sender).address();
        let chain = &world.chains[side];
        let (nft, multi, vault) = (chain.nft.home, chain.multi.home, chain.vault);
        for id in ids {
            let mint = TestNFT::mintCall { to: me, id: U256::from(id), uri: token_uri(id) };
            self.call(world, side, nft, mint.abi_encode(), U256::ZERO).await?;
            let mint = TestMultiToken::mintCall {
                to: me,
                id: U256::from(id),
                amount: U256::from(1_000_000),
            };
            self.call(world, side, multi, mint.abi_encode(), U256::ZERO).await?;
        }
        let approve = TestNFT::setApprovalForAllCall { operator: vault, approved: true };
        self.call(world, side, nft, approve.abi_encode(), U256::ZERO).await?;
        let approve = TestMultiToken::setApprovalForAllCall { operator: vault, approved: true };
        let last = self.call(world, side, multi, approve.abi_encode(), U256::ZERO).await?;
        confirm(world, side, last).await
    }

    /// Asks for all of `orders` in one transaction, with `value` of coin.
    ///
    /// # Errors
    /// If the node refuses the transaction.
    pub async fn bulk(
        &mut self,
        world: &World,
        side: Side,
        orders: Vec<Vault::Order>,
        value: U256,
    ) -> eyre::Result<B256> {
        let gas = 200_000 + ORDER_GAS * orders.len() as u64;
        let call = Vault::requestBulkCall { orders }.abi_encode();
        self.call_with_gas(world, side, world.chains[side].vault, call, value, gas).await
    }

    /// One transaction of the account, not waited for.
    ///
    /// # Errors
    /// If the node refuses it.
    pub async fn call(
        &mut self,
        world: &World,
        side: Side,
        to: Address,
        input: Vec<u8>,
        value: U256,
    ) -> eyre::Result<B256> {
        self.call_with_gas(world, side, to, input, value, REQUEST_GAS).await
    }

    /// As [`Self::call`], with so much gas.
    ///
    /// # Errors
    /// If the node refuses it.
    pub async fn call_with_gas(
        &mut self,
        world: &World,
        side: Side,
        to: Address,
        input: Vec<u8>,
        value: U256,
        gas: u64,
    ) -> eyre::Result<B256> {
        let mut transaction = TransactionRequest::default()
            .with_from(test_signer(self.sender).address())
            .with_to(to)
            .with_input(Bytes::from(input))
            .with_value(value)
            .with_nonce(self.nonces[side])
            .with_chain_id(CHAIN_IDS[side])
            .with_gas_limit(gas);
        if world.options.has_fees(side) {
            transaction.set_max_fee_per_gas(100_000_000_000);
            transaction.set_max_priority_fee_per_gas(1_000_000_000);
        } else {
            transaction.set_gas_price(0);
        }
        let provider = &world.chains[side].provider;
        let pending = provider.send_transaction(transaction).await.wrap_err("sending a request")?;
        self.nonces[side] += 1;
        Ok(*pending.tx_hash())
    }
}

/// Waits until a transaction is in a block.
///
/// # Errors
/// If it reverts, or is in none after a minute.
pub async fn confirm(world: &World, side: Side, transaction: B256) -> eyre::Result<()> {
    let provider = &world.chains[side].provider;
    for _ in 0..1_200 {
        if let Some(receipt) = provider.get_transaction_receipt(transaction).await? {
            if receipt.status() {
                return Ok(());
            }
            return Err(eyre!("transaction {transaction} reverted"));
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    Err(eyre!("transaction {transaction} is in no block after a minute"))
}
