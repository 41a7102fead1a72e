// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Calls to strangers, with a bound on the gas they burn and the data they return
library LimitedCall {
    /// Calls `target` with `gasCap` of gas and copies nothing of what it returns.
    /// @dev The EVM gives less than `gasCap` when less is left: the caller checks before.
    function tryCall(address target, uint256 value, uint256 gasCap, bytes memory data) internal returns (bool success) {
        assembly ("memory-safe") {
            success := call(gasCap, target, value, add(data, 0x20), mload(data), 0x00, 0x00)
        }
    }

    /// Calls a token function that returns `true`, or nothing as older tokens do. Copies one word of what it returns,
    /// however much that is.
    function tryTokenCall(address token, bytes memory data) internal returns (bool) {
        bool success;
        uint256 size;
        uint256 word;
        assembly ("memory-safe") {
            success := call(gas(), token, 0, add(data, 0x20), mload(data), 0x00, 0x20)
            size := returndatasize()
            word := mload(0x00)
        }
        if (!success) return false;
        if (size == 0) return token.code.length > 0;
        return size >= 32 && word == 1;
    }
}
