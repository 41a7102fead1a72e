// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LanePosition} from "../types/Types.sol";

/// @title The statements that members and recipients sign, as EIP-712 struct hashes
/// @dev The domain (destination chain and bridge) is the caller's to add.
library Attested {
    bytes32 internal constant CHECKPOINT_TYPEHASH =
        keccak256("Checkpoint(uint256 sourceChainId,address sourceBridge,uint64 epoch,uint64 count,bytes32 head)");
    bytes32 internal constant RECOVERY_TYPEHASH = keccak256(
        "LaneRecovery(uint256 sourceChainId,address sourceBridge,uint64 epoch,uint64 fromCount,bytes32 fromHead,uint64 count,bytes32 head)"
    );
    bytes32 internal constant RELEASE_TYPEHASH =
        keccak256("ReleaseTo(bytes32 requestHash,address to,uint256 deadline)");

    /// "The first `count` requests of this lane hash to `head`."
    function checkpoint(uint256 sourceChainId, address sourceBridge, uint64 epoch, uint64 count, bytes32 head)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(CHECKPOINT_TYPEHASH, sourceChainId, sourceBridge, epoch, count, head));
    }

    /// "The lane, which stands at `from`, goes on from `to`."
    function recovery(
        uint256 sourceChainId,
        address sourceBridge,
        uint64 epoch,
        LanePosition memory from,
        LanePosition memory to
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(RECOVERY_TYPEHASH, sourceChainId, sourceBridge, epoch, from, to));
    }

    /// "Pay my parked handover to `to`, until `deadline`."
    function releaseTo(bytes32 requestHash, address to, uint256 deadline) internal pure returns (bytes32) {
        return keccak256(abi.encode(RELEASE_TYPEHASH, requestHash, to, deadline));
    }
}
