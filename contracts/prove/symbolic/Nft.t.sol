// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LaneHead} from "../../src/libraries/LaneHead.sol";
import {BridgeMultiToken} from "../../src/tokens/BridgeMultiToken.sol";
import {BridgeNFT} from "../../src/tokens/BridgeNFT.sol";
import {AssetKind, Custody, LaneAmount, LanePosition, ParkReason, Payload, Request} from "../../src/types/Types.sol";
import {TestMultiToken} from "../../test/support/TestMultiToken.sol";
import {TestNFT} from "../../test/support/TestNFT.sol";
import {vm} from "../../test/support/Vm.sol";
import {AnyVault} from "./AnyVault.sol";
import {proverVm, svm} from "./Svm.sol";
import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {IERC1155Receiver} from "@openzeppelin/contracts/token/ERC1155/IERC1155Receiver.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IERC721Receiver} from "@openzeppelin/contracts/token/ERC721/IERC721Receiver.sol";

/// @title S5 for NFTs, id by id, over histories of any length
/// @dev Steps from any custody, as with fungible tokens: what an id has in custody grows by what came in of it and
/// shrinks by what went out of it, no other id's changes with it, and custody over all ids moves by their sum. What a
/// step needs to hold before it, of an id the vault holds what is in custody, holds after it.
contract NftProofs is AnyVault {
    /// Of the bridge's storage: the mapping of what is parked.
    uint256 private constant SLOT_PARKED = 4;

    address private _token;
    uint256 private _custody;

    // ---- ERC-721 ----------------------------------------------------------------------------------------------

    /// An id comes in once, and is there.
    function check_a_locked_nft_comes_in_by_its_id() public {
        uint256 id = svm.createUint256("id");
        uint256 other = svm.createUint256("other");
        _anyNFT(Custody.Lock);
        (uint256 before, uint256 beforeOther) = (_anyOfId(id), _ofId(other));
        TestNFT(_token).mint(SENDER, id, "");
        vm.startPrank(SENDER);
        IERC721(_token).setApprovalForAll(address(vault), true);
        vault.requestERC721(_token, BOB, id, "");
        assert(before == 0 && _ofId(id) == 1 && IERC721(_token).ownerOf(id) == address(vault));
        assert(LaneAmount.unwrap(vault.custodyOf(_token)) == _custody + 1);
        assert(other == id || _ofId(other) == beforeOther);
        _assertLinked(_payload(id), 1);
    }

    /// So does one that was sent: none that is elsewhere, and none a second time.
    function check_a_locked_nft_arrives_by_its_id() public {
        uint256 id = svm.createUint256("id");
        uint256 other = svm.createUint256("other");
        _anyNFT(Custody.Lock);
        (uint256 before, uint256 beforeOther) = (_anyOfId(id), _ofId(other));
        TestNFT(_token).mint(svm.createBool("arrived") ? address(vault) : SENDER, id, "");
        vm.prank(_token);
        IERC721Receiver(address(vault)).onERC721Received(SENDER, SENDER, id, abi.encodePacked(BOB));
        assert(before == 0 && _ofId(id) == 1 && IERC721(_token).ownerOf(id) == address(vault));
        assert(LaneAmount.unwrap(vault.custodyOf(_token)) == _custody + 1);
        assert(other == id || _ofId(other) == beforeOther);
    }

    /// Only the id in custody goes out, which is in custody no more: one that is not goes nowhere.
    function check_a_locked_nft_goes_out_by_its_id() public {
        uint256 id = svm.createUint256("id");
        uint256 other = svm.createUint256("other");
        _anyNFT(Custody.Lock);
        TestNFT(_token).mint(address(vault), id, "");
        (uint256 before, uint256 beforeOther) = (_anyOfId(id), _ofId(other));
        uint256 amount = _payOut(_payload(id));
        assert(amount == 1 && before != 0 && _ofId(id) == before - 1);
        assert(IERC721(_token).ownerOf(id) == BOB && LaneAmount.unwrap(vault.custodyOf(_token)) == _custody - 1);
        assert(other == id || _ofId(other) == beforeOther);
    }

    /// An id that is minted here goes back as itself, and is no more.
    function check_a_minted_nft_comes_in_by_its_id() public {
        uint256 id = svm.createUint256("id");
        _anyNFT(Custody.Mint);
        uint256 before = _anyOfId(id);
        vm.prank(address(vault));
        BridgeNFT(_token).mint(SENDER, id, "");
        vm.startPrank(SENDER);
        IERC721(_token).setApprovalForAll(address(vault), true);
        vault.requestERC721(_token, BOB, id, "");
        assert(before != 0 && _ofId(id) == before - 1 && LaneAmount.unwrap(vault.custodyOf(_token)) == _custody - 1);
        (bool exists,) = _token.call(abi.encodeCall(IERC721.ownerOf, (id)));
        assert(!exists);
    }

    function check_a_minted_nft_goes_out_by_its_id() public {
        uint256 id = svm.createUint256("id");
        uint256 other = svm.createUint256("other");
        _anyNFT(Custody.Mint);
        (uint256 before, uint256 beforeOther) = (_anyOfId(id), _ofId(other));
        uint256 amount = _payOut(_payload(id));
        assert(
            amount == 1 && before == 0 && _ofId(id) == 1 && LaneAmount.unwrap(vault.custodyOf(_token)) == _custody + 1
        );
        assert(IERC721(_token).ownerOf(id) == BOB);
        assert(other == id || _ofId(other) == beforeOther);
    }

    // ---- ERC-1155, two ids at a time ------------------------------------------------------------------------------

    function check_locked_items_come_in_by_their_ids() public {
        Payload memory parts = _anyItems(Custody.Lock);
        uint256[2] memory before = [_ofId(parts.ids[0]), _ofId(parts.ids[1])];
        _giveItems(SENDER, parts);
        vm.startPrank(SENDER);
        IERC1155(_token).setApprovalForAll(address(vault), true);
        vault.requestERC1155(_token, BOB, parts.ids, parts.amounts, "");
        uint256 total = parts.amounts[0] + parts.amounts[1];
        for (uint256 i = 0; i < 2; ++i) {
            assert(_ofId(parts.ids[i]) == before[i] + parts.amounts[i]);
            assert(IERC1155(_token).balanceOf(address(vault), parts.ids[i]) == parts.amounts[i]);
        }
        assert(LaneAmount.unwrap(vault.custodyOf(_token)) == _custody + total);
        _assertLinked(parts, total);
    }

    function check_locked_items_go_out_by_their_ids() public {
        Payload memory parts = _anyItems(Custody.Lock);
        uint256[2] memory before = [_ofId(parts.ids[0]), _ofId(parts.ids[1])];
        _giveItems(address(vault), parts);
        _assertPaidItems(parts, before, _payOut(parts));
    }

    /// As much of an id as is told arrived, or nothing comes in.
    function check_locked_items_arrive_by_their_ids() public {
        Payload memory parts = _anyItems(Custody.Lock);
        uint256[2] memory before = [_ofId(parts.ids[0]), _ofId(parts.ids[1])];
        uint256 there = _anyUnits("there");
        TestMultiToken(_token).mint(address(vault), parts.ids[0], before[0] + there);
        TestMultiToken(_token).mint(address(vault), parts.ids[1], before[1]);
        vm.prank(_token);
        IERC1155Receiver(address(vault))
            .onERC1155Received(SENDER, SENDER, parts.ids[0], parts.amounts[0], abi.encodePacked(BOB));
        assert(parts.amounts[0] <= there);
        assert(_ofId(parts.ids[0]) == before[0] + parts.amounts[0] && _ofId(parts.ids[1]) == before[1]);
        assert(LaneAmount.unwrap(vault.custodyOf(_token)) == _custody + parts.amounts[0]);
    }

    function check_minted_items_come_in_by_their_ids() public {
        Payload memory parts = _anyItems(Custody.Mint);
        uint256[2] memory before = [_ofId(parts.ids[0]), _ofId(parts.ids[1])];
        vm.prank(address(vault));
        BridgeMultiToken(_token).mint(SENDER, parts.ids, parts.amounts);
        vm.startPrank(SENDER);
        IERC1155(_token).setApprovalForAll(address(vault), true);
        vault.requestERC1155(_token, BOB, parts.ids, parts.amounts, "");
        for (uint256 i = 0; i < 2; ++i) {
            assert(parts.amounts[i] <= before[i] && _ofId(parts.ids[i]) == before[i] - parts.amounts[i]);
            assert(IERC1155(_token).balanceOf(address(vault), parts.ids[i]) == 0);
        }
        assert(LaneAmount.unwrap(vault.custodyOf(_token)) == _custody - parts.amounts[0] - parts.amounts[1]);
    }

    function check_minted_items_go_out_by_their_ids() public {
        Payload memory parts = _anyItems(Custody.Mint);
        uint256[2] memory before = [_ofId(parts.ids[0]), _ofId(parts.ids[1])];
        uint256 amount = _payOut(parts);
        assert(
            amount == parts.amounts[0] + parts.amounts[1]
                && LaneAmount.unwrap(vault.custodyOf(_token)) == _custody + amount
        );
        for (uint256 i = 0; i < 2; ++i) {
            assert(_ofId(parts.ids[i]) == before[i] + parts.amounts[i]);
            assert(IERC1155(_token).balanceOf(BOB, parts.ids[i]) == parts.amounts[i]);
        }
    }

    // ---- the payload ------------------------------------------------------------------------------------------

    /// Of what is parked, the ids that the request names go out on a release, and no others.
    function check_a_release_pays_the_ids_that_were_requested() public {
        uint256 id = svm.createUint256("id");
        uint256 asked = svm.createUint256("asked");
        _anyNFT(Custody.Mint);
        _anyOfId(id);
        Request memory request = _anyRequest("request");
        (request.counterpartToken, request.recipient) = (_token, BOB);
        request.payloadHash = keccak256(abi.encode(_payload(asked)));
        bytes32 slot = keccak256(abi.encode(LaneHead.hash(request), SLOT_PARKED));
        proverVm.store(address(bridge), slot, bytes32(uint256(START)));
        bridge.releaseParked(request, abi.encode(_payload(id)));
        assert(id == asked && _ofId(id) == 1 && IERC721(_token).ownerOf(id) == BOB);
    }

    // ---- any state --------------------------------------------------------------------------------------------

    function _anyNFT(Custody how) private {
        _token = how == Custody.Lock
            ? address(new TestNFT("Art", "ART"))
            : address(new BridgeNFT(address(vault), "Art", "ART", NO_LIMIT));
        _begin(AssetKind.ERC721, how);
    }

    /// Any two ids, with any custody of theirs, and any amounts.
    function _anyItems(Custody how) private returns (Payload memory parts) {
        _token = how == Custody.Lock
            ? address(new TestMultiToken(""))
            : address(new BridgeMultiToken(address(vault), "", NO_LIMIT));
        _begin(AssetKind.ERC1155, how);
        (parts.ids, parts.amounts) = (new uint256[](2), new uint256[](2));
        for (uint256 i = 0; i < 2; ++i) {
            (parts.ids[i], parts.amounts[i]) = (svm.createUint256("id"), _anyUnits("units"));
            _anyOfId(parts.ids[i]);
        }
        vm.assume(parts.ids[0] != parts.ids[1]);
    }

    function _giveItems(address to, Payload memory parts) private {
        for (uint256 i = 0; i < 2; ++i) {
            TestMultiToken(_token).mint(to, parts.ids[i], parts.amounts[i]);
        }
    }

    function _begin(AssetKind kind, Custody how) private {
        _custody = _anyUnits("custody");
        _know(_token, kind, how, _custody, 0);
    }

    function _anyOfId(uint256 id) private returns (uint256 units) {
        units = _anyUnits("of the id");
        bytes32 ids = keccak256(abi.encode(_token, SLOT_IDS));
        _store(uint256(keccak256(abi.encode(id, ids))), units);
    }

    function _ofId(uint256 id) private view returns (uint256) {
        return LaneAmount.unwrap(vault.custodyOfId(_token, id));
    }

    function _payload(uint256 id) private pure returns (Payload memory parts) {
        parts.ids = new uint256[](1);
        parts.ids[0] = id;
    }

    // ---- a payout, and what was linked ------------------------------------------------------------------------

    /// Any request with this payload; the amount that was paid.
    function _payOut(Payload memory parts) private returns (uint256) {
        Request memory request = _anyRequest("request");
        request.counterpartToken = _token;
        vm.prank(address(bridge));
        (ParkReason reason,) = vault.transferOutWith(request, abi.encode(parts), BOB, START);
        vm.assume(reason == ParkReason.None);
        return LaneAmount.unwrap(request.amount);
    }

    function _assertPaidItems(Payload memory parts, uint256[2] memory before, uint256 amount) private view {
        assert(amount == parts.amounts[0] + parts.amounts[1]);
        for (uint256 i = 0; i < 2; ++i) {
            assert(parts.amounts[i] <= before[i] && _ofId(parts.ids[i]) == before[i] - parts.amounts[i]);
            assert(IERC1155(_token).balanceOf(BOB, parts.ids[i]) == parts.amounts[i]);
        }
        assert(LaneAmount.unwrap(vault.custodyOf(_token)) == _custody - amount);
    }

    /// The lane's only request is of these ids.
    function _assertLinked(Payload memory parts, uint256 amount) private view {
        Request memory request = Request({
            nonce: 0,
            kind: parts.amounts.length == 0 ? AssetKind.ERC721 : AssetKind.ERC1155,
            sender: SENDER,
            recipient: BOB,
            token: _token,
            counterpartToken: ASSET_THERE,
            amount: LaneAmount.wrap(amount),
            payloadHash: keccak256(abi.encode(parts))
        });
        bytes32 origin = LaneHead.origin(HERE, address(bridge), THERE, COUNTERPART_BRIDGE);
        LanePosition memory outgoing = _outgoing();
        assert(outgoing.count == 1 && outgoing.head == LaneHead.link(origin, LaneHead.hash(request)));
    }
}
