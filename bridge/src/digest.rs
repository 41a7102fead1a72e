//! Computes the EIP-712 digests of the protocol: of a checkpoint and of an abstention, which are all that a relayer
//! signs by itself; of a lane's recovery, which its operator asks for; and of a release to another address, which a
//! recipient signs.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolValue;

use crate::abstain::Statement;
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
        preimage(&self.lane, keccak256(fields.abi_encode()))
    }

    /// The EIP-712 digest that a relayer signs.
    #[must_use]
    pub fn digest(&self) -> B256 {
        keccak256(self.preimage())
    }
}

impl Statement {
    /// The bytes that [`digest`](Self::digest) hashes, in the domain of a checkpoint: struct `Abstention(uint256
    /// sourceChainId,address sourceBridge,uint64 epoch,uint64 count,uint8 reason,uint64 time)`.
    #[must_use]
    pub fn preimage(&self) -> [u8; 66] {
        let fields = (
            keccak256(
                "Abstention(uint256 sourceChainId,address sourceBridge,uint64 epoch,uint64 count,uint8 reason,uint64 time)",
            ),
            U256::from(self.lane.source.chain_id.get()),
            self.lane.source.address,
            U256::from(self.epoch.get()),
            U256::from(self.count.get()),
            U256::from(self.reason.code()),
            U256::from(self.time),
        );
        preimage(&self.lane, keccak256(fields.abi_encode()))
    }

    /// The EIP-712 digest that is signed. A checkpoint is of another type: neither can stand for the other.
    #[must_use]
    pub fn digest(&self) -> B256 {
        keccak256(self.preimage())
    }
}

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

/// EIP-712, in the domain of the lane's destination bridge.
fn digest(lane: &Lane, struct_hash: B256) -> B256 {
    keccak256(preimage(lane, struct_hash))
}

fn preimage(lane: &Lane, struct_hash: B256) -> [u8; 66] {
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
