// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../../src/interfaces/IBridge.sol";
import {LaneHead} from "../../src/libraries/LaneHead.sol";
import {BridgeToken} from "../../src/tokens/BridgeToken.sol";
import {AssetKind, Fee, LaneAmount, Order, ParkReason, Payload, Request} from "../../src/types/Types.sol";
import {AssetPair} from "./AssetPair.sol";
import {IOwnedBridge, IOwnedVault} from "./IOwned.sol";
import {TestOneStepToken} from "./TestOneStepToken.sol";
import {Vm, vm} from "./Vm.sol";

/// @title A pair on which every kind of asset is listed
/// @dev Requests are read from the events of their bridge, as relayers read them.
abstract contract AssetTest is AssetPair {
    /// A request and what it carries.
    struct Sent {
        Request request;
        bytes payload;
    }

    TestOneStepToken internal silver;
    BridgeToken internal silverThere;

    function setUp() public virtual override {
        super.setUp();
        silver = new TestOneStepToken("Silver", "SLV");
        silverThere = new BridgeToken(address(serviceVault), "Silver", "SLV", 18, NO_LIMIT);
        _pair(address(silver), AssetKind.ERC20, address(silverThere), AssetKind.ERC20);
        vm.recordLogs();
    }

    // ---- what was sent ----------------------------------------------------------------------------------------

    /// The requests that `from` linked since it was last asked.
    function _sent(IOwnedBridge from) internal returns (Sent[] memory sent) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256 n = 0;
        for (uint256 i = 0; i < logs.length; ++i) {
            if (_isRequest(logs[i], from)) ++n;
        }
        sent = new Sent[](n);
        n = 0;
        for (uint256 i = 0; i < logs.length; ++i) {
            if (_isRequest(logs[i], from)) sent[n++] = _decode(logs[i]);
        }
    }

    /// The one request that `from` linked since it was last asked.
    function _theSent(IOwnedBridge from) internal returns (Sent memory) {
        Sent[] memory sent = _sent(from);
        vm.assertEq(sent.length, 1, "one request");
        return sent[0];
    }

    function _isRequest(Vm.Log memory log, IOwnedBridge from) internal pure returns (bool) {
        return log.emitter == address(from) && log.topics[0] == IBridge.ValueTransferRequested.selector;
    }

    function _decode(Vm.Log memory log) internal pure returns (Sent memory sent) {
        Request memory request = sent.request;
        (request.kind, request.token, request.counterpartToken, request.amount, sent.payload,) =
            abi.decode(log.data, (AssetKind, address, address, LaneAmount, bytes, bytes32));
        request.nonce = uint64(uint256(log.topics[1]));
        request.sender = address(uint160(uint256(log.topics[2])));
        request.recipient = address(uint160(uint256(log.topics[3])));
        request.payloadHash = LaneHead.payloadHash(sent.payload);
    }

    function _parts(Sent memory sent) internal pure returns (Payload memory) {
        return abi.decode(sent.payload, (Payload));
    }

    /// Delivers what the other bridge linked since it was last asked.
    function _carry(IOwnedBridge to) internal returns (Sent[] memory sent) {
        sent = _sent(_other(to));
        _carry(to, sent);
    }

    function _carryOne(IOwnedBridge to) internal returns (Sent memory sent) {
        sent = _theSent(_other(to));
        _carry(to, _list(sent));
    }

    function _carry(IOwnedBridge to, Sent[] memory sent) internal {
        (Request[] memory requests, bytes[] memory payloads) = _split(sent);
        _deliver(to, requests, payloads);
    }

    /// The requests, and the payloads of those that have one.
    function _split(Sent[] memory sent) internal pure returns (Request[] memory requests, bytes[] memory payloads) {
        requests = new Request[](sent.length);
        uint256 n = 0;
        for (uint256 i = 0; i < sent.length; ++i) {
            requests[i] = sent[i].request;
            if (sent[i].payload.length > 0) ++n;
        }
        payloads = new bytes[](n);
        n = 0;
        for (uint256 i = 0; i < sent.length; ++i) {
            if (sent[i].payload.length > 0) payloads[n++] = sent[i].payload;
        }
    }

    function _list(Sent memory sent) internal pure returns (Sent[] memory list) {
        list = new Sent[](1);
        list[0] = sent;
    }

    // ---- sending ----------------------------------------------------------------------------------------------

    /// Alice gets a piece of art and sends it to `recipient`.
    function _sendArt(address recipient, uint256 id) internal returns (Sent memory) {
        art.mint(ALICE, id, "ipfs://art/1");
        vm.prank(ALICE);
        art.approve(address(mainVault), id);
        _request721(main, address(art), ALICE, recipient, id);
        return _theSent(main);
    }

    function _request721(IOwnedBridge from, address token, address sender, address recipient, uint256 id) internal {
        _at(from);
        IOwnedVault vault = _vaultOf(from);
        vm.prank(sender);
        vault.requestERC721(token, recipient, id, "");
    }

    /// Alice gets items and sends them to `recipient`.
    function _sendItems(address recipient, uint256[] memory ids, uint256[] memory amounts)
        internal
        returns (Sent memory)
    {
        for (uint256 i = 0; i < ids.length; ++i) {
            items.mint(ALICE, ids[i], amounts[i]);
        }
        vm.prank(ALICE);
        items.setApprovalForAll(address(mainVault), true);
        _request1155(main, address(items), ALICE, recipient, ids, amounts);
        return _theSent(main);
    }

    function _request1155(
        IOwnedBridge from,
        address token,
        address sender,
        address recipient,
        uint256[] memory ids,
        uint256[] memory amounts
    ) internal {
        _at(from);
        IOwnedVault vault = _vaultOf(from);
        vm.prank(sender);
        vault.requestERC1155(token, recipient, ids, amounts, "");
    }

    function _order(address token, address recipient, uint256 amount) internal pure returns (Order memory order) {
        (order.token, order.recipient, order.amount) = (token, recipient, amount);
    }

    function _setFee(IOwnedVault vault, address token, uint128 flat, uint16 rate) internal {
        vm.prank(OWNER);
        vault.setFee(token, Fee({flat: flat, rate: rate}));
    }

    // ---- lists ------------------------------------------------------------------------------------------------

    function _of(uint256 a) internal pure returns (uint256[] memory list) {
        list = new uint256[](1);
        list[0] = a;
    }

    function _of(uint256 a, uint256 b) internal pure returns (uint256[] memory list) {
        list = new uint256[](2);
        (list[0], list[1]) = (a, b);
    }

    /// `n` numbers that count up from `first`.
    function _countUp(uint256 first, uint256 n) internal pure returns (uint256[] memory list) {
        list = new uint256[](n);
        for (uint256 i = 0; i < n; ++i) {
            list[i] = first + i;
        }
    }

    // ---- assertions -------------------------------------------------------------------------------------------

    function _assertParked(IOwnedBridge bridge, Sent memory sent, ParkReason reason) internal view {
        _assertParked(bridge, sent.request, reason);
    }
}
