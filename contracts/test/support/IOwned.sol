// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../../src/interfaces/IBridge.sol";
import {IGoverned} from "../../src/interfaces/IGoverned.sol";
import {IVault} from "../../src/interfaces/IVault.sol";

/// @title What the tests see of an owner's contract
interface IOwned is IGoverned {
    function owner() external view returns (address);
    function pendingOwner() external view returns (address);
    function transferOwnership(address owner) external;
    function acceptOwnership() external;
    function renounceOwnership() external;
}

/// @title A bridge as the tests see it
interface IOwnedBridge is IBridge, IOwned {}

/// @title A vault as the tests see it
interface IOwnedVault is IVault, IOwned {}
