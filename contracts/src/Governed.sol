// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IGoverned} from "./interfaces/IGoverned.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";

/// @title The two roles of every contract here: an owner who loosens, slowly, and a guardian who tightens, at once
/// @dev The owner is meant to be a timelock: what it does has waited before it arrives here.
abstract contract Governed is IGoverned, Ownable2Step {
    /// @inheritdoc IGoverned
    address public guardian;

    modifier onlyGuardianOrOwner() {
        if (msg.sender != guardian && msg.sender != owner()) revert Governed_CallerRefused(msg.sender);
        _;
    }

    constructor(address owner_, address guardian_) Ownable(owner_) {
        _setGuardian(guardian_);
    }

    /// @inheritdoc IGoverned
    function setGuardian(address guardian_) external onlyOwner {
        _setGuardian(guardian_);
    }

    /// @dev Ownership moves in two steps and never to nobody.
    function renounceOwnership() public pure override {
        revert Governed_OwnerRequired();
    }

    function _setGuardian(address guardian_) private {
        if (guardian_ == address(0)) revert Governed_AddressZero();
        guardian = guardian_;
        emit GuardianChanged(guardian_);
    }
}
