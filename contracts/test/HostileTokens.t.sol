// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IVault} from "../src/interfaces/IVault.sol";
import {BridgeToken} from "../src/tokens/BridgeToken.sol";
import {AssetKind, Custody, LaneAmount, LanePosition, ParkReason, Request} from "../src/types/Types.sol";
import {AnyToken} from "./support/AnyToken.sol";
import {AssetTest} from "./support/AssetTest.sol";
import {HostileNFT} from "./support/HostileAssets.sol";
import {vm} from "./support/Vm.sol";

/// @title Every kind of token, against requests and payouts
/// @dev Refused, parked or exact: the books never say more than there is, and no batch stops.
contract HostileTokensTest is AssetTest {
    enum Outcome {
        Refused,
        Parked,
        Exact
    }

    /// A kind of token, what becomes of a request and what of a payout.
    struct Row {
        string name;
        uint256 kind;
        Outcome request;
        Outcome payout;
    }

    uint256 private constant AMOUNT = 1000;

    AnyToken private token;
    BridgeToken private there;
    HostileNFT private nft;

    function setUp() public override {
        super.setUp();
        token = new AnyToken();
        there = new BridgeToken(address(serviceVault), "There", "THR", 18, NO_LIMIT);
        _pair(address(token), AssetKind.ERC20, address(there), AssetKind.ERC20);
        nft = new HostileNFT();
        _register(mainVault, address(nft), _config(address(artThere), AssetKind.ERC721, Custody.Lock));
        vm.startPrank(ALICE);
        token.approve(address(mainVault), NO_LIMIT);
        nft.setApprovalForAll(address(mainVault), true);
        vm.stopPrank();
        token.mint(ALICE, 1e9);
        _sendGold(BOB, 1e9);
        _carry(service);
    }

    // ---- ERC-20 -----------------------------------------------------------------------------------------------

    function _rows() private pure returns (Row[22] memory) {
        (Outcome refused, Outcome parked, Outcome exact) = (Outcome.Refused, Outcome.Parked, Outcome.Exact);
        return [
            Row("plain", uint256(AnyToken.Kind.Plain), exact, exact),
            Row("returns nothing", uint256(AnyToken.Kind.ReturnsNothing), exact, exact),
            Row("returns false", uint256(AnyToken.Kind.ReturnsFalse), refused, parked),
            Row("moves and returns false", uint256(AnyToken.Kind.MovesAndReturnsFalse), refused, parked),
            Row("returns two", uint256(AnyToken.Kind.ReturnsTwo), refused, parked),
            Row("returns one byte", uint256(AnyToken.Kind.ReturnsOneByte), refused, parked),
            Row("returns true and much more", uint256(AnyToken.Kind.ReturnsMuch), exact, exact),
            Row("reverts", uint256(AnyToken.Kind.Reverts), refused, parked),
            Row("reverts with much", uint256(AnyToken.Kind.RevertsWithMuch), refused, parked),
            Row("burns gas", uint256(AnyToken.Kind.BurnsGas), refused, parked),
            Row("takes a fee", uint256(AnyToken.Kind.TakesFee), refused, exact),
            Row("gives a bonus", uint256(AnyToken.Kind.GivesBonus), refused, exact),
            Row("moves nothing and returns true", uint256(AnyToken.Kind.MovesNothing), refused, exact),
            Row("is paused", uint256(AnyToken.Kind.IsPaused), refused, parked),
            Row("blocks the receiver", uint256(AnyToken.Kind.BlocksReceiver), refused, parked),
            Row("re-enters before moving", uint256(AnyToken.Kind.CallsBeforeMoving), exact, exact),
            Row("re-enters after moving", uint256(AnyToken.Kind.CallsAfterMoving), exact, exact),
            Row("has a balance that reverts", uint256(AnyToken.Kind.BalanceReverts), refused, exact),
            Row("has a balance of zero", uint256(AnyToken.Kind.BalanceIsZero), refused, exact),
            Row("has a balance beyond measure", uint256(AnyToken.Kind.BalanceIsHuge), refused, exact),
            Row("tells its balance at length", uint256(AnyToken.Kind.BalanceReturnsMuch), exact, exact),
            Row("has no decimals", uint256(AnyToken.Kind.DecimalsRevert), exact, exact)
        ];
    }

    function test_requests_of_every_kind_of_token() public {
        Row[22] memory rows = _rows();
        _letReenter(true);
        for (uint256 i = 0; i < rows.length; ++i) {
            uint256 state = vm.snapshotState();
            token.setKind(AnyToken.Kind(rows[i].kind));
            LanePosition memory before = _outgoing(main);
            bool taken = _ask(AMOUNT);
            vm.assertTrue(taken == (rows[i].request == Outcome.Exact), rows[i].name);
            vm.assertEq(_outgoing(main).count - before.count, taken ? 1 : 0, rows[i].name);
            vm.assertEq(_custody(main, address(token)), taken ? AMOUNT : 0, rows[i].name);
            vm.assertEq(token.balances(address(mainVault)), taken ? AMOUNT : 0, rows[i].name);
            vm.assertEq(token.balances(ALICE), 1e9 - (taken ? AMOUNT : 0), rows[i].name);
            vm.assertTrue(!token.reentered(), rows[i].name);
            vm.revertToState(state);
        }
    }

    /// A delivery of something hostile between two good ones.
    function test_payouts_of_every_kind_of_token() public {
        Row[22] memory rows = _rows();
        _letReenter(false);
        vm.assertTrue(_ask(2 * AMOUNT), "locked");
        _carry(service);
        for (uint256 i = 0; i < rows.length; ++i) {
            uint256 state = vm.snapshotState();
            Request[] memory batch = _batch();
            token.setKind(AnyToken.Kind(rows[i].kind));
            _deliver(main, batch);
            vm.assertEq(gold.balanceOf(MALLORY), 2, rows[i].name);
            bool paid = rows[i].payout == Outcome.Exact;
            vm.assertEq(_custody(main, address(token)), 2 * AMOUNT - (paid ? AMOUNT : 0), rows[i].name);
            vm.assertEq(_parked(main, address(token)), paid ? 0 : AMOUNT, rows[i].name);
            vm.assertGe(token.balances(address(mainVault)), _custody(main, address(token)), rows[i].name);
            vm.assertTrue(!token.reentered(), rows[i].name);
            if (!paid) _releasedOnceItIsPlain(batch[1], rows[i].name);
            vm.revertToState(state);
        }
    }

    function _batch() private returns (Request[] memory batch) {
        batch = new Request[](3);
        batch[0] = _sendBack(goldThere, BOB, MALLORY, 1);
        batch[1] = _sendBack(there, BOB, MALLORY, AMOUNT);
        batch[1].counterpartToken = address(token);
        batch[2] = _sendBack(goldThere, BOB, MALLORY, 1);
    }

    function _releasedOnceItIsPlain(Request memory request, string memory name) private {
        _assertParked(main, request, ParkReason.PayoutFailed);
        token.setKind(AnyToken.Kind.Plain);
        _at(main).releaseParked(request, "");
        vm.assertEq(token.balances(MALLORY), AMOUNT, name);
        vm.assertEq(token.balances(address(mainVault)), _custody(main, address(token)), name);
    }

    /// What the token tries while it moves. Each is good on its own.
    function _letReenter(bool duringRequest) private {
        gold.mint(address(token), 1000);
        silver.mint(address(token), 1000);
        vm.startPrank(address(token));
        gold.approve(address(mainVault), 1000);
        vm.stopPrank();
        bytes memory once = abi.encodePacked(BOB, uint256(1));
        token.addReentry(address(mainVault), abi.encodeCall(IVault.requestERC20, (address(gold), BOB, 1, 0, "")));
        token.addReentry(
            address(silver),
            abi.encodeWithSelector(bytes4(keccak256("transferAndCall(address,uint256,bytes)")), mainVault, 1, once)
        );
        if (duringRequest) token.addReentry(address(mainVault), abi.encodeCall(IVault.collectFees, (address(gold))));
        uint256 state = vm.snapshotState();
        _at(main);
        vm.assertTrue(token.act(), "each is good on its own");
        vm.revertToState(state);
        // The record would keep what was undone.
        vm.recordLogs();
    }

    function test_a_token_whose_code_is_gone() public {
        vm.assertTrue(_ask(AMOUNT), "locked");
        _carry(service);
        Request[] memory batch = _batch();
        vm.etch(address(token), "");
        vm.assertTrue(!_ask(AMOUNT), "refused");
        _deliver(main, batch);
        _assertParked(main, batch[1], ParkReason.PayoutFailed);
        vm.assertEq(gold.balanceOf(MALLORY), 2, "the batch went on");
        vm.assertEq(_custody(main, address(token)), AMOUNT, "owed still");
    }

    /// What a token takes away by itself is its holders' loss, in its own coin only: who comes first is paid, the rest
    /// waits, and no other asset makes up for it.
    function test_a_token_that_rebases() public {
        vm.assertTrue(_ask(2 * AMOUNT), "locked");
        _carry(service);
        token.setKind(AnyToken.Kind.RebasesUp);
        token.rebase(address(mainVault));
        vm.assertTrue(_ask(1), "measured, not counted");
        _deliver(main, _batch());
        vm.assertEq(token.balances(MALLORY), AMOUNT, "exact");
        token.setKind(AnyToken.Kind.RebasesDown);
        while (token.balances(address(mainVault)) >= AMOUNT) {
            token.rebase(address(mainVault));
        }
        uint256 custody = _custody(main, address(gold));
        Request[] memory batch = _batch();
        _deliver(main, batch);
        _assertParked(main, batch[1], ParkReason.PayoutFailed);
        vm.assertEq(gold.balanceOf(address(mainVault)), custody - 2, "gold is as it was");
    }

    // ---- ERC-721 ----------------------------------------------------------------------------------------------

    function _nftRows() private pure returns (Row[9] memory) {
        (Outcome refused, Outcome parked, Outcome exact) = (Outcome.Refused, Outcome.Parked, Outcome.Exact);
        return [
            Row("plain NFT", uint256(HostileNFT.Mood.Plain), exact, exact),
            Row("has no URI", uint256(HostileNFT.Mood.UriMissing), exact, exact),
            Row("has a URI that reverts", uint256(HostileNFT.Mood.UriReverts), exact, exact),
            Row("has a URI that is none", uint256(HostileNFT.Mood.UriMalformed), refused, exact),
            Row("has a URI that is a bomb", uint256(HostileNFT.Mood.UriBomb), refused, exact),
            Row("lies about owners", uint256(HostileNFT.Mood.OwnerLies), refused, exact),
            Row("has owners that revert", uint256(HostileNFT.Mood.OwnerReverts), refused, exact),
            Row("moves nothing ever", uint256(HostileNFT.Mood.Reverts), refused, parked),
            Row("re-enters while moving", uint256(HostileNFT.Mood.Reenters), exact, exact)
        ];
    }

    function test_requests_and_payouts_of_every_kind_of_nft() public {
        Row[9] memory rows = _nftRows();
        for (uint256 i = 0; i < rows.length; ++i) {
            uint256 state = vm.snapshotState();
            vm.recordLogs();
            nft.mint(ALICE, 1, "u");
            nft.mint(ALICE, 2, "u");
            vm.assertTrue(_askNFT(1), rows[i].name);
            Sent memory home = _home(_theSent(main));
            _become(HostileNFT.Mood(rows[i].kind));
            bool taken = _askNFT(2);
            vm.assertTrue(taken == (rows[i].request == Outcome.Exact), rows[i].name);
            vm.assertEq(LaneAmount.unwrap(mainVault.custodyOfId(address(nft), 2)), taken ? 1 : 0, rows[i].name);
            _carry(main, _list(home));
            bool paid = rows[i].payout == Outcome.Exact;
            vm.assertEq(LaneAmount.unwrap(mainVault.custodyOfId(address(nft), 1)), paid ? 0 : 1, rows[i].name);
            vm.assertEq(_parked(main, address(nft)), paid ? 0 : 1, rows[i].name);
            vm.assertTrue(!nft.reentered(), rows[i].name);
            vm.revertToState(state);
        }
    }

    function _become(HostileNFT.Mood mood) private {
        if (mood != HostileNFT.Mood.Reenters) return nft.setMood(mood);
        gold.mint(address(nft), 10);
        vm.prank(address(nft));
        gold.approve(address(mainVault), 10);
        nft.setReentry(address(mainVault), abi.encodeCall(IVault.requestERC20, (address(gold), BOB, 1, 0, "")));
    }

    function _askNFT(uint256 id) private returns (bool) {
        _at(main);
        vm.prank(ALICE);
        try mainVault.requestERC721{gas: 3_000_000}(address(nft), BOB, id, "") {
            return true;
        } catch {
            return false;
        }
    }

    /// The request that would send it home, as the other side would link it.
    function _home(Sent memory sent) private pure returns (Sent memory) {
        Request memory request = sent.request;
        request.nonce = 0;
        (request.sender, request.recipient) = (request.recipient, request.sender);
        (request.token, request.counterpartToken) = (request.counterpartToken, request.token);
        return sent;
    }

    // ---- helpers ----------------------------------------------------------------------------------------------

    function _ask(uint256 amount) private returns (bool) {
        _at(main);
        vm.prank(ALICE);
        try mainVault.requestERC20{gas: 3_000_000}(address(token), BOB, amount, 0, "") {
            return true;
        } catch {
            return false;
        }
    }
}
