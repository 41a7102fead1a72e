//! Links requests into a lane head and proves that a run of them is complete.
//!
//! `head(n+1) = keccak256(head(n) ‖ requestHash(n))`. A node may hide, invent, reorder or alter a request. The run then
//! does not end at the head that the contract itself holds.

use alloy_primitives::{B256, keccak256};

use crate::ids::{Count, Lane};
use crate::request::SourcedRequest;

/// How far a lane has come on one of its two chains: the first `count` requests hash to `head`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LanePosition {
    /// Requests so far.
    pub count: Count,
    /// The lane head after them.
    pub head: B256,
}

impl LanePosition {
    /// The position of a lane without any request.
    #[must_use]
    pub fn start(lane: &Lane) -> Self {
        Self { count: Count::new(0), head: lane.id().0 }
    }

    /// The position after one more request of that hash.
    #[must_use]
    pub fn link(self, request_hash: B256) -> Self {
        Self { count: self.count.plus(1), head: link(self.head, request_hash) }
    }
}

/// The head after a request of that hash.
#[must_use]
pub fn link(head: B256, request_hash: B256) -> B256 {
    let mut pair = [0_u8; 64];
    pair[..32].copy_from_slice(head.as_slice());
    pair[32..].copy_from_slice(request_hash.as_slice());
    keccak256(pair)
}

/// A contiguous run of requests that provably is all there is between two positions.
///
/// Can only be built by [`Linked::check`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    from: LanePosition,
    to: LanePosition,
    requests: Vec<LinkedRequest>,
}

/// A request in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedRequest {
    /// The request and where it was made.
    pub sourced: SourcedRequest,
    /// Its hash.
    pub hash: B256,
    /// The lane after it.
    pub after: LanePosition,
    /// Whether it is the last request of its source block.
    pub ends_block: bool,
}

/// Why a run of requests does not lead from one position to the other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The contract holds fewer requests than were linked before: it is on another history.
    #[error("the source bridge has {want} requests, fewer than the {from} linked before")]
    Regressed {
        /// Linked before.
        from: Count,
        /// The contract's own count.
        want: Count,
    },
    /// The logs miss requests, or hold more than the contract counts.
    #[error("the node served {got} of the {want} requests after nonce {from}")]
    Incomplete {
        /// Linked before.
        from: Count,
        /// Requests that the contract counts after it.
        want: u64,
        /// Requests that were served.
        got: u64,
    },
    /// A request is out of its place.
    #[error("the node served nonce {got} where nonce {want} belongs")]
    OutOfPlace {
        /// The nonce due.
        want: Count,
        /// The nonce served.
        got: u64,
    },
    /// The run hashes to another head than the contract's.
    #[error("the requests served hash to {got}, the source bridge holds {want} at count {count}")]
    HeadMismatch {
        /// Where the heads were compared.
        count: Count,
        /// The contract's own head.
        want: B256,
        /// The head of the requests served.
        got: B256,
    },
}

impl Linked {
    /// Links `requests` forward from `from`, and compares the end with `contract`. That is the source bridge's own
    /// position at the last block that was read.
    ///
    /// # Errors
    /// [`LinkError`] if the run is not exactly what lies between the two positions.
    pub fn check(
        from: LanePosition,
        requests: Vec<SourcedRequest>,
        contract: LanePosition,
    ) -> Result<Self, LinkError> {
        if contract.count < from.count {
            return Err(LinkError::Regressed { from: from.count, want: contract.count });
        }
        let want = contract.count.since(from.count);
        let got = requests.len() as u64;
        if got != want {
            return Err(LinkError::Incomplete { from: from.count, want, got });
        }
        let mut at = from;
        let mut linked: Vec<LinkedRequest> = Vec::with_capacity(requests.len());
        for sourced in requests {
            if sourced.request.nonce != at.count.next_nonce() {
                let got = sourced.request.nonce.get();
                return Err(LinkError::OutOfPlace { want: at.count, got });
            }
            let hash = sourced.request.hash();
            at = at.link(hash);
            if let Some(before) = linked.last_mut() {
                before.ends_block = before.sourced.block != sourced.block;
            }
            // The run ends with its last block.
            linked.push(LinkedRequest { sourced, hash, after: at, ends_block: true });
        }
        if at.head != contract.head {
            return Err(LinkError::HeadMismatch {
                count: at.count,
                want: contract.head,
                got: at.head,
            });
        }
        Ok(Self { from, to: at, requests: linked })
    }

    /// Where the run begins.
    #[must_use]
    pub const fn from(&self) -> LanePosition {
        self.from
    }

    /// Where the run ends: the contract's own position.
    #[must_use]
    pub const fn to(&self) -> LanePosition {
        self.to
    }

    /// Each request in its place.
    #[must_use]
    pub fn requests(&self) -> &[LinkedRequest] {
        &self.requests
    }

    /// The requests, given away.
    #[must_use]
    pub fn into_requests(self) -> Vec<LinkedRequest> {
        self.requests
    }
}
