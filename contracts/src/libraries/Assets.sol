// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridgeMultiToken, IBridgeNFT, IBridgeToken} from "../interfaces/IVaultMinted.sol";
import {AssetKind, NATIVE_COIN, Order, Payload} from "../types/Types.sol";
import {LimitedCall} from "./LimitedCall.sol";
import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IERC721Metadata} from "@openzeppelin/contracts/token/ERC721/extensions/IERC721Metadata.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";

/// @title How each kind of asset is counted, fetched, burned and paid
library Assets {
    using SafeERC20 for IERC20;

    /// How much the vault holds of the token, or of `ids` in sum.
    function balance(AssetKind kind, address token, uint256[] memory ids) internal view returns (uint256 total) {
        if (kind == AssetKind.ERC20) return IERC20(token).balanceOf(address(this));
        if (kind == AssetKind.ERC721) return IERC721(token).ownerOf(ids[0]) == address(this) ? 1 : 0;
        if (kind != AssetKind.ERC1155) return 0;
        for (uint256 i = 0; i < ids.length; ++i) {
            total += IERC1155(token).balanceOf(address(this), ids[i]);
        }
    }

    /// Fetches what is ordered from `sender`; of an ERC-20 `amount`.
    function pull(AssetKind kind, Order memory order, address sender, uint256 amount) internal {
        if (kind == AssetKind.ERC20) {
            IERC20(order.token).safeTransferFrom(sender, address(this), amount);
        } else if (kind == AssetKind.ERC721) {
            IERC721(order.token).transferFrom(sender, address(this), order.ids[0]);
        } else {
            IERC1155(order.token).safeBatchTransferFrom(sender, address(this), order.ids, order.amounts, "");
        }
    }

    /// Burns what was fetched; of an ERC-20 `amount`.
    function burn(AssetKind kind, Order memory order, uint256 amount) internal {
        if (kind == AssetKind.ERC20) IBridgeToken(order.token).burn(amount);
        else if (kind == AssetKind.ERC721) IBridgeNFT(order.token).burn(order.ids[0]);
        else IBridgeMultiToken(order.token).burn(order.ids, order.amounts);
    }

    /// Pays a handover of coin or an ERC-20, or answers false.
    function tryPush(address token, bool mints, address to, uint256 amount) internal returns (bool) {
        if (token == NATIVE_COIN) {
            (bool sent,,,) = LimitedCall.tryCall(to, amount, gasleft(), "");
            return sent;
        }
        bytes4 selector = mints ? IBridgeToken.mint.selector : IERC20.transfer.selector;
        return LimitedCall.tryTokenCall(token, abi.encodeWithSelector(selector, to, amount));
    }

    /// Pays a handover of NFTs, or reverts. Contracts are asked whether they take them, as the standards have it.
    function pushNFT(AssetKind kind, bool mints, address token, address to, Payload memory payload) internal {
        if (kind == AssetKind.ERC721) {
            if (mints) IBridgeNFT(token).mint(to, payload.ids[0], payload.uri);
            else IERC721(token).safeTransferFrom(address(this), to, payload.ids[0]);
        } else {
            if (mints) IBridgeMultiToken(token).mint(to, payload.ids, payload.amounts);
            else IERC1155(token).safeBatchTransferFrom(address(this), to, payload.ids, payload.amounts, "");
        }
    }

    /// Pays coin or an ERC-20, or reverts.
    function pay(address token, address to, uint256 amount) internal {
        if (token == NATIVE_COIN) Address.sendValue(payable(to), amount);
        else IERC20(token).safeTransfer(to, amount);
    }

    /// The token URI of an ERC-721; empty when it has none.
    function uri(address token, uint256 id) internal view returns (string memory) {
        try IERC721Metadata(token).tokenURI(id) returns (string memory found) {
            return found;
        } catch {
            return "";
        }
    }
}
