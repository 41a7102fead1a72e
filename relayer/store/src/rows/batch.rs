//! The batch that requests came with on the destination, and the certificate that paid for it.
//!
//! Both belong to many requests: they are stored once, by the count at which they end.

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use twinspan_bridge::ids::{Count, Epoch, Nonce};

use super::Row;

/// Requests that one transaction handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchRow {
    /// The first of them.
    pub first: Nonce,
    /// The lane's count after them.
    pub count: Count,
    /// The lane's head after them.
    pub head: B256,
    /// Who sent it.
    pub submitter: Address,
}

/// The certificate that the destination was shown for a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRow {
    /// The epoch of its relayer set.
    pub epoch: Epoch,
    /// The checkpoint's count: the batch's own, or a later one.
    pub count: Count,
    /// The checkpoint's head.
    pub head: B256,
    /// Who signed it, in the order of the signatures. At most 64, as the contract has members.
    pub signers: Vec<Address>,
}

/// A [`BatchRow`] on disk; lane and count are in the key.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DiskBatch {
    pub(crate) first: u64,
    pub(crate) head: B256,
    pub(crate) submitter: Address,
}

impl Row for DiskBatch {
    const TABLE: &'static str = "batches";
}

/// A [`CertificateRow`] on disk, with the first request that it paid for; lane and end of the batch are in the key.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DiskCertificate {
    pub(crate) first: u64,
    pub(crate) epoch: u64,
    pub(crate) count: u64,
    pub(crate) head: B256,
    pub(crate) signers: Vec<Address>,
}

impl Row for DiskCertificate {
    const TABLE: &'static str = "certificates";
}

impl DiskBatch {
    /// The batch, once its count is known.
    pub(crate) const fn ending_at(self, count: Count) -> BatchRow {
        let Self { first, head, submitter } = self;
        BatchRow { first: Nonce::new(first), count, head, submitter }
    }
}

impl DiskCertificate {
    /// The certificate of the batch that begins with `first`.
    pub(crate) fn new(first: Nonce, certificate: &CertificateRow) -> Self {
        let CertificateRow { epoch, count, head, signers } = certificate;
        Self {
            first: first.get(),
            epoch: epoch.get(),
            count: count.get(),
            head: *head,
            signers: signers.clone(),
        }
    }
}

impl From<DiskCertificate> for CertificateRow {
    fn from(row: DiskCertificate) -> Self {
        let DiskCertificate { epoch, count, head, signers, .. } = row;
        Self { epoch: Epoch::new(epoch), count: Count::new(count), head, signers }
    }
}
