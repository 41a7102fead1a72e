// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Timelock} from "../../src/Timelock.sol";
import {EveryAssetTest} from "./EveryAsset.sol";
import {IOwned} from "./IOwned.sol";
import {vm} from "./Vm.sol";

/// @title A bridge pair whose contracts a timelock owns, as in production
/// @dev Anyone executes what has waited; the guardian may cancel. One timelock stands for one on each chain.
abstract contract TimelockedTest is EveryAssetTest {
    uint256 internal constant MIN_DELAY = 2 days;
    address internal constant PROPOSER = address(0x9809);

    Timelock internal timelock;

    function setUp() public virtual override {
        super.setUp();
        address[] memory proposers = new address[](1);
        address[] memory executors = new address[](1);
        (proposers[0], executors[0]) = (PROPOSER, address(0));
        timelock = new Timelock(MIN_DELAY, proposers, executors, address(this));
        timelock.grantRole(timelock.CANCELLER_ROLE(), GUARDIAN);
        timelock.renounceRole(timelock.DEFAULT_ADMIN_ROLE(), address(this));
    }

    /// Both steps for every contract: the owner offers, the timelock accepts, after its delay like all it does.
    function _handOverOwnership() internal {
        address[4] memory owned = [address(main), address(mainVault), address(service), address(serviceVault)];
        for (uint256 i = 0; i < owned.length; ++i) {
            vm.prank(OWNER);
            IOwned(owned[i]).transferOwnership(address(timelock));
            _schedule(owned[i], abi.encodeCall(IOwned.acceptOwnership, ()));
        }
        _wait(MIN_DELAY);
        for (uint256 i = 0; i < owned.length; ++i) {
            _execute(owned[i], abi.encodeCall(IOwned.acceptOwnership, ()));
        }
    }

    function _schedule(address target, bytes memory call) internal returns (bytes32 id) {
        vm.prank(PROPOSER);
        timelock.schedule(target, 0, call, 0, 0, MIN_DELAY);
        return _idOf(target, call);
    }

    function _execute(address target, bytes memory call) internal {
        timelock.execute(target, 0, call, 0, 0);
    }

    /// The whole way of one act of the owner's.
    function _enact(address target, bytes memory call) internal {
        _schedule(target, call);
        _wait(MIN_DELAY);
        _execute(target, call);
    }

    function _idOf(address target, bytes memory call) internal view returns (bytes32) {
        return timelock.hashOperation(target, 0, call, 0, 0);
    }

    function _now() internal view returns (uint64) {
        return uint64(vm.getBlockTimestamp());
    }

    function _wait(uint256 time) internal {
        vm.warp(vm.getBlockTimestamp() + time);
    }
}
