// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridgeNFT} from "../interfaces/IVaultMinted.sol";
import {VaultMinted} from "./VaultMinted.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ERC721URIStorage} from "@openzeppelin/contracts/token/ERC721/extensions/ERC721URIStorage.sol";

/// @title An ERC-721 that stands for one of the other chain, with the token URIs of its home
contract BridgeNFT is ERC721URIStorage, VaultMinted, IBridgeNFT {
    uint256 private _supply;

    constructor(address vault_, string memory name_, string memory symbol_, uint256 supplyCap_)
        ERC721(name_, symbol_)
        VaultMinted(vault_, supplyCap_)
    {}

    /// @inheritdoc IBridgeNFT
    function mint(address to, uint256 id, string calldata uri) external onlyVault {
        _requireCap(++_supply);
        _setTokenURI(id, uri);
        _safeMint(to, id);
    }

    /// @inheritdoc IBridgeNFT
    function burn(uint256 id) external {
        --_supply;
        _setTokenURI(id, "");
        _update(address(0), id, msg.sender);
    }
}
