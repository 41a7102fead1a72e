//! `sol!` bindings, one module a contract, from `artifacts/*.json`.
//!
//! Enums of the contracts arrive as `u8`; their values are the constants in [`asset_kind`], [`custody`] and
//! [`park_reason`].

#![allow(missing_docs, unreachable_pub, clippy::too_many_arguments)]

use alloy::primitives::{Address, address};
use alloy::sol;

/// The native coin's stand-in address, by ERC-7528.
pub const NATIVE_COIN: Address = address!("0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE");

/// Values of `AssetKind`: what a request moves.
pub mod asset_kind {
    /// Refused everywhere.
    pub const NONE: u8 = 0;
    /// The native coin.
    pub const NATIVE: u8 = 1;
    /// An ERC-20 token.
    pub const ERC20: u8 = 2;
    /// An ERC-721 token.
    pub const ERC721: u8 = 3;
    /// An ERC-1155 token.
    pub const ERC1155: u8 = 4;
}

/// Values of `Custody`: how a side of the pair holds a token.
pub mod custody {
    /// Not registered.
    pub const NONE: u8 = 0;
    /// At home here: requests lock, handovers unlock.
    pub const LOCK: u8 = 1;
    /// At home on the other side: requests burn, handovers mint.
    pub const MINT: u8 = 2;
}

/// Values of `ParkReason`: why a handover was parked instead of paid.
pub mod park_reason {
    /// Not parked.
    pub const NONE: u8 = 0;
    /// Not registered, disabled, or another counterpart.
    pub const TOKEN_UNAVAILABLE: u8 = 1;
    /// The vault holds less than the handover pays.
    pub const LIQUIDITY_SHORT: u8 = 2;
    /// The token's rate limit is spent.
    pub const RATE_LIMITED: u8 = 3;
    /// Large enough to be delayed.
    pub const DELAYED: u8 = 4;
    /// The token or the recipient refused.
    pub const PAYOUT_FAILED: u8 = 5;
    /// Outside what one handover may move.
    pub const OUT_OF_BOUNDS: u8 = 6;
    /// The recipient refused the data.
    pub const DATA_REFUSED: u8 = 7;
}

/// Values of `Direction`: which of a side's two lanes a limit is for.
pub mod direction {
    /// Requests made here.
    pub const OUTGOING: u8 = 0;
    /// Handovers paid here.
    pub const INCOMING: u8 = 1;
}

sol!(
    #[sol(rpc, all_derives)]
    Bridge,
    "artifacts/Bridge.json"
);
sol!(
    #[sol(rpc, all_derives)]
    Vault,
    "artifacts/Vault.json"
);
sol!(
    #[sol(rpc, all_derives)]
    BridgeToken,
    "artifacts/BridgeToken.json"
);
sol!(
    #[sol(rpc, all_derives)]
    BridgeNFT,
    "artifacts/BridgeNFT.json"
);
sol!(
    #[sol(rpc, all_derives)]
    BridgeMultiToken,
    "artifacts/BridgeMultiToken.json"
);
sol!(
    #[sol(rpc, all_derives)]
    Timelock,
    "artifacts/Timelock.json"
);
sol!(
    #[sol(rpc, all_derives)]
    TestNFT,
    "artifacts/TestNFT.json"
);
sol!(
    #[sol(rpc, all_derives)]
    TestMultiToken,
    "artifacts/TestMultiToken.json"
);
sol!(
    #[sol(rpc, all_derives)]
    TestToken,
    "artifacts/TestToken.json"
);
sol!(
    #[sol(rpc, all_derives)]
    RequestBatcher,
    "artifacts/RequestBatcher.json"
);
sol!(
    #[sol(rpc, all_derives)]
    Refuser,
    "artifacts/Refuser.json"
);
sol!(
    #[sol(rpc, all_derives)]
    HandoverLog,
    "artifacts/HandoverLog.json"
);
