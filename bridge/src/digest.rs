//! Computes the EIP-712 digest of a checkpoint: the only thing an attestation key ever signs.

use alloy_primitives::{B256, U256, keccak256};
use alloy_sol_types::SolValue;
use serde::{Deserialize, Serialize};

use crate::ids::{Count, Epoch, Lane};
use crate::lane_head::LanePosition;

/// "The first `count` requests of this lane hash to `head`", for one epoch of its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

    /// The EIP-712 digest: domain `{name "Twinspan", version "1", chainId, verifyingContract}` of the
    /// destination bridge, struct `Checkpoint(uint256 sourceChainId,address sourceBridge,uint64
    /// epoch,uint64 count,bytes32 head)`.
    #[must_use]
    pub fn digest(&self) -> B256 {
        let struct_hash = keccak256(
            (
                keccak256(
                    "Checkpoint(uint256 sourceChainId,address sourceBridge,uint64 epoch,uint64 count,bytes32 head)",
                ),
                U256::from(self.lane.source.chain_id.get()),
                self.lane.source.address,
                U256::from(self.epoch.get()),
                U256::from(self.position.count.get()),
                self.position.head,
            )
                .abi_encode(),
        );
        let mut message = [0_u8; 66];
        message[..2].copy_from_slice(b"\x19\x01");
        message[2..34].copy_from_slice(domain_separator(&self.lane).as_slice());
        message[34..].copy_from_slice(struct_hash.as_slice());
        keccak256(message)
    }
}

fn domain_separator(lane: &Lane) -> B256 {
    let typehash = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
    );
    keccak256(
        (
            typehash,
            keccak256("Twinspan"),
            keccak256("1"),
            U256::from(lane.destination.chain_id.get()),
            lane.destination.address,
        )
            .abi_encode(),
    )
}
