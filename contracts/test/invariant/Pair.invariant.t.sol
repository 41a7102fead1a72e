// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {BridgeToken} from "../../src/tokens/BridgeToken.sol";
import {LanePosition, ParkedHandover, Request, TokenFigures} from "../../src/types/Types.sol";
import {IOwnedBridge} from "../support/IOwnedBridge.sol";
import {TestToken} from "../support/TestToken.sol";
import {vm} from "../support/Vm.sol";
import {PairHandler} from "./PairHandler.sol";

/// @title The protocol's safety invariants, over random histories of a pair
/// @dev S7 (limits), the order of handovers and the refusal of wrong batches are checked by the handler at each step: a
/// breach reverts there, and a revert fails the campaign.
contract PairInvariants {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    PairHandler private _handler;

    function setUp() external {
        _handler = new PairHandler();
        _handler.setUp();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// Users and relayers act more often than circumstances change.
    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[18] memory acts = [
            PairHandler.lockGold.selector,
            PairHandler.lockCoin.selector,
            PairHandler.burn.selector,
            PairHandler.deliver.selector,
            PairHandler.release.selector,
            PairHandler.sendBack.selector,
            PairHandler.deliverWrong.selector,
            PairHandler.replay.selector,
            PairHandler.passTime.selector,
            PairHandler.setMood.selector,
            PairHandler.setEnabled.selector,
            PairHandler.setLimits.selector,
            PairHandler.pause.selector,
            PairHandler.lockGold.selector,
            PairHandler.lockCoin.selector,
            PairHandler.burn.selector,
            PairHandler.deliver.selector,
            PairHandler.deliver.selector
        ];
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(_handler), new bytes4[](acts.length));
        for (uint256 i = 0; i < acts.length; ++i) {
            targets[0].selectors[i] = acts[i];
        }
    }

    /// S1, S2, S3: every place below a destination's count was handed over once, with the content that was linked.
    function invariant_S1_S2_S3_each_place_once_in_order_as_linked() external view {
        (IOwnedBridge main, IOwnedBridge service) = _handler.pair();
        _eachPlaceOnce(main, service);
        _eachPlaceOnce(service, main);
    }

    function _eachPlaceOnce(IOwnedBridge to, IOwnedBridge from) private view {
        (, LanePosition memory incoming,,) = to.positions();
        (LanePosition memory outgoing,,,) = from.positions();
        Request[] memory linked = _handler.linked(to);
        vm.assertEq(outgoing.count, linked.length, "linked");
        vm.assertEq(outgoing.head, _handler.headAt(to, outgoing.count), "the source's head");
        vm.assertEq(incoming.count, _handler.handed(to), "handed over");
        vm.assertEq(incoming.head, _handler.headAt(to, incoming.count), "the destination's head");
        for (uint64 nonce = 0; nonce < linked.length; ++nonce) {
            PairHandler.Fate memory fate = _handler.fateOf(to, nonce);
            vm.assertEq(fate.paid + fate.parked, nonce < incoming.count ? 1 : 0, "S1: one handover a place");
        }
    }

    /// S4: a parked handover is released xor returned, once, and is in storage until then and no longer.
    function invariant_S4_parked_ends_as_released_xor_returned() external view {
        (IOwnedBridge main, IOwnedBridge service) = _handler.pair();
        _parkedEndsOnce(main);
        _parkedEndsOnce(service);
    }

    function _parkedEndsOnce(IOwnedBridge to) private view {
        uint64 count = _handler.handed(to);
        uint256[2] memory owed;
        Request[] memory linked = _handler.linked(to);
        address[2] memory tokens = _handler.tokensOf(to);
        for (uint64 nonce = 0; nonce < count; ++nonce) {
            PairHandler.Fate memory fate = _handler.fateOf(to, nonce);
            vm.assertLe(fate.released + fate.returned, fate.parked, "S4: ended once, and only if parked");
            bool open = fate.parked == 1 && fate.released + fate.returned == 0;
            vm.assertTrue(open == (to.parkedHandover(nonce).requestHash != 0), "S4: in storage while open");
            if (open) owed[linked[nonce].counterpartToken == tokens[0] ? 0 : 1] += linked[nonce].amount;
        }
        vm.assertEq(to.tokenFigures(tokens[0]).parked, owed[0], "owed of gold");
        vm.assertEq(to.tokenFigures(tokens[1]).parked, owed[1], "owed of coin");
    }

    /// S5: locked = minted + in flight + parked, for each asset; and the bridge holds what its figures say.
    function invariant_S5_conservation() external view {
        (IOwnedBridge main, IOwnedBridge service) = _handler.pair();
        address[2] memory home = _handler.tokensOf(main);
        address[2] memory away = _handler.tokensOf(service);
        for (uint256 asset = 0; asset < 2; ++asset) {
            TokenFigures memory locked = main.tokenFigures(home[asset]);
            TokenFigures memory minted = service.tokenFigures(away[asset]);
            uint256 flying = _inFlight(main, home[asset]) + _inFlight(service, away[asset]);
            vm.assertEq(locked.custody, minted.custody + flying + locked.parked + minted.parked, "S5: conservation");
            vm.assertEq(BridgeToken(away[asset]).totalSupply(), minted.custody, "supply is what was minted");
        }
        vm.assertEq(TestToken(home[0]).balanceOf(address(main)), main.tokenFigures(home[0]).custody, "gold held");
        vm.assertEq(address(main).balance, main.tokenFigures(home[1]).custody, "coin held");
    }

    function _inFlight(IOwnedBridge to, address token) private view returns (uint256 sum) {
        Request[] memory linked = _handler.linked(to);
        for (uint256 nonce = _handler.handed(to); nonce < linked.length; ++nonce) {
            if (linked[nonce].counterpartToken == token) sum += linked[nonce].amount;
        }
    }

    /// The campaign does reach what it claims to check.
    function test_a_campaign_reaches_every_end() external {
        _handler.lockCoin(1, 1e20);
        _handler.lockGold(2, 1e20);
        _handler.deliver(1, 0, 1);
        _handler.deliver(1, 0, 0);
        _handler.burn(1, 1, 2, 5e18);
        _handler.burn(1, 1, 2, 5e18);
        _handler.setMood(1);
        _handler.deliver(0, 0, 0);
        _handler.deliver(0, 0, 0);
        _handler.release(0, 0);
        _handler.sendBack(0, 0, true);
        _handler.setMood(0);
        _handler.release(0, 0);
        _handler.release(0, 1);
        for (uint256 fault = 0; fault < 8; ++fault) {
            _handler.deliverWrong(1, 0, fault, fault);
        }
        _handler.replay(0, 0);
        _handler.deliver(1, 0, 0);
        vm.assertGe(_handler.done("deliver"), 4, "deliveries");
        vm.assertGe(_handler.done("return"), 1, "returns");
        vm.assertGe(_handler.done("release"), 1, "releases");
        vm.assertGe(_handler.done("refused"), 10, "refusals");
    }
}
