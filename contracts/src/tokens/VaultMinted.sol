// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IVaultMinted} from "../interfaces/IVaultMinted.sol";

/// @title A token that only its vault mints, up to a cap of its own
/// @dev The cap is the token's last word, whatever a bridge or its relayers say.
abstract contract VaultMinted is IVaultMinted {
    /// @inheritdoc IVaultMinted
    address public immutable vault;
    /// @inheritdoc IVaultMinted
    uint256 public immutable supplyCap;

    modifier onlyVault() {
        if (msg.sender != vault) revert Token_CallerRefused(msg.sender, vault);
        _;
    }

    constructor(address vault_, uint256 supplyCap_) {
        if (vault_ == address(0)) revert Token_VaultZero();
        vault = vault_;
        supplyCap = supplyCap_;
    }

    function _requireCap(uint256 supply) internal view {
        if (supply > supplyCap) revert Token_CapExceeded(supply, supplyCap);
    }
}
