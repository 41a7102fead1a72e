// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title The demands of a vault on every token that it mints and burns
interface IVaultMinted {
    /// Only the vault mints.
    error Token_CallerRefused(address got, address want);
    /// The supply would pass its cap: what may exist, over all ids.
    error Token_CapExceeded(uint256 got, uint256 max);
    /// A token without a vault could never be minted.
    error Token_VaultZero();

    /// The vault that mints and burns.
    function vault() external view returns (address);
    /// The most that may exist: the smallest unit, or the number of NFTs.
    function supplyCap() external view returns (uint256);
}

/// @title An ERC-20 that stands for one of the other chain
interface IBridgeToken is IVaultMinted {
    /// Mints `amount` to `to`. Only the vault.
    function mint(address to, uint256 amount) external;
    /// Burns `amount` of the caller's.
    function burn(uint256 amount) external;
}

/// @title An ERC-721 that stands for one of the other chain
interface IBridgeNFT is IVaultMinted {
    /// Mints `id` to `to`, who must accept it if it is a contract. Only the vault.
    function mint(address to, uint256 id, string calldata uri) external;
    /// Burns `id`, which the caller owns or may move.
    function burn(uint256 id) external;
}

/// @title An ERC-1155 that stands for one of the other chain
interface IBridgeMultiToken is IVaultMinted {
    /// Mints `amounts` of `ids` to `to`, who must accept them if it is a contract. Only the vault.
    function mint(address to, uint256[] calldata ids, uint256[] calldata amounts) external;
    /// Burns `amounts` of `ids` of the caller's.
    function burn(uint256[] calldata ids, uint256[] calldata amounts) external;
}
