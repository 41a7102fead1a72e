//! A checkpoint: the statement about a lane that relayers attest.

use alloy_primitives::{B256, U256, keccak256};
use alloy_sol_types::SolValue;

use crate::eip712;
use crate::ids::{Count, Epoch, Lane};
use crate::lane_head::LanePosition;

/// "The first `count` requests of this lane hash to `head`", for one epoch of its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Checkpoint {
    /// The lane.
    pub lane: Lane,
    /// The relayer set that it is attested for.
    pub epoch: Epoch,
    /// The count and the head after it.
    pub position: LanePosition,
}

impl Checkpoint {
    /// Requests that the checkpoint covers.
    #[must_use]
    pub const fn count(&self) -> Count {
        self.position.count
    }

    /// The bytes that [`digest`](Self::digest) hashes: EIP-712's `0x1901 ‖ domain separator ‖ struct hash`, for
    /// signers that hash by themselves. Domain `{name "Twinspan", version "1", chainId, verifyingContract}` of the
    /// destination bridge, struct `Checkpoint(uint256 sourceChainId,address sourceBridge,uint64 epoch,uint64
    /// count,bytes32 head)`.
    #[must_use]
    pub fn preimage(&self) -> [u8; 66] {
        let fields = (
            keccak256(
                "Checkpoint(uint256 sourceChainId,address sourceBridge,uint64 epoch,uint64 count,bytes32 head)",
            ),
            U256::from(self.lane.source.chain_id.get()),
            self.lane.source.address,
            U256::from(self.epoch.get()),
            U256::from(self.position.count.get()),
            self.position.head,
        );
        eip712::preimage(&self.lane, keccak256(fields.abi_encode()))
    }

    /// The EIP-712 digest that a relayer signs.
    #[must_use]
    pub fn digest(&self) -> B256 {
        keccak256(self.preimage())
    }
}
