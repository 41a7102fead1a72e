// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../../src/interfaces/IBridge.sol";

/// @title A bridge as the tests see it: its interface and its owner's
interface IOwnedBridge is IBridge {
    function owner() external view returns (address);
    function transferOwnership(address owner) external;
    function acceptOwnership() external;
    function renounceOwnership() external;
}
