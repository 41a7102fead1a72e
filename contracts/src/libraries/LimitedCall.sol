// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Calls to strangers, with a bound on the gas they burn and the data they return
library LimitedCall {
    /// Calls `target` with `gasCap` of gas and copies one word of what it returns, however much that is.
    /// @dev The EVM gives less than `gasCap` when less is left: the caller checks before.
    /// @return success the call did not revert
    /// @return size how much was returned, in bytes
    /// @return word the first word of it; meaningless when `size` is under 32
    function tryCall(address target, uint256 value, uint256 gasCap, bytes memory data)
        internal
        returns (bool success, uint256 size, uint256 word)
    {
        assembly ("memory-safe") {
            success := call(gasCap, target, value, add(data, 0x20), mload(data), 0x00, 0x20)
            size := returndatasize()
            word := mload(0x00)
        }
    }

    /// Calls a token function that returns `true`, or nothing as older tokens do.
    function tryTokenCall(address token, uint256 gasCap, bytes memory data) internal returns (bool) {
        (bool success, uint256 size, uint256 word) = tryCall(token, 0, gasCap, data);
        if (!success) return false;
        if (size == 0) return token.code.length > 0;
        return size >= 32 && word == 1;
    }
}
