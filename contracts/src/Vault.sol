// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {VaultAdmin} from "./VaultAdmin.sol";
import {VaultCustody} from "./VaultCustody.sol";
import {IVault} from "./interfaces/IVault.sol";
import {TransferLimits} from "./libraries/TransferLimits.sol";
import {AssetKind, Custody, LaneAmount, NATIVE_COIN, Order, ParkReason, Quote, TokenConfig} from "./types/Types.sol";
import {IERC1363Receiver} from "@openzeppelin/contracts/interfaces/IERC1363Receiver.sol";
import {IERC1155Receiver} from "@openzeppelin/contracts/token/ERC1155/IERC1155Receiver.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {IERC721Receiver} from "@openzeppelin/contracts/token/ERC721/IERC721Receiver.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

/// @title Where the value of one side of the pair stands: every way of asking for a transfer, and what it would cost
/// @dev Each way says the same thing, an order, to the one path that takes it (see `VaultCustody`).
contract Vault is VaultCustody, IERC721Receiver, IERC1155Receiver, IERC1363Receiver {
    using TransferLimits for TransferLimits.Flow;

    /// Orders one bulk may hold: what a block has room for comes before it.
    uint256 public constant BULK_MAX = 256;

    constructor(address owner_, address guardian_, uint64 largeDelay_) VaultAdmin(owner_, guardian_, largeDelay_) {}

    // ---- requests ---------------------------------------------------------------------------------------------

    /// @inheritdoc IVault
    function requestNative(address recipient, uint256 amount, bytes calldata data)
        external
        payable
        returns (uint64 nonce)
    {
        return _requestOne(AssetKind.Native, _order(NATIVE_COIN, recipient, amount, msg.value, data));
    }

    /// @inheritdoc IVault
    function requestERC20(address token, address recipient, uint256 amount, uint256 feeLimit, bytes calldata data)
        external
        returns (uint64 nonce)
    {
        return _requestOne(AssetKind.ERC20, _order(token, recipient, amount, feeLimit, data));
    }

    /// @inheritdoc IVault
    function requestERC20WithPermit(
        address token,
        address recipient,
        uint256 amount,
        uint256 feeLimit,
        bytes calldata data,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external returns (uint64 nonce) {
        _registered(token);
        uint256 allowance;
        // The bounds below refuse an amount that overflows here.
        unchecked {
            allowance = amount + feeLimit;
        }
        // Anyone who sees the permit may use it first: then the allowance is there already.
        try IERC20Permit(token).permit(msg.sender, address(this), allowance, deadline, v, r, s) {} catch {}
        return _requestOne(AssetKind.ERC20, _order(token, recipient, amount, feeLimit, data));
    }

    /// @inheritdoc IVault
    function requestERC721(address token, address recipient, uint256 id, bytes calldata data)
        external
        payable
        returns (uint64 nonce)
    {
        Order memory order = _order(token, recipient, 0, msg.value, data);
        order.ids = _list(id);
        return _requestOne(AssetKind.ERC721, order);
    }

    /// @inheritdoc IVault
    function requestERC1155(
        address token,
        address recipient,
        uint256[] memory ids,
        uint256[] memory amounts,
        bytes calldata data
    ) public payable returns (uint64 nonce) {
        Order memory order = _order(token, recipient, 0, msg.value, data);
        (order.ids, order.amounts) = (ids, amounts);
        return _requestOne(AssetKind.ERC1155, order);
    }

    /// @inheritdoc IVault
    function requestBulk(Order[] memory orders) public payable returns (uint64 firstNonce) {
        if (orders.length == 0 || orders.length > BULK_MAX) revert Vault_BulkInvalid(orders.length, BULK_MAX);
        uint256 coin = 0;
        for (uint256 i = 0; i < orders.length; ++i) {
            (uint64 nonce, uint256 spent) = _request(AssetKind.None, orders[i], msg.sender, false);
            if (i == 0) firstNonce = nonce;
            coin += spent;
        }
        _settleCoin(coin);
    }

    /// One transfer does it: `data` is `recipient (20 bytes) ‖ amount (32 bytes) ‖ data`. `value` is the amount and the
    /// fee. The rest of it goes back to `from`.
    /// @inheritdoc IERC1363Receiver
    function onTransferReceived(address, address from, uint256 value, bytes calldata data) external returns (bytes4) {
        if (data.length < 52) revert Vault_HookDataInvalid(data.length, 52);
        Order memory order = _order(msg.sender, address(bytes20(data)), uint256(bytes32(data[20:52])), value, data[52:]);
        if (order.amount > value) revert Vault_ReceivedMismatch(value, order.amount);
        order.feeLimit = value - order.amount;
        _request(AssetKind.ERC20, order, from, true);
        return this.onTransferReceived.selector;
    }

    /// One transfer does it, where the token has no fee: `data` is `recipient (20 bytes) ‖ data`.
    /// @inheritdoc IERC721Receiver
    function onERC721Received(address, address from, uint256 id, bytes calldata data) external returns (bytes4) {
        _requestArrived(AssetKind.ERC721, from, _list(id), new uint256[](0), data);
        return this.onERC721Received.selector;
    }

    /// As for an ERC-721.
    /// @inheritdoc IERC1155Receiver
    function onERC1155Received(address operator, address from, uint256 id, uint256 amount, bytes calldata data)
        external
        returns (bytes4)
    {
        if (operator != address(this)) {
            _requestArrived(AssetKind.ERC1155, from, _list(id), _list(amount), data);
        }
        return this.onERC1155Received.selector;
    }

    /// As for an ERC-721; the batch is one request.
    /// @inheritdoc IERC1155Receiver
    function onERC1155BatchReceived(
        address operator,
        address from,
        uint256[] memory ids,
        uint256[] memory amounts,
        bytes calldata data
    ) public returns (bytes4) {
        // A batch that this vault fetches itself belongs to the request that is under way.
        if (operator != address(this)) _requestArrived(AssetKind.ERC1155, from, ids, amounts, data);
        return this.onERC1155BatchReceived.selector;
    }

    function _requestOne(AssetKind kind, Order memory order) private returns (uint64 nonce) {
        uint256 coin;
        (nonce, coin) = _request(kind, order, msg.sender, false);
        _settleCoin(coin);
    }

    function _requestArrived(
        AssetKind kind,
        address from,
        uint256[] memory ids,
        uint256[] memory amounts,
        bytes calldata data
    ) private {
        if (data.length < 20) revert Vault_HookDataInvalid(data.length, 20);
        Order memory order = _order(msg.sender, address(bytes20(data)), 0, 0, data[20:]);
        (order.ids, order.amounts) = (ids, amounts);
        _request(kind, order, from, true);
    }

    function _order(address token, address recipient, uint256 amount, uint256 feeLimit, bytes calldata data)
        private
        pure
        returns (Order memory order)
    {
        (order.token, order.recipient, order.amount) = (token, recipient, amount);
        (order.feeLimit, order.data) = (feeLimit, data);
    }

    function _list(uint256 only) private pure returns (uint256[] memory list) {
        list = new uint256[](1);
        list[0] = only;
    }

    // ---- views ------------------------------------------------------------------------------------------------

    /// @inheritdoc IVault
    function quote(address token, uint256 amount) external view returns (Quote memory) {
        Token storage held = _registered(token);
        TokenConfig memory config = held.config;
        if (!config.enabled) revert Vault_TokenDisabled(token);
        LaneAmount laneAmount = _laneAmount(config, amount);
        TransferLimits.Flow memory flow = held.outgoing;
        _requireBounds(flow, config, laneAmount);
        return Quote({
            fee: _feeOf(held, amount),
            feeToken: config.kind == AssetKind.ERC20 ? token : NATIVE_COIN,
            laneAmount: laneAmount,
            earliest: flow.earliest(laneAmount)
        });
    }

    /// @inheritdoc IVault
    function wouldPass(address token, LaneAmount laneAmount, uint64 parkedAt)
        external
        view
        returns (ParkReason reason, uint64 earliest)
    {
        Token storage held = _tokens[token];
        TransferLimits.Flow memory flow = held.incoming;
        // First of all: nothing that is tightened later spares a large handover its delay.
        if (flow.bounds != 0 && laneAmount >= TransferLimits.middle(flow.size)) {
            earliest = parkedAt + largeDelay;
            if (block.timestamp < earliest) return (ParkReason.Delayed, earliest);
        }
        if (!held.config.enabled) return (ParkReason.TokenUnavailable, 0);
        (reason, earliest) = _admitted(flow.bounds, flow.size, laneAmount, parkedAt);
        if (reason != ParkReason.None) return (reason, earliest);
        earliest = flow.earliest(laneAmount);
        if (earliest > block.timestamp) return (ParkReason.RateLimited, earliest);
        if (held.config.custody == Custody.Lock && TransferLimits.middle(flow.state) < laneAmount) {
            return (ParkReason.LiquidityShort, 0);
        }
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == type(IERC165).interfaceId || id == type(IERC721Receiver).interfaceId
            || id == type(IERC1155Receiver).interfaceId || id == type(IERC1363Receiver).interfaceId;
    }
}
