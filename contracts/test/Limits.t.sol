// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../src/interfaces/IBridge.sol";
import {IVault} from "../src/interfaces/IVault.sol";
import {BridgeToken} from "../src/tokens/BridgeToken.sol";
import {AssetKind, Direction, LaneAmount, Limits, ParkReason, Request, TokenConfig} from "../src/types/Types.sol";
import {PairTest} from "./support/PairTest.sol";
import {TestToken} from "./support/TestToken.sol";
import {vm} from "./support/Vm.sol";

/// @title What may pass in each direction, and when (S7)
contract LimitsTest is PairTest {
    uint64 private constant NEVER = type(uint64).max;

    function setUp() public override {
        super.setUp();
        gold.mint(ALICE, 1e30);
        vm.prank(ALICE);
        gold.approve(address(mainVault), 1e30);
        // In Bob's hands on service, to come home.
        _deliver(service, _ask(1000 ether));
        vm.prank(BOB);
        goldThere.approve(address(serviceVault), NO_LIMIT);
    }

    // ---- bounds -----------------------------------------------------------------------------------------------

    function test_a_handover_out_of_bounds_is_parked_until_they_change() public {
        _set(Direction.Incoming, _bounded(10, 20));
        Request memory low = _home(9);
        _deliver(main, low);
        Request memory high = _home(21);
        _deliver(main, high);
        _assertParked(main, low, ParkReason.OutOfBounds);
        _assertParked(main, high, ParkReason.OutOfBounds);
        _deliver(main, _home(10));
        _deliver(main, _home(20));
        vm.assertEq(_got(), 30, "both bounds pass");

        _refuseRelease(high, ParkReason.OutOfBounds, NEVER);
        _set(Direction.Incoming, _bounded(1, 21));
        main.releaseParked(high, "");
        main.releaseParked(low, "");
        vm.assertEq(_got(), 60);
    }

    function test_the_directions_have_limits_of_their_own() public {
        _set(Direction.Outgoing, _rate(100, 1 days));
        _set(Direction.Incoming, _rate(50, 1 days));
        _ask(100);
        _deliver(main, _home(50));
        vm.assertEq(mainVault.available(address(gold), Direction.Outgoing), 0);
        vm.assertEq(mainVault.available(address(gold), Direction.Incoming), 0);
        vm.warp(START + 1 days / 2);
        vm.assertEq(mainVault.available(address(gold), Direction.Outgoing), 50);
        vm.assertEq(mainVault.available(address(gold), Direction.Incoming), 25);
        vm.assertEq(
            keccak256(abi.encode(mainVault.limits(address(gold), Direction.Outgoing))),
            keccak256(abi.encode(_rate(100, 1 days))),
            "read back as set"
        );
    }

    function test_nothing_passes_before_limits_are_set() public {
        TestToken lead = new TestToken("Lead", "PB", 18);
        TokenConfig memory config = mainVault.tokenConfig(address(gold));
        vm.prank(OWNER);
        mainVault.registerToken(address(lead), config);
        vm.assertEq(mainVault.available(address(lead), Direction.Outgoing), 0);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_AmountAboveMax.selector, 1, 0));
        mainVault.requestERC20(address(lead), BOB, 1, 0, "");
        (ParkReason reason,) = mainVault.wouldPass(address(lead), LaneAmount.wrap(1), START);
        vm.assertEq(uint256(reason), uint256(ParkReason.OutOfBounds));
    }

    // ---- rate -------------------------------------------------------------------------------------------------

    function test_a_request_above_the_rate_is_refused_with_its_time() public {
        _set(Direction.Outgoing, _rate(100, 1000));
        _ask(70);
        _refuseAsk(40, 30, START + 100);
        _refuseAsk(101, 30, NEVER);
        vm.warp(START + 99);
        _refuseAsk(40, 39, START + 100);
        vm.warp(START + 100);
        _ask(40);
        vm.assertEq(mainVault.available(address(gold), Direction.Outgoing), 0);
    }

    function test_the_bucket_fills_by_the_second_and_no_further() public {
        _set(Direction.Outgoing, _rate(1000, 100));
        _ask(1000);
        for (uint256 i = 1; i <= 100; ++i) {
            vm.warp(START + i);
            vm.assertEq(mainVault.available(address(gold), Direction.Outgoing), 10 * i);
        }
        vm.warp(START + 365 days);
        vm.assertEq(mainVault.available(address(gold), Direction.Outgoing), 1000);
    }

    function test_no_limit_never_runs_dry() public {
        uint256 most = type(uint112).max;
        vm.assertEq(mainVault.available(address(gold), Direction.Outgoing), NO_LIMIT);
        gold.mint(ALICE, most);
        vm.prank(ALICE);
        gold.approve(address(mainVault), NO_LIMIT);
        _ask(most - 1000 ether);
        vm.assertEq(mainVault.available(address(gold), Direction.Outgoing), NO_LIMIT);
        vm.assertEq(mainVault.quote(address(gold), most).earliest, START);
    }

    /// Nothing of what the bucket held under a limit bounds what passes without one, nor later under another.
    function test_a_limit_that_is_lifted_leaves_nothing_behind() public {
        _set(Direction.Outgoing, _rate(100, 1 days));
        _ask(100);
        _set(Direction.Outgoing, _unlimited());
        vm.assertEq(mainVault.available(address(gold), Direction.Outgoing), NO_LIMIT);
        vm.assertEq(mainVault.quote(address(gold), 1000).earliest, START, "at once");
        _ask(1000);
        _set(Direction.Outgoing, _rate(70, 1 days));
        vm.assertEq(mainVault.available(address(gold), Direction.Outgoing), 70, "full");
    }

    function test_what_a_full_bucket_holds_passes_now() public {
        _set(Direction.Outgoing, _rate(100, 1 days));
        vm.warp(START + 30 days);
        vm.assertEq(mainVault.quote(address(gold), 100).earliest, START + 30 days, "not in the past");
    }

    function test_a_bucket_of_no_capacity_passes_nothing() public {
        _set(Direction.Outgoing, _rate(0, 1 days));
        _set(Direction.Incoming, _rate(0, 1 days));
        vm.warp(START + 365 days);
        _refuseAsk(1, 0, NEVER);
        Request memory request = _home(1);
        _deliver(main, request);
        _assertParked(main, request, ParkReason.RateLimited);
        _refuseRelease(request, ParkReason.RateLimited, NEVER);
    }

    function testFuzz_changed_limits_give_no_fresh_bucket(uint96 spent, uint96 capacity, uint32 wait) public {
        uint256 first = 100 ether;
        _set(Direction.Outgoing, _rate(first, 1 days));
        uint256 out = _bound(spent, 1, first);
        _ask(out);
        vm.warp(START + _bound(wait, 0, 2 days));
        uint256 before = mainVault.available(address(gold), Direction.Outgoing);
        uint256 to = _bound(capacity, 0, 1000 ether);
        _set(Direction.Outgoing, _rate(to, 1 days));
        uint256 after_ = mainVault.available(address(gold), Direction.Outgoing);
        vm.assertEq(after_, before < to ? before : to, "no more than there was");
    }

    // ---- reserve ----------------------------------------------------------------------------------------------

    function test_small_transfers_pass_while_large_ones_wait() public {
        Limits memory limits = _rate(1000, 1000);
        // A quarter of the bucket is kept for transfers of up to a hundredth of it.
        (limits.reserved, limits.small) = (2_500, 100);
        _set(Direction.Outgoing, limits);
        _set(Direction.Incoming, limits);
        _ask(700);
        _refuseAsk(51, 300, START + 1);
        _ask(50);
        _refuseAsk(11, 250, START + 11);
        for (uint256 i = 0; i < 25; ++i) {
            _ask(10);
        }
        _refuseAsk(1, 0, START + 1);

        Request memory large = _home(751);
        _deliver(main, large);
        _assertParked(main, large, ParkReason.RateLimited);
        _deliver(main, _home(750));
        Request memory next = _home(11);
        _deliver(main, next);
        _assertParked(main, next, ParkReason.RateLimited);
        _deliver(main, _home(10));
        vm.assertEq(_got(), 760);
        // What is larger than all that large ones may ever take waits for other limits.
        _refuseRelease(large, ParkReason.RateLimited, NEVER);
    }

    // ---- delay ------------------------------------------------------------------------------------------------

    function test_from_an_amount_on_a_handover_waits() public {
        Limits memory limits = _unlimited();
        limits.delayedFrom = 100;
        _set(Direction.Incoming, limits);
        _deliver(main, _home(99));
        Request memory large = _home(100);
        _deliver(main, large);
        _assertParked(main, large, ParkReason.Delayed);
        _refuseRelease(large, ParkReason.Delayed, START + LARGE_DELAY);
        vm.warp(START + LARGE_DELAY - 1);
        _refuseRelease(large, ParkReason.Delayed, START + LARGE_DELAY);
        vm.warp(START + LARGE_DELAY);
        main.releaseParked(large, "");
        vm.assertEq(_got(), 199);
    }

    /// What is told beforehand of a handover that the vault cannot pay, and of one that it just can.
    function test_wouldPass_tells_what_is_there() public {
        (ParkReason reason, uint64 earliest) = mainVault.wouldPass(address(gold), LaneAmount.wrap(1000 ether), START);
        vm.assertEq(uint8(reason), uint8(ParkReason.None), "all of it");
        (reason, earliest) = mainVault.wouldPass(address(gold), LaneAmount.wrap(1000 ether + 1), START);
        vm.assertEq(uint8(reason), uint8(ParkReason.LiquidityShort), "more than there is");
        vm.assertEq(earliest, 0, "no matter of time");
        vm.prank(GUARDIAN);
        mainVault.setTokenEnabled(address(gold), false);
        (reason, earliest) = mainVault.wouldPass(address(gold), LaneAmount.wrap(1), START);
        vm.assertEq(uint8(reason), uint8(ParkReason.TokenUnavailable), "disabled");
        vm.assertEq(earliest, 0, "no matter of time");
    }

    /// Whatever else keeps it back: a large one goes neither way before its time, and can be held.
    function test_no_other_setting_shortens_the_delay() public {
        Limits memory limits = _unlimited();
        limits.delayedFrom = 100;
        _set(Direction.Incoming, limits);
        Request memory large = _home(100);
        _deliver(main, large);
        bytes32 hash = main.requestHash(large);
        bytes memory tooEarly = abi.encodeWithSelector(IBridge.Bridge_TooEarly.selector, START, START + LARGE_DELAY);
        limits.max = 50;
        vm.prank(GUARDIAN);
        mainVault.setLimits(address(gold), Direction.Incoming, limits);
        _refuseReturn(large, tooEarly);
        vm.prank(GUARDIAN);
        mainVault.setTokenEnabled(address(gold), false);
        _refuseReturn(large, tooEarly);
        vm.prank(GUARDIAN);
        main.holdParked(large);
        vm.warp(START + 10 days);
        _refuseReturn(large, abi.encodeWithSelector(IBridge.Bridge_HandoverHeld.selector, hash));
        vm.prank(OWNER);
        main.freeParked(hash);
        main.returnParked(large, "");
    }

    function _refuseReturn(Request memory large, bytes memory data) private {
        _at(main);
        vm.prank(large.recipient);
        vm.expectRevert(data);
        main.returnParked(large, "");
    }

    // ---- the minted token's own cap -----------------------------------------------------------------------------

    /// Even with no limit in the vault, the token refuses past its cap, to the unit.
    function test_a_minted_token_has_the_last_word() public {
        TestToken lead = new TestToken("Lead", "PB", 18);
        BridgeToken there = new BridgeToken(address(serviceVault), "Lead", "PB", 18, 100);
        _pair(address(lead), AssetKind.ERC20, address(there), AssetKind.ERC20);
        lead.mint(ALICE, 200);
        vm.startPrank(ALICE);
        lead.approve(address(mainVault), 200);
        _at(main);
        mainVault.requestERC20(address(lead), BOB, 100, 0, "");
        mainVault.requestERC20(address(lead), BOB, 1, 0, "");
        vm.stopPrank();
        Request memory full =
            Request(1, AssetKind.ERC20, ALICE, BOB, address(lead), address(there), LaneAmount.wrap(100), 0);
        Request memory over =
            Request(2, AssetKind.ERC20, ALICE, BOB, address(lead), address(there), LaneAmount.wrap(1), 0);
        _deliver(service, full);
        _deliver(service, over);
        _assertParked(service, over, ParkReason.PayoutFailed);
        vm.assertEq(there.totalSupply(), 100);
        // Room is made where some go home.
        vm.startPrank(BOB);
        there.approve(address(serviceVault), 1);
        serviceVault.requestERC20(address(there), ALICE, 1, 0, "");
        service.releaseParked(over, "");
        vm.stopPrank();
        vm.assertEq(there.totalSupply(), 100);
    }

    // ---- what is foretold happens -----------------------------------------------------------------------------

    /// A request passes at `earliest`, and not one second before.
    function testFuzz_quote_foretells_requests(
        uint96 capacity,
        uint32 period,
        uint96 spent,
        uint32 wait,
        uint96 amount,
        uint16 reserved,
        uint16 small
    ) public {
        Limits memory limits = _anyRate(capacity, period, reserved, small);
        _set(Direction.Outgoing, limits);
        uint256 out = _bound(spent, 1, limits.capacity);
        _tryAsk(out);
        vm.warp(START + _bound(wait, 0, limits.period));
        uint256 asked = _bound(amount, 1, limits.capacity);
        uint64 earliest = mainVault.quote(address(gold), asked).earliest;
        if (earliest == NEVER) {
            vm.warp(vm.getBlockTimestamp() + 2 * uint256(limits.period));
            vm.assertTrue(!_tryAsk(asked), "never");
            return;
        }
        if (earliest > vm.getBlockTimestamp()) {
            vm.warp(earliest - 1);
            vm.assertTrue(!_tryAsk(asked), "not one second before");
            vm.assertEq(mainVault.quote(address(gold), asked).earliest, earliest, "the same when asked again");
            vm.warp(earliest);
        }
        vm.assertTrue(_tryAsk(asked), "at the time");
    }

    /// A handover passes at `earliest`, and not one second before.
    function testFuzz_wouldPass_foretells_handovers(
        uint96 capacity,
        uint32 period,
        uint96 spent,
        uint96 amount,
        uint96 delayedFrom,
        uint16 reserved,
        uint16 small
    ) public {
        Limits memory limits = _anyRate(capacity, period, reserved, small);
        limits.delayedFrom = _bound(delayedFrom, 1, 2 * limits.capacity);
        _set(Direction.Incoming, limits);
        _deliver(main, _home(_bound(spent, 1, limits.capacity)));
        Request memory request = _home(_bound(amount, 1, limits.capacity));
        (ParkReason reason, uint64 earliest) = mainVault.wouldPass(address(gold), request.amount, START);
        uint256 before = _got();
        _deliver(main, request);
        if (reason == ParkReason.None) {
            return vm.assertEq(_got() - before, LaneAmount.unwrap(request.amount), "passes");
        }
        _assertParked(main, request, reason);
        // A delay may hide that the rate is spent, so there can be a second wait.
        for (uint256 i = 0; i < 2 && reason != ParkReason.None; ++i) {
            if (earliest == NEVER) {
                vm.warp(vm.getBlockTimestamp() + 2 * uint256(limits.period));
                return _refuseRelease(request, ParkReason.RateLimited, NEVER);
            }
            vm.warp(earliest - 1);
            _refuseRelease(request, reason, earliest);
            vm.warp(earliest);
            (reason, earliest) = mainVault.wouldPass(address(gold), request.amount, START);
        }
        vm.assertEq(uint256(reason), uint256(ParkReason.None), "passes in the end");
        main.releaseParked(request, "");
        vm.assertEq(_got() - before, LaneAmount.unwrap(request.amount), "paid");
    }

    function test_a_quote_refuses_as_the_request_does() public {
        _set(Direction.Outgoing, _bounded(10, 20));
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_AmountBelowMin.selector, 9, 10));
        mainVault.quote(address(gold), 9);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_AmountAboveMax.selector, 21, 20));
        mainVault.quote(address(gold), 21);
        vm.expectRevert(IVault.Vault_AmountZero.selector);
        mainVault.quote(address(gold), 0);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_TokenUnregistered.selector, BOB));
        mainVault.quote(BOB, 10);
        vm.prank(GUARDIAN);
        mainVault.setTokenEnabled(address(gold), false);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_TokenDisabled.selector, gold));
        mainVault.quote(address(gold), 10);
    }

    // ---- helpers ----------------------------------------------------------------------------------------------

    function _set(Direction direction, Limits memory limits) private {
        _limit(mainVault, address(gold), direction, limits);
    }

    function _bounded(uint256 min, uint256 max) private pure returns (Limits memory limits) {
        limits = _unlimited();
        (limits.min, limits.max) = (min, max);
    }

    function _rate(uint256 capacity, uint32 period) private pure returns (Limits memory limits) {
        limits = _unlimited();
        (limits.capacity, limits.period) = (capacity, period);
    }

    /// From buckets of a few units, in which one takes hours, to large ones.
    function _anyRate(uint96 capacity, uint32 period, uint16 reserved, uint16 small)
        private
        pure
        returns (Limits memory)
    {
        uint256 most = capacity % 2 == 0 ? 50 : 100 ether;
        Limits memory limits = _rate(_bound(capacity / 2, 1, most), uint32(_bound(period, 1, 30 days)));
        (limits.reserved, limits.small) = (reserved % 10_001, small % 10_001);
        return limits;
    }

    /// Alice asks for `amount` to go to Bob.
    function _ask(uint256 amount) private returns (Request memory) {
        _at(main);
        vm.prank(ALICE);
        uint64 nonce = mainVault.requestERC20(address(gold), BOB, amount, 0, "");
        return
            Request(nonce, AssetKind.ERC20, ALICE, BOB, address(gold), address(goldThere), LaneAmount.wrap(amount), 0);
    }

    function _tryAsk(uint256 amount) private returns (bool) {
        _at(main);
        vm.prank(ALICE);
        try mainVault.requestERC20(address(gold), BOB, amount, 0, "") {
            return true;
        } catch {
            return false;
        }
    }

    function _refuseAsk(uint256 amount, uint256 available, uint64 earliest) private {
        _at(main);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_RateLimited.selector, amount, available, earliest));
        mainVault.requestERC20(address(gold), BOB, amount, 0, "");
    }

    /// Bob sends `amount` home, to Mallory.
    function _home(uint256 amount) private returns (Request memory) {
        return _sendBack(goldThere, BOB, MALLORY, amount);
    }

    function _got() private view returns (uint256) {
        return gold.balanceOf(MALLORY);
    }

    function _refuseRelease(Request memory request, ParkReason reason, uint64 earliest) private {
        _at(main);
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_ReleaseRefused.selector, reason, earliest));
        main.releaseParked(request, "");
    }
}
