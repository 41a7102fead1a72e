// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IVault} from "../src/interfaces/IVault.sol";
import {Fee, LaneAmount, NATIVE_COIN, ParkReason, Quote, Request} from "../src/types/Types.sol";
import {AssetTest} from "./support/AssetTest.sol";
import {OldNFT} from "./support/HostileAssets.sol";
import {HostileRecipient} from "./support/HostileRecipient.sol";
import {Vm, vm} from "./support/Vm.sol";

/// @title What a request pays on top: as quoted, at most what the caller allows, kept apart from what is in custody
contract FeesTest is AssetTest {
    address private constant TREASURY = address(0x7EA5);

    function setUp() public override {
        super.setUp();
        vm.prank(OWNER);
        mainVault.setFeeReceiver(TREASURY);
        vm.startPrank(ALICE);
        gold.approve(address(mainVault), NO_LIMIT);
        items.setApprovalForAll(address(mainVault), true);
        art.setApprovalForAll(address(mainVault), true);
        vm.stopPrank();
        gold.mint(ALICE, 1e36);
        vm.deal(ALICE, 1e36);
    }

    // ---- what is charged --------------------------------------------------------------------------------------

    function testFuzz_a_token_request_pays_what_was_quoted(uint96 amount, uint64 flat, uint16 rate) public {
        rate = rate % 10_001;
        uint256 asked = _bound(amount, 1, 1e27);
        _setFee(mainVault, address(gold), flat, rate);
        Quote memory quote = mainVault.quote(address(gold), asked);
        vm.assertEq(quote.fee, flat + (asked * rate + 9_999) / 10_000, "rounded up");
        vm.assertEq(quote.feeToken, address(gold), "in the token itself");
        uint256 before = gold.balanceOf(ALICE);
        _ask(asked, quote.fee);
        vm.assertEq(before - gold.balanceOf(ALICE), asked + quote.fee, "charged");
        _assertGold(asked, quote.fee);
        Sent memory sent = _carryOne(service);
        vm.assertEq(LaneAmount.unwrap(sent.request.amount), asked, "the amount is whole");
        vm.assertEq(goldThere.balanceOf(BOB), asked, "and arrives whole");
    }

    function testFuzz_a_coin_request_pays_what_was_quoted(uint96 amount, uint64 flat, uint16 rate) public {
        rate = rate % 10_001;
        uint256 asked = _bound(amount, 1, 1e27);
        _setFee(mainVault, NATIVE_COIN, flat, rate);
        Quote memory quote = mainVault.quote(NATIVE_COIN, asked);
        uint256 before = ALICE.balance;
        vm.prank(ALICE);
        mainVault.requestNative{value: asked + quote.fee + 5}(BOB, asked, "");
        vm.assertEq(before - ALICE.balance, asked + quote.fee, "the rest comes back");
        vm.assertEq(quote.feeToken, NATIVE_COIN);
        vm.assertEq(mainVault.feesHeld(NATIVE_COIN), quote.fee);
        vm.assertEq(address(mainVault).balance, asked + quote.fee, "S5");
        if (quote.fee == 0) return;
        vm.prank(ALICE);
        // All the coin that came is the fee's limit, so the fee is looked at first.
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_FeeAboveLimit.selector, quote.fee, quote.fee - 1));
        mainVault.requestNative{value: quote.fee - 1}(BOB, asked, "");
    }

    function test_the_smallest_part_of_a_unit_is_rounded_up() public {
        _setFee(mainVault, address(gold), 0, 1);
        vm.assertEq(mainVault.quote(address(gold), 1).fee, 1);
        vm.assertEq(mainVault.quote(address(gold), 10_000).fee, 1);
        vm.assertEq(mainVault.quote(address(gold), 10_001).fee, 2);
    }

    function test_a_fee_above_the_callers_limit_is_refused() public {
        _setFee(mainVault, address(gold), 5, 100);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_FeeAboveLimit.selector, 6, 5));
        mainVault.requestERC20(address(gold), BOB, 100, 5, "");
        _ask(100, 6);
        _assertGold(100, 6);
        // A limit is no price.
        _ask(100, 1000);
        _assertGold(200, 12);
    }

    function test_a_fee_is_announced_with_its_request() public {
        _setFee(mainVault, address(gold), 5, 0);
        _ask(1, 5);
        vm.recordLogs();
        _ask(1, 5);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256 seen = 0;
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IVault.FeePaid.selector) continue;
            ++seen;
            vm.assertEq(logs[i].topics[1], bytes32(uint256(1)), "nonce");
            vm.assertEq(logs[i].topics[2], bytes32(uint256(uint160(address(gold)))), "token");
            vm.assertEq(abi.decode(logs[i].data, (uint256)), 5, "amount");
        }
        vm.assertEq(seen, 1);
    }

    function test_nfts_pay_flat_coin() public {
        _setFee(mainVault, address(art), 7, 0);
        _setFee(mainVault, address(items), 9, 0);
        vm.assertEq(mainVault.quote(address(items), 12).fee, 9, "a request, not a piece");
        vm.assertEq(mainVault.quote(address(items), 12).feeToken, NATIVE_COIN);
        art.mint(ALICE, 1, "u");
        items.mint(ALICE, 1, 12);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_FeeAboveLimit.selector, 7, 6));
        mainVault.requestERC721{value: 6}(address(art), BOB, 1, "");
        uint256 before = ALICE.balance;
        vm.prank(ALICE);
        mainVault.requestERC721{value: 7}(address(art), BOB, 1, "");
        vm.prank(ALICE);
        mainVault.requestERC1155{value: 20}(address(items), BOB, _of(1), _of(12), "");
        vm.assertEq(before - ALICE.balance, 16);
        vm.assertEq(mainVault.feesHeld(NATIVE_COIN), 16);
        vm.assertEq(address(mainVault).balance, 16);
        vm.assertEq(_custody(main, NATIVE_COIN), 0, "none of it is custody");
    }

    /// The fee of a burned token is not burned: it stays here, out of what was minted.
    function test_a_minted_token_pays_too() public {
        _setFee(serviceVault, address(goldThere), 3, 0);
        _ask(100, 0);
        _carry(service);
        vm.prank(BOB);
        goldThere.approve(address(serviceVault), 100);
        _at(service);
        vm.prank(BOB);
        serviceVault.requestERC20(address(goldThere), ALICE, 97, 3, "");
        vm.assertEq(goldThere.totalSupply(), 3);
        vm.assertEq(goldThere.balanceOf(address(serviceVault)), 3, "held");
        vm.assertEq(_custody(service, address(goldThere)), 3, "still outstanding");
        _carryOne(main);
        vm.assertEq(_custody(main, address(gold)), 3, "S5");
        address owner = serviceVault.feeReceiver();
        serviceVault.collectFees(address(goldThere));
        vm.assertEq(goldThere.balanceOf(owner), 3);
    }

    // ---- what is collected ------------------------------------------------------------------------------------

    function test_anyone_has_the_fees_sent_to_the_receiver() public {
        _setFee(mainVault, address(gold), 5, 0);
        _setFee(mainVault, NATIVE_COIN, 6, 0);
        _ask(100, 5);
        vm.prank(ALICE);
        mainVault.requestNative{value: 106}(BOB, 100, "");
        vm.startPrank(MALLORY);
        mainVault.collectFees(address(gold));
        mainVault.collectFees(NATIVE_COIN);
        mainVault.collectFees(address(gold));
        vm.stopPrank();
        vm.assertEq(gold.balanceOf(TREASURY), 5);
        vm.assertEq(TREASURY.balance, 6);
        _assertGold(100, 0);
        vm.assertEq(address(mainVault).balance, 100);
    }

    function test_where_there_are_no_fees_nothing_is_called() public {
        OldNFT old = new OldNFT();
        _register(mainVault, address(old), mainVault.tokenConfig(address(art)));
        old.mint(ALICE, 0, "u");
        vm.prank(ALICE);
        old.approve(address(mainVault), 0);
        _request721(main, address(old), ALICE, BOB, 0);
        mainVault.collectFees(address(old));
        vm.assertEq(old.ownerOf(0), address(mainVault), "still in custody");
    }

    function test_a_hostile_receiver_harms_nobody() public {
        HostileRecipient receiver = new HostileRecipient();
        vm.prank(OWNER);
        mainVault.setFeeReceiver(address(receiver));
        _setFee(mainVault, NATIVE_COIN, 10, 0);
        HostileRecipient.Mood[3] memory moods =
            [HostileRecipient.Mood.Revert, HostileRecipient.Mood.BurnGas, HostileRecipient.Mood.Bomb];
        for (uint256 i = 0; i < moods.length; ++i) {
            receiver.setMood(moods[i]);
            vm.prank(ALICE);
            mainVault.requestNative{value: 110}(BOB, 100, "");
            try mainVault.collectFees{gas: 1_000_000}(NATIVE_COIN) {
                vm.assertTrue(false, "collected");
            } catch {}
            vm.assertEq(mainVault.feesHeld(NATIVE_COIN), 10 * (i + 1), "kept");
        }
        _carry(service);
        _deliver(main, _sendBack(coinThere, BOB, ALICE, 300));
        vm.assertEq(address(mainVault).balance, 30, "payouts went on");
        vm.prank(OWNER);
        mainVault.setFeeReceiver(TREASURY);
        mainVault.collectFees(NATIVE_COIN);
        vm.assertEq(TREASURY.balance, 30);
    }

    function test_a_reentering_receiver_collects_once() public {
        HostileRecipient receiver = new HostileRecipient();
        vm.prank(OWNER);
        mainVault.setFeeReceiver(address(receiver));
        _setFee(mainVault, NATIVE_COIN, 10, 0);
        vm.prank(ALICE);
        mainVault.requestNative{value: 110}(BOB, 100, "");
        bytes[2] memory calls =
            [abi.encodeCall(IVault.collectFees, (NATIVE_COIN)), abi.encodeCall(IVault.requestNative, (BOB, 1, ""))];
        for (uint256 i = 0; i < calls.length; ++i) {
            uint256 state = vm.snapshotState();
            vm.deal(address(receiver), 11);
            receiver.setReentry(address(mainVault), i * 11, calls[i]);
            mainVault.collectFees(NATIVE_COIN);
            vm.assertTrue(!receiver.reentered(), "the guard held");
            vm.assertEq(address(receiver).balance, 21);
            vm.assertEq(address(mainVault).balance, 100);
            vm.revertToState(state);
        }
    }

    /// Fees are not there to be paid out: what is in custody is all that a handover can take.
    function test_fees_back_no_payout() public {
        _setFee(mainVault, NATIVE_COIN, 50, 0);
        vm.prank(ALICE);
        mainVault.requestNative{value: 150}(BOB, 100, "");
        _carry(service);
        Request memory back = _sendBack(coinThere, BOB, ALICE, 100);
        back.amount = LaneAmount.wrap(101);
        _deliver(main, back);
        _assertParked(main, back, ParkReason.LiquidityShort);
        vm.assertEq(address(mainVault).balance, 150);
    }

    // ---- who sets them ----------------------------------------------------------------------------------------

    function test_only_the_owner_sets_fees_and_their_receiver() public {
        address[2] memory callers = [GUARDIAN, MALLORY];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.startPrank(callers[i]);
            vm.expectRevert();
            mainVault.setFee(address(gold), Fee(1, 1));
            vm.expectRevert();
            mainVault.setFeeReceiver(MALLORY);
            vm.stopPrank();
        }
        vm.startPrank(OWNER);
        vm.expectRevert();
        mainVault.setFeeReceiver(address(0));
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_FeeInvalid.selector, 10_001, 10_000));
        mainVault.setFee(address(gold), Fee(0, 10_001));
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_FeeInvalid.selector, 1, 0));
        mainVault.setFee(address(art), Fee(1, 1));
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_TokenUnregistered.selector, BOB));
        mainVault.setFee(BOB, Fee(1, 1));
        vm.stopPrank();
    }

    // ---- helpers ----------------------------------------------------------------------------------------------

    function _ask(uint256 amount, uint256 feeLimit) private {
        _at(main);
        vm.prank(ALICE);
        mainVault.requestERC20(address(gold), BOB, amount, feeLimit, "");
    }

    function _assertGold(uint256 custody, uint256 fees) private view {
        vm.assertEq(_custody(main, address(gold)), custody, "custody");
        vm.assertEq(mainVault.feesHeld(address(gold)), fees, "fees");
        vm.assertEq(gold.balanceOf(address(mainVault)), custody + fees, "S5");
    }
}
