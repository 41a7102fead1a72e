// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IVault} from "../../src/interfaces/IVault.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Makes many requests in one transaction, for live tests and benchmarks
/// @dev Tokens come from the caller, who approves the sum to this contract. The batcher is the requests' sender.
contract RequestBatcher {
    /// What is left of a caller's coin could not be given back.
    error RequestBatcher_RefundFailed();

    /// One token request to each of `recipients`.
    function many(IVault vault, address token, address[] calldata recipients, uint256 amount) external {
        _collect(vault, token, recipients.length * amount);
        for (uint256 i = 0; i < recipients.length; ++i) {
            vault.requestERC20(token, recipients[i], amount, 0, "");
        }
    }

    /// Token requests to `n` addresses that count up from `firstRecipient`.
    function manyFresh(IVault vault, address token, address firstRecipient, uint256 n, uint256 amount) external {
        _collect(vault, token, n * amount);
        for (uint256 i = 0; i < n; ++i) {
            vault.requestERC20(token, _after(firstRecipient, i), amount, 0, "");
        }
    }

    /// One coin request of `amount` to each of `recipients`.
    function manyNative(IVault vault, address[] calldata recipients, uint256 amount) external payable {
        for (uint256 i = 0; i < recipients.length; ++i) {
            vault.requestNative{value: amount}(recipients[i], amount, "");
        }
        _refund();
    }

    /// Coin requests of `amount` to `n` addresses that count up from `firstRecipient`.
    function manyFreshNative(IVault vault, address firstRecipient, uint256 n, uint256 amount) external payable {
        for (uint256 i = 0; i < n; ++i) {
            vault.requestNative{value: amount}(_after(firstRecipient, i), amount, "");
        }
        _refund();
    }

    function _collect(IVault vault, address token, uint256 total) private {
        IERC20(token).transferFrom(msg.sender, address(this), total);
        IERC20(token).approve(address(vault), total);
    }

    function _refund() private {
        (bool ok,) = msg.sender.call{value: address(this).balance}("");
        if (!ok) revert RequestBatcher_RefundFailed();
    }

    function _after(address first, uint256 i) private pure returns (address) {
        return address(uint160(uint256(uint160(first)) + i));
    }
}
