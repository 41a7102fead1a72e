// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LaneAmount} from "../types/Types.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title The limits of a token in one direction: bounds, a token bucket with a reserve, a delay
/// @dev `NO_LIMIT` as capacity never changes the bucket. The zero value lets nothing pass.
library TransferLimits {
    /// @dev Three words, packed by hand so that a payout loads each once and stores one.
    ///
    ///              │ 31 … 30 │ 29 … 28  │ 27 ……… 14   │ 13 ……… 0 │
    ///      ────────┼─────────┴──────────┼─────────────┼──────────┤
    ///      bounds  │ period             │ max         │ min      │
    ///      size    │ small   │ reserved │ delayedFrom │ capacity │
    ///      state   │ updatedAt          │ custody     │ level    │
    ///
    ///      period: seconds in which the bucket fills from nothing. level: its amount at `updatedAt`. That is in Unix
    ///      seconds and wraps in 2106, which no difference minds. custody: the amount that the vault holds for the
    ///      other side, or minted; incoming only. It stands here because a payout changes it with the level.
    struct Flow {
        uint256 bounds;
        uint256 size;
        uint256 state;
    }

    LaneAmount internal constant NO_LIMIT = LaneAmount.wrap(type(uint112).max);
    uint64 internal constant NEVER = type(uint64).max;
    uint256 private constant WHOLE = 10_000;
    uint256 private constant MIDDLE = LaneAmount.unwrap(NO_LIMIT) << 112;

    function low(uint256 word) internal pure returns (LaneAmount) {
        return LaneAmount.wrap(uint112(word));
    }

    function middle(uint256 word) internal pure returns (LaneAmount) {
        return LaneAmount.wrap(uint112(word >> 112));
    }

    function high(uint256 word) internal pure returns (uint256) {
        return word >> 224;
    }

    function pack(LaneAmount low_, LaneAmount middle_, uint256 high_) internal pure returns (uint256) {
        return LaneAmount.unwrap(low_) | LaneAmount.unwrap(middle_) << 112 | high_ << 224;
    }

    function custody(Flow storage self) internal view returns (LaneAmount) {
        return middle(self.state);
    }

    /// The bucket's amount now.
    /// @dev Nothing here overflows: an amount has 112 bits, a time 32, a share 16.
    function available(Flow memory self) internal view returns (LaneAmount) {
        return _available(self.bounds, self.size, self.state);
    }

    /// The state after `amount` was taken; zero when the bucket has not enough, or only what small transfers may take.
    function taken(uint256 bounds, uint256 size, uint256 state, LaneAmount amount) internal view returns (uint256) {
        if (low(size) == NO_LIMIT) return state;
        LaneAmount level = _available(bounds, size, state);
        if (level < _needed(size, amount)) return 0;
        unchecked {
            return (state & MIDDLE) | (LaneAmount.unwrap(level) - LaneAmount.unwrap(amount)) | block.timestamp << 224;
        }
    }

    /// The first second at which the bucket has room for `amount` if nobody else takes of it; `NEVER` when it never has.
    function earliest(Flow memory self, LaneAmount amount) internal view returns (uint64) {
        LaneAmount capacity = low(self.size);
        LaneAmount needed = _needed(self.size, amount);
        if (needed <= available(self)) return uint64(block.timestamp);
        if (needed > capacity) return NEVER;
        // From when it was written: what flowed in since then may be a part of one unit.
        uint256 missing = LaneAmount.unwrap(needed) - LaneAmount.unwrap(low(self.state));
        uint256 waits = Math.ceilDiv(missing * high(self.bounds), LaneAmount.unwrap(capacity));
        unchecked {
            uint256 elapsed = uint32(block.timestamp) - uint32(high(self.state));
            return uint64(block.timestamp - elapsed + waits);
        }
    }

    function _available(uint256 bounds, uint256 size, uint256 state) private view returns (LaneAmount level) {
        LaneAmount capacity = low(size);
        if (capacity == NO_LIMIT) return NO_LIMIT;
        unchecked {
            uint256 elapsed = uint32(block.timestamp) - uint32(high(state));
            uint256 inflow = LaneAmount.unwrap(capacity) * elapsed / high(bounds);
            level = LaneAmount.wrap(LaneAmount.unwrap(low(state)) + inflow);
        }
        if (level > capacity) level = capacity;
    }

    /// A large transfer leaves the reserve in the bucket.
    function _needed(uint256 size, LaneAmount amount) private pure returns (LaneAmount) {
        LaneAmount capacity = low(size);
        if (capacity == NO_LIMIT || amount <= _share(capacity, size >> 240)) return amount;
        unchecked {
            uint256 reserve = LaneAmount.unwrap(_share(capacity, uint16(size >> 224)));
            return LaneAmount.wrap(LaneAmount.unwrap(amount) + reserve);
        }
    }

    function _share(LaneAmount capacity, uint256 share) private pure returns (LaneAmount) {
        unchecked {
            return LaneAmount.wrap(LaneAmount.unwrap(capacity) * share / WHOLE);
        }
    }
}
