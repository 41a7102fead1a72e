// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title What of a token may pass in one direction: bounds, a token bucket with a reserve, a delay
/// @dev In lane units. `NO_LIMIT` as capacity never changes the bucket. The zero value lets nothing pass.
library TransferLimits {
    /// @dev Three words, packed by hand so that a payout loads each once and stores one.
    ///
    ///              │ 31 … 30 │ 29 … 28  │ 27 ……… 14   │ 13 ……… 0 │
    ///      ────────┼─────────┴──────────┼─────────────┼──────────┤
    ///      bounds  │ period             │ max         │ min      │
    ///      size    │ small   │ reserved │ delayedFrom │ capacity │
    ///      state   │ updatedAt          │ custody     │ level    │
    ///
    ///      period: seconds in which the bucket fills from nothing. level: what it held at `updatedAt` (Unix seconds;
    ///      wraps in 2106, which no difference minds). custody: what the vault holds for the other side, or minted;
    ///      incoming only; here, because a payout changes it with the level.
    struct Flow {
        uint256 bounds;
        uint256 size;
        uint256 state;
    }

    uint112 internal constant NO_LIMIT = type(uint112).max;
    uint64 internal constant NEVER = type(uint64).max;
    uint256 private constant WHOLE = 10_000;
    uint256 private constant MIDDLE = uint256(NO_LIMIT) << 112;

    function low(uint256 word) internal pure returns (uint256) {
        return uint112(word);
    }

    function middle(uint256 word) internal pure returns (uint256) {
        return uint112(word >> 112);
    }

    function high(uint256 word) internal pure returns (uint256) {
        return word >> 224;
    }

    function pack(uint256 low_, uint256 middle_, uint256 high_) internal pure returns (uint256) {
        return low_ | middle_ << 112 | high_ << 224;
    }

    function custody(Flow storage self) internal view returns (uint256) {
        return middle(self.state);
    }

    /// What the bucket holds now.
    /// @dev Nothing here overflows: an amount has 112 bits, a time 32, a share 16.
    function available(Flow memory self) internal view returns (uint256) {
        return _available(self.bounds, self.size, self.state);
    }

    /// The state after `amount` was taken; zero when the bucket has not enough, or only what small transfers may take.
    function taken(uint256 bounds, uint256 size, uint256 state, uint256 amount) internal view returns (uint256) {
        if (low(size) == NO_LIMIT) return state;
        uint256 level = _available(bounds, size, state);
        if (level < _needed(size, amount)) return 0;
        unchecked {
            return (state & MIDDLE) | (level - amount) | block.timestamp << 224;
        }
    }

    /// The first second at which the bucket has room for `amount` if nobody else takes of it; `NEVER` when it never has.
    function earliest(Flow memory self, uint256 amount) internal view returns (uint64) {
        uint256 capacity = low(self.size);
        uint256 needed = _needed(self.size, amount);
        if (needed <= available(self)) return uint64(block.timestamp);
        if (needed > capacity) return NEVER;
        // From when it was written: what flowed in since then may be a part of one unit.
        uint256 waits = Math.ceilDiv((needed - low(self.state)) * high(self.bounds), capacity);
        unchecked {
            uint256 elapsed = uint32(block.timestamp) - uint32(high(self.state));
            return uint64(block.timestamp - elapsed + waits);
        }
    }

    function _available(uint256 bounds, uint256 size, uint256 state) private view returns (uint256 level) {
        uint256 capacity = low(size);
        if (capacity == NO_LIMIT) return NO_LIMIT;
        unchecked {
            uint256 elapsed = uint32(block.timestamp) - uint32(high(state));
            level = low(state) + capacity * elapsed / high(bounds);
        }
        if (level > capacity) level = capacity;
    }

    /// A large transfer leaves the reserve in the bucket.
    function _needed(uint256 size, uint256 amount) private pure returns (uint256) {
        uint256 capacity = low(size);
        unchecked {
            if (capacity == NO_LIMIT || amount <= capacity * (size >> 240) / WHOLE) return amount;
            return amount + capacity * uint16(size >> 224) / WHOLE;
        }
    }
}
