// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridgeToken} from "../interfaces/IVaultMinted.sol";
import {VaultMinted} from "./VaultMinted.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC1363} from "@openzeppelin/contracts/token/ERC20/extensions/ERC1363.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title An ERC-20 that stands for one of the other chain, with permits and one-step transfers
contract BridgeToken is ERC20Permit, ERC1363, VaultMinted, IBridgeToken {
    uint8 private immutable _decimals;

    constructor(address vault_, string memory name_, string memory symbol_, uint8 decimals_, uint256 supplyCap_)
        ERC20(name_, symbol_)
        ERC20Permit(name_)
        VaultMinted(vault_, supplyCap_)
    {
        _decimals = decimals_;
    }

    /// @inheritdoc IBridgeToken
    function mint(address to, uint256 amount) external onlyVault {
        _mint(to, amount);
        _requireCap(totalSupply());
    }

    /// @inheritdoc IBridgeToken
    function burn(uint256 amount) external {
        _burn(msg.sender, amount);
    }

    function decimals() public view override returns (uint8) {
        return _decimals;
    }
}
