// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title What a bridge asks of a token that it mints and burns
interface IBridgeToken {
    /// Only the bridge mints and burns.
    error BridgeToken_CallerRefused(address got, address want);
    /// The supply would pass its cap.
    error BridgeToken_CapExceeded(uint256 got, uint256 max);
    /// A token without a bridge could never be minted.
    error BridgeToken_BridgeZero();

    /// Mints `amount` to `to`. Only the bridge.
    function mint(address to, uint256 amount) external;
    /// Burns `amount` of `holder`'s, who must have approved it to the bridge. Only the bridge.
    function burn(address holder, uint256 amount) external;
    /// The bridge that mints and burns.
    function bridge() external view returns (address);
    /// The most that may exist, in the smallest unit.
    function supplyCap() external view returns (uint256);
}
