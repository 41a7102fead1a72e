//! Checks everything that a relayer must know about a bridge before it starts.

use alloy::primitives::{Address, Bytes};
use twinspan_bridge::ids::{BlockRef, BridgeAt, ChainId};
use twinspan_bridge::observe::BridgeState;
use twinspan_bridge::relayer_set::RelayerSet;
use twinspan_contracts::abi::Bridge;

use super::read::{self, ReadError};
use crate::chain::EvmChain;
use crate::rpc::fault::RpcFault;

/// A bridge as its chain shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preflight {
    /// The bridge asked about.
    pub bridge: BridgeAt,
    /// The other end, by the bridge's own account.
    pub counterpart: BridgeAt,
    /// The relayer set in force for its incoming lane.
    pub relayer_set: RelayerSet,
    /// The newest block, and the bridge's state after it.
    pub at: BlockRef,
    /// See `at`.
    pub state: BridgeState,
}

/// Why there is nothing to start with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PreflightError {
    /// No contract lives at the address.
    #[error("there is no contract at {0}")]
    NoCode(BridgeAt),
    /// The counterpart's chain id is no chain id that we can name.
    #[error("bridge {0} names a counterpart chain id beyond 64 bits")]
    Counterpart(BridgeAt),
    /// The bridge cannot be read, or is none.
    #[error("bridge {bridge}: {source}")]
    Read {
        /// Which bridge.
        bridge: BridgeAt,
        /// Why.
        #[source]
        source: ReadError,
    },
}

impl EvmChain {
    /// Everything that a relayer checks about the bridge before it starts.
    ///
    /// # Errors
    /// [`PreflightError`] if there is no bridge, or it cannot be read.
    pub async fn preflight(&self, address: Address) -> Result<Preflight, PreflightError> {
        let bridge = BridgeAt { chain_id: self.chain_id(), address };
        let refused = |source: ReadError| PreflightError::Read { bridge, source };
        let rpc = |fault: RpcFault| refused(fault.into());

        let at = self.latest_agreed().await.map_err(rpc)?;
        let code: Bytes = self.request("eth_getCode", (address, "latest")).await.map_err(rpc)?;
        if code.is_empty() {
            return Err(PreflightError::NoCode(bridge));
        }
        let chain_id = read::view(self, address, at, Bridge::counterpartChainIdCall {}).await;
        let chain_id = u64::try_from(chain_id.map_err(rpc)?)
            .map_err(|_| PreflightError::Counterpart(bridge))?;
        let counterpart = read::view(self, address, at, Bridge::counterpartBridgeCall {}).await;
        let counterpart =
            BridgeAt { chain_id: ChainId::new(chain_id), address: counterpart.map_err(rpc)? };
        let relayer_set = self.relayer_set(address, at).await.map_err(refused)?;
        let state = self.bridge_state(address, at).await.map_err(rpc)?;
        Ok(Preflight { bridge, counterpart, relayer_set, at, state })
    }
}
