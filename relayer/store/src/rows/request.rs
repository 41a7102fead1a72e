//! A linked request and where it was made.

use alloy_primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};
use twinspan_bridge::ids::{BlockNumber, BlockStamp, Nonce};
use twinspan_bridge::lane_head::LinkedRequest;
use twinspan_bridge::request::{AssetKind, Request, SourcedRequest};

use super::{DiskPosition, Row};

/// A [`LinkedRequest`] on disk, with what is known of its block. The lane is in the key.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DiskRequest {
    pub(crate) nonce: u64,
    pub(crate) kind: DiskAssetKind,
    pub(crate) sender: Address,
    pub(crate) recipient: Address,
    pub(crate) token: Address,
    pub(crate) counterpart_token: Address,
    pub(crate) amount: U256,
    pub(crate) payload: Bytes,
    pub(crate) block: u64,
    pub(crate) block_hash: Option<B256>,
    pub(crate) block_time: Option<u64>,
    pub(crate) transaction: B256,
    pub(crate) emitted_head: B256,
    pub(crate) hash: B256,
    pub(crate) after: DiskPosition,
    pub(crate) ends_block: bool,
}

impl Row for DiskRequest {
    const TABLE: &'static str = "requests";
}

/// An [`AssetKind`] on disk: its place here is its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DiskAssetKind {
    Native,
    Erc20,
    Erc721,
    Erc1155,
}

impl From<&LinkedRequest> for DiskRequest {
    fn from(linked: &LinkedRequest) -> Self {
        let LinkedRequest { sourced, hash, after, ends_block } = linked;
        let SourcedRequest { request, block, stamp, transaction, emitted_head } = sourced;
        Self {
            nonce: request.nonce.get(),
            kind: request.kind.into(),
            sender: request.sender,
            recipient: request.recipient,
            token: request.token,
            counterpart_token: request.counterpart_token,
            amount: request.amount,
            payload: request.payload.clone(),
            block: block.get(),
            block_hash: stamp.hash,
            block_time: stamp.time,
            transaction: *transaction,
            emitted_head: *emitted_head,
            hash: *hash,
            after: (*after).into(),
            ends_block: *ends_block,
        }
    }
}

impl From<DiskRequest> for LinkedRequest {
    fn from(row: DiskRequest) -> Self {
        let request = Request {
            nonce: Nonce::new(row.nonce),
            kind: row.kind.into(),
            sender: row.sender,
            recipient: row.recipient,
            token: row.token,
            counterpart_token: row.counterpart_token,
            amount: row.amount,
            payload: row.payload,
        };
        let sourced = SourcedRequest {
            request,
            block: BlockNumber::new(row.block),
            stamp: BlockStamp { hash: row.block_hash, time: row.block_time },
            transaction: row.transaction,
            emitted_head: row.emitted_head,
        };
        Self { sourced, hash: row.hash, after: row.after.into(), ends_block: row.ends_block }
    }
}

impl From<AssetKind> for DiskAssetKind {
    fn from(kind: AssetKind) -> Self {
        match kind {
            AssetKind::Native => Self::Native,
            AssetKind::Erc20 => Self::Erc20,
            AssetKind::Erc721 => Self::Erc721,
            AssetKind::Erc1155 => Self::Erc1155,
        }
    }
}

impl From<DiskAssetKind> for AssetKind {
    fn from(kind: DiskAssetKind) -> Self {
        match kind {
            DiskAssetKind::Native => Self::Native,
            DiskAssetKind::Erc20 => Self::Erc20,
            DiskAssetKind::Erc721 => Self::Erc721,
            DiskAssetKind::Erc1155 => Self::Erc1155,
        }
    }
}
