// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {BridgeMultiToken} from "../../src/tokens/BridgeMultiToken.sol";
import {BridgeNFT} from "../../src/tokens/BridgeNFT.sol";
import {BridgeToken} from "../../src/tokens/BridgeToken.sol";
import {vm} from "../../test/support/Vm.sol";
import {svm} from "./Svm.sol";

/// @title A bridged token's supply
contract TokenProofs {
    address private constant VAULT = address(0x7A17);
    address private constant HOLDER = address(0x401D);

    BridgeToken private _token;
    uint256 private _cap;

    function setUp() public {
        _cap = svm.createUint256("cap");
        _token = new BridgeToken(VAULT, "Gold", "GLD", 18, _cap);
        uint256 minted = svm.createUint256("minted");
        vm.assume(minted <= _cap);
        vm.prank(VAULT);
        _token.mint(HOLDER, minted);
    }

    /// Nobody but the vault mints, of any kind of token.
    function check_only_the_vault_mints() public {
        address caller = svm.createAddress("caller");
        vm.assume(caller != VAULT);
        address to = svm.createAddress("to");
        uint256[] memory list = new uint256[](1);
        list[0] = svm.createUint256("id");
        uint256 act = svm.createUint(8, "act");
        address target = address(_token);
        bytes memory data = abi.encodeCall(_token.mint, (to, list[0]));
        if (act == 0) {
            target = address(new BridgeNFT(VAULT, "Art", "ART", _cap));
            data = abi.encodeCall(BridgeNFT.mint, (to, list[0], ""));
        } else if (act == 1) {
            target = address(new BridgeMultiToken(VAULT, "", _cap));
            data = abi.encodeCall(BridgeMultiToken.mint, (to, list, list));
        }
        vm.prank(caller);
        (bool done,) = target.call(data);
        assert(!done);
    }

    /// The vault mints what it says and never above the cap.
    function check_the_supply_never_passes_its_cap() public {
        uint256 before = _token.totalSupply();
        uint256 amount = svm.createUint256("amount");
        vm.prank(VAULT);
        _token.mint(svm.createAddress("to"), amount);
        assert(_token.totalSupply() <= _cap);
        assert(_token.totalSupply() - before == amount);
    }

    /// A burn takes what the caller itself holds, and nobody else's. No allowance makes it another's.
    function check_a_burn_takes_the_callers_own() public {
        address caller = svm.createAddress("caller");
        vm.prank(HOLDER);
        _token.approve(caller, svm.createUint256("approved"));
        uint256 held = _token.balanceOf(HOLDER);
        uint256 amount = svm.createUint256("amount");
        vm.prank(caller);
        _token.burn(amount);
        assert(amount == 0 || caller == HOLDER);
        assert(_token.balanceOf(HOLDER) == held - amount && _token.totalSupply() == held - amount);
    }
}
