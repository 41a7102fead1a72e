// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../../src/interfaces/IBridge.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Makes many requests in one transaction, for live tests and benchmarks
/// @dev Tokens come from the caller, who approves the sum to this contract. The batcher is the requests' sender.
contract RequestBatcher {
    /// What is left of a caller's coin could not be given back.
    error RequestBatcher_RefundFailed();

    /// One token request to each of `recipients`.
    function many(IBridge bridge, address token, address[] calldata recipients, uint256 amount) external {
        _collect(bridge, token, recipients.length * amount);
        for (uint256 i = 0; i < recipients.length; ++i) {
            bridge.requestERC20(token, recipients[i], amount);
        }
    }

    /// Token requests to `n` addresses that count up from `firstRecipient`.
    function manyFresh(IBridge bridge, address token, address firstRecipient, uint256 n, uint256 amount) external {
        _collect(bridge, token, n * amount);
        for (uint256 i = 0; i < n; ++i) {
            bridge.requestERC20(token, _after(firstRecipient, i), amount);
        }
    }

    /// One coin request of `amount` to each of `recipients`.
    function manyNative(IBridge bridge, address[] calldata recipients, uint256 amount) external payable {
        for (uint256 i = 0; i < recipients.length; ++i) {
            bridge.requestNative{value: amount}(recipients[i]);
        }
        _refund();
    }

    /// Coin requests of `amount` to `n` addresses that count up from `firstRecipient`.
    function manyFreshNative(IBridge bridge, address firstRecipient, uint256 n, uint256 amount) external payable {
        for (uint256 i = 0; i < n; ++i) {
            bridge.requestNative{value: amount}(_after(firstRecipient, i));
        }
        _refund();
    }

    function _collect(IBridge bridge, address token, uint256 total) private {
        IERC20(token).transferFrom(msg.sender, address(this), total);
        IERC20(token).approve(address(bridge), total);
    }

    function _refund() private {
        (bool ok,) = msg.sender.call{value: address(this).balance}("");
        if (!ok) revert RequestBatcher_RefundFailed();
    }

    function _after(address first, uint256 i) private pure returns (address) {
        return address(uint160(uint256(uint160(first)) + i));
    }
}
