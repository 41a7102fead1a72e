// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title What members sign: "the first `count` requests of this lane hash to `head`"
library Checkpoint {
    bytes32 internal constant TYPEHASH =
        keccak256("Checkpoint(uint256 sourceChainId,address sourceBridge,uint64 epoch,uint64 count,bytes32 head)");

    /// The EIP-712 struct hash. The domain (destination chain and bridge) is the caller's to add.
    function structHash(uint256 sourceChainId, address sourceBridge, uint64 epoch, uint64 count, bytes32 head)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(TYPEHASH, sourceChainId, sourceBridge, epoch, count, head));
    }
}
