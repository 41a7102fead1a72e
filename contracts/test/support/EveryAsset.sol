// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LaneHead} from "../../src/libraries/LaneHead.sol";
import {AssetKind, LaneAmount, Payload, Request} from "../../src/types/Types.sol";
import {AssetPair} from "./AssetPair.sol";
import {IOwnedBridge} from "./IOwned.sol";
import {vm} from "./Vm.sol";

/// @title A bridge pair that also carries NFTs, multi-tokens and data
/// @dev Requests are written down as they were asked for, so that a bridge that links another one is found out.
abstract contract EveryAssetTest is AssetPair {
    /// Alice locks the NFT `id` on main for `recipient`.
    function _sendArt(address recipient, uint256 id, bytes memory data)
        internal
        returns (Request memory request, bytes memory payload)
    {
        string memory uri = string.concat("ipfs://art/", vm.toString(id));
        art.mint(ALICE, id, uri);
        vm.startPrank(ALICE);
        art.approve(address(mainVault), id);
        _at(main);
        uint64 nonce = mainVault.requestERC721(address(art), recipient, id, data);
        vm.stopPrank();
        payload = abi.encode(Payload(_ids(id), new uint256[](0), uri, data));
        request = Request(
            nonce,
            AssetKind.ERC721,
            ALICE,
            recipient,
            address(art),
            address(artThere),
            LaneAmount.wrap(1),
            keccak256(payload)
        );
    }

    /// Alice locks `amount` of each of `n` ids from `first` on.
    function _sendItems(address recipient, uint256 first, uint256 n, uint256 amount, bytes memory data)
        internal
        returns (Request memory request, bytes memory payload)
    {
        (uint256[] memory ids, uint256[] memory amounts) = (new uint256[](n), new uint256[](n));
        for (uint256 i = 0; i < n; ++i) {
            (ids[i], amounts[i]) = (first + i, amount);
            items.mint(ALICE, ids[i], amount);
        }
        vm.startPrank(ALICE);
        items.setApprovalForAll(address(mainVault), true);
        _at(main);
        uint64 nonce = mainVault.requestERC1155(address(items), recipient, ids, amounts, data);
        vm.stopPrank();
        payload = abi.encode(Payload(ids, amounts, "", data));
        bytes32 hash = keccak256(payload);
        request = Request(
            nonce,
            AssetKind.ERC1155,
            ALICE,
            recipient,
            address(items),
            address(itemsThere),
            LaneAmount.wrap(n * amount),
            hash
        );
    }

    /// Alice locks gold with `data` for the recipient.
    function _sendGoldWith(address recipient, uint256 amount, bytes memory data)
        internal
        returns (Request memory request, bytes memory payload)
    {
        gold.mint(ALICE, amount);
        vm.startPrank(ALICE);
        gold.approve(address(mainVault), amount);
        _at(main);
        uint64 nonce = mainVault.requestERC20(address(gold), recipient, amount, 0, data);
        vm.stopPrank();
        payload = _dataOnly(data);
        request = Request(
            nonce,
            AssetKind.ERC20,
            ALICE,
            recipient,
            address(gold),
            address(goldThere),
            LaneAmount.wrap(amount),
            keccak256(payload)
        );
    }

    /// `sender` burns gold on service with `data` for the recipient on main.
    function _sendGoldBackWith(address sender, address recipient, uint256 amount, bytes memory data)
        internal
        returns (Request memory request, bytes memory payload)
    {
        vm.startPrank(sender);
        goldThere.approve(address(serviceVault), amount);
        _at(service);
        uint64 nonce = serviceVault.requestERC20(address(goldThere), recipient, amount, 0, data);
        vm.stopPrank();
        payload = _dataOnly(data);
        request = Request(
            nonce,
            AssetKind.ERC20,
            sender,
            recipient,
            address(goldThere),
            address(gold),
            LaneAmount.wrap(amount),
            keccak256(payload)
        );
    }

    /// `sender` burns the NFT `id` on service for `recipient` on main.
    function _sendArtBack(address sender, address recipient, uint256 id)
        internal
        returns (Request memory request, bytes memory payload)
    {
        string memory uri = artThere.tokenURI(id);
        vm.startPrank(sender);
        artThere.approve(address(serviceVault), id);
        _at(service);
        uint64 nonce = serviceVault.requestERC721(address(artThere), recipient, id, "");
        vm.stopPrank();
        payload = abi.encode(Payload(_ids(id), new uint256[](0), uri, ""));
        request = Request(
            nonce,
            AssetKind.ERC721,
            sender,
            recipient,
            address(artThere),
            address(art),
            LaneAmount.wrap(1),
            keccak256(payload)
        );
    }

    /// The request that sends a parked one back, as the chain links it: `kind` is this side's.
    function _returnOf(Request memory request, uint64 nonce, AssetKind kind, bytes memory payload)
        internal
        pure
        returns (Request memory)
    {
        return Request({
            nonce: nonce,
            kind: kind,
            sender: request.recipient,
            recipient: request.sender,
            token: request.counterpartToken,
            counterpartToken: request.token,
            amount: request.amount,
            payloadHash: LaneHead.payloadHash(payload)
        });
    }

    function _deliverWith(IOwnedBridge to, Request memory request, bytes memory payload) internal {
        _deliver(to, _one(request), _onePayload(payload));
    }

    function _dataOnly(bytes memory data) internal pure returns (bytes memory) {
        return abi.encode(Payload(new uint256[](0), new uint256[](0), "", data));
    }

    function _onePayload(bytes memory payload) internal pure returns (bytes[] memory payloads) {
        payloads = new bytes[](1);
        payloads[0] = payload;
    }

    function _ids(uint256 id) internal pure returns (uint256[] memory ids) {
        ids = new uint256[](1);
        ids[0] = id;
    }
}
