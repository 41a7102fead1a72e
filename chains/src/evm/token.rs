//! Reads how a token counts: for amounts as people write them.

use alloy::primitives::Address;
use twinspan_bridge::request::{AssetKind, NATIVE_COIN};
use twinspan_contracts::abi::{Bridge, BridgeToken, Vault};

use super::read::view;
use crate::chain::EvmChain;
use crate::rpc::fault::RpcFault;

/// Decimals of a chain's own coin.
const COIN_DECIMALS: u8 = 18;

/// Decimals past this are no honest token's: an amount would not be written out.
const DECIMALS_MAX: u8 = 77;

/// The units of a fungible token on one chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenUnits {
    /// Decimals of its smallest unit.
    pub decimals: u8,
    /// A lane unit is `10^unit_decimals` of its smallest unit.
    pub unit_decimals: u8,
}

impl EvmChain {
    /// The units of `token` beside `bridge`; `None` without decimals: for NFTs, and for tokens that do not tell them.
    ///
    /// # Errors
    /// [`RpcFault`] if the endpoints do not answer.
    pub async fn token_units(
        &self,
        bridge: Address,
        token: Address,
        kind: AssetKind,
    ) -> Result<Option<TokenUnits>, RpcFault> {
        match kind {
            AssetKind::Native | AssetKind::Erc20 => {}
            AssetKind::Erc721 | AssetKind::Erc1155 => return Ok(None),
        }
        let at = self.latest_agreed().await?;
        let vault = view(self, bridge, at, Bridge::vaultCall {}).await?;
        let known = view(self, vault, at, Vault::tokenConfigCall { token }).await?;
        let decimals = match token {
            NATIVE_COIN => COIN_DECIMALS,
            _ => match view(self, token, at, BridgeToken::decimalsCall {}).await {
                Ok(decimals) => decimals,
                Err(RpcFault::Reverted(_) | RpcFault::Malformed(_)) => return Ok(None),
                Err(fault) => return Err(fault),
            },
        };
        let units = TokenUnits { decimals, unit_decimals: known.unitDecimals };
        let is_sane = decimals <= DECIMALS_MAX && units.unit_decimals <= decimals;
        Ok(Some(units).filter(|_| is_sane))
    }
}
