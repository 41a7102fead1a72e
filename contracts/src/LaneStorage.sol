// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LanePosition} from "./types/Types.sol";

/// @title The lane positions, at slots that storage proofs may rely on
/// @dev First in the linearisation of every bridge, so that nothing is ever laid before it.
///
///      slot │ 31 …… 16 │ 15 …… 8     │ 7 … 0 │
///      ─────┼──────────┼─────────────┼───────┤
///         0 │ 0        │ 0           │ count │ outgoing: requests linked here
///         1 │ head                           │
///         2 │ 0        │ pausedUntil │ count │ incoming: requests handed over or parked here
///         3 │ head                           │
abstract contract LaneStorage {
    /// @dev The pause stands beside the count that every delivery reads.
    struct IncomingLane {
        uint64 count;
        /// Until when value stands still (Unix seconds).
        uint64 pausedUntil;
        bytes32 head;
    }

    LanePosition internal _outgoing;
    IncomingLane internal _incoming;
}
