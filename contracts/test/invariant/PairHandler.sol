// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../../src/interfaces/IBridge.sol";
import {IVault} from "../../src/interfaces/IVault.sol";
import {LaneHead} from "../../src/libraries/LaneHead.sol";
import {Certificate, Direction, LaneAmount, Order, Request} from "../../src/types/Types.sol";
import {IOwnedBridge, IOwnedVault} from "../support/IOwned.sol";
import {vm} from "../support/Vm.sol";
import {PairWorld} from "./PairWorld.sol";

/// @title Drives a pair at random
/// @dev Nothing here may revert: an honest batch is always taken, a dishonest one never. What a recipient or a token
/// sees when it is called is checked in that very call.
contract PairHandler is PairWorld {
    mapping(bytes32 action => uint256) public done;

    // ---- actions: users ---------------------------------------------------------------------------------------

    /// Alice sends something of main's.
    function lock(uint256 asset, uint256 recipient, uint256 seed, uint256 way) external {
        (bool has, Order memory order) = _orderOf(main, asset % ASSETS, ALICE, seed);
        order.recipient = _user(recipient);
        if (has && _request(main, ALICE, order, way)) ++done["lock"];
    }

    /// Somebody sends something home.
    function burn(uint256 asset, uint256 holder, uint256 recipient, uint256 seed, uint256 way) external {
        (bool has, Order memory order) = _orderOf(service, asset % ASSETS, _user(holder), seed);
        order.recipient = _user(recipient);
        if (has && _request(service, _user(holder), order, way)) ++done["burn"];
    }

    /// Alice sends several things of main's at once.
    function bulk(uint256 seed, uint256 recipient) external {
        Order[] memory orders = new Order[](3);
        uint256 coin = 0;
        for (uint256 i = 0; i < 3; ++i) {
            (, orders[i]) = _orderOf(main, (seed >> (8 * i)) % ASSETS, ALICE, seed >> (16 * i));
            (orders[i].recipient, orders[i].feeLimit) = (_user(recipient % 3 + i), NO_LIMIT);
            coin += _coinFor(main, orders[i]);
        }
        bool taken = _send(main, ALICE, orders, coin + 7);
        _bookIf(taken, main);
        if (taken) ++done["bulk"];
    }

    function release(uint256 side, uint256 place) external {
        IOwnedBridge to = _side(side);
        if (handed[to] == 0) return;
        Sent memory sent = _linked[to][_bound(place, 0, handed[to] - 1)];
        uint256 allowed = _allowance(to, _assetOf(sent.request));
        bool released = false;
        try _at(to).releaseParked(sent.request, sent.payload) {
            vm.assertLe(LaneAmount.unwrap(sent.request.amount), allowed, "S7: released past the rate");
            released = true;
            ++done["release"];
        } catch {}
        _bookIf(released, to);
    }

    function sendBack(uint256 side, uint256 place, bool asRecipient) external {
        IOwnedBridge to = _side(side);
        if (handed[to] == 0) return;
        Sent memory sent = _linked[to][_bound(place, 0, handed[to] - 1)];
        bool returned = false;
        _at(to);
        vm.prank(asRecipient ? sent.request.recipient : MALLORY);
        try to.returnParked(sent.request, sent.payload) {
            returned = true;
            ++done["return"];
        } catch {}
        _bookIf(returned, to);
    }

    /// What nobody may do, and somebody tries.
    function attack(uint256 side, uint256 asset, uint256 place) external {
        IOwnedBridge bridge = _side(side);
        IOwnedVault vault = _vaultOf(bridge);
        address token = _tokenOf(bridge, asset % ASSETS);
        address counterpart = _tokenOf(_other(bridge), asset % ASSETS);
        Request memory wish;
        (wish.recipient, wish.token, wish.counterpartToken, wish.amount) =
        (MALLORY, counterpart, token, LaneAmount.wrap(1));
        if (_linked[bridge].length > 0) wish = _linked[bridge][_bound(place, 0, _linked[bridge].length - 1)].request;
        uint64 then = uint64(vm.getBlockTimestamp());
        _denied(
            address(vault), abi.encodeCall(IVault.transferOut, (token, LaneAmount.wrap(1), MALLORY, then, counterpart))
        );
        _denied(address(vault), abi.encodeCall(IVault.transferOutWith, (wish, "", MALLORY, then)));
        _denied(address(vault), abi.encodeCall(IVault.registerToken, (token, vault.tokenConfig(token))));
        _denied(address(vault), abi.encodeCall(IVault.setLimits, (token, Direction.Incoming, _unlimited())));
        _denied(address(vault), abi.encodeCall(IVault.serve, (MALLORY)));
        _denied(address(bridge), abi.encodeCall(IBridge.link, (wish, "")));
        _denied(address(bridge), abi.encodeCall(IBridge.releaseParkedTo, (wish, "", MALLORY, NO_LIMIT, "")));
        bytes memory claim = abi.encodePacked(MALLORY, uint256(1));
        _denied(
            address(vault),
            abi.encodeWithSignature("onTransferReceived(address,address,uint256,bytes)", token, token, 1, claim)
        );
        ++done["attack"];
    }

    function _denied(address target, bytes memory call) private {
        vm.prank(MALLORY);
        (bool ok,) = target.call(call);
        vm.assertTrue(!ok, "nobody may");
    }

    // ---- actions: relayers ------------------------------------------------------------------------------------

    function deliver(uint256 side, uint256 size, uint256 tailSize) external {
        IOwnedBridge to = _side(side);
        uint256 waiting = _linked[to].length - handed[to];
        if (waiting == 0 || _paused(to)) return;
        size = _bound(size, 1, waiting);
        (Sent[] memory batch, bytes32[] memory tail) = _next(to, size, _bound(tailSize, 0, waiting - size));
        (Request[] memory requests, bytes[] memory payloads) = _split(batch);
        Certificate memory certificate = _certify(to, requests, tail, THRESHOLD);
        uint256[ASSETS] memory allowed;
        for (uint256 asset = 0; asset < ASSETS; ++asset) {
            allowed[asset] = _allowance(to, asset);
        }
        _setPaying(requests, true);
        _at(to).deliver(requests, payloads, tail, certificate);
        _setPaying(requests, false);
        uint256[ASSETS] memory paid = _book(to);
        for (uint256 asset = 0; asset < ASSETS; ++asset) {
            vm.assertLe(paid[asset], allowed[asset], "S7: paid past the rate");
        }
        ++done["deliver"];
    }

    function _setPaying(Request[] memory requests, bool begins) private {
        for (uint256 i = 0; i < requests.length; ++i) {
            uint256 asset = _assetOf(requests[i]);
            _paying[asset] = begins ? _paying[asset] + LaneAmount.unwrap(requests[i].amount) : 0;
        }
    }

    /// A batch that is wrong in one way. None is ever taken.
    function deliverWrong(uint256 side, uint256 size, uint256 fault, uint256 by) external {
        IOwnedBridge to = _side(side);
        uint256 waiting = _linked[to].length - handed[to];
        if (waiting == 0) return;
        (Sent[] memory sent, bytes32[] memory tail) = _next(to, _bound(size, 1, waiting), 0);
        (Request[] memory batch, bytes[] memory payloads) = _split(sent);
        Certificate memory certificate = _certify(to, batch, tail, THRESHOLD);
        fault = fault % 10;
        Request memory spoiled = batch[by % batch.length];
        if (fault == 0) spoiled.amount = LaneAmount.wrap(LaneAmount.unwrap(spoiled.amount) + _bound(by, 1, 1e18));
        if (fault == 1) spoiled.recipient = MALLORY;
        if (fault == 2) spoiled.nonce += uint64(_bound(by, 1, 5));
        if (fault == 3) certificate = _certify(to, batch, tail, THRESHOLD - 1);
        if (fault == 4) certificate.signatures[2] = certificate.signatures[by % 2];
        if (fault == 5) certificate.signatures[by % 3].r ^= bytes32(uint256(1));
        if (fault == 6) certificate.epoch -= 1;
        if (fault == 7) certificate.head = keccak256(abi.encode(by));
        if (fault == 8) spoiled.payloadHash = keccak256(abi.encode(by));
        if (fault == 9) payloads = payloads.length == 0 ? new bytes[](1) : new bytes[](payloads.length - 1);
        _refused(to, batch, payloads, certificate);
    }

    /// What was handed over, once more, under a fresh certificate of its old place.
    function replay(uint256 side, uint256 place) external {
        IOwnedBridge to = _side(side);
        if (handed[to] == 0) return;
        place = _bound(place, 0, handed[to] - 1);
        (Request[] memory batch, bytes[] memory payloads) = _split(_list(_linked[to][place]));
        _refused(to, batch, payloads, _certifyHead(to, uint64(place) + 1, _heads[to][place + 1], 4));
        _refused(to, batch, payloads, _certify(to, batch, _none(), 4));
    }

    function _refused(IOwnedBridge to, Request[] memory batch, bytes[] memory payloads, Certificate memory certificate)
        private
    {
        try _at(to).deliver(batch, payloads, _none(), certificate) {
            vm.assertTrue(false, "a wrong batch was taken");
        } catch {
            ++done["refused"];
        }
        _bookIf(false, to);
    }

    /// The next epoch begins. What the one before attested counts no more.
    function rotate(uint256 side) external {
        IOwnedBridge bridge = _side(side);
        vm.prank(OWNER);
        bridge.scheduleRelayerSet(members, THRESHOLD);
        vm.warp(vm.getBlockTimestamp() + 2 days);
        bridge.applyRelayerSet();
        ++done["rotate"];
    }

    // ---- books ------------------------------------------------------------------------------------------------

    function linked(IOwnedBridge to) external view returns (uint256) {
        return _linked[to].length;
    }

    function requestAt(IOwnedBridge to, uint64 nonce) external view returns (Request memory) {
        return _linked[to][nonce].request;
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

    function tokenOf(IOwnedBridge bridge, uint256 asset) external view returns (address) {
        return _tokenOf(bridge, asset);
    }

    function heldBy(IOwnedBridge bridge, uint256 asset) external view returns (uint256) {
        return _held(bridge, asset);
    }

    function dueOf(IOwnedBridge bridge, uint256 asset) external view returns (uint256) {
        return _due(bridge, asset);
    }

    // ---- helpers ----------------------------------------------------------------------------------------------

    function _next(IOwnedBridge to, uint256 size, uint256 tailSize)
        private
        view
        returns (Sent[] memory batch, bytes32[] memory tail)
    {
        batch = new Sent[](size);
        tail = new bytes32[](tailSize);
        for (uint256 i = 0; i < size; ++i) {
            batch[i] = _linked[to][handed[to] + i];
        }
        for (uint256 i = 0; i < tailSize; ++i) {
            tail[i] = LaneHead.hash(_linked[to][handed[to] + size + i].request);
        }
    }

    /// What the bucket lets through now, in lane units.
    function _allowance(IOwnedBridge to, uint256 asset) private view returns (uint256) {
        return _vaultOf(to).available(_tokenOf(to, asset), Direction.Incoming) / _unitOf(to, asset);
    }
}
