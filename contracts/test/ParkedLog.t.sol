// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../src/interfaces/IBridge.sol";
import {AssetKind, Direction, LaneAmount, Limits, ParkReason, ParkedHandover, Request} from "../src/types/Types.sol";
import {DataReceiver} from "./support/DataReceiver.sol";
import {EveryAssetTest} from "./support/EveryAsset.sol";
import {Vm, vm} from "./support/Vm.sol";

/// @title What is parked is known from events alone, with all that a release or a return needs
contract ParkedLogTest is EveryAssetTest {
    /// @dev What a reader of the logs knows of one parked handover.
    struct Known {
        bool parked;
        bool held;
        ParkReason reason;
        Request request;
    }

    uint256 private constant STEPS = 24;

    DataReceiver private refuser;
    /// Every request that was ever made, and its payload: the test's own record.
    Request[] private _requests;
    bytes[] private _payloads;

    // What the logs say.
    mapping(bytes32 requestHash => Known) private _known;
    mapping(uint64 nonce => bytes32 requestHash) private _hashOf;
    mapping(uint64 nonce => bytes) private _payloadOf;
    bytes32[] private _everParked;

    function setUp() public override {
        super.setUp();
        refuser = new DataReceiver();
        refuser.setMood(DataReceiver.Mood.AnswerWrong);
        Limits memory limits = _unlimited();
        limits.delayedFrom = 1000;
        _limit(serviceVault, address(goldThere), Direction.Incoming, limits);
    }

    function testFuzz_the_logs_give_the_parked_set(uint256 seed) public {
        vm.recordLogs();
        _arrive(2);
        _arrive(0);
        for (uint256 step = 0; step < STEPS; ++step) {
            seed = uint256(keccak256(abi.encode(seed, step)));
            _act(seed % 10, seed >> 8);
            vm.warp(vm.getBlockTimestamp() + (seed >> 128) % 1 hours);
        }
        _read(vm.getRecordedLogs());
        _compare();

        // Whoever reads the logs can send all of it home, and that is the end of it.
        vm.warp(vm.getBlockTimestamp() + 30 days);
        vm.recordLogs();
        for (uint256 i = 0; i < _everParked.length; ++i) {
            _sendHome(_everParked[i]);
        }
        _read(vm.getRecordedLogs());
        _compare();
        vm.assertEq(_parked(service, address(goldThere)), 0);
        vm.assertEq(_parked(service, address(artThere)), 0);
    }

    function _sendHome(bytes32 hash) private {
        Known storage known = _known[hash];
        if (!known.parked) return;
        if (known.held) {
            vm.prank(OWNER);
            service.freeParked(hash);
        }
        vm.prank(MALLORY);
        _at(service).returnParked(known.request, _payloadOf[known.request.nonce]);
    }

    // ---- what happens -----------------------------------------------------------------------------------------

    function _act(uint256 action, uint256 seed) private {
        if (action < 5) return _arrive(action);
        uint256 which = seed % _requests.length;
        (Request memory request, bytes memory payload) = (_requests[which], _payloads[which]);
        _at(service);
        if (action == 5) {
            try service.releaseParked(request, payload) {} catch {}
        } else if (action == 6) {
            vm.prank(request.recipient);
            try service.returnParked(request, payload) {} catch {}
        } else if (action == 7) {
            vm.prank(request.recipient);
            try service.releaseParkedTo(request, payload, ALICE, 0, "") {} catch {}
        } else if (action == 8) {
            vm.prank(GUARDIAN);
            try service.holdParked(request) {} catch {}
        } else {
            bytes32 hash = service.requestHash(request);
            vm.prank(OWNER);
            try service.freeParked(hash) {} catch {}
        }
    }

    /// A request of one sort is made and handed over, or parked.
    function _arrive(uint256 sort) private {
        Request memory request;
        bytes memory payload;
        uint256 id = _requests.length;
        if (sort == 0) {
            vm.prank(GUARDIAN);
            serviceVault.setTokenEnabled(address(goldThere), false);
        }
        if (sort == 0 || sort == 1) request = _sendGold(BOB, 1 + id);
        if (sort == 2) request = _sendGold(BOB, 1000 + id);
        if (sort == 3) (request, payload) = _sendGoldWith(address(refuser), 1 + id, "hello");
        if (sort == 4) (request, payload) = _sendArt(address(gold), id, "");
        _requests.push(request);
        _payloads.push(payload);
        _deliver(service, _one(request), payload.length == 0 ? _noPayloads() : _onePayload(payload));
        vm.prank(OWNER);
        serviceVault.setTokenEnabled(address(goldThere), true);
    }

    // ---- what the logs say ------------------------------------------------------------------------------------

    function _read(Vm.Log[] memory logs) private {
        for (uint256 i = 0; i < logs.length; ++i) {
            bytes32 topic = logs[i].topics[0];
            if (logs[i].emitter == address(main) && topic == IBridge.ValueTransferRequested.selector) {
                (,,,, bytes memory payload,) =
                    abi.decode(logs[i].data, (AssetKind, address, address, uint256, bytes, bytes32));
                _payloadOf[uint64(uint256(logs[i].topics[1]))] = payload;
            }
            if (logs[i].emitter == address(service)) _readBridge(topic, logs[i]);
        }
    }

    function _readBridge(bytes32 topic, Vm.Log memory log) private {
        uint64 nonce = uint64(uint256(log.topics[1]));
        if (topic == IBridge.HandoverParked.selector) {
            (ParkReason reason,, Request memory request) = abi.decode(log.data, (ParkReason, uint64, Request));
            bytes32 hash = log.topics[3];
            _known[hash] = Known(true, false, reason, request);
            _hashOf[nonce] = hash;
            _everParked.push(hash);
        } else if (topic == IBridge.HandoverReleased.selector || topic == IBridge.HandoverReturned.selector) {
            Known storage known = _known[_hashOf[nonce]];
            vm.assertTrue(known.parked, "ends once");
            (known.parked, known.held) = (false, false);
        } else if (topic == IBridge.HandoverHeld.selector) {
            _known[log.topics[1]].held = abi.decode(log.data, (bool));
        }
    }

    function _compare() private view {
        uint256 goldParked = 0;
        for (uint256 i = 0; i < _requests.length; ++i) {
            bytes32 hash = service.requestHash(_requests[i]);
            ParkedHandover memory entry = service.parkedHandover(hash);
            Known storage known = _known[hash];
            vm.assertTrue(known.parked == (entry.parkedAt != 0), "parked");
            vm.assertTrue(known.held == entry.held, "held");
            if (!known.parked) continue;
            vm.assertEq(uint256(known.reason), uint256(entry.reason), "reason");
            vm.assertEq(service.requestHash(known.request), hash, "request");
            if (known.request.counterpartToken == address(goldThere)) {
                goldParked += LaneAmount.unwrap(known.request.amount);
            }
        }
        vm.assertEq(_parked(service, address(goldThere)), goldParked, "the figure is the sum");
    }
}
