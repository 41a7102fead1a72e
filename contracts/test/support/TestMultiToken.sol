// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";

/// @title An ERC-1155 that anyone may mint, for demos and tests
contract TestMultiToken is ERC1155 {
    constructor(string memory uri_) ERC1155(uri_) {}

    /// Asks nobody, so that tests may give to contracts.
    function mint(address to, uint256 id, uint256 amount) external {
        (uint256[] memory ids, uint256[] memory amounts) = (new uint256[](1), new uint256[](1));
        (ids[0], amounts[0]) = (id, amount);
        _update(address(0), to, ids, amounts);
    }
}
