//! A lane as a relayer sees it, and one word for it.

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};

use crate::text;

/// One lane of a bridge pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lane {
    /// Its name: `<pair>/<source chain>→<destination chain>`.
    pub name: String,
    /// Its id: its head before any request.
    pub id: B256,
    /// Where requests are made.
    pub source: BridgeAt,
    /// Where they are handed over.
    pub destination: BridgeAt,
    /// Requests in the newest source block, final or not.
    pub requested: u64,
    /// How long the oldest request that is final and not handed over has waited here, in seconds.
    pub pending_seconds: f64,
    /// The latest alarms since the relayer's start, oldest first.
    pub alarms: Vec<String>,
    /// How far it has come; `null` while the relayer starts.
    pub status: Option<LaneStatus>,
    /// Why this relayer attests nothing now.
    pub abstains: Option<Reason>,
    /// The members that attest nothing now, this one included, by their own word.
    pub abstentions: Vec<Abstaining>,
}

/// One bridge contract on one chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeAt {
    /// The chain.
    #[serde(with = "text")]
    pub chain_id: u64,
    /// The contract.
    pub address: Address,
}

/// How far a lane has come on one chain: its first `count` requests hash to `head`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Requests so far.
    pub count: u64,
    /// The lane head after them.
    pub head: B256,
}

/// How far a lane has come on one relayer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneStatus {
    /// Final requests of the source, linked.
    pub linked: Position,
    /// The last final source block read.
    pub linked_block: u64,
    /// The destination in its newest block.
    pub newest: Position,
    /// The destination in its newest final block.
    pub settled: Position,
    /// Requests under a complete certificate.
    pub certified: u64,
    /// The highest checkpoint that this relayer attested.
    pub attested: Option<u64>,
    /// The members that have attested the checkpoint that is due.
    pub waiting_signers: Vec<Address>,
    /// Attestations that make a certificate.
    pub threshold: u8,
    /// Members of the relayer set.
    pub members: Vec<Address>,
    /// The epoch of the relayer set; 0 if it is not known yet.
    pub epoch: u64,
    /// This relayer's turn to submit; 0 is first.
    pub rank: Option<u32>,
    /// The counts between which this relayer's batches are on their way.
    pub submitting: Option<Span>,
    /// Number of those batches.
    pub in_flight: u64,
    /// Attestations posted on chain because peers did not answer.
    pub posted: u64,
    /// Requests held in memory.
    pub window: u64,
    /// Why nothing is signed now.
    #[serde(rename = "abstains")]
    pub hold: Option<Hold>,
}

/// From one count of a lane to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Where it begins.
    pub from: u64,
    /// Where it ends.
    pub to: u64,
}

/// Why a relayer signs nothing, or nothing below a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Hold {
    /// The destination holds a history that is not the source's.
    DestinationDiverged,
    /// Peers are asked what this relayer attested before it lost its store.
    Recovering,
    /// The destination's relayer set is not read yet.
    RelayerSetUnknown,
    /// This relayer's key is not in the destination's relayer set.
    NotAMember,
    /// The destination bridge is paused.
    Paused,
    /// A head attested here is no longer on the source chain.
    Reorganised {
        /// Nothing up to this count is signed.
        up_to: u64,
    },
    /// Another one, of a newer relayer. Never sent.
    #[serde(other)]
    Unknown,
}

/// A member that attests nothing now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abstaining {
    /// Which relayer.
    pub relayer: Address,
    /// Why.
    pub reason: Reason,
    /// Where the destination stood then.
    pub count: u64,
}

/// Why a member attests nothing, in the words that members sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It gets no new blocks of the source chain, or cannot read them.
    SourceStale,
    /// Its endpoints of the source chain contradict each other, or too few answer for its quorum.
    EndpointsDisagree,
    /// The source's logs do not lead to the head that the source's contract holds.
    HeadMismatch,
    /// A head that it attested is no longer on the source chain.
    Reorganised,
    /// The destination holds a history that is not the source's.
    DestinationDiverged,
    /// The destination bridge is paused.
    Paused,
    /// It lost its store and asks its peers what it attested.
    Recovering,
    /// Another one, of a newer relayer. Never sent.
    #[serde(other)]
    Unknown,
}

impl Reason {
    /// Every reason that is sent.
    pub const ALL: [Self; 7] = [
        Self::SourceStale,
        Self::EndpointsDisagree,
        Self::HeadMismatch,
        Self::Reorganised,
        Self::DestinationDiverged,
        Self::Paused,
        Self::Recovering,
    ];

    /// In words.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::SourceStale => "it gets no new blocks of the source chain",
            Self::EndpointsDisagree => {
                "its endpoints of the source chain disagree, or too few answer"
            }
            Self::HeadMismatch => {
                "the logs it is given do not lead to the head on the source chain"
            }
            Self::Reorganised => "what it attested is no longer on the source chain",
            Self::DestinationDiverged => "the destination holds another history than the source",
            Self::Paused => "the destination bridge is paused",
            Self::Recovering => "it lost its store and asks its peers what it attested",
            Self::Unknown => "a reason that this release does not know",
        }
    }
}

/// One word for a lane, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The word.
    pub is: Standing,
    /// Why, and what to do if anything; empty where all is well.
    pub why: String,
}

/// One word for what a lane is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nothing waits.
    Ok,
    /// Requests wait for the submitter's batch.
    Delivering,
    /// Requests wait for attestations.
    Certifying,
    /// The chains are being read.
    Starting,
    /// Peers are asked what this relayer attested.
    Recovering,
    /// This relayer is no member of the relayer set.
    Observing,
    /// The destination bridge is paused.
    Paused,
    /// This relayer attests nothing now.
    Abstaining,
    /// Nothing moves before a human has looked.
    Halted,
    /// Another one, of a newer relayer. Never sent.
    #[serde(other)]
    Unknown,
}

impl Standing {
    /// Every word that is sent.
    pub const ALL: [Self; 9] = [
        Self::Ok,
        Self::Delivering,
        Self::Certifying,
        Self::Starting,
        Self::Recovering,
        Self::Observing,
        Self::Paused,
        Self::Abstaining,
        Self::Halted,
    ];

    /// For people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Delivering => "delivering",
            Self::Certifying => "certifying",
            Self::Starting => "starting",
            Self::Recovering => "recovering",
            Self::Observing => "observing",
            Self::Paused => "paused",
            Self::Abstaining => "abstaining",
            Self::Halted => "halted",
            Self::Unknown => "unknown",
        }
    }

    /// Whether nothing is amiss: the lane works, or is about to.
    #[must_use]
    pub const fn is_well(self) -> bool {
        matches!(self, Self::Ok | Self::Delivering | Self::Certifying | Self::Starting)
    }

    /// Whether the lane works: it is neither read first nor stopped for good.
    #[must_use]
    pub const fn is_ready(self) -> bool {
        !matches!(self, Self::Starting | Self::Recovering | Self::Halted)
    }
}

impl std::fmt::Display for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.label())
    }
}

impl Lane {
    /// One word for people, and what to do if anything.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let says = |is, why: &str| Verdict { is, why: why.to_owned() };
        let Some(status) = &self.status else {
            return says(Standing::Starting, "reading the chains");
        };
        match status.hold {
            Some(Hold::DestinationDiverged) => {
                let why = "the two chains disagree on the lane's history: recover it";
                says(Standing::Halted, why)
            }
            Some(Hold::Recovering) => says(Standing::Recovering, "asking peers what we signed"),
            Some(Hold::RelayerSetUnknown) => {
                says(Standing::Starting, "reading the destination's relayer set")
            }
            Some(Hold::NotAMember) => {
                let why = "our key is not in the relayer set: ask the bridge's owner to add it";
                says(Standing::Observing, why)
            }
            Some(Hold::Paused) => says(Standing::Paused, "the destination bridge is paused"),
            Some(Hold::Reorganised { up_to }) => says(
                Standing::Abstaining,
                &format!("the source chain was reorganised: we sign nothing up to count {up_to}"),
            ),
            Some(Hold::Unknown) => says(Standing::Abstaining, Reason::Unknown.label()),
            None if let Some(reason) = self.abstains => says(Standing::Abstaining, reason.label()),
            None => status.progress(),
        }
    }
}

impl LaneStatus {
    /// One word for a lane on which this relayer signs.
    fn progress(&self) -> Verdict {
        let behind = self.linked.count.saturating_sub(self.newest.count);
        let (is, why) = if behind == 0 {
            (Standing::Ok, String::new())
        } else if self.certified > self.newest.count {
            let why = format!("{behind} requests; waiting for the submitter's batch");
            (Standing::Delivering, why)
        } else {
            let (signed, threshold) = (self.waiting_signers.len(), self.threshold);
            let why = format!("{behind} requests; {signed} of {threshold} attestations");
            (Standing::Certifying, why)
        };
        Verdict { is, why }
    }
}
