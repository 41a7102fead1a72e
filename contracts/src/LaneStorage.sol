// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LanePosition, ParkedHandover} from "./types/Types.sol";

/// @title The lane positions and what is parked, at slots that storage proofs may rely on
/// @dev First in the linearisation of every bridge, so that nothing is ever laid before it.
///
///      slot │ 31 … 24 │ 23 ……… 16     │ 15 …… 8     │ 7 … 0 │
///      ─────┼─────────┼───────────────┼─────────────┼───────┤
///         0 │ 0       │ 0             │ 0           │ count │ outgoing: requests linked here
///         1 │ head                                          │
///         2 │ 0       │ recoveredFrom │ pausedUntil │ count │ incoming: requests handed over or parked here
///         3 │ head                                          │
///         4 │ mapping of what is parked, by request hash    │
abstract contract LaneStorage {
    /// @dev One slot holds all that every delivery reads beside the head.
    struct IncomingLane {
        uint64 count;
        /// Until when value stands still (Unix seconds).
        uint64 pausedUntil;
        /// The furthest count that a recovery left: a request replayed below it may be parked already.
        uint64 recoveredFrom;
        bytes32 head;
    }

    LanePosition internal _outgoing;
    IncomingLane internal _incoming;
    /// By request hash. A zero time is no entry.
    mapping(bytes32 requestHash => ParkedHandover) internal _parked;
}
