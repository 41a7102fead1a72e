// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../src/interfaces/IBridge.sol";
import {
    AssetKind,
    Certificate,
    Custody,
    LaneAmount,
    LanePosition,
    ParkReason,
    Payload,
    Request
} from "../src/types/Types.sol";
import {DataReceiver} from "./support/DataReceiver.sol";
import {EveryAssetTest} from "./support/EveryAsset.sol";
import {TestNFT} from "./support/TestNFT.sol";
import {vm} from "./support/Vm.sol";

/// @title A collection from before ERC-721 was settled: `transfer` takes an id
contract AmountlikeNFT is TestNFT("Cats", "CATS") {
    function transfer(address to, uint256 id) external returns (bool) {
        _transfer(msg.sender, to, id);
        return true;
    }
}

/// @title What a batch brings along for requests that have a payload: those payloads, in order, and nothing else
contract PayloadsTest is EveryAssetTest {
    DataReceiver private receiver;
    Request[] private _requests;
    bytes[] private _payloads;

    /// Gold, an NFT, a multi-token, gold, and gold with data: three payloads for five requests.
    function setUp() public override {
        super.setUp();
        receiver = new DataReceiver();
        _requests.push(_sendGold(BOB, 5));
        _push(1);
        _push(2);
        _requests.push(_sendGold(BOB, 6));
        _push(3);
    }

    function _push(uint256 kind) private {
        Request memory request;
        bytes memory payload;
        if (kind == 1) (request, payload) = _sendArt(BOB, 42, "");
        if (kind == 2) (request, payload) = _sendItems(BOB, 100, 3, 10, "");
        if (kind == 3) (request, payload) = _sendGoldWith(address(receiver), 7, "hello");
        _requests.push(request);
        _payloads.push(payload);
    }

    function test_each_request_gets_its_own_payload() public {
        _deliver(service, _requests, _payloads);
        vm.assertEq(goldThere.balanceOf(BOB), 11);
        vm.assertEq(artThere.ownerOf(42), BOB, "the NFT");
        vm.assertEq(keccak256(bytes(artThere.tokenURI(42))), keccak256("ipfs://art/42"), "with its URI");
        for (uint256 id = 100; id < 103; ++id) {
            vm.assertEq(itemsThere.balanceOf(BOB, id), 10);
        }
        vm.assertEq(goldThere.balanceOf(address(receiver)), 7);
        Payload memory payload = abi.decode(_payloads[2], (Payload));
        vm.assertEq(receiver.calls(), 1);
        vm.assertEq(receiver.told(), keccak256(abi.encode(_requests[4], payload)), "request, payload");
        vm.assertEq(receiver.sourceChainId(), MAIN);
        vm.assertEq(receiver.localAmount(), 7);
        vm.assertEq(receiver.held(), 7);
    }

    // ---- refusals ---------------------------------------------------------------------------------------------

    function test_refuses_a_batch_with_a_payload_missing() public {
        bytes[] memory fewer = new bytes[](0);
        _refuse(_requests, fewer, _count(0, 1));
        fewer = new bytes[](2);
        (fewer[0], fewer[1]) = (_payloads[0], _payloads[1]);
        _refuse(_requests, fewer, _count(2, 3));
        // The first one missing: the second does not pass for it.
        (fewer[0], fewer[1]) = (_payloads[1], _payloads[2]);
        _refuse(_requests, fewer, _content(_payloads[1], 1));
    }

    function test_refuses_a_batch_with_a_payload_too_many() public {
        bytes[] memory more = new bytes[](4);
        (more[0], more[1], more[2], more[3]) = (_payloads[0], _payloads[1], _payloads[2], _payloads[2]);
        _refuse(_requests, more, _count(4, 3));
        more[3] = "";
        _refuse(_requests, more, _count(4, 3));
        // Where no request has one, any is too many.
        Request[] memory plain = _one(_requests[0]);
        _refuse(plain, _onePayload(""), _count(1, 0));
        _refuse(plain, _onePayload(_payloads[0]), _count(1, 0));
    }

    function test_refuses_swapped_payloads() public {
        for (uint256 i = 0; i < 3; ++i) {
            bytes[] memory swapped = _payloads;
            uint256 j = (i + 1) % 3;
            (swapped[i], swapped[j]) = (swapped[j], swapped[i]);
            // The first of the two is met first.
            uint256 first = i < j ? i : j;
            _refuse(_requests, swapped, _content(swapped[first], _requestOf(first)));
        }
    }

    function testFuzz_refuses_a_payload_with_one_bit_changed(uint256 which, uint256 bit) public {
        bytes[] memory changed = _payloads;
        which %= 3;
        bit %= changed[which].length * 8;
        changed[which][bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        _refuse(_requests, changed, _content(changed[which], _requestOf(which)));
    }

    function test_refuses_a_payload_cut_padded_or_left_empty() public {
        for (uint256 which = 0; which < 3; ++which) {
            bytes[] memory changed = _payloads;
            changed[which] = abi.encodePacked(_payloads[which], bytes1(0));
            _refuse(_requests, changed, _content(changed[which], _requestOf(which)));
            changed[which] = abi.encodePacked(_payloads[which], bytes32(0));
            _refuse(_requests, changed, _content(changed[which], _requestOf(which)));
            changed[which] = "";
            bytes memory empty = abi.encodeWithSelector(
                IBridge.Bridge_PayloadMismatch.selector, bytes32(0), _requests[_requestOf(which)].payloadHash
            );
            _refuse(_requests, changed, empty);
        }
    }

    // ---- what a lying quorum could certify --------------------------------------------------------------------

    /// A payload that no vault can read is parked and holds nobody up.
    function test_a_payload_that_cannot_be_read_is_parked() public {
        bytes memory garbage = hex"deadbeef";
        Request memory request = _requests[1];
        request.nonce = 0;
        request.payloadHash = keccak256(garbage);
        _deliverWith(service, request, garbage);
        _assertParked(service, request, ParkReason.PayoutFailed);
        vm.assertEq(artThere.balanceOf(BOB), 0);
    }

    /// Ids that do not fit the token, its amount, or each other move nothing.
    function test_a_payload_that_does_not_fit_its_token_is_parked() public {
        (uint256[] memory none, uint256[] memory two) = (new uint256[](0), new uint256[](2));
        (two[0], two[1]) = (1, 2);
        // Gold has no ids, an NFT one.
        _parksWith(_requests[0], Payload(_ids(1), none, "", ""));
        _parksWith(_requests[0], Payload(_ids(1), _ids(LaneAmount.unwrap(_requests[0].amount)), "", ""));
        _parksWith(_requests[1], Payload(none, none, "", "hello"));
        _parksWith(_requests[2], Payload(none, none, "", "hello"));
        _parksWith(_requests[1], Payload(two, none, "", ""));
        // Thirty items were sent, not three, and each id has its amount.
        _parksWith(_requests[2], Payload(two, two, "", ""));
        _parksWith(_requests[2], Payload(two, _ids(30), "", ""));
        vm.assertEq(goldThere.totalSupply(), 0);
        vm.assertEq(_custody(service, address(artThere)), 0);
        vm.assertEq(_custody(service, address(itemsThere)), 0);
    }

    /// An NFT without a payload names no id.
    function test_an_nft_without_a_payload_is_parked() public {
        Request memory request = _requests[1];
        (request.nonce, request.payloadHash) = (0, 0);
        _deliver(service, request);
        _assertParked(service, request, ParkReason.PayoutFailed);
        vm.assertEq(_custody(service, address(artThere)), 0);
    }

    /// Not even of a collection that sends an id as an ERC-20 sends an amount.
    function test_an_nft_that_takes_amounts_is_not_sent_without_a_payload() public {
        AmountlikeNFT cats = new AmountlikeNFT();
        address there = address(0xCA75);
        _register(mainVault, address(cats), _config(there, AssetKind.ERC721, Custody.Lock));
        cats.mint(ALICE, 7, "");
        _at(main);
        vm.startPrank(ALICE);
        cats.approve(address(mainVault), 7);
        mainVault.requestERC721(address(cats), BOB, 7, "");
        vm.stopPrank();
        cats.mint(address(mainVault), 1, "");
        Request memory forged = _requests[1];
        (forged.nonce, forged.payloadHash, forged.amount) = (_incoming(main).count, 0, LaneAmount.wrap(1));
        (forged.token, forged.counterpartToken, forged.recipient) = (there, address(cats), MALLORY);
        _deliver(main, forged);
        _assertParked(main, forged, ParkReason.PayoutFailed);
        vm.assertEq(cats.balanceOf(MALLORY), 0, "none");
    }

    // ---- helpers ----------------------------------------------------------------------------------------------

    function _parksWith(Request memory request, Payload memory parts) private {
        bytes memory payload = abi.encode(parts);
        request.nonce = _incoming(service).count;
        request.payloadHash = keccak256(payload);
        _deliverWith(service, request, payload);
        _assertParked(service, request, ParkReason.PayoutFailed);
    }

    /// The place in the batch of the request that payload `which` belongs to.
    function _requestOf(uint256 which) private pure returns (uint256) {
        return which == 2 ? 4 : which + 1;
    }

    function _count(uint256 got, uint256 want) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IBridge.Bridge_PayloadsMismatch.selector, got, want);
    }

    function _content(bytes memory got, uint256 request) private view returns (bytes memory) {
        return
            abi.encodeWithSelector(
                IBridge.Bridge_PayloadMismatch.selector, keccak256(got), _requests[request].payloadHash
            );
    }

    /// Expects a refusal that undoes the whole batch: what was paid before the bad payload, too.
    function _refuse(Request[] memory requests, bytes[] memory payloads, bytes memory data) private {
        LanePosition memory before = _incoming(service);
        Certificate memory certificate = _certify(service, requests, _none(), THRESHOLD);
        vm.expectRevert(data);
        service.deliver(requests, payloads, _none(), certificate);
        vm.assertEq(_incoming(service).count, before.count, "count stays");
        vm.assertEq(_incoming(service).head, before.head, "head stays");
        vm.assertEq(goldThere.totalSupply(), 0, "nothing is paid");
        vm.assertEq(artThere.balanceOf(BOB), 0, "no NFT is paid");
        vm.assertEq(_parked(service, address(goldThere)), 0, "nothing is parked");
    }
}
