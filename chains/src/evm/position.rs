//! Takes a lane's position from a node, if a lane can have come that far.

use alloy::primitives::B256;
use twinspan_bridge::ids::Count;
use twinspan_bridge::lane_head::LanePosition;

use crate::rpc::fault::RpcFault;
use crate::rpc::quantity;

/// The position after `count` requests.
pub(super) fn position(count: u64, head: B256) -> Result<LanePosition, RpcFault> {
    let count = quantity::counted(count)
        .map_err(|fault| RpcFault::Malformed(format!("requests of a lane: {fault}")))?;
    Ok(LanePosition { count: Count::new(count), head })
}
