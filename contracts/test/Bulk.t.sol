// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IVault} from "../src/interfaces/IVault.sol";
import {AssetKind, LanePosition, NATIVE_COIN, Order} from "../src/types/Types.sol";
import {AssetTest} from "./support/AssetTest.sol";
import {HostileRecipient} from "./support/HostileRecipient.sol";
import {vm} from "./support/Vm.sol";

/// @title Many assets of all kinds in one transaction: all of them or none
contract BulkTest is AssetTest {
    uint256 private constant N = 60;

    function setUp() public override {
        super.setUp();
        gold.mint(ALICE, 1e30);
        vm.deal(ALICE, 1e30);
        for (uint256 i = 0; i < N; ++i) {
            art.mint(ALICE, i, "u");
            items.mint(ALICE, i, 100);
        }
        vm.startPrank(ALICE);
        gold.approve(address(mainVault), NO_LIMIT);
        art.setApprovalForAll(address(mainVault), true);
        items.setApprovalForAll(address(mainVault), true);
        vm.stopPrank();
    }

    function test_sixty_assets_of_all_kinds_go_in_one_transaction() public {
        (Order[] memory orders, uint256 coin) = _all(N);
        _at(main);
        vm.prank(ALICE);
        uint64 first = mainVault.requestBulk{value: coin}(orders);
        vm.assertEq(first, 0, "the first nonce");
        vm.assertEq(_outgoing(main).count, N, "one nonce each");
        Sent[] memory sent = _carry(service);
        for (uint256 i = 0; i < N; ++i) {
            vm.assertEq(sent[i].request.nonce, i, "in order");
            vm.assertEq(uint256(sent[i].request.kind), 1 + i % 4, "of its kind");
            vm.assertEq(sent[i].request.sender, ALICE);
            _assertArrived(i);
        }
        vm.assertEq(_custody(main, NATIVE_COIN), coin, "coin");
        vm.assertEq(address(mainVault).balance, coin, "S5");
    }

    function test_the_next_bulk_goes_on() public {
        (Order[] memory orders, uint256 coin) = _all(3);
        vm.startPrank(ALICE);
        _at(main);
        mainVault.requestBulk{value: coin}(orders);
        art.mint(ALICE, 1000, "u");
        orders[2].ids = _of(1000);
        vm.assertEq(mainVault.requestBulk{value: coin}(orders), 3, "the first nonce");
        vm.stopPrank();
    }

    function test_all_or_none() public {
        LanePosition memory before = _outgoing(main);
        for (uint256 bad = 0; bad < 6; ++bad) {
            (Order[] memory orders, uint256 coin) = _all(8);
            _spoil(orders[7], bad);
            uint256 held = ALICE.balance;
            _at(main);
            vm.prank(ALICE);
            vm.expectRevert();
            mainVault.requestBulk{value: coin + 100}(orders);
            vm.assertEq(ALICE.balance, held);
        }
        vm.assertEq(_outgoing(main).head, before.head, "head stays");
        vm.assertEq(gold.balanceOf(address(mainVault)), 0);
        vm.assertEq(art.ownerOf(2), ALICE);
        vm.assertEq(_custody(main, NATIVE_COIN), 0);
    }

    function _spoil(Order memory order, uint256 by) private view {
        if (by == 0) order.recipient = address(0);
        if (by == 1) order.token = MALLORY;
        if (by == 2) order.amounts[0] = 101;
        if (by == 3) order.data = new bytes(1025);
        if (by == 4) order.ids[0] = NO_LIMIT;
        if (by == 5) (order.token, order.amount) = (address(gold), 1);
    }

    // ---- coin -------------------------------------------------------------------------------------------------

    function testFuzz_coin_sums_up_and_the_rest_comes_back(uint64[5] calldata amounts, uint64 flat, uint64 rest)
        public
    {
        _setFee(mainVault, NATIVE_COIN, flat, 25);
        _setFee(mainVault, address(art), 11, 0);
        Order[] memory orders = new Order[](6);
        uint256 coin = 11;
        uint256 custody = 0;
        for (uint256 i = 0; i < 5; ++i) {
            uint256 amount = _bound(amounts[i], 1, type(uint64).max);
            orders[i] = _order(NATIVE_COIN, BOB, amount);
            orders[i].feeLimit = mainVault.quote(NATIVE_COIN, amount).fee;
            coin += amount + orders[i].feeLimit;
            custody += amount;
        }
        orders[5] = _order(address(art), BOB, 0);
        (orders[5].ids, orders[5].feeLimit) = (_of(1), 11);
        uint256 before = ALICE.balance;
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_CoinShort.selector, coin - 1, coin));
        mainVault.requestBulk{value: coin - 1}(orders);
        vm.prank(ALICE);
        mainVault.requestBulk{value: coin + rest}(orders);
        vm.assertEq(before - ALICE.balance, coin, "the rest comes back");
        vm.assertEq(_custody(main, NATIVE_COIN), custody);
        vm.assertEq(mainVault.feesHeld(NATIVE_COIN), coin - custody);
        vm.assertEq(address(mainVault).balance, coin, "S5");
    }

    /// One coin is not two: each order needs its own.
    function test_the_same_coin_pays_once() public {
        Order[] memory orders = new Order[](2);
        orders[0] = _order(NATIVE_COIN, BOB, 10);
        orders[1] = _order(NATIVE_COIN, BOB, 10);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_CoinShort.selector, 10, 20));
        mainVault.requestBulk{value: 10}(orders);
    }

    function test_each_order_has_its_own_fee_limit() public {
        _setFee(mainVault, NATIVE_COIN, 5, 0);
        Order[] memory orders = new Order[](2);
        orders[0] = _order(NATIVE_COIN, BOB, 10);
        orders[1] = _order(NATIVE_COIN, BOB, 10);
        orders[0].feeLimit = 10;
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_FeeAboveLimit.selector, 5, 0));
        mainVault.requestBulk{value: 40}(orders);
    }

    function test_a_caller_who_refuses_the_rest_is_refused() public {
        HostileRecipient caller = new HostileRecipient();
        vm.deal(address(caller), 100);
        Order[] memory orders = new Order[](1);
        orders[0] = _order(NATIVE_COIN, BOB, 10);
        _at(main);
        HostileRecipient.Mood[2] memory moods = [HostileRecipient.Mood.Revert, HostileRecipient.Mood.Bomb];
        for (uint256 i = 0; i < moods.length; ++i) {
            caller.setMood(moods[i]);
            vm.prank(address(caller));
            vm.expectRevert(abi.encodeWithSelector(IVault.Vault_RefundRefused.selector, caller));
            mainVault.requestBulk{value: 11}(orders);
        }
        vm.prank(address(caller));
        mainVault.requestBulk{value: 10}(orders);
        vm.assertEq(address(mainVault).balance, 10, "the exact coin needs no refund");
    }

    /// By the time the rest is sent back the books are closed: another request then is one like any other.
    function test_a_caller_who_reenters_at_the_refund_gains_nothing() public {
        HostileRecipient caller = new HostileRecipient();
        vm.deal(address(caller), 100);
        caller.setReentry(address(mainVault), 7, abi.encodeCall(IVault.requestNative, (BOB, 7, "")));
        Order[] memory orders = new Order[](1);
        orders[0] = _order(NATIVE_COIN, BOB, 10);
        _at(main);
        vm.prank(address(caller));
        mainVault.requestBulk{value: 15}(orders);
        vm.assertTrue(caller.reentered(), "taken");
        vm.assertEq(address(caller).balance, 83);
        vm.assertEq(_custody(main, NATIVE_COIN), 17);
        vm.assertEq(address(mainVault).balance, 17, "S5");
    }

    // ---- how many ---------------------------------------------------------------------------------------------

    function test_a_bulk_has_one_order_at_the_least_and_a_bound() public {
        _refuse(0);
        _refuse(257);
        Order[] memory orders = _gold(256);
        vm.prank(ALICE);
        mainVault.requestBulk(orders);
        vm.assertEq(_outgoing(main).count, 256);
    }

    function _refuse(uint256 n) private {
        Order[] memory orders = _gold(n);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_BulkInvalid.selector, n, 256));
        mainVault.requestBulk(orders);
    }

    function test_coin_without_an_order_for_it_comes_back() public {
        Order[] memory orders = _gold(2);
        uint256 before = ALICE.balance;
        vm.prank(ALICE);
        mainVault.requestBulk{value: 5}(orders);
        vm.assertEq(ALICE.balance, before);
    }

    // ---- helpers ----------------------------------------------------------------------------------------------

    /// Orders of coin, gold, art and items in turn, each to an address of its own, and the coin they need.
    function _all(uint256 n) private view returns (Order[] memory orders, uint256 coin) {
        orders = new Order[](n);
        for (uint256 i = 0; i < n; ++i) {
            AssetKind kind = AssetKind(1 + i % 4);
            if (kind == AssetKind.Native) {
                orders[i] = _order(NATIVE_COIN, _to(i), 1000 + i);
                coin += 1000 + i;
            } else if (kind == AssetKind.ERC20) {
                orders[i] = _order(address(gold), _to(i), 1000 + i);
            } else if (kind == AssetKind.ERC721) {
                orders[i] = _order(address(art), _to(i), 0);
                orders[i].ids = _of(i);
            } else {
                orders[i] = _order(address(items), _to(i), 0);
                (orders[i].ids, orders[i].amounts) = (_of(i), _of(1 + i));
            }
        }
    }

    function _gold(uint256 n) private view returns (Order[] memory orders) {
        orders = new Order[](n);
        for (uint256 i = 0; i < n; ++i) {
            orders[i] = _order(address(gold), BOB, 1);
        }
    }

    function _assertArrived(uint256 i) private view {
        uint256 kind = i % 4;
        if (kind == 0) vm.assertEq(coinThere.balanceOf(_to(i)), 1000 + i, "coin");
        if (kind == 1) vm.assertEq(goldThere.balanceOf(_to(i)), 1000 + i, "gold");
        if (kind == 2) vm.assertEq(artThere.ownerOf(i), _to(i));
        if (kind == 3) vm.assertEq(itemsThere.balanceOf(_to(i), i), 1 + i, "items");
    }

    function _to(uint256 i) private pure returns (address) {
        return address(uint160(0xF00D0000 + i));
    }
}
