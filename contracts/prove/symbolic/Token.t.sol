// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {BridgeToken} from "../../src/tokens/BridgeToken.sol";
import {vm} from "../../test/support/Vm.sol";
import {svm} from "./Svm.sol";

/// @title A bridged token's supply
contract TokenProofs {
    address private constant BRIDGE = address(0xB21D6E);
    address private constant HOLDER = address(0x401D);

    BridgeToken private _token;
    uint256 private _cap;

    function setUp() public {
        _cap = svm.createUint256("cap");
        _token = new BridgeToken(BRIDGE, "Gold", "GLD", 18, _cap);
        uint256 minted = svm.createUint256("minted");
        vm.assume(minted <= _cap);
        vm.prank(BRIDGE);
        _token.mint(HOLDER, minted);
    }

    /// Nobody but the bridge changes the supply, by any call.
    function check_only_the_bridge_changes_the_supply() public {
        uint256 before = _token.totalSupply();
        address caller = svm.createAddress("caller");
        vm.assume(caller != BRIDGE);
        // An allowance moves tokens; it burns none.
        vm.prank(HOLDER);
        _token.approve(caller, svm.createUint256("approved"));
        bytes memory data = svm.createCalldata("BridgeToken");
        vm.prank(caller);
        (bool done,) = address(_token).call(data);
        done;
        assert(_token.totalSupply() == before);
    }

    /// The bridge mints what it says and never above the cap.
    function check_the_supply_never_passes_its_cap() public {
        uint256 before = _token.totalSupply();
        uint256 amount = svm.createUint256("amount");
        vm.prank(BRIDGE);
        _token.mint(svm.createAddress("to"), amount);
        assert(_token.totalSupply() <= _cap);
        assert(_token.totalSupply() - before == amount);
    }

    /// The bridge burns what a holder has approved to it and holds, and no more.
    function check_the_bridge_burns_what_is_approved() public {
        uint256 approved = svm.createUint256("approved");
        vm.prank(HOLDER);
        _token.approve(BRIDGE, approved);
        uint256 held = _token.balanceOf(HOLDER);
        uint256 amount = svm.createUint256("amount");
        vm.prank(BRIDGE);
        _token.burn(HOLDER, amount);
        assert(amount <= approved && amount <= held);
        assert(_token.balanceOf(HOLDER) == held - amount && _token.totalSupply() == held - amount);
    }
}
