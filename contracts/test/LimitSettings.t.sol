// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IVault} from "../src/interfaces/IVault.sol";
import {Direction, Limits, ParkReason, Request, TokenConfig} from "../src/types/Types.sol";
import {PairTest} from "./support/PairTest.sol";
import {vm} from "./support/Vm.sol";

/// @title How limits may change: the guardian only tightens, and nobody gains a fresh bucket
contract LimitSettingsTest is PairTest {
    function setUp() public override {
        super.setUp();
        _limit(mainVault, address(gold), Direction.Incoming, _middling());
        _limit(mainVault, address(gold), Direction.Outgoing, _middlingOutgoing());
    }

    // ---- the guardian -----------------------------------------------------------------------------------------

    function test_the_guardian_tightens_each_field() public {
        for (uint256 field = 0; field < 7; ++field) {
            Limits memory tighter = _moved(mainVault.limits(address(gold), Direction.Incoming), field, true);
            vm.prank(GUARDIAN);
            mainVault.setLimits(address(gold), Direction.Incoming, tighter);
            _assertLimits(Direction.Incoming, tighter);
        }
    }

    function test_the_guardian_loosens_no_field() public {
        for (uint256 field = 0; field < 7; ++field) {
            Limits memory looser = _moved(_middling(), field, false);
            _refuseGuardian(Direction.Incoming, looser);
            // Nor when all the others get tighter.
            for (uint256 other = 0; other < 7; ++other) {
                if (other != field) looser = _moved(looser, other, true);
            }
            _refuseGuardian(Direction.Incoming, looser);
            _assertLimits(Direction.Incoming, _middling());
            vm.prank(OWNER);
            mainVault.setLimits(address(gold), Direction.Incoming, looser);
            _assertLimits(Direction.Incoming, looser);
            _limit(mainVault, address(gold), Direction.Incoming, _middling());
        }
    }

    function test_the_guardian_tightens_requests_and_loosens_none() public {
        for (uint256 field = 0; field < 7; ++field) {
            // A request cannot wait on its own side: no delay to move.
            if (field == 4) continue;
            _refuseGuardian(Direction.Outgoing, _moved(_middlingOutgoing(), field, false));
            Limits memory tighter = _moved(mainVault.limits(address(gold), Direction.Outgoing), field, true);
            vm.prank(GUARDIAN);
            mainVault.setLimits(address(gold), Direction.Outgoing, tighter);
            _assertLimits(Direction.Outgoing, tighter);
        }
        _assertLimits(Direction.Incoming, _middling());
    }

    /// No limit at all is the loosest of all.
    function test_the_guardian_never_lifts_a_limit_altogether() public {
        _refuseGuardian(Direction.Incoming, _unlimited());
        _limit(mainVault, address(gold), Direction.Incoming, _unlimited());
        Limits memory limits = _middling();
        limits.small = 0;
        vm.prank(GUARDIAN);
        mainVault.setLimits(address(gold), Direction.Incoming, limits);
        _refuseGuardian(Direction.Incoming, _unlimited());
    }

    function testFuzz_what_the_guardian_sets_is_never_looser(uint256 seed) public {
        Limits memory to = _middling();
        for (uint256 field = 0; field < 7; ++field) {
            uint256 way = (seed >> (8 * field)) % 3;
            if (way < 2) to = _moved(to, field, way == 0);
        }
        vm.prank(GUARDIAN);
        try mainVault.setLimits(address(gold), Direction.Incoming, to) {
            Limits memory from = _middling();
            bool tightens = to.min >= from.min && to.max <= from.max && to.capacity <= from.capacity
                && to.period >= from.period && to.delayedFrom <= from.delayedFrom && to.reserved >= from.reserved
                && to.small <= from.small;
            vm.assertTrue(tightens, "looser");
        } catch {
            _assertLimits(Direction.Incoming, _middling());
        }
    }

    // ---- bounds -----------------------------------------------------------------------------------------------

    function test_limits_that_contradict_themselves_are_refused() public {
        Limits memory limits = _middling();
        limits.min = limits.max + 1;
        _refuseOwner(Direction.Incoming, limits, _invalid(limits.max + 1, limits.max));
        limits = _middling();
        limits.period = 0;
        _refuseOwner(Direction.Incoming, limits, _invalid(0, 1));
        limits = _middling();
        limits.reserved = 10_001;
        _refuseOwner(Direction.Incoming, limits, _invalid(10_001, 10_000));
        limits = _middling();
        limits.small = 10_001;
        _refuseOwner(Direction.Incoming, limits, _invalid(10_001, 10_000));
        limits = _middlingOutgoing();
        limits.delayedFrom = 500;
        _refuseOwner(Direction.Outgoing, limits, _invalid(500, NO_LIMIT));
        // What has no room beside "no limit" is no limit by mistake.
        limits = _middling();
        limits.max = type(uint112).max;
        _refuseOwner(Direction.Incoming, limits, _invalid(type(uint112).max, type(uint112).max));
    }

    function test_limits_are_whole_lane_units() public {
        TokenConfig memory config = mainVault.tokenConfig(address(gold));
        config.unitDecimals = 2;
        vm.prank(OWNER);
        mainVault.registerToken(address(gold), config);
        Limits memory limits = _middling();
        (limits.min, limits.max) = (100, 1050);
        _refuseOwner(
            Direction.Incoming, limits, abi.encodeWithSelector(IVault.Vault_AmountIndivisible.selector, 1050, 100)
        );
        limits = Limits(100, 1000, 5000, 1 days, 900, 0, 0);
        _limit(mainVault, address(gold), Direction.Incoming, limits);
        _assertLimits(Direction.Incoming, limits);
        vm.assertEq(mainVault.available(address(gold), Direction.Incoming), 5000);
    }

    // ---- the bucket -------------------------------------------------------------------------------------------

    /// New limits give no fresh bucket: what was spent stays spent, and what flowed in at the old rate stays.
    function test_new_limits_do_not_refill_the_bucket() public {
        _limit(mainVault, address(gold), Direction.Outgoing, _unlimited());
        _deliver(service, _sendGold(BOB, 1000));
        _limit(mainVault, address(gold), Direction.Incoming, _bucket(500, 500));
        _deliver(main, _sendBack(goldThere, BOB, ALICE, 500));
        vm.assertEq(_available(), 0);
        _limit(mainVault, address(gold), Direction.Incoming, _bucket(1000, 1000));
        vm.assertEq(_available(), 0);
        vm.warp(START + 7);
        vm.assertEq(_available(), 7);
        // Seven at the old rate, then ten a second.
        _limit(mainVault, address(gold), Direction.Incoming, _bucket(1000, 100));
        vm.warp(START + 9);
        vm.assertEq(_available(), 27);
        // A smaller bucket spills what it cannot hold, and does not get it back.
        _limit(mainVault, address(gold), Direction.Incoming, _bucket(10, 1000));
        _limit(mainVault, address(gold), Direction.Incoming, _bucket(1000, 1000));
        vm.assertEq(_available(), 10);
        // Nor does registering it anew.
        TokenConfig memory config = mainVault.tokenConfig(address(gold));
        vm.prank(OWNER);
        mainVault.registerToken(address(gold), config);
        vm.assertEq(_available(), 10);
    }

    function test_the_first_limits_start_with_a_full_bucket() public {
        _limit(mainVault, address(gold), Direction.Incoming, _unlimited());
        _limit(mainVault, address(gold), Direction.Incoming, _bucket(500, 500));
        vm.assertEq(_available(), 500);
        // That of a token that begins anew, too.
        TokenConfig memory config = mainVault.tokenConfig(address(gold));
        config.counterpart = BOB;
        vm.prank(OWNER);
        mainVault.registerToken(address(gold), config);
        vm.assertEq(_available(), 0);
        _limit(mainVault, address(gold), Direction.Incoming, _bucket(700, 500));
        vm.assertEq(_available(), 700);
    }

    /// A tightened bucket bites at once, in the handover that comes next.
    function test_what_the_guardian_tightened_bites_at_once() public {
        _deliver(service, _sendGold(BOB, 600));
        vm.prank(GUARDIAN);
        mainVault.setLimits(address(gold), Direction.Incoming, _moved(_middling(), 2, true));
        Request memory request = _sendBack(goldThere, BOB, ALICE, 300);
        _deliver(main, request);
        _assertNotParked(main, request);
        request = _sendBack(goldThere, BOB, ALICE, 300);
        _deliver(main, request);
        _assertParked(main, request, ParkReason.RateLimited);
    }

    // ---- helpers ----------------------------------------------------------------------------------------------

    function _middling() private pure returns (Limits memory) {
        return
            Limits({min: 10, max: 1000, capacity: 1000, period: 1 days, delayedFrom: 800, reserved: 2_000, small: 100});
    }

    function _middlingOutgoing() private pure returns (Limits memory limits) {
        limits = _middling();
        limits.delayedFrom = NO_LIMIT;
    }

    function _bucket(uint256 capacity, uint32 period) private pure returns (Limits memory) {
        return Limits(1, NO_LIMIT, capacity, period, NO_LIMIT, 0, 0);
    }

    /// One field a little tighter, or a little looser.
    function _moved(Limits memory from, uint256 field, bool tighter) private pure returns (Limits memory to) {
        to = abi.decode(abi.encode(from), (Limits));
        if (field == 0) to.min = tighter ? to.min + 1 : to.min - 1;
        if (field == 1) to.max = tighter ? to.max - 1 : to.max + 1;
        if (field == 2) to.capacity = tighter ? to.capacity / 2 : to.capacity + 1;
        if (field == 3) to.period = tighter ? to.period + 1 : to.period - 1;
        if (field == 4) to.delayedFrom = tighter ? to.delayedFrom - 1 : to.delayedFrom + 1;
        if (field == 5) to.reserved = tighter ? to.reserved + 1 : to.reserved - 1;
        if (field == 6) to.small = tighter ? to.small - 1 : to.small + 1;
    }

    function _refuseGuardian(Direction direction, Limits memory limits) private {
        vm.prank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_LimitsLoosened.selector, GUARDIAN));
        mainVault.setLimits(address(gold), direction, limits);
    }

    function _refuseOwner(Direction direction, Limits memory limits, bytes memory data) private {
        vm.prank(OWNER);
        vm.expectRevert(data);
        mainVault.setLimits(address(gold), direction, limits);
    }

    function _invalid(uint256 got, uint256 bound) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IVault.Vault_LimitsInvalid.selector, got, bound);
    }

    function _assertLimits(Direction direction, Limits memory want) private view {
        bytes memory got = abi.encode(mainVault.limits(address(gold), direction));
        vm.assertEq(keccak256(got), keccak256(abi.encode(want)), "limits");
    }

    function _available() private view returns (uint256) {
        return mainVault.available(address(gold), Direction.Incoming);
    }
}
