// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridgeToken} from "../interfaces/IBridgeToken.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title A token that represents one of the other chain; only its bridge mints and burns it
contract BridgeToken is ERC20Permit, IBridgeToken {
    /// @inheritdoc IBridgeToken
    address public immutable bridge;
    /// @inheritdoc IBridgeToken
    uint256 public immutable supplyCap;
    uint8 private immutable _decimals;

    modifier onlyBridge() {
        if (msg.sender != bridge) revert BridgeToken_CallerRefused(msg.sender, bridge);
        _;
    }

    constructor(address bridge_, string memory name_, string memory symbol_, uint8 decimals_, uint256 supplyCap_)
        ERC20(name_, symbol_)
        ERC20Permit(name_)
    {
        if (bridge_ == address(0)) revert BridgeToken_BridgeZero();
        bridge = bridge_;
        _decimals = decimals_;
        supplyCap = supplyCap_;
    }

    /// @inheritdoc IBridgeToken
    function mint(address to, uint256 amount) external onlyBridge {
        _mint(to, amount);
        if (totalSupply() > supplyCap) revert BridgeToken_CapExceeded(totalSupply(), supplyCap);
    }

    /// @inheritdoc IBridgeToken
    function burn(address holder, uint256 amount) external onlyBridge {
        _spendAllowance(holder, msg.sender, amount);
        _burn(holder, amount);
    }

    function decimals() public view override returns (uint8) {
        return _decimals;
    }
}
