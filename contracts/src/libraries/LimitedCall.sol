// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Calls to strangers, which cost no more gas than they are given and return no more than a few words
library LimitedCall {
    /// Calls `target` with `gasCap` of gas. Copies two words of what it returns or reverts with, however much that is,
    /// and says how much it was.
    /// @dev The EVM gives less than `gasCap` when less is left: the caller checks before.
    function tryCall(address target, uint256 value, uint256 gasCap, bytes memory data)
        internal
        returns (bool success, uint256 size, bytes32 first, bytes32 second)
    {
        assembly ("memory-safe") {
            // The scratch space: a shorter answer leaves zeros there.
            mstore(0x00, 0)
            mstore(0x20, 0)
            success := call(gasCap, target, value, add(data, 0x20), mload(data), 0x00, 0x40)
            size := returndatasize()
            first := mload(0x00)
            second := mload(0x20)
        }
    }

    /// Calls a token function that returns `true`, or nothing as older tokens do.
    function tryTokenCall(address token, bytes memory data) internal returns (bool) {
        (bool success, uint256 size, bytes32 first,) = tryCall(token, 0, gasleft(), data);
        if (!success) return false;
        if (size == 0) return token.code.length > 0;
        return size >= 32 && first == bytes32(uint256(1));
    }
}
