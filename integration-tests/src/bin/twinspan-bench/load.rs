//! Makes many requests at once, through a contract that asks for all of them in one transaction.

use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, B256, U256};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use alloy::sol_types::SolCall;
use eyre::{WrapErr, eyre};
use twinspan_bridge::side::{PerSide, Side};
use twinspan_contracts::{RequestBatcher, TestToken};
use twinspan_devnet::traffic::{Traffic, confirm};
use twinspan_devnet::{World, test_signer};

/// Test accounts that load comes from, one a side, apart from those that traffic comes from.
const ACCOUNT: usize = 2;

/// Gas of one request in a batcher's transaction, with room to spare.
const REQUEST_GAS: u64 = 65_000;

/// The amount of every request.
const AMOUNT: u64 = 1_000;

/// A batcher on each side, allowed to spend the load account's tokens.
pub(crate) struct Load {
    batchers: PerSide<Address>,
    traffic: Traffic,
    next: u64,
}

impl Load {
    pub(crate) async fn prepare(world: &World) -> eyre::Result<Self> {
        let mut batchers = PerSide::default();
        for (side, chain) in world.chains.iter() {
            let mut deploy = TransactionRequest::default()
                .with_from(test_signer(ACCOUNT).address())
                .with_deploy_code(RequestBatcher::BYTECODE.clone());
            if !world.options.has_fees(side) {
                deploy.set_gas_price(0);
            }
            let sent = chain.provider.send_transaction(deploy).await?;
            let created = sent.get_receipt().await?.contract_address;
            batchers[side] = created.ok_or_else(|| eyre!("no batcher"))?;
        }
        let mut traffic = Traffic::prepare(world, ACCOUNT).await?;
        for (side, spender) in batchers.iter() {
            let approve = TestToken::approveCall { spender: *spender, value: U256::MAX };
            let token = world.chains[side].token.home;
            let sent = traffic.call(world, side, token, approve.abi_encode(), U256::ZERO).await?;
            confirm(world, side, sent).await?;
        }
        Ok(Self { batchers, traffic, next: 1 })
    }

    /// `n` requests to addresses that nobody used before. The transaction.
    pub(crate) async fn fresh(&mut self, world: &World, side: Side, n: u64) -> eyre::Result<B256> {
        let first = self.next;
        self.next += n;
        self.to(world, side, first, n).await
    }

    /// `n` requests to the addresses that count up from recipient number `first`.
    pub(crate) async fn to(
        &mut self,
        world: &World,
        side: Side,
        first: u64,
        n: u64,
    ) -> eyre::Result<B256> {
        let mut recipient = [0_u8; 20];
        recipient[0] = 0x7e;
        recipient[1] = u8::from(side == Side::Service);
        recipient[12..].copy_from_slice(&(first + (1 << 40)).to_be_bytes());
        let chain = &world.chains[side];
        let call = RequestBatcher::manyFreshCall {
            vault: chain.vault,
            token: chain.token.home,
            firstRecipient: Address::from(recipient),
            n: U256::from(n),
            amount: U256::from(AMOUNT),
        };
        let gas = 200_000 + n * REQUEST_GAS;
        let batcher = self.batchers[side];
        self.traffic
            .call_with_gas(world, side, batcher, call.abi_encode(), U256::ZERO, gas)
            .await
            .wrap_err("asking for many")
    }
}
