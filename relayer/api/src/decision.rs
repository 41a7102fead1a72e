//! Lanes on the operator's socket, and the decisions of humans about them.

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};

use crate::lane::{Position, Standing};

/// One lane with the decisions of humans about it: an element of `GET /v1/lanes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneDecisions {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: B256,
    /// One word for what it is doing.
    pub is: Standing,
    /// Why, and what to do; empty where all is well.
    pub why: String,
    /// The decisions of humans, oldest first.
    pub decisions: Vec<Decision>,
}

/// `POST /v1/lanes/resume`: resume a lane that abstains after a reorganisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// The lane's name.
    pub lane: String,
    /// The reason, kept with the evidence.
    pub reason: String,
}

/// A human's decision about a lane, with the evidence. The answer to [`Resume`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// When, in milliseconds of Unix time.
    pub at: u64,
    /// Why, in the human's words.
    pub reason: String,
    /// The conflict that the lane abstained for.
    pub conflict: Conflict,
    /// This relayer's attestations of the history that is gone, which bind no longer.
    pub voided: Vec<Attestation>,
}

/// A head that was attested here and is no longer on the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The epoch of the attestation.
    pub epoch: u64,
    /// The highest count attested on the history that is gone.
    pub highest_attested: u64,
    /// The position that was linked before.
    pub linked: Position,
    /// The position that the chain shows instead.
    pub contract: Position,
}

/// A signed checkpoint of the lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// The relayer set that it is signed for.
    pub epoch: u64,
    /// Requests covered.
    pub count: u64,
    /// The lane head after them.
    pub head: B256,
    /// The signer.
    pub signer: Address,
    /// The signature's `r`.
    pub r: B256,
    /// The signature's `s` with the parity on top (EIP-2098).
    pub vs: B256,
}
