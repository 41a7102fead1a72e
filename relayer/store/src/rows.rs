//! Lays out values on disk: a type of its own for every row, with the conversions from and to the domain's types.
//!
//! Nothing of `bridge` or `chains` is serialised itself: its types change with the protocol's rules, these only with
//! the [`SCHEMA`](crate::SCHEMA). Numbers are raw here, so that the bytes do not hang on how a newtype is written.
//! The golden file pins the bytes of every variant.

mod attestation;
mod batch;
mod decision;
mod deployment;
mod lane;
mod request;
mod settlement;
mod transaction;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;

pub(crate) use attestation::DiskAttestation;
pub use batch::{BatchRow, CertificateRow};
pub(crate) use batch::{DiskBatch, DiskCertificate};
pub use decision::DecisionRow;
pub(crate) use decision::DiskDecision;
pub use deployment::Deployment;
pub(crate) use deployment::DiskDeployment;
pub use lane::LaneRow;
pub(crate) use lane::{DiskLane, DiskPosition};
pub(crate) use request::{DiskAssetKind, DiskRequest};
pub(crate) use settlement::{DiskFate, DiskResolution, DiskReturn, DiskSettlement};
pub use settlement::{Fate, Resolution, SettlementRow};
pub use transaction::{
    Account, BlockRow, FeesRow, IntentRow, OutcomeRow, SiblingRow, StateRow, TransactionRow,
};

/// A value of a table.
pub(crate) trait Row: Serialize + DeserializeOwned {
    /// The table, for errors.
    const TABLE: &'static str;
}

/// The row's bytes, as `postcard`.
pub(crate) fn encode<R: Row>(row: &R) -> Result<Vec<u8>, StoreError> {
    postcard::to_stdvec(row).map_err(|error| StoreError::row(R::TABLE, error))
}

/// The row of these bytes, all of which it must use.
pub(crate) fn decode<R: Row>(bytes: &[u8]) -> Result<R, StoreError> {
    let (row, rest) =
        postcard::take_from_bytes(bytes).map_err(|error| StoreError::row(R::TABLE, error))?;
    if !rest.is_empty() {
        return Err(StoreError::row(R::TABLE, format!("{} bytes too many", rest.len())));
    }
    Ok(row)
}

/// The schema's number, the one row that every version of the store can read.
#[derive(Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub(crate) struct DiskSchema(pub(crate) u32);

impl Row for DiskSchema {
    const TABLE: &'static str = "meta";
}
