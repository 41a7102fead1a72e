//! Cuts the next batch: a contiguous run from the destination's count, under a certificate that may
//! reach beyond it.

use alloy_primitives::B256;

use crate::certify::{Certificate, Collector};
use crate::ids::{Count, Nonce};
use crate::request::Request;

/// Most request hashes that a batch carries between its end and its certificate's count. A handover
/// of their hashes costs about 600 gas each; certificates stand at most 64 requests apart.
pub const TAIL_MAX: u64 = 1_024;

/// A contiguous run of requests with the certificate that covers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The requests handed over, by nonce.
    pub requests: Vec<Request>,
    /// The hashes of the requests between the batch's end and the certificate's count.
    pub tail: Vec<B256>,
    /// The attestations.
    pub certificate: Certificate,
}

impl Batch {
    /// The nonce of the first request.
    ///
    /// # Panics
    /// Never: a batch is not empty.
    #[must_use]
    pub fn first(&self) -> Nonce {
        self.requests.first().expect("a batch is not empty").nonce
    }

    /// The lane's count once the batch is handed over.
    #[must_use]
    pub fn end(&self) -> Count {
        self.first().count_before().plus(self.requests.len() as u64)
    }
}

/// Where the next batch ends and which certificate covers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The lane's count after the batch.
    pub end: Count,
    /// The certificate's count, at or after the end.
    pub certified: Count,
}

/// Cuts the longest run after `delivered` of at most `batch_max` requests that is certified.
///
/// A certificate at the very end is preferred; otherwise the nearest one beyond it, with a tail.
#[must_use]
pub fn cut(collector: &Collector, delivered: Count, batch_max: u64) -> Option<Cut> {
    let limit = delivered.plus(batch_max);
    let beyond = collector.first_certified(limit);
    let within = collector.last_certified_within(delivered, limit);
    match (within, beyond) {
        (Some(end), _) if end == limit => Some(Cut { end, certified: end }),
        (_, Some(certified)) if certified.since(limit) <= TAIL_MAX => {
            Some(Cut { end: limit, certified })
        }
        (Some(end), _) => Some(Cut { end, certified: end }),
        (None, _) => None,
    }
}
