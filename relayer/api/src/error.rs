//! Why a question is not answered or an order not followed: the body of every answer that is no success.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::transfer::AsOf;

/// The body of every answer of the API and of the operator's socket that is no success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiError {
    /// The matter, for programs.
    pub code: ErrorCode,
    /// The same, for people.
    pub error: String,
    /// The remedy, where there is one.
    pub remedy: Option<String>,
    /// Up to which block of which chain the relayer has looked, where it says that there is no such transfer.
    pub as_of: Option<AsOf>,
}

/// The matter. A code that was given once keeps its name, its meaning and its HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// 400: the path, the query or the body cannot be read.
    Malformed,
    /// 404: no such path.
    NoSuchPath,
    /// 404: this relayer does not serve that bridge.
    UnknownBridge,
    /// 404: no such request up to the block that `as_of` names.
    UnknownTransfer,
    /// 404: this relayer serves no chain of that name.
    UnknownChain,
    /// 404: none, or more than one, of the relayer's accounts is meant.
    UnknownAccount,
    /// 404: no transaction with that account nonce is kept.
    UnknownTransaction,
    /// 404: no transaction with that account nonce is pending.
    NotPending,
    /// 404: this relayer serves no lane of that name.
    UnknownLane,
    /// 405: the path is not asked in that way.
    NoSuchMethod,
    /// 408: the request took too long to arrive or to be answered.
    TooSlow,
    /// 409: the transaction's fee cannot be raised, or not once more.
    FeeNotRaised,
    /// 409: the lane does not abstain for what it attested.
    NothingToDecide,
    /// 413: the body is too long.
    TooLarge,
    /// 415: the body is not said to be JSON.
    NotJson,
    /// 429: too much at once from one address.
    TooManyRequests,
    /// 500: the relayer's store does not answer.
    StoreFailed,
    /// 503: too much at once from all addresses.
    Busy,
    /// 503: a lane is not read up to where its chains stand.
    Rebuilding,
    /// 503: at least one lane starts, recovers or is halted.
    NotReady,
    /// 503: the signer gives no signature now.
    NotSigned,
    /// 503: the relayer is stopping.
    Stopping,
    /// Another one, of a newer relayer. Never sent.
    #[serde(other)]
    Unknown,
}

impl ErrorCode {
    /// Every code that is sent.
    pub const ALL: [Self; 22] = [
        Self::Malformed,
        Self::NoSuchPath,
        Self::UnknownBridge,
        Self::UnknownTransfer,
        Self::UnknownChain,
        Self::UnknownAccount,
        Self::UnknownTransaction,
        Self::NotPending,
        Self::UnknownLane,
        Self::NoSuchMethod,
        Self::TooSlow,
        Self::FeeNotRaised,
        Self::NothingToDecide,
        Self::TooLarge,
        Self::NotJson,
        Self::TooManyRequests,
        Self::StoreFailed,
        Self::Busy,
        Self::Rebuilding,
        Self::NotReady,
        Self::NotSigned,
        Self::Stopping,
    ];

    /// The HTTP status that it comes with.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::NoSuchPath
            | Self::UnknownBridge
            | Self::UnknownTransfer
            | Self::UnknownChain
            | Self::UnknownAccount
            | Self::UnknownTransaction
            | Self::NotPending
            | Self::UnknownLane => 404,
            Self::NoSuchMethod => 405,
            Self::TooSlow => 408,
            Self::FeeNotRaised | Self::NothingToDecide => 409,
            Self::TooLarge => 413,
            Self::NotJson => 415,
            Self::TooManyRequests => 429,
            Self::StoreFailed | Self::Unknown => 500,
            Self::Busy | Self::Rebuilding | Self::NotReady | Self::NotSigned | Self::Stopping => {
                503
            }
        }
    }

    /// After how many seconds it is worth asking again, the `Retry-After` of the answer; `None` where it is not.
    #[must_use]
    pub const fn retry_after(self) -> Option<u32> {
        match self {
            Self::TooManyRequests | Self::Busy => Some(1),
            Self::Rebuilding | Self::NotReady | Self::NotSigned | Self::Stopping => Some(5),
            Self::Malformed
            | Self::NoSuchPath
            | Self::UnknownBridge
            | Self::UnknownTransfer
            | Self::UnknownChain
            | Self::UnknownAccount
            | Self::UnknownTransaction
            | Self::NotPending
            | Self::UnknownLane
            | Self::NoSuchMethod
            | Self::TooSlow
            | Self::FeeNotRaised
            | Self::NothingToDecide
            | Self::TooLarge
            | Self::NotJson
            | Self::StoreFailed
            | Self::Unknown => None,
        }
    }
}

impl ApiError {
    /// An error without a remedy.
    #[must_use]
    pub fn new(code: ErrorCode, error: impl Into<String>) -> Self {
        Self { code, error: error.into(), remedy: None, as_of: None }
    }

    /// With what to do about it.
    #[must_use]
    pub fn or(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// With the block up to which the relayer has looked.
    #[must_use]
    pub const fn as_of(mut self, as_of: AsOf) -> Self {
        self.as_of = Some(as_of);
        self
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error)?;
        match &self.remedy {
            Some(remedy) => write!(f, ": {remedy}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ApiError {}
