//! The protocol's EIP-712 domain, and the digests that operators and recipients sign. Relayers sign checkpoints and
//! abstentions by themselves; operators decide on recoveries, recipients on releases.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolValue;

use crate::ids::{Epoch, Lane};
use crate::lane_head::LanePosition;

/// The digest that members sign to have a lane go on from `to`, where it stands at `from`
/// (`Bridge.recoverLane`).
#[must_use]
pub fn recovery_digest(lane: &Lane, epoch: Epoch, from: LanePosition, to: LanePosition) -> B256 {
    let fields = (
        keccak256(
            "LaneRecovery(uint256 sourceChainId,address sourceBridge,uint64 epoch,uint64 fromCount,\
             bytes32 fromHead,uint64 count,bytes32 head)",
        ),
        U256::from(lane.source.chain_id.get()),
        lane.source.address,
        U256::from(epoch.get()),
        U256::from(from.count.get()),
        from.head,
        U256::from(to.count.get()),
        to.head,
    );
    digest(lane, keccak256(fields.abi_encode()))
}

/// The digest that the recipient of a parked handover of `lane` signs to have it paid to `to`
/// (`Bridge.releaseParkedTo`). `deadline`: Unix time in seconds.
#[must_use]
pub fn release_digest(lane: &Lane, request_hash: B256, to: Address, deadline: U256) -> B256 {
    let typehash = keccak256("ReleaseTo(bytes32 requestHash,address to,uint256 deadline)");
    digest(lane, keccak256((typehash, request_hash, to, deadline).abi_encode()))
}

fn digest(lane: &Lane, struct_hash: B256) -> B256 {
    keccak256(preimage(lane, struct_hash))
}

/// EIP-712's `0x1901 ‖ domain separator ‖ struct hash`, in the domain of the lane's destination bridge.
pub(crate) fn preimage(lane: &Lane, struct_hash: B256) -> [u8; 66] {
    let mut message = [0_u8; 66];
    message[..2].copy_from_slice(b"\x19\x01");
    message[2..34].copy_from_slice(domain_separator(lane).as_slice());
    message[34..].copy_from_slice(struct_hash.as_slice());
    message
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
