// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../src/interfaces/IBridge.sol";
import {Direction, LaneAmount, Limits, ParkReason, Payload, Request} from "../src/types/Types.sol";
import {DataReceiver} from "./support/DataReceiver.sol";
import {EveryAssetTest} from "./support/EveryAsset.sol";
import {HostileRecipient} from "./support/HostileRecipient.sol";
import {IOwnedBridge} from "./support/IOwned.sol";
import {Vm, vm} from "./support/Vm.sol";

/// @title Each reason why a handover is parked, and from when on it could be released
contract ParkReasonsTest is EveryAssetTest {
    uint64 private constant NEVER = type(uint64).max;

    function setUp() public override {
        super.setUp();
        _deliver(service, _sendGold(BOB, 100));
    }

    function test_token_unavailable() public {
        Request memory unknown = _sendGold(BOB, 1);
        unknown.counterpartToken = address(0x1EAD);
        _parks(unknown, ParkReason.TokenUnavailable, 0);
        Request memory elsewhere = _sendGold(BOB, 1);
        elsewhere.token = address(0x1EAD);
        _parks(elsewhere, ParkReason.TokenUnavailable, 0);
        vm.prank(GUARDIAN);
        serviceVault.setTokenEnabled(address(goldThere), false);
        _parks(_sendGold(BOB, 1), ParkReason.TokenUnavailable, 0);
    }

    /// More than is in custody: what was sent here never came to so much.
    function test_liquidity_short() public {
        Request memory request = _sendBack(goldThere, BOB, ALICE, 1);
        request.amount = LaneAmount.wrap(101);
        gold.mint(address(mainVault), 1000);
        _parksOnMain(request, ParkReason.LiquidityShort, 0);
        // An NFT that is not here is as short as any amount.
        (request,) = _sendArt(BOB, 7, "");
        _deliverWith(service, request, abi.encode(_payloadOf(7)));
        bytes memory payload;
        (request, payload) = _sendArtBack(BOB, ALICE, 7);
        payload = abi.encode(_payloadOf(8));
        request.payloadHash = keccak256(payload);
        vm.recordLogs();
        _deliverWith(main, request, payload);
        _assertLog(main, request, ParkReason.LiquidityShort, 0);
    }

    function test_rate_limited() public {
        // Ten a second; the reserve of 20 is for amounts up to 5.
        Limits memory limits = Limits(1, NO_LIMIT, 100, 10, NO_LIMIT, 2_000, 500);
        _limit(serviceVault, address(goldThere), Direction.Incoming, limits);
        _deliver(service, _sendGold(BOB, 70));
        // Thirty are left, of which 20 are reserved.
        _parks(_sendGold(BOB, 11), ParkReason.RateLimited, START + 1);
        _parks(_sendGold(BOB, 31), ParkReason.RateLimited, START + 3);
        _deliver(service, _sendGold(BOB, 10));
        _parks(_sendGold(BOB, 6), ParkReason.RateLimited, START + 1);
        _deliver(service, _sendGold(BOB, 5));
        // The bucket never holds 81 beside its reserve.
        _parks(_sendGold(BOB, 81), ParkReason.RateLimited, NEVER);
        _parks(_sendGold(BOB, 80), ParkReason.RateLimited, START + 9);
    }

    function test_delayed() public {
        _limit(serviceVault, address(goldThere), Direction.Incoming, Limits(1, NO_LIMIT, NO_LIMIT, 1 days, 50, 0, 0));
        Request memory below = _sendGold(BOB, 49);
        _deliver(service, below);
        _assertNotParked(service, below);
        _parks(_sendGold(BOB, 50), ParkReason.Delayed, START + LARGE_DELAY);
        vm.warp(START + 5);
        _parks(_sendGold(BOB, 51), ParkReason.Delayed, START + 5 + LARGE_DELAY);
    }

    function test_payout_failed() public {
        HostileRecipient hostile = new HostileRecipient();
        hostile.setMood(HostileRecipient.Mood.Revert);
        _deliver(service, _sendCoin(BOB, 10));
        _parksOnMain(_sendBack(coinThere, BOB, address(hostile), 1), ParkReason.PayoutFailed, 0);
        // A contract that does not take NFTs.
        (Request memory request, bytes memory payload) = _sendArt(address(hostile), 7, "");
        vm.recordLogs();
        _deliverWith(service, request, payload);
        _assertLog(service, request, ParkReason.PayoutFailed, 0);
        // A bridge that its vault does not pay any more.
        IOwnedBridge next =
            _deployBridge(OWNER, GUARDIAN, address(serviceVault), MAIN, BOB, members, THRESHOLD, _timing());
        vm.startPrank(OWNER);
        serviceVault.serve(address(next));
        serviceVault.retire(address(service));
        vm.stopPrank();
        _parks(_sendGold(BOB, 1), ParkReason.PayoutFailed, 0);
    }

    function test_out_of_bounds() public {
        _limit(serviceVault, address(goldThere), Direction.Incoming, Limits(10, 50, NO_LIMIT, 1 days, NO_LIMIT, 0, 0));
        _parks(_sendGold(BOB, 9), ParkReason.OutOfBounds, NEVER);
        _parks(_sendGold(BOB, 51), ParkReason.OutOfBounds, NEVER);
        Request memory least = _sendGold(BOB, 10);
        Request memory most = _sendGold(BOB, 50);
        _deliver(service, least);
        _deliver(service, most);
        vm.assertEq(goldThere.balanceOf(BOB), 160);
    }

    function test_data_refused() public {
        DataReceiver receiver = new DataReceiver();
        receiver.setMood(DataReceiver.Mood.AnswerWrong);
        (Request memory request, bytes memory payload) = _sendGoldWith(address(receiver), 9, "hello");
        vm.recordLogs();
        _deliverWith(service, request, payload);
        _assertLog(service, request, ParkReason.DataRefused, 0);
        vm.assertEq(goldThere.balanceOf(address(receiver)), 0);
    }

    // ---- helpers ----------------------------------------------------------------------------------------------

    function _payloadOf(uint256 id) private pure returns (Payload memory) {
        return Payload(_ids(id), new uint256[](0), string.concat("ipfs://art/", vm.toString(id)), "");
    }

    function _parks(Request memory request, ParkReason reason, uint64 earliest) private {
        _parksAt(service, request, reason, earliest);
    }

    function _parksOnMain(Request memory request, ParkReason reason, uint64 earliest) private {
        _parksAt(main, request, reason, earliest);
    }

    function _parksAt(IOwnedBridge bridge, Request memory request, ParkReason reason, uint64 earliest) private {
        uint256 parked = _parked(bridge, request.counterpartToken);
        uint256 custody = _custody(bridge, request.counterpartToken);
        uint256 available = _vaultOf(bridge).available(request.counterpartToken, Direction.Incoming);
        vm.recordLogs();
        _deliver(bridge, request);
        _assertLog(bridge, request, reason, earliest);
        vm.assertEq(_parked(bridge, request.counterpartToken), parked + LaneAmount.unwrap(request.amount));
        vm.assertEq(_custody(bridge, request.counterpartToken), custody);
        vm.assertEq(_vaultOf(bridge).available(request.counterpartToken, Direction.Incoming), available);
    }

    /// The delivery's first event says all that a release needs.
    function _assertLog(IOwnedBridge bridge, Request memory request, ParkReason reason, uint64 earliest) private {
        _assertParked(bridge, request, reason);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        Vm.Log memory log = logs[logs.length - 2];
        vm.assertEq(log.emitter, address(bridge), "the bridge says it");
        vm.assertEq(log.topics[0], IBridge.HandoverParked.selector, "parked");
        vm.assertEq(log.topics[1], bytes32(uint256(request.nonce)), "nonce");
        vm.assertEq(log.topics[2], bytes32(uint256(uint160(request.recipient))), "recipient");
        vm.assertEq(log.topics[3], bridge.requestHash(request), "request hash");
        bytes memory want = abi.encode(reason, earliest, request);
        vm.assertEq(keccak256(log.data), keccak256(want), "reason, earliest, request");
    }
}
