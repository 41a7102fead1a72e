// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IHandoverReceiver} from "../../src/interfaces/IHandoverReceiver.sol";
import {Payload, Request} from "../../src/types/Types.sol";
import {ERC1155Holder} from "@openzeppelin/contracts/token/ERC1155/utils/ERC1155Holder.sol";
import {ERC721Holder} from "@openzeppelin/contracts/token/ERC721/utils/ERC721Holder.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

/// @title A recipient that accepts whatever comes, but with no less gas than it demands
contract DemandingRecipient is IHandoverReceiver, ERC721Holder, ERC1155Holder {
    /// What was left when it was asked first.
    uint256 public got;
    uint256 private _demand;

    function setDemand(uint256 demand) external {
        _demand = demand;
    }

    receive() external payable {
        _require(gasleft());
    }

    function onERC721Received(address, address, uint256, bytes memory) public override returns (bytes4) {
        _require(gasleft());
        return this.onERC721Received.selector;
    }

    function onERC1155BatchReceived(address, address, uint256[] memory, uint256[] memory, bytes memory)
        public
        override
        returns (bytes4)
    {
        _require(gasleft());
        return this.onERC1155BatchReceived.selector;
    }

    function onHandover(uint256, Request calldata, uint256, Payload calldata) external returns (bytes4) {
        if (got == 0) _require(gasleft());
        return this.onHandover.selector;
    }

    function supportsInterface(bytes4 id) public view override returns (bool) {
        return id == type(IHandoverReceiver).interfaceId || super.supportsInterface(id);
    }

    function _require(uint256 left) private {
        require(left >= _demand, "starved");
        got = left;
    }
}

/// @title A recipient of an NFT with data that spends gas before it is asked whether it takes the data
contract WastefulRecipient is IHandoverReceiver, ERC721Holder {
    bool public told;
    uint256 private _waste;

    function setWaste(uint256 waste) external {
        _waste = waste;
    }

    function onERC721Received(address, address, uint256, bytes memory) public view override returns (bytes4) {
        _spend(_waste);
        return this.onERC721Received.selector;
    }

    function onHandover(uint256, Request calldata, uint256, Payload calldata) external returns (bytes4) {
        told = true;
        return this.onHandover.selector;
    }

    /// ERC-165 allows 30,000.
    function supportsInterface(bytes4 id) external view returns (bool) {
        _spend(28_000);
        return id == type(IHandoverReceiver).interfaceId || id == type(IERC165).interfaceId;
    }

    function _spend(uint256 gas) private view {
        uint256 before = gasleft();
        while (before - gasleft() < gas) {}
    }
}
