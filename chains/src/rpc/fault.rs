//! Everything that can go wrong between us and a node. No text of the node decides anything.

use alloy::primitives::{B256, Bytes};

use crate::disposition::Disposition;

/// Why a JSON-RPC call has no usable answer. Never shows a URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RpcFault {
    /// No answer within the time allowed.
    #[error("no answer in time")]
    Timeout,
    /// No connection, or it broke. The text is ours, not the node's.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// The node refuses because we ask too much.
    #[error("the node limits our rate")]
    RateLimited,
    /// Too many failures lately: the endpoint is left alone for a while.
    #[error("the endpoint is left alone after repeated failures")]
    BreakerOpen,
    /// The endpoint serves another chain than the one configured.
    #[error("the endpoint serves chain {got}, want {want}")]
    WrongChain {
        /// The chain id it answered.
        got: u64,
        /// The chain id configured.
        want: u64,
    },
    /// The endpoint serves a chain of that id with another first block.
    #[error("the endpoint serves a chain that begins with {got}, want {want}")]
    WrongGenesis {
        /// The hash that it answered.
        got: B256,
        /// The hash configured.
        want: B256,
    },
    /// The node does not have the block: not yet, not any more, or it is not canonical.
    #[error("the node does not have the block")]
    UnknownBlock,
    /// The node has the block and no longer its state: only an archive node keeps that of old blocks.
    #[error("the node no longer has the state of that block: only an archive node has")]
    StatePruned,
    /// The answer would be larger than the node or we allow. A smaller range helps.
    #[error("the answer is too large")]
    TooLarge,
    /// The call was executed and reverted.
    #[error("reverted with {0}")]
    Reverted(Bytes),
    /// The node answered with another error.
    #[error("refused with code {code}: {message}")]
    Refused {
        /// JSON-RPC error code.
        code: i64,
        /// The node's message, at most [`MESSAGE_MAX`] characters. For people only.
        message: String,
    },
    /// The answer is not what the method answers.
    #[error("malformed answer: {0}")]
    Malformed(String),
    /// The answer is not the one that its proof leads to.
    #[error("the proof is of something else: {0}")]
    Unproven(&'static str),
    /// Endpoints answered differently, and no answer has the quorum.
    #[error("endpoints disagree: at most {agreed} of the {want} wanted answered the same")]
    Disagreement {
        /// Endpoints that must agree.
        want: usize,
        /// Size of the largest group that did.
        agreed: usize,
    },
    /// Too few endpoints answered for a quorum.
    #[error("{answered} endpoints answered, want {want}")]
    QuorumUnavailable {
        /// Endpoints that must agree.
        want: usize,
        /// Endpoints that answered.
        answered: usize,
    },
}

/// Longest part of a node's error message that we keep, in characters.
pub const MESSAGE_MAX: usize = 200;

impl RpcFault {
    /// The caller's next step. An endpoint's own layers have acted already upon a false proof, another chain or a
    /// disagreement: the caller only waits.
    #[must_use]
    pub const fn disposition(&self) -> Disposition {
        match self {
            Self::Malformed(_) => Disposition::Quarantine,
            Self::Timeout
            | Self::Unreachable(_)
            | Self::RateLimited
            | Self::BreakerOpen
            | Self::WrongChain { .. }
            | Self::WrongGenesis { .. }
            | Self::UnknownBlock
            | Self::StatePruned
            | Self::TooLarge
            | Self::Reverted(_)
            | Self::Refused { .. }
            | Self::Unproven(_)
            | Self::Disagreement { .. }
            | Self::QuorumUnavailable { .. } => Disposition::Wait,
        }
    }

    /// Whether another endpoint, or the same one a moment later, may well answer.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Timeout
            | Self::Unreachable(_)
            | Self::RateLimited
            | Self::BreakerOpen
            | Self::WrongChain { .. }
            | Self::WrongGenesis { .. }
            | Self::UnknownBlock
            | Self::StatePruned
            | Self::Malformed(_)
            | Self::Unproven(_)
            | Self::QuorumUnavailable { .. } => true,
            Self::TooLarge
            | Self::Reverted(_)
            | Self::Refused { .. }
            | Self::Disagreement { .. } => false,
        }
    }

    /// Whether the fault shows that the endpoint is unwell, rather than that the question is.
    #[must_use]
    pub const fn is_endpoints_own(&self) -> bool {
        match self {
            Self::Timeout
            | Self::Unreachable(_)
            | Self::RateLimited
            | Self::Malformed(_)
            | Self::Unproven(_) => true,
            Self::BreakerOpen
            | Self::WrongChain { .. }
            | Self::WrongGenesis { .. }
            | Self::UnknownBlock
            | Self::StatePruned
            | Self::TooLarge
            | Self::Reverted(_)
            | Self::Refused { .. }
            | Self::Disagreement { .. }
            | Self::QuorumUnavailable { .. } => false,
        }
    }

    /// The fault's name among the closed set of metric labels.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Unreachable(_) => "unreachable",
            Self::RateLimited => "rate_limited",
            Self::BreakerOpen => "breaker_open",
            Self::WrongChain { .. } => "wrong_chain",
            Self::WrongGenesis { .. } => "wrong_genesis",
            Self::UnknownBlock => "unknown_block",
            Self::StatePruned => "state_pruned",
            Self::TooLarge => "too_large",
            Self::Reverted(_) => "reverted",
            Self::Refused { .. } => "refused",
            Self::Malformed(_) => "malformed",
            Self::Unproven(_) => "unproven",
            Self::Disagreement { .. } => "disagreement",
            Self::QuorumUnavailable { .. } => "quorum_unavailable",
        }
    }
}
