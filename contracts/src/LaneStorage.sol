// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LanePosition} from "./types/Types.sol";

/// @title The lane positions, at slots that storage proofs may rely on
/// @dev First in the linearisation of every bridge, so that nothing is ever laid before it.
///
///      slot │ 31 ……………………………………… 8 │ 7 … 0 │
///      ─────┼─────────────────────┼───────┤
///         0 │ 0                   │ count │ outgoing: requests linked here
///         1 │ head                        │
///         2 │ 0                   │ count │ incoming: requests handed over or parked here
///         3 │ head                        │
abstract contract LaneStorage {
    LanePosition internal _outgoing;
    LanePosition internal _incoming;
}
