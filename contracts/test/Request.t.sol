// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../src/interfaces/IBridge.sol";
import {IBridgeToken} from "../src/interfaces/IBridgeToken.sol";
import {LaneHead} from "../src/libraries/LaneHead.sol";
import {AssetKind, LanePosition, NATIVE_COIN, Request} from "../src/types/Types.sol";
import {HostileToken, SilentToken} from "./support/HostileTokens.sol";
import {PairTest} from "./support/PairTest.sol";
import {TestToken} from "./support/TestToken.sol";
import {Vm, vm} from "./support/Vm.sol";

/// @title What a bridge takes, and what it refuses before anything changes
contract RequestTest is PairTest {
    function test_coin_is_locked_and_linked() public {
        bytes32 before = _outgoing(main).head;
        vm.recordLogs();
        Request memory request = _sendCoin(BOB, 3 ether);
        Vm.Log[] memory logs = vm.getRecordedLogs();

        bytes32 head = keccak256(abi.encodePacked(before, LaneHead.hash(request)));
        vm.assertEq(_outgoing(main).head, head, "head");
        vm.assertEq(_outgoing(main).count, 1, "count");
        vm.assertEq(_custody(main, NATIVE_COIN), 3 ether, "custody");
        vm.assertEq(address(main).balance, 3 ether, "balance");
        vm.assertEq(logs.length, 1);
        vm.assertEq(logs[0].topics[0], IBridge.ValueTransferRequested.selector, "event");
        vm.assertEq(logs[0].topics[1], bytes32(0), "nonce");
        vm.assertEq(logs[0].topics[2], bytes32(uint256(uint160(ALICE))), "sender");
        vm.assertEq(logs[0].topics[3], bytes32(uint256(uint160(BOB))), "recipient");
        vm.assertEq(
            keccak256(logs[0].data),
            keccak256(abi.encode(AssetKind.Native, NATIVE_COIN, coinThere, uint256(3 ether), head)),
            "every hashed field and the head"
        );
    }

    function test_token_is_locked_at_home_and_burned_away() public {
        Request memory there = _sendGold(BOB, 100);
        vm.assertEq(gold.balanceOf(address(main)), 100, "locked");
        vm.assertEq(_custody(main, address(gold)), 100, "custody");
        _deliver(service, there);
        vm.assertEq(goldThere.balanceOf(BOB), 100, "minted");

        Request memory back = _sendBack(goldThere, BOB, ALICE, 40);
        vm.assertEq(goldThere.totalSupply(), 60, "burned");
        vm.assertEq(_custody(service, address(goldThere)), 60, "outstanding");
        _deliver(main, back);
        vm.assertEq(gold.balanceOf(ALICE), 40, "unlocked");
        vm.assertEq(_custody(main, address(gold)), 60, "still locked");
    }

    function test_nonces_have_no_gaps() public {
        for (uint64 i = 0; i < 5; ++i) {
            Request memory request = i % 2 == 0 ? _sendGold(BOB, 1) : _sendCoin(BOB, 1);
            vm.assertEq(request.nonce, i);
        }
    }

    function test_a_permit_is_an_approval() public {
        uint256 key = keys[0];
        address holder = vm.addr(key);
        gold.mint(holder, 10);
        bytes32 permit = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                holder,
                main,
                10,
                0,
                START
            )
        );
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(key, keccak256(abi.encodePacked(hex"1901", gold.DOMAIN_SEPARATOR(), permit)));
        gold.permit(holder, address(main), 10, START, v, r, s);
        vm.prank(holder);
        _at(main).requestERC20(address(gold), BOB, 10);
        vm.assertEq(_custody(main, address(gold)), 10, "custody");
    }

    // ---- refusals ---------------------------------------------------------------------------------------------

    function test_refuses_an_unregistered_token() public {
        TestToken lead = new TestToken("Lead", "PB", 18);
        _refuse(address(lead), BOB, 1, abi.encodeWithSelector(IBridge.Bridge_TokenUnregistered.selector, lead));
        _refuse(address(0), BOB, 1, abi.encodeWithSelector(IBridge.Bridge_TokenUnregistered.selector, address(0)));
    }

    function test_refuses_a_disabled_token() public {
        vm.prank(GUARDIAN);
        main.setTokenEnabled(address(gold), false);
        _refuse(address(gold), BOB, 1, abi.encodeWithSelector(IBridge.Bridge_TokenDisabled.selector, gold));
    }

    function test_refuses_the_coin_as_a_token() public {
        bytes memory mismatch =
            abi.encodeWithSelector(IBridge.Bridge_KindMismatch.selector, AssetKind.ERC20, AssetKind.Native);
        _refuse(NATIVE_COIN, BOB, 1, mismatch);
    }

    function test_refuses_amounts_of_nothing_and_out_of_bounds() public {
        vm.prank(OWNER);
        main.setTokenLimits(address(gold), 10, 20, NO_LIMIT, 0, NO_LIMIT);
        _refuse(address(gold), BOB, 0, abi.encodeWithSelector(IBridge.Bridge_AmountZero.selector));
        _refuse(address(gold), BOB, 9, abi.encodeWithSelector(IBridge.Bridge_AmountBelowMin.selector, 9, 10));
        _refuse(address(gold), BOB, 21, abi.encodeWithSelector(IBridge.Bridge_AmountAboveMax.selector, 21, 20));
        _sendGold(BOB, 10);
        _sendGold(BOB, 20);
        vm.prank(ALICE);
        vm.expectRevert(IBridge.Bridge_AmountZero.selector);
        main.requestNative{value: 0}(BOB);
    }

    function test_refuses_zero_even_where_the_least_is_zero() public {
        vm.prank(OWNER);
        main.setTokenLimits(address(gold), 0, 20, NO_LIMIT, 0, NO_LIMIT);
        _refuse(address(gold), BOB, 0, abi.encodeWithSelector(IBridge.Bridge_AmountZero.selector));
    }

    function test_refuses_more_than_128_bits() public {
        uint256 much = uint256(NO_LIMIT) + 1;
        bytes memory above = abi.encodeWithSelector(IBridge.Bridge_AmountAboveMax.selector, much, NO_LIMIT);
        _refuse(address(gold), BOB, much, above);
    }

    function test_refuses_recipients_that_would_lose_the_value() public {
        address[4] memory lost = [address(0), address(main), address(service), address(goldThere)];
        for (uint256 i = 0; i < lost.length; ++i) {
            bytes memory refused = abi.encodeWithSelector(IBridge.Bridge_RecipientRefused.selector, lost[i]);
            _refuse(address(gold), lost[i], 1, refused);
        }
        vm.deal(ALICE, 1);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_RecipientRefused.selector, service));
        main.requestNative{value: 1}(address(service));
    }

    function test_refuses_while_paused() public {
        vm.prank(GUARDIAN);
        main.pause();
        bytes memory paused = abi.encodeWithSelector(IBridge.Bridge_Paused.selector, START + 3 days);
        _refuse(address(gold), BOB, 1, paused);
        vm.deal(ALICE, 1);
        vm.prank(ALICE);
        vm.expectRevert(paused);
        main.requestNative{value: 1}(BOB);
    }

    function test_refuses_coin_that_comes_without_a_request() public {
        vm.deal(ALICE, 1);
        vm.prank(ALICE);
        (bool ok,) = address(main).call{value: 1}("");
        vm.assertTrue(!ok, "no plain coin");
    }

    function test_burning_spends_the_allowance() public {
        _deliver(service, _sendGold(BOB, 10));
        vm.prank(BOB);
        vm.expectRevert();
        _at(service).requestERC20(address(goldThere), ALICE, 10);
        vm.prank(BOB);
        goldThere.approve(address(service), 9);
        vm.prank(BOB);
        vm.expectRevert();
        service.requestERC20(address(goldThere), ALICE, 10);
    }

    function test_only_the_bridge_mints_and_burns() public {
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IBridgeToken.BridgeToken_CallerRefused.selector, OWNER, service));
        goldThere.mint(OWNER, 1);
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IBridgeToken.BridgeToken_CallerRefused.selector, OWNER, service));
        goldThere.burn(BOB, 1);
    }

    // ---- hostile tokens ---------------------------------------------------------------------------------------

    function test_takes_a_token_without_return_value() public {
        SilentToken silent = new SilentToken();
        _register(address(silent));
        silent.mint(ALICE, 5);
        vm.prank(ALICE);
        silent.approve(address(main), 5);
        vm.prank(ALICE);
        _at(main).requestERC20(address(silent), BOB, 5);
        vm.assertEq(_custody(main, address(silent)), 5, "custody");
    }

    function test_refuses_a_fee_on_transfer() public {
        HostileToken token = _hostile();
        token.setMood(HostileToken.Mood.TakeFee);
        _refuse(address(token), BOB, 1000, abi.encodeWithSelector(IBridge.Bridge_ReceivedMismatch.selector, 990, 1000));
    }

    function test_refuses_a_token_that_returns_false_or_reverts() public {
        HostileToken token = _hostile();
        token.setMood(HostileToken.Mood.ReturnFalse);
        _refuse(address(token), BOB, 1000, "");
        token.setMood(HostileToken.Mood.Revert);
        _refuse(address(token), BOB, 1000, "");
    }

    function test_a_token_cannot_reenter_while_it_is_taken() public {
        HostileToken token = _hostile();
        token.setReentry(address(main), abi.encodeCall(IBridge.requestERC20, (address(token), BOB, 1)));
        vm.prank(ALICE);
        _at(main).requestERC20(address(token), BOB, 1000);
        vm.assertTrue(!token.reentered(), "the guard held");
        vm.assertEq(_outgoing(main).count, 1, "one request");
    }

    function _hostile() private returns (HostileToken token) {
        token = new HostileToken();
        _register(address(token));
        token.mint(ALICE, 10_000);
        vm.prank(ALICE);
        token.approve(address(main), 10_000);
    }

    function _register(address token) private {
        _link(token, AssetKind.ERC20, address(new BridgeTokenOf(address(service))));
    }

    /// Expects a refusal that changes nothing. Empty data: any.
    function _refuse(address token, address recipient, uint256 amount, bytes memory data) private {
        LanePosition memory before = _outgoing(main);
        gold.mint(ALICE, amount);
        vm.prank(ALICE);
        gold.approve(address(main), amount);
        _at(main);
        if (data.length == 0) vm.expectRevert();
        else vm.expectRevert(data);
        vm.prank(ALICE);
        main.requestERC20(token, recipient, amount);
        vm.assertEq(_outgoing(main).count, before.count, "count stays");
        vm.assertEq(_outgoing(main).head, before.head, "head stays");
        vm.assertEq(_custody(main, token), 0);
    }
}

/// @dev The least that a bridge accepts as a token that it mints.
contract BridgeTokenOf {
    address public bridge;

    constructor(address bridge_) {
        bridge = bridge_;
    }
}
