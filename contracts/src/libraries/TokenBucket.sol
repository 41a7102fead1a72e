// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title A token bucket: holds `capacity` at most, refills by the second, gives what it holds
/// @dev Capacity `type(uint128).max` is no limit and costs no storage. A capacity of zero gives nothing.
library TokenBucket {
    /// @dev One slot. `level` as of `updatedAt`.
    struct Bucket {
        uint128 level;
        uint64 updatedAt;
    }

    uint128 internal constant UNLIMITED = type(uint128).max;

    /// What the bucket holds now.
    function available(Bucket storage self, uint128 capacity, uint128 refill) internal view returns (uint256) {
        if (capacity == UNLIMITED) return type(uint256).max;
        uint256 inflow = (block.timestamp - self.updatedAt) * refill;
        return Math.min(self.level + inflow, capacity);
    }

    /// Takes `amount` if the bucket holds it; else leaves the bucket as it is.
    function tryTake(Bucket storage self, uint128 capacity, uint128 refill, uint256 amount) internal returns (bool) {
        if (capacity == UNLIMITED) return true;
        uint256 held = available(self, capacity, refill);
        if (held < amount) return false;
        set(self, held - amount);
        return true;
    }

    /// Gives back what was taken for a payout that failed.
    function putBack(Bucket storage self, uint128 capacity, uint128 refill, uint256 amount) internal {
        if (capacity == UNLIMITED) return;
        set(self, Math.min(available(self, capacity, refill) + amount, capacity));
    }

    /// Sets what the bucket holds from now on.
    function set(Bucket storage self, uint256 level) internal {
        // At most a capacity, which is 128 bits wide.
        self.level = uint128(level);
        self.updatedAt = uint64(block.timestamp);
    }
}
