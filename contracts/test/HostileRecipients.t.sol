// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../src/interfaces/IBridge.sol";
import {IVault} from "../src/interfaces/IVault.sol";
import {Certificate, LaneAmount, NATIVE_COIN, Order, ParkReason, Request} from "../src/types/Types.sol";
import {AnyRecipient} from "./support/AnyRecipient.sol";
import {AssetTest} from "./support/AssetTest.sol";
import {Refuser} from "./support/Refuser.sol";
import {vm} from "./support/Vm.sol";

/// @title Every kind of recipient, of every kind of asset: paid, or parked, and in nobody's way
contract HostileRecipientsTest is AssetTest {
    /// A kind of recipient, and whether it is paid coin, a token and an NFT.
    struct Row {
        string name;
        address recipient;
        AnyRecipient.Kind kind;
        bool coin;
        bool token;
        bool nft;
    }

    AnyRecipient private any;

    function setUp() public override {
        super.setUp();
        any = new AnyRecipient();
        _sendCoin(BOB, 100 ether);
        _sendGold(BOB, 100 ether);
        _carry(service);
        for (uint256 id = 0; id < 40; ++id) {
            _carry(service, _list(_sendArt(BOB, id)));
        }
        vm.prank(BOB);
        artThere.setApprovalForAll(address(serviceVault), true);
    }

    function _rows() private returns (Row[18] memory) {
        address coded = address(any);
        address refuser = address(new Refuser());
        address account = address(0x7702);
        // An account that lends itself the code of a contract that rejects coins.
        vm.etch(account, refuser.code);
        AnyRecipient.Kind plain = AnyRecipient.Kind.Plain;
        return [
            Row("an account", address(0xF00D), plain, true, true, true),
            Row("not yet deployed", vm.computeCreateAddress(MALLORY, 7), plain, true, true, true),
            Row("a contract that takes all", coded, plain, true, true, true),
            Row("reverts", coded, AnyRecipient.Kind.Reverts, false, true, false),
            Row("reverts with much", coded, AnyRecipient.Kind.RevertsWithMuch, false, true, false),
            Row("returns much", coded, AnyRecipient.Kind.ReturnsMuch, true, true, true),
            Row("burns gas", coded, AnyRecipient.Kind.BurnsGas, false, true, false),
            Row("answers no hook", coded, AnyRecipient.Kind.AnswersNothing, true, true, false),
            Row("answers hooks wrong", coded, AnyRecipient.Kind.AnswersWrong, true, true, false),
            Row("a contract without hooks", refuser, plain, false, true, false),
            Row("an account that rejects coins", account, plain, false, true, false),
            Row("zero", address(0), plain, false, false, false),
            Row("the bridge", address(main), plain, false, false, false),
            Row("the vault", address(mainVault), plain, false, false, false),
            Row("the other bridge", address(service), plain, false, true, false),
            Row("the stand-in of the coin", NATIVE_COIN, plain, false, true, true),
            Row("a precompile that hashes", address(2), plain, true, true, true),
            Row("a precompile that copies", address(4), plain, true, true, true)
        ];
    }

    function test_every_kind_of_recipient() public {
        Row[18] memory rows = _rows();
        for (uint256 i = 0; i < rows.length; ++i) {
            any.setKind(rows[i].kind);
            Request memory coin = _sendBack(coinThere, BOB, ALICE, 10);
            Request memory token = _sendBack(goldThere, BOB, ALICE, 10);
            vm.recordLogs();
            _request721(service, address(artThere), BOB, ALICE, i);
            Sent memory nft = _theSent(service);
            _handTo(rows[i], coin, token, nft);
        }
    }

    /// Delivers the three to the row's recipient, whom the source may have refused: a return's recipient and a lying
    /// quorum are not bound by it. A good request comes after each.
    function _handTo(Row memory row, Request memory coin, Request memory token, Sent memory nft) private {
        coin.recipient = token.recipient = nft.request.recipient = row.recipient;
        uint256 held = ALICE.balance;
        _handAndCheck(_list(Sent(coin, "")), row.coin, row.name);
        _handAndCheck(_list(Sent(token, "")), row.token, row.name);
        _handAndCheck(_list(nft), row.nft, row.name);
        Request memory good = _sendBack(coinThere, BOB, ALICE, 1);
        _deliver(main, good);
        vm.assertEq(ALICE.balance - held, 1, row.name);
        vm.assertEq(address(mainVault).balance, _custody(main, NATIVE_COIN), row.name);
        vm.assertEq(gold.balanceOf(address(mainVault)), _custody(main, address(gold)), row.name);
        vm.assertEq(art.balanceOf(address(mainVault)), _custody(main, address(art)), row.name);
    }

    function _handAndCheck(Sent[] memory sent, bool paid, string memory name) private {
        Request memory request = sent[0].request;
        uint256 custody = _custody(main, request.counterpartToken);
        uint256 parked = _parked(main, request.counterpartToken);
        uint256 gasBefore = gasleft();
        _carry(main, sent);
        vm.assertLe(gasBefore - gasleft(), 1_500_000, name);
        vm.assertEq(
            custody - _custody(main, request.counterpartToken), paid ? LaneAmount.unwrap(request.amount) : 0, name
        );
        vm.assertEq(
            _parked(main, request.counterpartToken) - parked, paid ? 0 : LaneAmount.unwrap(request.amount), name
        );
        if (!paid) _assertParked(main, request, ParkReason.PayoutFailed);
    }

    /// What is parked for a token contract is not lost: whoever sent it gets it back.
    function test_the_token_contract_itself() public {
        Request memory request = _sendBack(goldThere, BOB, ALICE, 10);
        request.recipient = address(gold);
        _deliver(main, request);
        _assertParked(main, request, ParkReason.PayoutFailed);
        vm.warp(START + 1 days);
        vm.recordLogs();
        main.returnParked(request, "");
        uint256 before = goldThere.balanceOf(BOB);
        _carry(service);
        vm.assertEq(goldThere.balanceOf(BOB) - before, 10);
    }

    // ---- re-entry ---------------------------------------------------------------------------------------------

    /// Each entry point of bridge and vault, called by a recipient in the middle of its payout.
    function test_a_recipient_that_reenters_each_entry_point() public {
        Request memory parked = _parkFor(address(any));
        (address[11] memory targets, bytes[11] memory calls) = _entries(parked);
        vm.deal(address(any), 1 ether);
        gold.mint(address(any), 100);
        vm.startPrank(address(any));
        gold.approve(address(mainVault), 100);
        art.setApprovalForAll(address(mainVault), true);
        vm.stopPrank();
        for (uint256 i = 0; i < calls.length; ++i) {
            uint256 state = vm.snapshotState();
            any.setReentry(targets[i], i < 2 ? 1 : 0, calls[i]);
            uint256 count = _outgoing(main).count;
            uint256 before = address(any).balance;
            _deliver(main, _sendBack(coinThere, BOB, address(any), 10));
            vm.assertTrue(any.tried() && !any.reentered(), "the guards held");
            vm.assertEq(address(any).balance - before, 10, "paid once");
            vm.assertEq(_outgoing(main).count, count, "no request");
            _assertParked(main, parked, ParkReason.PayoutFailed);
            vm.assertEq(address(mainVault).balance, _custody(main, NATIVE_COIN), "S5");
            // Most of it is good once the payout is over. What is not: a stale batch and what only a bridge may.
            if (i < 6) vm.assertTrue(any.act(), "good on its own");
            vm.revertToState(state);
        }
    }

    function _entries(Request memory parked) private returns (address[11] memory targets, bytes[11] memory calls) {
        Order[] memory orders = new Order[](1);
        orders[0] = _order(NATIVE_COIN, BOB, 1);
        Request[] memory none = new Request[](1);
        none[0].nonce = _incoming(main).count + 1;
        Certificate memory certificate;
        calls = [
            abi.encodeCall(IVault.requestNative, (BOB, 1, "")),
            abi.encodeCall(IVault.requestBulk, (orders)),
            abi.encodeCall(IVault.requestERC20, (address(gold), BOB, 1, 0, "")),
            abi.encodeWithSignature("transfer(address,uint256)", ALICE, 1),
            abi.encodeCall(IBridge.returnParked, (parked, "")),
            abi.encodeCall(IBridge.releaseParkedTo, (parked, "", ALICE, 0, "")),
            abi.encodeCall(IBridge.releaseParked, (parked, "")),
            abi.encodeCall(IBridge.deliver, (none, _noPayloads(), _none(), certificate)),
            abi.encodeCall(IBridge.link, (parked, "")),
            abi.encodeCall(IVault.transferOut, (NATIVE_COIN, LaneAmount.wrap(1), BOB, START, address(coinThere))),
            abi.encodeCall(IVault.transferOutWith, (parked, "", BOB, START))
        ];
        for (uint256 i = 0; i < 11; ++i) {
            targets[i] = i < 4 || i > 8 ? address(mainVault) : address(main);
        }
        // A one-step NFT, which arrives through its own hook.
        art.mint(address(any), 1000, "u");
        targets[3] = address(art);
        calls[3] = abi.encodeWithSignature(
            "safeTransferFrom(address,address,uint256,bytes)", any, mainVault, 1000, abi.encodePacked(BOB)
        );
    }

    function _parkFor(address recipient) private returns (Request memory request) {
        any.setKind(AnyRecipient.Kind.Reverts);
        request = _sendBack(coinThere, BOB, recipient, 10);
        _deliver(main, request);
        _assertParked(main, request, ParkReason.PayoutFailed);
    }

    /// The hooks of NFT standards let a recipient act, too.
    function test_a_recipient_that_reenters_from_its_hooks() public {
        gold.mint(address(any), 100);
        items.mint(address(any), 1, 5);
        vm.prank(address(any));
        gold.approve(address(mainVault), 100);
        bytes[2] memory calls = [
            abi.encodeCall(IVault.requestERC20, (address(gold), BOB, 1, 0, "")),
            abi.encodeWithSignature(
                "safeTransferFrom(address,address,uint256,uint256,bytes)", any, mainVault, 1, 5, abi.encodePacked(BOB)
            )
        ];
        address[2] memory targets = [address(mainVault), address(items)];
        for (uint256 i = 0; i < 2; ++i) {
            any.setReentry(targets[i], 0, calls[i]);
            vm.recordLogs();
            _request721(service, address(artThere), BOB, address(any), i);
            _carryOne(main);
            vm.assertTrue(any.tried() && !any.reentered(), "the guards held");
            vm.assertEq(art.ownerOf(i), address(any));

            any.setKind(AnyRecipient.Kind.Plain);
            _carry(service, _list(_sendItems(BOB, _of(3), _of(1))));
            vm.prank(BOB);
            itemsThere.setApprovalForAll(address(serviceVault), true);
            any.setReentry(targets[i], 0, calls[i]);
            _request1155(service, address(itemsThere), BOB, address(any), _of(3), _of(1));
            _carryOne(main);
            vm.assertTrue(any.tried() && !any.reentered(), "the guards held");
            vm.assertEq(items.balanceOf(address(any), 3), i + 1);
            vm.assertTrue(any.act(), "good on its own");
            _carry(service);
        }
    }

    /// Fees go where they belong even when a recipient has them sent in the middle of its payout.
    function test_a_recipient_that_collects_fees() public {
        _setFee(mainVault, NATIVE_COIN, 5, 0);
        vm.deal(ALICE, 15);
        _at(main);
        vm.prank(ALICE);
        mainVault.requestNative{value: 15}(BOB, 10, "");
        any.setReentry(address(mainVault), 0, abi.encodeCall(IVault.collectFees, (NATIVE_COIN)));
        _deliver(main, _sendBack(coinThere, BOB, address(any), 10));
        vm.assertTrue(any.reentered(), "anyone may");
        vm.assertEq(mainVault.feeReceiver().balance, 5, "collected");
        vm.assertEq(address(any).balance, 10, "paid once");
        vm.assertEq(address(mainVault).balance, _custody(main, NATIVE_COIN), "S5");
    }
}
