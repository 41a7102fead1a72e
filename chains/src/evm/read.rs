//! Reads the state of a bridge contract.

use alloy::primitives::{Address, Bytes};
use alloy::sol_types::SolCall;
use serde_json::json;
use twinspan_bridge::ids::{BlockRef, Count, Epoch};
use twinspan_bridge::observe::BridgeState;
use twinspan_bridge::relayer_set::{RelayerSet, RelayerSetError};
use twinspan_contracts::abi::Bridge;

use super::complete::Incomplete;
use super::decode::LogFault;
use super::position::position;
use super::proof;
use crate::chain::EvmChain;
use crate::config::Truth;
use crate::disposition::Disposition;
use crate::rpc::fault::RpcFault;

/// Why a bridge could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The endpoints gave no usable answer.
    #[error(transparent)]
    Rpc(#[from] RpcFault),
    /// A log that no honest node serves in answer to our question.
    #[error(transparent)]
    Log(#[from] LogFault),
    /// The logs miss something that the contract's state says has happened.
    #[error(transparent)]
    Incomplete(#[from] Incomplete),
    /// The logs of a long run of blocks do not lead to what the contract holds after it.
    #[error(
        "the logs lead to {} requests and {} handovers, the contract holds {} and {}, or other ones: an endpoint \
         leaves logs out, or the history read before was rewritten; one that keeps old states (an archive node) tells",
        outgoing.0, incoming.0, outgoing.1, incoming.1
    )]
    Astray {
        /// Requests by the logs, and by the contract.
        outgoing: (Count, Count),
        /// Handovers by the logs, and by the contract.
        incoming: (Count, Count),
    },
    /// A relayer set outside the contract's bounds.
    #[error(transparent)]
    RelayerSet(#[from] RelayerSetError),
    /// More logs than we hold at a time, in a single block.
    #[error("more than {max} logs in one read")]
    TooManyLogs {
        /// The bound.
        max: usize,
    },
}

impl ReadError {
    /// Whether the node has pruned the state of this (old) block; an archive node keeps it. Some nodes name it no
    /// better than a block that they do not know.
    #[must_use]
    pub const fn is_stateless(&self) -> bool {
        matches!(self, Self::Rpc(RpcFault::StatePruned | RpcFault::UnknownBlock))
    }

    /// The caller's next step.
    #[must_use]
    pub const fn disposition(&self) -> Disposition {
        match self {
            Self::Rpc(fault) => fault.disposition(),
            Self::Log(_) | Self::Incomplete(_) | Self::Astray { .. } => Disposition::Quarantine,
            Self::TooManyLogs { .. } => Disposition::Wait,
            Self::RelayerSet(_) => Disposition::Halt,
        }
    }
}

impl EvmChain {
    /// The bridge's own account of itself after the block `at`: one `eth_call` by block hash (EIP-1898), or a
    /// storage proof where [`Truth::Proof`] is asked for.
    ///
    /// # Errors
    /// [`RpcFault`] if the endpoints do not answer, disagree, or answer something else.
    pub async fn bridge_state(
        &self,
        bridge: Address,
        at: BlockRef,
    ) -> Result<BridgeState, RpcFault> {
        if self.config().truth == Truth::Proof {
            return proof::bridge_state(self, bridge, at).await;
        }
        let positions = view(self, bridge, at, Bridge::positionsCall {}).await?;
        Ok(BridgeState {
            outgoing: position(positions.outgoing.count, positions.outgoing.head)?,
            incoming: position(positions.incoming.count, positions.incoming.head)?,
            epoch: Epoch::new(positions.epoch),
            paused_until: positions.pausedUntil,
        })
    }

    /// The bridge's relayer set in force after the block `at`.
    ///
    /// # Errors
    /// [`ReadError`] if it cannot be read, or is none that our contract would hold.
    pub async fn relayer_set(
        &self,
        bridge: Address,
        at: BlockRef,
    ) -> Result<RelayerSet, ReadError> {
        let set = view(self, bridge, at, Bridge::relayerSetCall {}).await?;
        Ok(RelayerSet::new(Epoch::new(set.epoch), set.threshold, set.members)?)
    }
}

/// Calls a view of the bridge after the block `at`; the quorum answers alike.
pub(crate) async fn view<C: SolCall>(
    chain: &EvmChain,
    bridge: Address,
    at: BlockRef,
    call: C,
) -> Result<C::Return, RpcFault> {
    let call = json!({ "to": bridge, "input": Bytes::from(call.abi_encode()) });
    // By hash, so that the answer cannot be of another fork; canonical, so that it is not of a dead one.
    let block = json!({ "blockHash": at.hash, "requireCanonical": true });
    let output: Bytes = chain.request_agreed("eth_call", (call, block)).await?;
    C::abi_decode_returns_validate(&output)
        .map_err(|_| RpcFault::Malformed(format!("{} of no bridge", C::SIGNATURE)))
}
