// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IVault} from "../interfaces/IVault.sol";
import {LaneAmount} from "../types/Types.sol";

/// @title The one way from a token's smallest unit to lane units, and the one way back
/// @dev `unitDecimals` is that of the token's `TokenConfig`. It is at most `DECIMALS_MAX`.
library LaneUnits {
    /// So that 112 bits of lane units, times the 120 of a unit, stay below 256.
    uint8 internal constant DECIMALS_MAX = 36;
    /// Of NFTs an item is one lane unit.
    uint8 internal constant ITEMS = 0;

    /// The lane units of a local amount. Reverts when a remainder would be left.
    function toLane(uint256 local, uint8 unitDecimals) internal pure returns (LaneAmount) {
        if (unitDecimals == 0) return LaneAmount.wrap(local);
        uint256 unit = 10 ** unitDecimals;
        if (local % unit != 0) revert IVault.Vault_AmountIndivisible(local, unit);
        return LaneAmount.wrap(local / unit);
    }

    /// The local amount of lane units. Exact for those that `toLane` gave and for those that limits let pass, which
    /// have 112 bits at most. Others may wrap around: ask the limits first.
    function toLocal(LaneAmount amount, uint8 unitDecimals) internal pure returns (uint256) {
        unchecked {
            return unitDecimals == 0 ? LaneAmount.unwrap(amount) : LaneAmount.unwrap(amount) * 10 ** unitDecimals;
        }
    }
}
