//! A value-transfer request, as the source bridge hashed and linked it.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolValue;
use serde::{Deserialize, Serialize};

use crate::ids::{BlockNumber, Nonce};

/// The native coin's address in requests and token tables (ERC-7528).
pub const NATIVE_COIN: Address = Address::new([0xee; 20]);

/// What a request moves. A closed list, with the numbers of `Types.sol`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssetKind {
    /// The chain's own coin.
    Native,
    /// A fungible token (ERC-20).
    Erc20,
}

impl AssetKind {
    /// The number that stands for this kind on chain.
    #[must_use]
    pub const fn as_u8(self) -> u8 {
        match self {
            Self::Native => 1,
            Self::Erc20 => 2,
        }
    }

    /// The kind that `raw` stands for. The zero value and unknown numbers stand for none.
    #[must_use]
    pub const fn from_u8(raw: u8) -> Option<Self> {
        match raw {
            1 => Some(Self::Native),
            2 => Some(Self::Erc20),
            _ => None,
        }
    }
}

/// A value-transfer request: every hashed field of `ValueTransferRequested`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Request {
    /// Position in the lane.
    pub nonce: Nonce,
    /// What moves.
    pub kind: AssetKind,
    /// Who asked, on the source chain.
    pub sender: Address,
    /// Who is paid, on the destination chain.
    pub recipient: Address,
    /// The asset on the source chain; [`NATIVE_COIN`] for the coin.
    pub token: Address,
    /// The asset on the destination chain; [`NATIVE_COIN`] for the coin.
    pub counterpart_token: Address,
    /// In the asset's smallest unit.
    pub amount: U256,
}

impl Request {
    /// `keccak256(abi.encode(REQUEST_TYPEHASH, every field))`, as `Bridge.requestHash` computes it.
    #[must_use]
    pub fn hash(&self) -> B256 {
        let words = (
            request_typehash(),
            U256::from(self.nonce.get()),
            U256::from(self.kind.as_u8()),
            self.sender,
            self.recipient,
            self.token,
            self.counterpart_token,
            self.amount,
        );
        keccak256(words.abi_encode())
    }
}

fn request_typehash() -> B256 {
    static TYPEHASH: std::sync::LazyLock<B256> = std::sync::LazyLock::new(|| {
        keccak256(
            "Request(uint64 nonce,uint8 kind,address sender,address recipient,address token,\
             address counterpartToken,uint256 amount)",
        )
    });
    *TYPEHASH
}

/// A request and where on the source chain it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcedRequest {
    /// What was asked.
    pub request: Request,
    /// The block that holds it.
    pub block: BlockNumber,
    /// The transaction that made it.
    pub transaction: B256,
    /// The lane head that the source bridge emitted with it.
    pub emitted_head: B256,
}
