// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IVault} from "../src/interfaces/IVault.sol";
import {Generation, LaneAmount, ParkReason, Request} from "../src/types/Types.sol";
import {IOwnedBridge, IOwnedVault} from "./support/IOwned.sol";
import {PairTest} from "./support/PairTest.sol";
import {vm} from "./support/Vm.sol";

/// @title Which bridge a vault takes requests for, and which it pays
contract GenerationsTest is PairTest {
    IOwnedBridge private next;

    function setUp() public override {
        super.setUp();
        vm.chainId(MAIN);
        next = _bridgeOf(mainVault);
    }

    function test_a_vault_serves_only_contracts_that_name_it() public {
        _refuseServe(address(0));
        _refuseServe(BOB);
        _refuseServe(address(service));
        // A contract that says nothing of a vault.
        vm.prank(OWNER);
        vm.expectRevert();
        mainVault.serve(address(gold));
        vm.assertEq(mainVault.bridge(), address(main), "unchanged");
    }

    function test_a_bridge_serves_once() public {
        _refuseServe(address(main));
        _serve(next);
        _assertGeneration(address(main), Generation.Draining);
        _assertGeneration(address(next), Generation.Serving);
        vm.assertEq(mainVault.bridge(), address(next), "takes requests");
        _refuseServe(address(main));
        _retire(address(main));
        _assertGeneration(address(main), Generation.Retired);
        _refuseServe(address(main));
    }

    function test_only_a_bridge_that_drains_is_retired() public {
        _refuseRetire(address(main));
        _refuseRetire(address(next));
        _serve(next);
        _refuseRetire(address(next));
        _retire(address(main));
        _refuseRetire(address(main));
    }

    /// A vault that no bridge serves yet takes nothing.
    function test_without_a_bridge_there_are_no_requests() public {
        IOwnedVault fresh = _deployVault(OWNER, GUARDIAN, LARGE_DELAY);
        _register(fresh, address(gold), mainVault.tokenConfig(address(gold)));
        gold.mint(ALICE, 10);
        vm.startPrank(ALICE);
        gold.approve(address(fresh), 10);
        vm.expectRevert(IVault.Vault_NoBridge.selector);
        fresh.requestERC20(address(gold), BOB, 10, 0, "");
        vm.stopPrank();
        vm.assertEq(gold.balanceOf(ALICE), 10);
    }

    /// Whoever is no bridge of the vault's moves nothing, its owner and its own next bridge included.
    function test_only_bridges_of_the_vault_pay() public {
        Request memory request = _sendGold(BOB, 10);
        address[6] memory others = [OWNER, GUARDIAN, MALLORY, address(service), address(next), address(mainVault)];
        for (uint256 i = 0; i < others.length; ++i) {
            _refusePayouts(others[i], request);
        }
        _serve(next);
        _pays(address(main));
        _pays(address(next));
        _retire(address(main));
        _refusePayouts(address(main), request);
        _pays(address(next));
    }

    function test_a_bridge_that_drains_links_no_request_of_the_vaults() public {
        _serve(next);
        _sendGold(ALICE, 10);
        vm.assertEq(_outgoing(main).count, 0);
        vm.assertEq(_outgoing(next).count, 1);
    }

    // ---- helpers ----------------------------------------------------------------------------------------------

    function _bridgeOf(IOwnedVault vault) private returns (IOwnedBridge) {
        return _deployBridge(OWNER, GUARDIAN, address(vault), SERVICE, BOB, members, THRESHOLD, _timing());
    }

    function _serve(IOwnedBridge bridge) private {
        vm.prank(OWNER);
        mainVault.serve(address(bridge));
    }

    function _retire(address bridge) private {
        vm.prank(OWNER);
        mainVault.retire(bridge);
    }

    function _refuseServe(address bridge) private {
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_BridgeInvalid.selector, bridge));
        mainVault.serve(bridge);
    }

    function _refuseRetire(address bridge) private {
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_BridgeInvalid.selector, bridge));
        mainVault.retire(bridge);
    }

    function _refusePayouts(address caller, Request memory request) private {
        bytes memory refused = abi.encodeWithSelector(IVault.Vault_BridgeRefused.selector, caller);
        vm.startPrank(caller);
        vm.expectRevert(refused);
        mainVault.transferOut(address(gold), LaneAmount.wrap(1), ALICE, START, address(goldThere));
        vm.expectRevert(refused);
        mainVault.transferOutWith(request, "", ALICE, START);
        vm.stopPrank();
    }

    function _pays(address bridge) private {
        uint256 before = gold.balanceOf(ALICE);
        vm.prank(bridge);
        (ParkReason reason,) =
            mainVault.transferOut(address(gold), LaneAmount.wrap(1), ALICE, START, address(goldThere));
        vm.assertEq(uint256(reason), uint256(ParkReason.None));
        vm.assertEq(gold.balanceOf(ALICE), before + 1);
    }

    function _assertGeneration(address bridge, Generation want) private view {
        vm.assertEq(uint256(mainVault.generationOf(bridge)), uint256(want), "generation");
    }
}
