//! A value-transfer request, as the source bridge hashed and linked it.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolValue;

use crate::ids::{BlockNumber, BlockStamp, Nonce};

/// The native coin's address in requests and token tables (ERC-7528).
pub const NATIVE_COIN: Address = Address::new([0xee; 20]);

/// The kind of asset that a request moves. A closed list, with the numbers of `Types.sol`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AssetKind {
    /// The chain's own coin.
    Native,
    /// A fungible token (ERC-20).
    Erc20,
    /// A non-fungible token (ERC-721).
    Erc721,
    /// A multi-token (ERC-1155): amounts of one id, or of several.
    Erc1155,
}

impl AssetKind {
    /// The number that stands for this kind on chain.
    #[must_use]
    pub const fn as_u8(self) -> u8 {
        match self {
            Self::Native => 1,
            Self::Erc20 => 2,
            Self::Erc721 => 3,
            Self::Erc1155 => 4,
        }
    }

    /// The kind that `raw` stands for. The zero value and unknown numbers stand for none.
    #[must_use]
    pub const fn from_u8(raw: u8) -> Option<Self> {
        match raw {
            1 => Some(Self::Native),
            2 => Some(Self::Erc20),
            3 => Some(Self::Erc721),
            4 => Some(Self::Erc1155),
            _ => None,
        }
    }
}

/// A value-transfer request: every hashed field of `ValueTransferRequested`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// Position in the lane.
    pub nonce: Nonce,
    /// The kind of asset.
    pub kind: AssetKind,
    /// Who asked, on the source chain.
    pub sender: Address,
    /// Who is paid, on the destination chain.
    pub recipient: Address,
    /// The asset on the source chain; [`NATIVE_COIN`] for the coin.
    pub token: Address,
    /// The asset on the destination chain; [`NATIVE_COIN`] for the coin.
    pub counterpart_token: Address,
    /// In lane units: the asset's smallest unit, unless the two sides have different decimals (see
    /// `TokenConfig.unitDecimals`). For NFTs, the number over all ids.
    pub amount: U256,
    /// NFT ids, token URI, data for the recipient: `abi.encode(Payload)`, or empty. The contracts bound it to some
    /// 2,600 bytes.
    pub payload: Bytes,
}

/// Bytes of payload that count as one more request in a batch. Storing a word costs about half an ordinary handover.
const PAYLOAD_BYTES_A_UNIT: usize = 64;

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
            self.payload_hash(),
        );
        keccak256(words.abi_encode())
    }

    /// The hash of the payload; zero when there is none.
    #[must_use]
    pub fn payload_hash(&self) -> B256 {
        if self.payload.is_empty() { B256::ZERO } else { keccak256(&self.payload) }
    }

    /// The room that it takes in a batch, in ordinary handovers. One at the least.
    #[must_use]
    pub fn weight(&self) -> u64 {
        1 + self.payload.len().div_ceil(PAYLOAD_BYTES_A_UNIT) as u64
    }
}

fn request_typehash() -> B256 {
    static TYPEHASH: std::sync::LazyLock<B256> = std::sync::LazyLock::new(|| {
        keccak256(
            "Request(uint64 nonce,uint8 kind,address sender,address recipient,address token,\
             address counterpartToken,uint256 amount,bytes32 payloadHash)",
        )
    });
    *TYPEHASH
}

/// A request and where on the source chain it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcedRequest {
    /// The request.
    pub request: Request,
    /// The block that holds it.
    pub block: BlockNumber,
    /// That block's hash and time.
    pub stamp: BlockStamp,
    /// The transaction that made it.
    pub transaction: B256,
    /// The lane head that the source bridge emitted with it.
    pub emitted_head: B256,
}
