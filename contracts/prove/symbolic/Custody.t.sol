// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {
    AssetKind,
    Custody,
    Fee,
    LaneAmount,
    NATIVE_COIN,
    Order,
    ParkReason,
    TokenConfig
} from "../../src/types/Types.sol";
import {TestToken} from "../../test/support/TestToken.sol";
import {vm} from "../../test/support/Vm.sol";
import {svm} from "./Svm.sol";
import {SymbolicBridge} from "./SymbolicBridge.sol";
import {IERC1363Receiver} from "@openzeppelin/contracts/interfaces/IERC1363Receiver.sol";

/// @title S5: what the vault's books say is what came in less what went out, and it is there
contract CustodyProofs is SymbolicBridge {
    address private constant GOLD_THERE = address(0x601D);
    address private constant SENDER = address(0x5E4D);

    /// What a token says arrived is there, or nothing is requested: the vault always holds custody and fees.
    function check_what_arrived_is_really_there() public {
        TestToken gold = new TestToken("Gold", "GLD", 18);
        _register(address(gold), GOLD_THERE, AssetKind.ERC20, Custody.Lock);
        vm.prank(OWNER);
        vault.setFee(address(gold), Fee({flat: 7, rate: 0}));
        gold.mint(SENDER, 1007);
        vm.startPrank(SENDER);
        gold.approve(address(vault), 1007);
        vault.requestERC20(address(gold), BOB, 1000, 7, "");
        vm.stopPrank();
        gold.mint(address(vault), _anyUnits("arrived"));
        bytes memory hook = abi.encodePacked(BOB, svm.createUint256("amount"));
        vm.prank(address(gold));
        IERC1363Receiver(address(vault)).onTransferReceived(SENDER, SENDER, svm.createUint256("said"), hook);
        uint256 owed = LaneAmount.unwrap(vault.custodyOf(address(gold))) + vault.feesHeld(address(gold));
        assert(gold.balanceOf(address(vault)) >= owed);
    }

    /// A bulk needs the coin of all its orders, and no coin pays two of them.
    function check_a_bulk_takes_the_coin_of_all_its_orders() public {
        _registerCoin(1 << 100);
        Order[] memory orders = new Order[](2);
        for (uint256 i = 0; i < 2; ++i) {
            (orders[i].token, orders[i].recipient) = (NATIVE_COIN, BOB);
            orders[i].amount = svm.createUint256("amount");
        }
        uint256 value = _anyUnits("value");
        vm.deal(SENDER, value);
        vm.prank(SENDER);
        vault.requestBulk{value: value}(orders);
        assert(address(vault).balance == LaneAmount.unwrap(vault.custodyOf(NATIVE_COIN)));
        assert(SENDER.balance == value - orders[0].amount - orders[1].amount);
    }

    /// A token whose code is gone, or never was, moves nothing: a payout of it fails and it is not registered.
    function check_a_token_without_code_moves_nothing() public {
        TestToken gold = new TestToken("Gold", "GLD", 18);
        _register(address(gold), GOLD_THERE, AssetKind.ERC20, Custody.Lock);
        gold.mint(SENDER, 1000);
        vm.startPrank(SENDER);
        gold.approve(address(vault), 1000);
        vault.requestERC20(address(gold), BOB, 1000, 0, "");
        vm.stopPrank();
        vm.etch(address(gold), "");
        vm.prank(address(bridge));
        (bool done, ParkReason reason) = _transferOut(address(gold), _anyUnits("amount"), BOB, GOLD_THERE);
        assert(!done || reason != ParkReason.None);
        TokenConfig memory config = vault.tokenConfig(address(gold));
        vm.prank(OWNER);
        (done,) = address(vault).call(abi.encodeCall(vault.registerToken, (address(0xC0DE1E55), config)));
        assert(!done);
    }

    /// A fee is never above what the caller allowed, and is all that the vault takes beside the amount.
    function check_a_fee_never_passes_its_limit() public {
        TestToken gold = new TestToken("Gold", "GLD", 18);
        _register(address(gold), GOLD_THERE, AssetKind.ERC20, Custody.Lock);
        vm.prank(OWNER);
        vault.setFee(address(gold), Fee({flat: uint128(svm.createUint(128, "flat")), rate: 0}));
        gold.mint(SENDER, NO_LIMIT);
        vm.prank(SENDER);
        gold.approve(address(vault), NO_LIMIT);
        uint256 amount = svm.createUint256("amount");
        uint256 limit = svm.createUint256("fee limit");
        vm.prank(SENDER);
        vault.requestERC20(address(gold), BOB, amount, limit, "");
        uint256 fee = vault.feesHeld(address(gold));
        assert(fee <= limit && fee == vault.fee(address(gold)).flat);
        assert(gold.balanceOf(SENDER) == NO_LIMIT - amount - fee);
    }

    /// The same of coin, where what came with the call is the limit: what is left over goes back.
    function check_a_coin_request_takes_amount_and_fee() public {
        _registerCoin(0);
        vm.prank(OWNER);
        vault.setFee(NATIVE_COIN, Fee({flat: uint128(svm.createUint(128, "flat")), rate: 0}));
        uint256 amount = svm.createUint256("amount");
        uint256 value = svm.createUint256("value");
        vm.deal(SENDER, value);
        vm.prank(SENDER);
        vault.requestNative{value: value}(BOB, amount, "");
        uint256 fee = vault.feesHeld(NATIVE_COIN);
        assert(LaneAmount.unwrap(vault.custodyOf(NATIVE_COIN)) == amount && address(vault).balance == amount + fee);
        assert(fee == vault.fee(NATIVE_COIN).flat && SENDER.balance == value - amount - fee);
    }

    /// Collecting fees takes the fees, to their receiver, and nothing of what is in custody.
    function check_collecting_fees_leaves_custody_alone() public {
        _registerCoin(0);
        vm.prank(OWNER);
        vault.setFee(NATIVE_COIN, Fee({flat: 9, rate: 0}));
        uint256 amount = _anyUnits("amount");
        vm.deal(SENDER, amount + 9);
        vm.prank(SENDER);
        vault.requestNative{value: amount + 9}(BOB, amount, "");
        vm.prank(svm.createAddress("caller"));
        vault.collectFees(NATIVE_COIN);
        vm.prank(svm.createAddress("another"));
        vault.collectFees(NATIVE_COIN);
        assert(LaneAmount.unwrap(vault.custodyOf(NATIVE_COIN)) == amount && address(vault).balance == amount);
        assert(OWNER.balance == 9 && vault.feesHeld(NATIVE_COIN) == 0);
    }
}
