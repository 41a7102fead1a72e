// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../src/interfaces/IBridge.sol";
import {IVault} from "../src/interfaces/IVault.sol";
import {BridgeToken} from "../src/tokens/BridgeToken.sol";
import {
    AssetKind,
    Certificate,
    Direction,
    LaneAmount,
    Limits,
    NATIVE_COIN,
    ParkReason,
    Request
} from "../src/types/Types.sol";
import {HostileRecipient} from "./support/HostileRecipient.sol";
import {HostileToken, SilentToken} from "./support/HostileTokens.sol";
import {PairTest} from "./support/PairTest.sol";
import {vm} from "./support/Vm.sol";

/// @title Payouts to strangers: one poisoned item never holds up its batch, and never changes a figure
contract PayoutTest is PairTest {
    HostileRecipient private hostile;

    function setUp() public override {
        super.setUp();
        hostile = new HostileRecipient();
        // Coin and gold in custody on main, their representations in Bob's hands.
        _deliver(service, _sendCoin(BOB, 100 ether));
        _deliver(service, _sendGold(BOB, 100 ether));
    }

    // ---- recipients -------------------------------------------------------------------------------------------

    function test_a_reverting_recipient_is_parked() public {
        hostile.setMood(HostileRecipient.Mood.Revert);
        _parksHostileCoin(ParkReason.PayoutFailed);
    }

    function test_a_gas_burning_recipient_is_parked() public {
        hostile.setMood(HostileRecipient.Mood.BurnGas);
        uint256 before = gasleft();
        _parksHostileCoin(ParkReason.PayoutFailed);
        vm.assertLe(before - gasleft(), 1_500_000, "the burner is bounded");
    }

    function test_a_return_bombing_recipient_is_parked() public {
        hostile.setMood(HostileRecipient.Mood.Bomb);
        _parksHostileCoin(ParkReason.PayoutFailed);
    }

    /// Each of these calls is good on its own and fits into a payout's gas: the guards alone stand in its way.
    function test_a_reentering_recipient_gets_its_coin_and_nothing_else() public {
        Request memory parked = _parkForHostile();
        bytes memory asksCoin = abi.encodeCall(IVault.requestNative, (BOB, 1, ""));
        bytes memory asksGold = abi.encodeCall(IVault.requestERC20, (address(gold), BOB, 1, 0, ""));
        _reenterOnDelivery(address(main), 0, abi.encodeCall(IBridge.returnParked, (parked, "")));
        _reenterOnDelivery(address(mainVault), 1, asksCoin);
        _reenterOnDelivery(address(mainVault), 0, asksGold);
        _assertParked(main, parked, ParkReason.PayoutFailed);

        Request memory second = _parkForHostile();
        hostile.setReentry(address(main), 0, abi.encodeCall(IBridge.returnParked, (second, "")));
        _at(main).releaseParked(parked, "");
        vm.assertTrue(!hostile.reentered(), "the guard held");
        _assertParked(main, second, ParkReason.PayoutFailed);

        // After the payouts, the same calls are taken.
        vm.startPrank(address(hostile));
        main.returnParked(second, "");
        mainVault.requestNative{value: 1}(BOB, 1, "");
        mainVault.requestERC20(address(gold), BOB, 1, 0, "");
        vm.stopPrank();
    }

    function _reenterOnDelivery(address target, uint256 value, bytes memory call) private {
        gold.mint(address(hostile), 1);
        vm.prank(address(hostile));
        gold.approve(address(mainVault), 1);
        hostile.setReentry(target, value, call);
        uint256 before = address(hostile).balance;
        uint64 count = _outgoing(main).count;
        _deliver(main, _sendBack(coinThere, BOB, address(hostile), 1 ether));
        vm.assertTrue(!hostile.reentered(), "the guard held");
        vm.assertEq(address(hostile).balance - before, 1 ether);
        vm.assertEq(_outgoing(main).count, count);
    }

    function _parkForHostile() private returns (Request memory request) {
        hostile.setMood(HostileRecipient.Mood.Revert);
        request = _sendBack(coinThere, BOB, address(hostile), 1 ether);
        _deliver(main, request);
        _assertParked(main, request, ParkReason.PayoutFailed);
    }

    function test_recipients_that_swallow_value_are_parked() public {
        // The source refuses these; a return's recipient and a lying quorum are not bound by it.
        address[4] memory swallowers = [address(0), address(main), address(mainVault), address(gold)];
        for (uint256 i = 0; i < swallowers.length; ++i) {
            Request memory request = _sendBack(goldThere, BOB, ALICE, 1 ether);
            request.recipient = swallowers[i];
            uint256 custody = _custody(main, address(gold));
            _deliver(main, request);
            _assertParked(main, request, ParkReason.PayoutFailed);
            vm.assertEq(_custody(main, address(gold)), custody);
        }
    }

    function test_precompiles_and_accounts_without_code_are_paid() public {
        address fresh = address(0xF00D);
        _deliver(main, _sendBack(coinThere, BOB, fresh, 1 ether));
        vm.assertEq(fresh.balance, 1 ether);
        _deliver(main, _sendBack(coinThere, BOB, address(4), 1 ether));
        vm.assertEq(address(4).balance, 1 ether);
    }

    // ---- tokens -----------------------------------------------------------------------------------------------

    function test_a_token_without_return_value_is_paid() public {
        SilentToken silent = new SilentToken();
        BridgeToken there = _representation(address(silent));
        silent.mint(ALICE, 10);
        vm.prank(ALICE);
        silent.approve(address(mainVault), 10);
        _at(main);
        vm.prank(ALICE);
        mainVault.requestERC20(address(silent), BOB, 10, 0, "");
        _deliver(service, _requestOf(address(silent), address(there), ALICE, BOB, 10));
        _deliver(main, _burnFor(there, address(silent), ALICE, 10));
        vm.assertEq(silent.balanceOf(ALICE), 10);
    }

    function test_hostile_tokens_are_parked_and_change_no_figure() public {
        (HostileToken token, BridgeToken there) = _hostileToken();
        HostileToken.Mood[6] memory moods = [
            HostileToken.Mood.ReturnFalse,
            HostileToken.Mood.ReturnTwo,
            HostileToken.Mood.ReturnShort,
            HostileToken.Mood.Revert,
            HostileToken.Mood.Bomb,
            HostileToken.Mood.BurnGas
        ];
        for (uint256 i = 0; i < moods.length; ++i) {
            Request[] memory requests = new Request[](2);
            requests[0] = _burnFor(there, address(token), ALICE, 10);
            requests[1] = _sendBack(goldThere, BOB, ALICE, 1);
            token.setMood(moods[i]);
            uint256 custody = _custody(main, address(token));
            uint256 allowance = mainVault.available(address(token), Direction.Incoming);
            uint256 held = gold.balanceOf(ALICE);
            _deliver(main, requests);
            _assertParked(main, requests[0], ParkReason.PayoutFailed);
            vm.assertEq(_custody(main, address(token)), custody);
            vm.assertEq(mainVault.available(address(token), Direction.Incoming), allowance);
            vm.assertEq(token.balanceOf(ALICE), 0);
            vm.assertEq(gold.balanceOf(ALICE), held + 1);
            token.setMood(HostileToken.Mood.Plain);
        }
        vm.assertEq(_parked(main, address(token)), 60);
    }

    function test_nobody_but_its_bridge_has_a_vault_pay() public {
        Request memory request = _sendBack(goldThere, BOB, ALICE, 1);
        address[4] memory callers = [OWNER, GUARDIAN, MALLORY, address(service)];
        for (uint256 i = 0; i < callers.length; ++i) {
            bytes memory refused = abi.encodeWithSelector(IVault.Vault_BridgeRefused.selector, callers[i]);
            vm.prank(callers[i]);
            vm.expectRevert(refused);
            mainVault.transferOut(address(gold), LaneAmount.wrap(1), MALLORY, START, address(goldThere));
            vm.prank(callers[i]);
            vm.expectRevert(refused);
            mainVault.transferOutWith(request, "", MALLORY, START);
        }
    }

    function test_a_reentering_token_moves_once() public {
        (HostileToken token, BridgeToken there) = _hostileToken();
        Request memory request = _burnFor(there, address(token), ALICE, 10);
        token.setReentry(address(main), abi.encodeCall(IBridge.releaseParked, (request, "")));
        _deliver(main, request);
        vm.assertTrue(!token.reentered(), "the guard held");
        vm.assertEq(token.balanceOf(ALICE), 10);
        vm.assertEq(_custody(main, address(token)), 990);
    }

    function test_a_token_that_lost_its_code_is_parked() public {
        (HostileToken token, BridgeToken there) = _hostileToken();
        Request memory request = _burnFor(there, address(token), ALICE, 10);
        vm.etch(address(token), "");
        _deliver(main, request);
        _assertParked(main, request, ParkReason.PayoutFailed);
    }

    function test_a_mint_past_the_supply_cap_is_parked() public {
        BridgeToken capped = new BridgeToken(address(serviceVault), "Gold", "GLD", 18, 150 ether);
        HostileToken token = new HostileToken();
        _pair(address(token), AssetKind.ERC20, address(capped), AssetKind.ERC20);
        _lock(token, 100 ether);
        _deliver(service, _requestOf(address(token), address(capped), ALICE, BOB, 100 ether));
        _lock(token, 60 ether);
        Request memory over = _requestOf(address(token), address(capped), ALICE, BOB, 60 ether);
        _deliver(service, over);
        _assertParked(service, over, ParkReason.PayoutFailed);
        vm.assertEq(capped.totalSupply(), 100 ether);
        vm.assertEq(_custody(service, address(capped)), 100 ether);
    }

    // ---- gas --------------------------------------------------------------------------------------------------

    /// However much gas a submitter gives: a recipient that a full allowance satisfies is paid, or the whole batch
    /// reverts. It is never parked by starving.
    function test_starving_parks_nobody() public {
        hostile.setMood(HostileRecipient.Mood.Demand);
        Request[] memory requests = new Request[](3);
        for (uint256 i = 0; i < 3; ++i) {
            requests[i] = _sendBack(coinThere, BOB, address(hostile), 1 ether);
        }
        Certificate memory certificate = _certify(main, requests, _none(), THRESHOLD);
        _at(main);
        uint256 taken = 0;
        for (uint256 gasLimit = 60_000; gasLimit < 700_000; gasLimit += 5_000) {
            uint256 state = vm.snapshotState();
            try main.deliver{gas: gasLimit}(requests, _noPayloads(), _none(), certificate) {
                vm.assertEq(address(hostile).balance, 3 ether);
                ++taken;
            } catch {}
            vm.assertEq(_parked(main, NATIVE_COIN), 0);
            vm.revertToState(state);
        }
        vm.assertGe(taken, 10, "enough gas is enough");
    }

    function test_too_little_gas_is_named() public {
        Request[] memory requests = _one(_sendBack(coinThere, BOB, ALICE, 1 ether));
        Certificate memory certificate = _certify(main, requests, _none(), THRESHOLD);
        _at(main);
        (bool ok, bytes memory data) = address(main).call{gas: 250_000}(
            abi.encodeCall(IBridge.deliver, (requests, _noPayloads(), _none(), certificate))
        );
        vm.assertTrue(!ok, "refused");
        vm.assertEq(bytes32(bytes4(data)), bytes32(IBridge.Bridge_GasShort.selector), "named");
    }

    /// What is set aside for parking suffices: when a payout with just enough gas burns all of it, the rest parks.
    function testFuzz_a_burner_never_reverts_a_batch_that_had_the_gas(uint256 gasLimit) public {
        hostile.setMood(HostileRecipient.Mood.BurnGas);
        Request[] memory requests = _one(_sendBack(coinThere, BOB, address(hostile), 1 ether));
        Certificate memory certificate = _certify(main, requests, _none(), THRESHOLD);
        gasLimit = _bound(gasLimit, 280_000, 420_000);
        _at(main);
        (bool ok, bytes memory data) = address(main).call{gas: gasLimit}(
            abi.encodeCall(IBridge.deliver, (requests, _noPayloads(), _none(), certificate))
        );
        if (ok) _assertParked(main, requests[0], ParkReason.PayoutFailed);
        else vm.assertEq(bytes32(bytes4(data)), bytes32(IBridge.Bridge_GasShort.selector), "the only way to fail");
    }

    // ---- limits -----------------------------------------------------------------------------------------------

    /// S7: a batch never pays more than the bucket holds, whatever its requests.
    function testFuzz_a_batch_never_pays_more_than_the_bucket_holds(uint128[6] calldata amounts, uint32 later) public {
        uint256 capacity = 10 ether;
        _incomingRate(address(gold), capacity, 10_000);
        Request[] memory requests = new Request[](6);
        for (uint256 i = 0; i < 6; ++i) {
            requests[i] = _sendBack(goldThere, BOB, ALICE, _bound(amounts[i], 1, 12 ether));
        }
        uint256 before = mainVault.available(address(gold), Direction.Incoming);
        vm.assertEq(before, capacity);
        _deliver(main, requests);
        uint256 paid = gold.balanceOf(ALICE);
        vm.assertLe(paid, capacity, "limit");
        vm.assertEq(mainVault.available(address(gold), Direction.Incoming), capacity - paid);
        uint256 parked = 0;
        for (uint256 i = 0; i < 6; ++i) {
            if (main.parkedHandover(main.requestHash(requests[i])).parkedAt == 0) continue;
            _assertParked(main, requests[i], ParkReason.RateLimited);
            parked += LaneAmount.unwrap(requests[i].amount);
        }
        vm.assertEq(_parked(main, address(gold)), parked, "what was not paid is owed");
        vm.warp(START + later);
        uint256 refilled = capacity - paid + uint256(later) * 1e15;
        vm.assertEq(mainVault.available(address(gold), Direction.Incoming), refilled < capacity ? refilled : capacity);
    }

    function test_a_failed_payout_spends_no_rate() public {
        _incomingRate(NATIVE_COIN, 3 ether, 365 days);
        hostile.setMood(HostileRecipient.Mood.Revert);
        _deliver(main, _sendBack(coinThere, BOB, address(hostile), 2 ether));
        vm.assertEq(mainVault.available(NATIVE_COIN, Direction.Incoming), 3 ether);
    }

    function _incomingRate(address token, uint256 capacity, uint32 period) private {
        Limits memory limits = _unlimited();
        (limits.capacity, limits.period) = (capacity, period);
        _limit(mainVault, token, Direction.Incoming, limits);
    }

    // ---- helpers ----------------------------------------------------------------------------------------------

    function _parksHostileCoin(ParkReason reason) private {
        Request[] memory requests = new Request[](3);
        requests[0] = _sendBack(coinThere, BOB, ALICE, 1 ether);
        requests[1] = _sendBack(coinThere, BOB, address(hostile), 2 ether);
        requests[2] = _sendBack(coinThere, BOB, ALICE, 3 ether);
        uint256 before = ALICE.balance;
        _deliver(main, requests);
        vm.assertEq(ALICE.balance - before, 4 ether);
        _assertParked(main, requests[1], reason);
        vm.assertEq(_custody(main, NATIVE_COIN), 96 ether);
        vm.assertEq(_parked(main, NATIVE_COIN), 2 ether);
        vm.assertEq(address(mainVault).balance, 96 ether);
        vm.assertEq(address(hostile).balance, 0);
    }

    function _hostileToken() private returns (HostileToken token, BridgeToken there) {
        token = new HostileToken();
        there = _representation(address(token));
        _lock(token, 1000);
        _deliver(service, _requestOf(address(token), address(there), ALICE, BOB, 1000));
    }

    function _representation(address home) private returns (BridgeToken there) {
        there = new BridgeToken(address(serviceVault), "There", "THR", 18, NO_LIMIT);
        _pair(home, AssetKind.ERC20, address(there), AssetKind.ERC20);
    }

    function _lock(HostileToken token, uint256 amount) private {
        token.mint(ALICE, amount);
        vm.prank(ALICE);
        token.approve(address(mainVault), amount);
        _at(main);
        vm.prank(ALICE);
        mainVault.requestERC20(address(token), BOB, amount, 0, "");
    }

    /// The latest request on main, by what it must be.
    function _requestOf(address token, address there, address sender, address recipient, uint256 amount)
        private
        view
        returns (Request memory)
    {
        return Request(
            _outgoing(main).count - 1, AssetKind.ERC20, sender, recipient, token, there, LaneAmount.wrap(amount), 0
        );
    }

    function _burnFor(BridgeToken there, address home, address recipient, uint256 amount)
        private
        returns (Request memory request)
    {
        request = _sendBack(there, BOB, recipient, amount);
        request.counterpartToken = home;
    }
}
