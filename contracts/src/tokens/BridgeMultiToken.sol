// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridgeMultiToken} from "../interfaces/IVaultMinted.sol";
import {VaultMinted} from "./VaultMinted.sol";
import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";

/// @title An ERC-1155 that stands for one of the other chain
contract BridgeMultiToken is ERC1155, VaultMinted, IBridgeMultiToken {
    uint256 private _supply;

    /// `uri_`: of every id, with `{id}` in it, as the standard has it.
    constructor(address vault_, string memory uri_, uint256 supplyCap_) ERC1155(uri_) VaultMinted(vault_, supplyCap_) {}

    /// @inheritdoc IBridgeMultiToken
    function mint(address to, uint256[] calldata ids, uint256[] calldata amounts) external onlyVault {
        _supply += _sum(amounts);
        _requireCap(_supply);
        _mintBatch(to, ids, amounts, "");
    }

    /// @inheritdoc IBridgeMultiToken
    function burn(uint256[] calldata ids, uint256[] calldata amounts) external {
        _supply -= _sum(amounts);
        _burnBatch(msg.sender, ids, amounts);
    }

    function _sum(uint256[] calldata amounts) private pure returns (uint256 total) {
        for (uint256 i = 0; i < amounts.length; ++i) {
            total += amounts[i];
        }
    }
}
