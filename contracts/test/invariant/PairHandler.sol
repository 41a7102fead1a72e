// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../../src/interfaces/IBridge.sol";
import {LaneHead} from "../../src/libraries/LaneHead.sol";
import {BridgeToken} from "../../src/tokens/BridgeToken.sol";
import {AssetKind, Certificate, NATIVE_COIN, ParkReason, Request, TokenConfig} from "../../src/types/Types.sol";
import {HostileRecipient} from "../support/HostileRecipient.sol";
import {IOwnedBridge} from "../support/IOwnedBridge.sol";
import {PairTest} from "../support/PairTest.sol";
import {Vm, vm} from "../support/Vm.sol";

/// @title Drives a pair at random and keeps its own books, from the events alone
/// @dev Nothing here may revert: an honest batch is always taken, a dishonest one never.
contract PairHandler is PairTest {
    /// What became of one place of a lane.
    struct Fate {
        uint256 paid;
        uint256 parked;
        uint256 released;
        uint256 returned;
    }

    /// The requests linked for a destination, in order.
    mapping(IOwnedBridge to => Request[]) private _linked;
    mapping(IOwnedBridge to => bytes32[]) private _heads;
    mapping(IOwnedBridge to => mapping(uint64 nonce => Fate)) private _fates;
    /// How many places a destination has handed over, by its own events.
    mapping(IOwnedBridge to => uint64) public handed;
    mapping(bytes32 action => uint256) public done;

    HostileRecipient private _hostile;

    function setUp() public override {
        super.setUp();
        _hostile = new HostileRecipient();
        _heads[main].push(_incoming(main).head);
        _heads[service].push(_incoming(service).head);
    }

    // ---- actions: users ---------------------------------------------------------------------------------------

    function lockGold(uint256 recipient, uint256 amount) external {
        gold.mint(ALICE, amount = _bound(amount, 1, 1e24));
        vm.prank(ALICE);
        gold.approve(address(main), amount);
        _requestERC20(main, ALICE, address(gold), _recipient(recipient), amount);
    }

    function lockCoin(uint256 recipient, uint256 amount) external {
        vm.deal(ALICE, amount = _bound(amount, 1, 1e24));
        if (_pausedOrDisabled(main, NATIVE_COIN)) return;
        vm.recordLogs();
        vm.prank(ALICE);
        _at(main).requestNative{value: amount}(_recipient(recipient));
        _book(main);
    }

    function burn(uint256 which, uint256 holder, uint256 recipient, uint256 amount) external {
        BridgeToken token = which % 2 == 0 ? goldThere : coinThere;
        address from = _recipient(holder);
        uint256 held = token.balanceOf(from);
        if (held == 0) return;
        amount = _bound(amount, 1, held);
        vm.prank(from);
        token.approve(address(service), amount);
        _requestERC20(service, from, address(token), _recipient(recipient), amount);
    }

    function release(uint256 side, uint256 place) external {
        IOwnedBridge to = _side(side);
        if (handed[to] == 0) return;
        Request memory request = _linked[to][_bound(place, 0, handed[to] - 1)];
        uint256 allowance = to.tokenAllowance(request.counterpartToken);
        Fate memory fate = _fates[to][request.nonce];
        vm.recordLogs();
        try _at(to).releaseParked(request) {
            vm.assertTrue(fate.parked == 1 && fate.released + fate.returned == 0, "S4: released what is not owed");
            vm.assertLe(request.amount, allowance, "S7: released past the rate");
            ++done["release"];
        } catch {}
        _book(to);
    }

    function sendBack(uint256 side, uint256 place, bool asRecipient) external {
        IOwnedBridge to = _side(side);
        if (handed[to] == 0) return;
        Request memory request = _linked[to][_bound(place, 0, handed[to] - 1)];
        Fate memory fate = _fates[to][request.nonce];
        vm.recordLogs();
        vm.prank(asRecipient ? request.recipient : MALLORY);
        try _at(to).returnParked(request) {
            vm.assertTrue(fate.parked == 1 && fate.released + fate.returned == 0, "S4: returned what is not owed");
            ++done["return"];
        } catch {}
        _book(to);
    }

    // ---- actions: relayers ------------------------------------------------------------------------------------

    function deliver(uint256 side, uint256 size, uint256 tailSize) external {
        IOwnedBridge to = _side(side);
        uint256 waiting = _linked[to].length - handed[to];
        if (waiting == 0 || _paused(to)) return;
        size = _bound(size, 1, waiting);
        (Request[] memory batch, bytes32[] memory tail) = _next(to, size, _bound(tailSize, 0, waiting - size));
        Certificate memory certificate = _certify(to, batch, tail, THRESHOLD);
        uint256[2] memory allowed = _allowances(to);
        vm.recordLogs();
        _at(to).deliver(batch, tail, certificate);
        uint256[2] memory paid = _book(to);
        vm.assertLe(paid[0], allowed[0], "S7: gold past the rate");
        vm.assertLe(paid[1], allowed[1], "S7: coin past the rate");
        ++done["deliver"];
    }

    /// A batch that is wrong in one way. None is ever taken.
    function deliverWrong(uint256 side, uint256 size, uint256 fault, uint256 by) external {
        IOwnedBridge to = _side(side);
        uint256 waiting = _linked[to].length - handed[to];
        if (waiting == 0) return;
        (Request[] memory batch, bytes32[] memory tail) = _next(to, _bound(size, 1, waiting), 0);
        Certificate memory certificate = _certify(to, batch, tail, THRESHOLD);
        fault = fault % 8;
        Request memory spoiled = batch[by % batch.length];
        if (fault == 0) spoiled.amount += _bound(by, 1, 1e18);
        if (fault == 1) spoiled.recipient = MALLORY;
        if (fault == 2) spoiled.nonce += uint64(_bound(by, 1, 5));
        if (fault == 3) (certificate = _certify(to, batch, tail, THRESHOLD - 1));
        if (fault == 4) certificate.signatures[2] = certificate.signatures[by % 2];
        if (fault == 5) certificate.signatures[by % 3].r ^= bytes32(uint256(1));
        if (fault == 6) certificate.epoch += 1;
        if (fault == 7) certificate.head = keccak256(abi.encode(by));
        _refused(to, batch, tail, certificate);
    }

    /// What was handed over, once more, under a fresh certificate of its old place.
    function replay(uint256 side, uint256 place) external {
        IOwnedBridge to = _side(side);
        if (handed[to] == 0) return;
        place = _bound(place, 0, handed[to] - 1);
        Request[] memory batch = _one(_linked[to][place]);
        _refused(to, batch, _none(), _certifyHead(to, uint64(place) + 1, _heads[to][place + 1], 4));
        _refused(to, batch, _none(), _certify(to, batch, _none(), 4));
    }

    // ---- actions: circumstances -------------------------------------------------------------------------------

    function passTime(uint256 by) external {
        vm.warp(vm.getBlockTimestamp() + _bound(by, 1, 12 hours));
    }

    function setMood(uint256 mood) external {
        _hostile.setMood(HostileRecipient.Mood(mood % 4));
    }

    function setEnabled(uint256 side, uint256 which, bool enabled) external {
        IOwnedBridge bridge = _side(side);
        vm.prank(OWNER);
        bridge.setTokenEnabled(_tokensOf(bridge)[which % 2], enabled);
    }

    function setLimits(uint256 side, uint256 which, uint128 capacity, uint128 refill, uint128 delayedFrom) external {
        IOwnedBridge bridge = _side(side);
        capacity = capacity % 4 == 0 ? NO_LIMIT : uint128(_bound(capacity, 1e20, 1e25));
        delayedFrom = delayedFrom % 2 == 0 ? NO_LIMIT : uint128(_bound(delayedFrom, 1e20, 1e24));
        vm.prank(OWNER);
        bridge.setTokenLimits(_tokensOf(bridge)[which % 2], 1, NO_LIMIT, capacity, refill % 1e20, delayedFrom);
    }

    function pause(uint256 side, bool stop) external {
        IOwnedBridge bridge = _side(side);
        vm.prank(OWNER);
        // Rarely, and never for long: a paused pair does nothing worth checking.
        if (stop && side % 5 == 0) bridge.pause();
        else bridge.unpause();
    }

    // ---- books ------------------------------------------------------------------------------------------------

    function linked(IOwnedBridge to) external view returns (Request[] memory) {
        return _linked[to];
    }

    function headAt(IOwnedBridge to, uint256 count) external view returns (bytes32) {
        return _heads[to][count];
    }

    function fateOf(IOwnedBridge to, uint64 nonce) external view returns (Fate memory) {
        return _fates[to][nonce];
    }

    function pair() external view returns (IOwnedBridge, IOwnedBridge) {
        return (main, service);
    }

    /// The two assets as `bridge` knows them: gold, coin.
    function tokensOf(IOwnedBridge bridge) external view returns (address[2] memory) {
        return _tokensOf(bridge);
    }

    /// Enters what `bridge` has just said it did. Returns what it paid by delivery, of gold and of coin.
    function _book(IOwnedBridge bridge) private returns (uint256[2] memory paid) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter != address(bridge)) continue;
            bytes32 what = logs[i].topics[0];
            if (what == IBridge.BatchDelivered.selector) continue;
            uint64 nonce = uint64(uint256(logs[i].topics[1]));
            Fate storage fate = _fates[bridge][nonce];
            if (what == IBridge.ValueTransferRequested.selector) {
                _bookRequest(_other(bridge), nonce, logs[i]);
            } else if (what == IBridge.HandedOver.selector) {
                ++fate.paid;
                _bookHandover(bridge, nonce);
                paid[_assetOf(bridge, _bookPaid(bridge, nonce, logs[i]))] += _linked[bridge][nonce].amount;
            } else if (what == IBridge.HandoverParked.selector) {
                ++fate.parked;
                _bookHandover(bridge, nonce);
            } else if (what == IBridge.HandoverReleased.selector) {
                ++fate.released;
            } else if (what == IBridge.HandoverReturned.selector) {
                ++fate.returned;
            }
        }
    }

    function _bookRequest(IOwnedBridge to, uint64 nonce, Vm.Log memory log) private {
        vm.assertEq(nonce, _linked[to].length, "requests are linked without gaps");
        (AssetKind kind, address token, address counterpart, uint256 amount, bytes32 head) =
            abi.decode(log.data, (AssetKind, address, address, uint256, bytes32));
        Request memory request = Request(
            nonce,
            kind,
            address(uint160(uint256(log.topics[2]))),
            address(uint160(uint256(log.topics[3]))),
            token,
            counterpart,
            amount
        );
        _linked[to].push(request);
        bytes32 last = _heads[to][nonce];
        _heads[to].push(keccak256(abi.encodePacked(last, LaneHead.hash(request))));
        vm.assertEq(head, _heads[to][nonce + 1], "the event's head");
    }

    function _bookHandover(IOwnedBridge to, uint64 nonce) private {
        vm.assertEq(nonce, handed[to], "S3: handed over in order, without gaps, once");
        handed[to] = nonce + 1;
    }

    function _bookPaid(IOwnedBridge to, uint64 nonce, Vm.Log memory log) private view returns (address token) {
        Request memory request = _linked[to][nonce];
        token = address(uint160(uint256(log.topics[3])));
        vm.assertEq(address(uint160(uint256(log.topics[2]))), request.recipient, "S2: recipient");
        vm.assertEq(token, request.counterpartToken, "S2: token");
        vm.assertEq(abi.decode(log.data, (uint256)), request.amount, "S2: amount");
        vm.assertTrue(request.amount < to.tokenConfig(token).delayedFrom, "S7: a large one waits");
    }

    // ---- helpers ----------------------------------------------------------------------------------------------

    function _requestERC20(IOwnedBridge bridge, address from, address token, address recipient, uint256 amount)
        private
    {
        if (_pausedOrDisabled(bridge, token)) return;
        vm.recordLogs();
        vm.prank(from);
        _at(bridge).requestERC20(token, recipient, amount);
        _book(bridge);
        ++done["request"];
    }

    function _refused(IOwnedBridge to, Request[] memory batch, bytes32[] memory tail, Certificate memory certificate)
        private
    {
        try _at(to).deliver(batch, tail, certificate) {
            vm.assertTrue(false, "a wrong batch was taken");
        } catch {
            ++done["refused"];
        }
    }

    function _next(IOwnedBridge to, uint256 size, uint256 tailSize)
        private
        view
        returns (Request[] memory batch, bytes32[] memory tail)
    {
        batch = new Request[](size);
        tail = new bytes32[](tailSize);
        for (uint256 i = 0; i < size; ++i) {
            batch[i] = _linked[to][handed[to] + i];
        }
        for (uint256 i = 0; i < tailSize; ++i) {
            tail[i] = LaneHead.hash(_linked[to][handed[to] + size + i]);
        }
    }

    function _allowances(IOwnedBridge to) private view returns (uint256[2] memory) {
        address[2] memory tokens = _tokensOf(to);
        return [to.tokenAllowance(tokens[0]), to.tokenAllowance(tokens[1])];
    }

    function _tokensOf(IOwnedBridge bridge) private view returns (address[2] memory) {
        return
            address(bridge) == address(main) ? [address(gold), NATIVE_COIN] : [address(goldThere), address(coinThere)];
    }

    function _assetOf(IOwnedBridge bridge, address token) private view returns (uint256) {
        return token == _tokensOf(bridge)[0] ? 0 : 1;
    }

    function _side(uint256 side) private view returns (IOwnedBridge) {
        return side % 2 == 0 ? main : service;
    }

    function _recipient(uint256 seed) private view returns (address) {
        return [ALICE, BOB, address(_hostile)][seed % 3];
    }

    function _paused(IOwnedBridge bridge) private view returns (bool) {
        (,,, uint64 until) = bridge.positions();
        return vm.getBlockTimestamp() < until;
    }

    function _pausedOrDisabled(IOwnedBridge bridge, address token) private view returns (bool) {
        return _paused(bridge) || !bridge.tokenConfig(token).enabled;
    }
}
