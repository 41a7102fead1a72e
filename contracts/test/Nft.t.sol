// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IVault} from "../src/interfaces/IVault.sol";
import {LaneHead} from "../src/libraries/LaneHead.sol";
import {AssetKind, Direction, LaneAmount, Limits, Order, ParkReason, Payload, Request} from "../src/types/Types.sol";
import {AssetTest} from "./support/AssetTest.sol";
import {HostileNFT} from "./support/HostileAssets.sol";
import {IOwnedBridge} from "./support/IOwned.sol";
import {Refuser} from "./support/Refuser.sol";
import {vm} from "./support/Vm.sol";
import {IERC721Receiver} from "@openzeppelin/contracts/token/ERC721/IERC721Receiver.sol";

/// @title NFTs across the pair: the very ids that left arrive, and nothing else
contract NftTest is AssetTest {
    // ---- ERC-721 ----------------------------------------------------------------------------------------------

    function test_art_is_minted_away_with_its_uri_and_comes_home() public {
        Sent memory sent = _sendArt(BOB, 7);
        vm.assertEq(art.ownerOf(7), address(mainVault), "locked");
        _assertCustody(7, 1, 0);
        vm.assertEq(LaneAmount.unwrap(sent.request.amount), 1, "one");
        vm.assertEq(uint256(sent.request.kind), uint256(AssetKind.ERC721));
        vm.assertEq(bytes32(_parts(sent).ids[0]), bytes32(uint256(7)), "id");

        _carry(service, _list(sent));
        vm.assertEq(artThere.ownerOf(7), BOB, "minted");
        vm.assertEq(keccak256(bytes(artThere.tokenURI(7))), keccak256("ipfs://art/1"), "its URI");
        _assertCustody(7, 1, 1);

        vm.prank(BOB);
        artThere.approve(address(serviceVault), 7);
        _request721(service, address(artThere), BOB, ALICE, 7);
        vm.assertEq(artThere.balanceOf(address(serviceVault)), 0, "burned");
        _assertCustody(7, 1, 0);
        _carryOne(main);
        vm.assertEq(art.ownerOf(7), ALICE, "home");
        _assertCustody(7, 0, 0);
    }

    function test_one_transfer_sends_art_both_ways() public {
        art.mint(ALICE, 7, "u");
        _at(main);
        vm.prank(ALICE);
        art.safeTransferFrom(ALICE, address(mainVault), 7, abi.encodePacked(BOB));
        Sent memory sent = _carryOne(service);
        vm.assertEq(sent.request.sender, ALICE, "who sent it");
        vm.assertEq(artThere.ownerOf(7), BOB);
        _at(service);
        vm.prank(BOB);
        artThere.safeTransferFrom(BOB, address(serviceVault), 7, abi.encodePacked(ALICE));
        _carryOne(main);
        vm.assertEq(art.ownerOf(7), ALICE);
        _assertCustody(7, 0, 0);
    }

    /// The same piece may travel as often as it likes, one place at a time.
    function test_a_piece_travels_again() public {
        for (uint256 i = 0; i < 3; ++i) {
            if (i == 0) art.mint(ALICE, 7, "u");
            vm.prank(ALICE);
            art.approve(address(mainVault), 7);
            _request721(main, address(art), ALICE, ALICE, 7);
            _carryOne(service);
            vm.prank(ALICE);
            artThere.approve(address(serviceVault), 7);
            _request721(service, address(artThere), ALICE, ALICE, 7);
            _carryOne(main);
        }
        vm.assertEq(art.ownerOf(7), ALICE);
    }

    function test_art_that_its_recipient_cannot_take_is_parked_and_returned() public {
        address deaf = address(new Refuser());
        Sent memory sent = _sendArt(deaf, 7);
        _carry(service, _list(sent));
        _assertParked(service, sent, ParkReason.PayoutFailed);
        _assertCustody(7, 1, 0);
        vm.assertEq(artThere.balanceOf(deaf), 0, "nothing minted");

        vm.prank(deaf);
        service.returnParked(sent.request, sent.payload);
        Sent memory back = _carryOne(main);
        vm.assertEq(back.payload.length > 0 ? _parts(back).ids[0] : 0, 7, "the id goes back");
        vm.assertEq(art.ownerOf(7), ALICE, "with its sender again");
        _assertCustody(7, 0, 0);
    }

    function test_parked_art_is_released_to_whom_its_recipient_names() public {
        address deaf = address(new Refuser());
        Sent memory sent = _sendArt(deaf, 7);
        _carry(service, _list(sent));
        vm.prank(deaf);
        service.releaseParkedTo(sent.request, sent.payload, BOB, 0, "");
        vm.assertEq(artThere.ownerOf(7), BOB);
        _assertNotParked(service, sent.request);
    }

    // ---- URIs -------------------------------------------------------------------------------------------------

    /// Storing it fits into what the payload's length allows for, from cold slots as in a transaction of its own.
    /// forge-config: default.isolate = true
    function test_the_longest_uri_is_minted() public {
        string memory uri = _text(1024);
        art.mint(ALICE, 7, uri);
        _hook721(7);
        _carryOne(service);
        vm.assertEq(artThere.ownerOf(7), BOB);
        vm.assertEq(keccak256(bytes(artThere.tokenURI(7))), keccak256(bytes(uri)), "all of it");
    }

    function test_a_longer_uri_is_refused() public {
        art.mint(ALICE, 7, _text(1025));
        vm.prank(ALICE);
        art.approve(address(mainVault), 7);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_UriTooLong.selector, 1025, 1024));
        mainVault.requestERC721(address(art), BOB, 7, "");
        vm.assertEq(art.ownerOf(7), ALICE);
    }

    function test_without_a_uri_art_travels_bare() public {
        HostileNFT token = _hostile(3);
        HostileNFT.Mood[2] memory moods = [HostileNFT.Mood.UriMissing, HostileNFT.Mood.UriReverts];
        for (uint256 i = 0; i < moods.length; ++i) {
            token.setMood(moods[i]);
            _request721(main, address(token), ALICE, BOB, i);
            vm.assertEq(bytes(_parts(_theSent(main)).uri).length, 0, "none");
            vm.assertEq(token.ownerOf(i), address(mainVault));
        }
    }

    function test_a_uri_that_is_no_string_or_a_bomb_is_refused() public {
        HostileNFT token = _hostile(1);
        HostileNFT.Mood[2] memory moods = [HostileNFT.Mood.UriMalformed, HostileNFT.Mood.UriBomb];
        for (uint256 i = 0; i < moods.length; ++i) {
            token.setMood(moods[i]);
            vm.prank(ALICE);
            vm.expectRevert();
            mainVault.requestERC721{gas: 3_000_000}(address(token), BOB, 0, "");
            vm.assertEq(token.ownerOf(0), ALICE);
            vm.assertEq(LaneAmount.unwrap(mainVault.custodyOfId(address(token), 0)), 0);
        }
    }

    // ---- ids used twice, or never -----------------------------------------------------------------------------

    /// A collection that gives an id to the vault twice brings it in once.
    function test_an_id_in_custody_is_not_taken_again() public {
        HostileNFT token = _hostile(1);
        _request721(main, address(token), ALICE, BOB, 0);
        token.setMood(HostileNFT.Mood.OwnerLies);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_IdHeld.selector, 0));
        mainVault.requestERC721(address(token), BOB, 0, "");
        vm.prank(address(token));
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_IdHeld.selector, 0));
        IERC721Receiver(address(mainVault)).onERC721Received(MALLORY, MALLORY, 0, abi.encodePacked(BOB));
        vm.assertEq(_custody(main, address(token)), 1);
    }

    /// Whatever a quorum attests: an id that is out is not minted again, and one that is not here is not paid.
    function test_forged_ids_are_parked() public {
        Sent memory first = _sendArt(BOB, 7);
        _carry(service, _list(first));
        Payload memory parts = _parts(first);
        Sent memory twice = _forge(service, first, 1, parts);
        _assertParked(service, twice, ParkReason.PayoutFailed);
        vm.assertEq(artThere.ownerOf(7), BOB);
        _assertCustody(7, 1, 1);

        (first.request.token, first.request.counterpartToken) = (address(artThere), address(art));
        parts.ids[0] = 8;
        Sent memory absent = _forge(main, first, 0, parts);
        _assertParked(main, absent, ParkReason.LiquidityShort);
        vm.assertEq(_custody(main, address(art)), 1);
    }

    /// The amount that passed the limits is the amount that is paid.
    function test_a_payload_that_holds_more_than_its_request_is_parked() public {
        Sent memory sent = _sendItems(BOB, _of(3), _of(10));
        (sent.request.token, sent.request.counterpartToken) = (address(itemsThere), address(items));
        (sent.request.nonce, sent.request.amount) = (0, LaneAmount.wrap(1));
        _carry(main, _list(sent));
        _assertParked(main, sent, ParkReason.PayoutFailed);
        vm.assertEq(items.balanceOf(address(mainVault), 3), 10, "nothing paid");
    }

    function test_an_id_that_never_came_here_is_not_sent_back() public {
        vm.expectRevert();
        serviceVault.requestERC721(address(artThere), ALICE, 7, "");
        uint256[] memory one = _of(1);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_SupplyShort.selector, 0, 1));
        serviceVault.requestERC1155(address(itemsThere), ALICE, one, one, "");
    }

    // ---- ERC-1155 ---------------------------------------------------------------------------------------------

    function test_items_are_minted_away_and_come_home() public {
        Sent memory sent = _sendItems(BOB, _of(3, 5), _of(10, 20));
        vm.assertEq(LaneAmount.unwrap(sent.request.amount), 30, "over all ids");
        vm.assertEq(items.balanceOf(address(mainVault), 5), 20, "locked");
        _carry(service, _list(sent));
        vm.assertEq(itemsThere.balanceOf(BOB, 3), 10);
        vm.assertEq(itemsThere.balanceOf(BOB, 5), 20);

        vm.prank(BOB);
        itemsThere.setApprovalForAll(address(serviceVault), true);
        _request1155(service, address(itemsThere), BOB, ALICE, _of(5), _of(15));
        vm.assertEq(LaneAmount.unwrap(serviceVault.custodyOfId(address(itemsThere), 5)), 5, "outstanding");
        vm.assertEq(itemsThere.balanceOf(address(serviceVault), 5), 0, "burned");
        _carryOne(main);
        vm.assertEq(items.balanceOf(ALICE, 5), 15, "home");
        vm.assertEq(LaneAmount.unwrap(mainVault.custodyOfId(address(items), 5)), 5);
        vm.assertEq(LaneAmount.unwrap(mainVault.custodyOfId(address(items), 3)), 10);
        vm.assertEq(_custody(main, address(items)), 15);
    }

    function test_one_transfer_sends_items_both_ways() public {
        items.mint(ALICE, 3, 10);
        items.mint(ALICE, 5, 10);
        _at(main);
        vm.prank(ALICE);
        items.safeTransferFrom(ALICE, address(mainVault), 3, 4, abi.encodePacked(BOB));
        vm.prank(ALICE);
        items.safeBatchTransferFrom(ALICE, address(mainVault), _of(3, 5), _of(6, 10), abi.encodePacked(BOB));
        vm.assertEq(_carry(service).length, 2, "a batch is one request");
        vm.assertEq(itemsThere.balanceOf(BOB, 3), 10);
        vm.assertEq(itemsThere.balanceOf(BOB, 5), 10);
        _at(service);
        vm.prank(BOB);
        itemsThere.safeTransferFrom(BOB, address(serviceVault), 5, 10, abi.encodePacked(ALICE));
        vm.prank(BOB);
        itemsThere.safeBatchTransferFrom(BOB, address(serviceVault), _of(3), _of(10), abi.encodePacked(ALICE));
        _carry(main);
        vm.assertEq(items.balanceOf(ALICE, 3) + items.balanceOf(ALICE, 5), 20, "home");
        vm.assertEq(_custody(main, address(items)) + _custody(service, address(itemsThere)), 0);
    }

    /// From cold slots as well.
    /// forge-config: default.isolate = true
    function test_the_most_ids_are_paid_both_ways() public {
        uint256[] memory ids = _countUp(1, 32);
        Sent memory sent = _sendItems(BOB, ids, ids);
        _carry(service, _list(sent));
        vm.assertEq(itemsThere.balanceOf(BOB, 32), 32);
        vm.prank(BOB);
        itemsThere.setApprovalForAll(address(serviceVault), true);
        _request1155(service, address(itemsThere), BOB, ALICE, ids, ids);
        _carryOne(main);
        vm.assertEq(items.balanceOf(ALICE, 32), 32);
        vm.assertEq(_custody(main, address(items)), 0);
    }

    /// Ids of one token do not stand in for each other.
    function test_custody_is_kept_by_id() public {
        _carry(service, _list(_sendItems(BOB, _of(3, 5), _of(10, 20))));
        Sent memory sent = _sendItems(BOB, _of(3), _of(1));
        (sent.request.token, sent.request.counterpartToken) = (address(itemsThere), address(items));
        Payload memory parts = _parts(sent);
        parts.amounts[0] = 12;
        Sent memory forged = _forge(main, sent, 0, parts);
        _assertParked(main, forged, ParkReason.LiquidityShort);
        parts.amounts[0] = 11;
        _assertNotParked(main, _forge(main, sent, 1, parts).request);
    }

    function test_refuses_ids_that_are_no_proper_list() public {
        bytes4 invalid = IVault.Vault_IdsInvalid.selector;
        uint256[] memory none = new uint256[](0);
        _refuse1155(none, none, abi.encodeWithSelector(invalid, 0, 32));
        _refuse1155(_countUp(1, 33), _countUp(1, 33), abi.encodeWithSelector(invalid, 33, 32));
        _refuse1155(_of(1, 2), _of(1), abi.encodeWithSelector(invalid, 1, 2));
        _refuse1155(_of(1), _of(1, 2), abi.encodeWithSelector(invalid, 2, 1));
        bytes4 unordered = IVault.Vault_IdsUnordered.selector;
        _refuse1155(_of(2, 1), _of(1, 1), abi.encodeWithSelector(unordered, 1, 2));
        _refuse1155(_of(2, 2), _of(1, 1), abi.encodeWithSelector(unordered, 2, 2));
        _refuse1155(_of(1, 2), _of(1, 0), abi.encodeWithSelector(IVault.Vault_AmountZero.selector));
        uint256 much = uint256(type(uint112).max) + 1;
        bytes memory above = abi.encodeWithSelector(IVault.Vault_AmountAboveMax.selector, much, type(uint112).max);
        _refuse1155(_of(1), _of(much), above);
        items.mint(ALICE, 77, much - 1);
        _at(main);
        vm.prank(ALICE);
        items.setApprovalForAll(address(mainVault), true);
        vm.prank(ALICE);
        mainVault.requestERC1155(address(items), BOB, _of(77), _of(much - 1), "");
        vm.assertEq(_custody(main, address(items)), much - 1, "the most");
        // Two that together would come to nothing.
        much = 1 << 255;
        above = abi.encodeWithSelector(IVault.Vault_AmountAboveMax.selector, much, type(uint112).max);
        _refuse1155(_of(1, 2), _of(much, much), above);
    }

    function test_every_kind_wants_the_ids_that_it_has() public {
        _refuseIds(address(art), 0, new uint256[](0), 1);
        _refuseIds(address(art), 0, _of(1, 2), 1);
        _refuseIds(address(gold), 1, _of(1), 0);
        Order[] memory orders = new Order[](1);
        orders[0] = _order(address(art), BOB, 0);
        (orders[0].ids, orders[0].amounts) = (_of(1), _of(1));
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_IdsInvalid.selector, 1, 0));
        mainVault.requestBulk(orders);
    }

    // ---- limits -----------------------------------------------------------------------------------------------

    function test_limits_count_nfts() public {
        Limits memory limits = _unlimited();
        (limits.max, limits.capacity) = (10, 15);
        _limit(mainVault, address(items), Direction.Outgoing, limits);
        _sendItems(BOB, _of(1, 2), _of(5, 5));
        uint256[] memory eleven = _of(11);
        _refuse1155(_of(1), eleven, abi.encodeWithSelector(IVault.Vault_AmountAboveMax.selector, 11, 10));
        bytes4 limited = IVault.Vault_RateLimited.selector;
        _refuse1155(_of(1), _of(6), abi.encodeWithSelector(limited, 6, 5, START + 1 days / 15));
    }

    // ---- helpers ----------------------------------------------------------------------------------------------

    function _assertCustody(uint256 id, uint256 locked, uint256 minted) private view {
        vm.assertEq(LaneAmount.unwrap(mainVault.custodyOfId(address(art), id)), locked, "locked id");
        vm.assertEq(_custody(main, address(art)), locked, "locked");
        vm.assertEq(LaneAmount.unwrap(serviceVault.custodyOfId(address(artThere), id)), minted, "minted id");
        vm.assertEq(_custody(service, address(artThere)), minted, "minted");
    }

    function _text(uint256 length) private pure returns (string memory) {
        bytes memory text = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            text[i] = bytes1(uint8(97 + i % 26));
        }
        return string(text);
    }

    function _hook721(uint256 id) private {
        _at(main);
        vm.prank(ALICE);
        art.safeTransferFrom(ALICE, address(mainVault), id, abi.encodePacked(BOB));
    }

    /// A collection of which Alice has `n` and the vault may fetch all.
    function _hostile(uint256 n) private returns (HostileNFT token) {
        token = new HostileNFT();
        _register(mainVault, address(token), mainVault.tokenConfig(address(art)));
        for (uint256 i = 0; i < n; ++i) {
            token.mint(ALICE, i, "u");
        }
        vm.prank(ALICE);
        token.setApprovalForAll(address(mainVault), true);
    }

    /// Delivers what no bridge ever linked: `sent` at `nonce` with `parts` instead, under a good certificate.
    function _forge(IOwnedBridge to, Sent memory sent, uint64 nonce, Payload memory parts)
        private
        returns (Sent memory forged)
    {
        forged.payload = abi.encode(parts);
        Request memory like = sent.request;
        forged.request = Request({
            nonce: nonce,
            kind: like.kind,
            sender: like.sender,
            recipient: like.recipient,
            token: like.token,
            counterpartToken: like.counterpartToken,
            amount: LaneAmount.wrap(parts.amounts.length == 0 ? 1 : parts.amounts[0]),
            payloadHash: LaneHead.payloadHash(forged.payload)
        });
        _carry(to, _list(forged));
    }

    function _refuse1155(uint256[] memory ids, uint256[] memory amounts, bytes memory data) private {
        _at(main);
        vm.prank(ALICE);
        vm.expectRevert(data);
        mainVault.requestERC1155(address(items), BOB, ids, amounts, "");
    }

    function _refuseIds(address token, uint256 amount, uint256[] memory ids, uint256 max) private {
        Order[] memory orders = new Order[](1);
        orders[0] = _order(token, BOB, amount);
        orders[0].ids = ids;
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_IdsInvalid.selector, ids.length, max));
        mainVault.requestBulk(orders);
    }
}
