// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {VaultAdmin} from "./VaultAdmin.sol";
import {IBridge} from "./interfaces/IBridge.sol";
import {IHandoverReceiver} from "./interfaces/IHandoverReceiver.sol";
import {IVault} from "./interfaces/IVault.sol";
import {Assets} from "./libraries/Assets.sol";
import {LaneHead} from "./libraries/LaneHead.sol";
import {LaneUnits} from "./libraries/LaneUnits.sol";
import {LimitedCall} from "./libraries/LimitedCall.sol";
import {TransferLimits} from "./libraries/TransferLimits.sol";
import {
    AssetKind,
    Custody,
    Fee,
    Generation,
    LaneAmount,
    NATIVE_COIN,
    Order,
    ParkReason,
    Payload,
    Request,
    TokenConfig
} from "./types/Types.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {ERC165Checker} from "@openzeppelin/contracts/utils/introspection/ERC165Checker.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title The paths on which value enters and leaves a vault
/// @dev Invariants:
///
///      S5 of every token the vault holds at least the fees and what it has in custody for the other side;
///      S7 a payout passes the limits in force.
///
///      Value leaves by `transferOut…`, which only its bridges reach, and by `collectFees`. Besides, the surplus of a
///      call goes back to its caller within it. One path takes (`_request`), one admits a payout (`_admit`), for all
///      kinds.
abstract contract VaultCustody is VaultAdmin, ReentrancyGuard {
    using LaneUnits for LaneAmount;
    using TransferLimits for TransferLimits.Flow;

    /// Bytes of data a request may carry.
    uint256 public constant DATA_MAX = 1024;
    /// Bytes of token URI a request may carry.
    uint256 public constant URI_MAX = 1024;
    /// Ids one ERC-1155 request may carry.
    uint256 public constant IDS_MAX = 32;
    /// Items of one id that an ERC-1155 request may carry: as many as limits count.
    uint256 private constant ITEMS_MAX = LaneAmount.unwrap(TransferLimits.NO_LIMIT);
    /// An ERC-165 probe may take three calls of 30,000, and a receiver wants some gas to act.
    uint256 private constant RECEIVER_GAS = 200_000;

    // ---- in ---------------------------------------------------------------------------------------------------

    /// @dev The one path on which value enters; nothing enters while it does. `arrived`: the token was moved here
    /// before it called. Answers how much coin the request needs.
    function _request(AssetKind kind, Order memory order, address sender, bool arrived)
        internal
        nonReentrant
        returns (uint64 nonce, uint256 coin)
    {
        Token storage held = _registered(order.token);
        TokenConfig memory config = held.config;
        if (!config.enabled) revert Vault_TokenDisabled(order.token);
        if (kind != AssetKind.None && config.kind != kind) revert Vault_KindMismatch(kind, config.kind);
        uint256 local = _localAmount(config.kind, order);
        LaneAmount amount = _laneAmount(config, local);
        _passOutgoing(held, config, amount);
        uint256 fee_ = _feeOf(held, local);
        if (fee_ > order.feeLimit) revert Vault_FeeAboveLimit(fee_, order.feeLimit);

        uint256 before = arrived ? _accounted(held, config, order) : Assets.balance(config.kind, order.token, order.ids);
        Payload memory payload = _payload(config.kind, order);
        bool grows = config.custody == Custody.Lock;
        held.incoming.state = _moveCustody(held.incoming.state, amount, grows);
        _moveIds(order.token, config.kind, amount, payload, grows);
        nonce = _link(order, config, sender, amount, payload);
        coin = _takeFee(config.kind, order.token, nonce, fee_);

        if (config.kind == AssetKind.Native) return (nonce, coin + local);
        // All that is said to have arrived must have arrived: the rest of it is sent back.
        uint256 want = config.kind == AssetKind.ERC20 ? local + (arrived ? order.feeLimit : fee_) : local;
        if (!arrived) Assets.pull(config.kind, order, sender, want);
        uint256 balance = Assets.balance(config.kind, order.token, order.ids);
        uint256 received = balance > before ? balance - before : 0;
        if (arrived ? received < want : received != want) revert Vault_ReceivedMismatch(received, want);
        if (config.custody == Custody.Mint) Assets.burn(config.kind, order, local);
        // An NFT's hook sets no fee limit: nothing is left over.
        if (arrived && order.feeLimit > fee_) Assets.pay(order.token, sender, order.feeLimit - fee_);
    }

    /// @dev The amount in the token's smallest unit, over all ids, of an order that is well-formed.
    function _localAmount(AssetKind kind, Order memory order) private pure returns (uint256 local) {
        if (order.data.length > DATA_MAX) revert Vault_DataTooLong(order.data.length, DATA_MAX);
        uint256 n = order.ids.length;
        uint256 max = _isFungible(kind) ? 0 : kind == AssetKind.ERC721 ? 1 : IDS_MAX;
        uint256 amounts = kind == AssetKind.ERC1155 ? n : 0;
        if (n > max || (n == 0) != (max == 0)) revert Vault_IdsInvalid(n, max);
        if (order.amounts.length != amounts) revert Vault_IdsInvalid(order.amounts.length, amounts);
        if (amounts == 0) return _isFungible(kind) ? order.amount : 1;
        for (uint256 i = 0; i < n; ++i) {
            if (i > 0 && order.ids[i] <= order.ids[i - 1]) revert Vault_IdsUnordered(order.ids[i], order.ids[i - 1]);
            if (order.amounts[i] == 0) revert Vault_AmountZero();
            if (order.amounts[i] > ITEMS_MAX) revert Vault_AmountAboveMax(order.amounts[i], ITEMS_MAX);
            local += order.amounts[i];
        }
    }

    function _laneAmount(TokenConfig memory config, uint256 local) internal pure returns (LaneAmount) {
        if (local == 0) revert Vault_AmountZero();
        return LaneUnits.toLane(local, config.unitDecimals);
    }

    function _passOutgoing(Token storage held, TokenConfig memory config, LaneAmount amount) private {
        TransferLimits.Flow memory flow = held.outgoing;
        _requireBounds(flow, config, amount);
        uint256 state = TransferLimits.taken(flow.bounds, flow.size, flow.state, amount);
        if (state == 0) {
            uint8 decimals = config.unitDecimals;
            revert Vault_RateLimited(
                amount.toLocal(decimals), flow.available().toLocal(decimals), flow.earliest(amount)
            );
        }
        held.outgoing.state = state;
    }

    function _requireBounds(TransferLimits.Flow memory flow, TokenConfig memory config, LaneAmount amount)
        internal
        pure
    {
        uint8 decimals = config.unitDecimals;
        (LaneAmount min, LaneAmount max) = (TransferLimits.low(flow.bounds), TransferLimits.middle(flow.bounds));
        if (amount < min) revert Vault_AmountBelowMin(amount.toLocal(decimals), min.toLocal(decimals));
        if (amount > max) revert Vault_AmountAboveMax(amount.toLocal(decimals), max.toLocal(decimals));
    }

    function _feeOf(Token storage held, uint256 local) internal view returns (uint256) {
        Fee memory fee_ = held.fee;
        if (fee_.flat == 0 && fee_.rate == 0) return 0;
        return fee_.flat + Math.mulDiv(local, fee_.rate, WHOLE, Math.Rounding.Ceil);
    }

    /// @dev Answers the part of the fee that is coin.
    function _takeFee(AssetKind kind, address token, uint64 nonce, uint256 fee_) private returns (uint256 coin) {
        if (fee_ == 0) return 0;
        address feeToken = kind == AssetKind.ERC20 ? token : NATIVE_COIN;
        feesHeld[feeToken] += fee_;
        emit FeePaid(nonce, feeToken, fee_);
        return feeToken == NATIVE_COIN ? fee_ : 0;
    }

    /// @dev How much of this token is known to be here.
    function _accounted(Token storage held, TokenConfig memory config, Order memory order)
        private
        view
        returns (uint256 total)
    {
        if (config.kind == AssetKind.ERC20) total = feesHeld[order.token];
        if (config.custody == Custody.Mint) return total;
        if (config.kind == AssetKind.ERC20) return total + held.incoming.custody().toLocal(config.unitDecimals);
        for (uint256 i = 0; i < order.ids.length; ++i) {
            total += custodyOfId[order.token][order.ids[i]].toLocal(LaneUnits.ITEMS);
        }
    }

    function _payload(AssetKind kind, Order memory order) private view returns (Payload memory payload) {
        (payload.ids, payload.amounts, payload.data) = (order.ids, order.amounts, order.data);
        if (kind != AssetKind.ERC721) return payload;
        payload.uri = Assets.uri(order.token, order.ids[0]);
        if (bytes(payload.uri).length > URI_MAX) revert Vault_UriTooLong(bytes(payload.uri).length, URI_MAX);
    }

    function _link(
        Order memory order,
        TokenConfig memory config,
        address sender,
        LaneAmount amount,
        Payload memory payload
    ) private returns (uint64) {
        if (bridge == address(0)) revert Vault_NoBridge();
        bytes memory encoded;
        if (payload.ids.length > 0 || payload.data.length > 0) encoded = abi.encode(payload);
        Request memory request = Request({
            nonce: 0,
            kind: config.kind,
            sender: sender,
            recipient: order.recipient,
            token: order.token,
            counterpartToken: config.counterpart,
            amount: amount,
            payloadHash: LaneHead.payloadHash(encoded)
        });
        return IBridge(bridge).link(request, encoded);
    }

    /// @dev The coin that the requests of this call need must have come with it. The rest goes back.
    function _settleCoin(uint256 want) internal {
        if (msg.value < want) revert Vault_CoinShort(msg.value, want);
        if (msg.value == want) return;
        (bool sent,,,) = LimitedCall.tryCall(msg.sender, msg.value - want, gasleft(), "");
        if (!sent) revert Vault_RefundRefused(msg.sender);
    }

    // ---- out -------------------------------------------------------------------------------------------------

    /// @inheritdoc IVault
    function transferOut(address token, LaneAmount amount, address recipient, uint64 parkedAt, address counterpart)
        external
        returns (ParkReason reason, uint64 earliest)
    {
        Token storage held = _tokens[token];
        uint256 state;
        (reason, earliest, state) = _admit(held, token, counterpart, recipient, amount, parkedAt);
        if (reason != ParkReason.None) return (reason, earliest);
        if (!_isFungible(held.config.kind)) revert Vault_IdsInvalid(0, IDS_MAX);
        bool mints = held.config.custody == Custody.Mint;
        held.incoming.state = _moveCustody(state, amount, mints);
        _push(token, mints, recipient, amount.toLocal(held.config.unitDecimals));
    }

    /// @inheritdoc IVault
    function transferOutWith(Request calldata request, bytes calldata payload, address recipient, uint64 parkedAt)
        external
        returns (ParkReason reason, uint64 earliest)
    {
        address token = request.counterpartToken;
        Token storage held = _tokens[token];
        uint256 state;
        (reason, earliest, state) = _admit(held, token, request.token, recipient, request.amount, parkedAt);
        if (reason != ParkReason.None) return (reason, earliest);
        TokenConfig memory config = held.config;
        Payload memory parts = abi.decode(payload, (Payload));
        bool mints = config.custody == Custody.Mint;
        held.incoming.state = _moveCustody(state, request.amount, mints);
        _moveIds(token, config.kind, request.amount, parts, mints);
        uint256 local = request.amount.toLocal(config.unitDecimals);
        if (_isFungible(config.kind)) _push(token, mints, recipient, local);
        else Assets.pushNFT(config.kind, mints, token, recipient, parts);
        if (parts.data.length > 0) _notify(request, recipient, local, parts);
    }

    /// @dev The one gate of payouts: who asks, which token, which limits. Answers the token's state after the bucket
    /// gave what the payout takes.
    function _admit(
        Token storage held,
        address token,
        address counterpart,
        address recipient,
        LaneAmount amount,
        uint64 parkedAt
    ) private view returns (ParkReason reason, uint64 earliest, uint256 state) {
        if (msg.sender != bridge && generationOf[msg.sender] != Generation.Draining) {
            revert Vault_BridgeRefused(msg.sender);
        }
        TokenConfig storage config = held.config;
        if (!config.enabled || config.counterpart != counterpart) return (ParkReason.TokenUnavailable, 0, 0);
        TransferLimits.Flow storage flow = held.incoming;
        (uint256 bounds, uint256 size) = (flow.bounds, flow.size);
        (reason, earliest) = _admitted(bounds, size, amount, parkedAt);
        if (reason != ParkReason.None) return (reason, earliest, 0);
        state = TransferLimits.taken(bounds, size, flow.state, amount);
        if (state == 0) {
            TransferLimits.Flow memory loaded = flow;
            return (ParkReason.RateLimited, loaded.earliest(amount), 0);
        }
        // Where a token would accept the payout and nobody could ever use it.
        bool swallows =
            recipient == address(0) || recipient == address(this) || recipient == msg.sender || recipient == token;
        if (swallows) revert Vault_PayoutRefused(token);
    }

    function _push(address token, bool mints, address recipient, uint256 local) private {
        if (!Assets.tryPush(token, mints, recipient, local)) revert Vault_PayoutRefused(token);
    }

    /// @inheritdoc IVault
    function collectFees(address feeToken) external nonReentrant {
        uint256 amount = feesHeld[feeToken];
        // Where there are no fees there may be no ERC-20: to some NFTs `transfer` of zero is that of the id zero.
        if (amount == 0) return;
        feesHeld[feeToken] = 0;
        emit FeesCollected(feeToken, feeReceiver, amount);
        Assets.pay(feeToken, feeReceiver, amount);
    }

    function _admitted(uint256 bounds, uint256 size, LaneAmount amount, uint64 parkedAt)
        internal
        view
        returns (ParkReason, uint64)
    {
        if (amount < TransferLimits.low(bounds) || amount > TransferLimits.middle(bounds)) {
            return (ParkReason.OutOfBounds, TransferLimits.NEVER);
        }
        if (amount < TransferLimits.middle(size)) return (ParkReason.None, 0);
        uint64 due = parkedAt + largeDelay;
        return block.timestamp < due ? (ParkReason.Delayed, due) : (ParkReason.None, 0);
    }

    /// @dev Locked value grows with requests, minted value with payouts.
    function _moveCustody(uint256 state, LaneAmount amount, bool grows) private pure returns (uint256) {
        LaneAmount custody = _moved(TransferLimits.middle(state), amount, grows);
        return TransferLimits.pack(TransferLimits.low(state), custody, TransferLimits.high(state));
    }

    function _moveIds(address token, AssetKind kind, LaneAmount amount, Payload memory payload, bool grows) private {
        if (_isFungible(kind) != (payload.ids.length == 0)) revert Vault_IdsInvalid(payload.ids.length, IDS_MAX);
        if (payload.ids.length == 0) return;
        bool single = kind == AssetKind.ERC721;
        uint256 total = 0;
        for (uint256 i = 0; i < payload.ids.length; ++i) {
            uint256 id = payload.ids[i];
            uint256 items = single ? 1 : payload.amounts[i];
            if (single && grows && LaneAmount.unwrap(custodyOfId[token][id]) != 0) revert Vault_IdHeld(id);
            custodyOfId[token][id] = _moved(custodyOfId[token][id], LaneUnits.toLane(items, LaneUnits.ITEMS), grows);
            total += items;
        }
        uint256 want = amount.toLocal(LaneUnits.ITEMS);
        if (total != want) revert Vault_ReceivedMismatch(total, want);
    }

    function _moved(LaneAmount custody, LaneAmount amount, bool grows) private pure returns (LaneAmount moved) {
        if (!grows && custody < amount) revert Vault_SupplyShort(custody, amount);
        // An amount has 112 bits: the bounds see to it.
        unchecked {
            (uint256 held, uint256 moves) = (LaneAmount.unwrap(custody), LaneAmount.unwrap(amount));
            moved = LaneAmount.wrap(grows ? held + moves : held - moves);
        }
        if (moved > TransferLimits.NO_LIMIT) {
            revert Vault_AmountAboveMax(LaneAmount.unwrap(moved), LaneAmount.unwrap(TransferLimits.NO_LIMIT));
        }
    }

    /// @dev A recipient that receives handovers takes the data too, or nothing.
    function _notify(Request calldata request, address recipient, uint256 local, Payload memory parts) private {
        if (recipient.code.length == 0) return;
        // Else a probe could fail for want of gas, and the assets would come without their data.
        if (gasleft() < RECEIVER_GAS) revert Vault_DataRefused(recipient);
        if (!ERC165Checker.supportsInterface(recipient, type(IHandoverReceiver).interfaceId)) return;
        bytes4 selector = IHandoverReceiver.onHandover.selector;
        uint256 sourceChainId = IBridge(msg.sender).counterpartChainId();
        bytes memory call = abi.encodeWithSelector(selector, sourceChainId, request, local, parts);
        (bool success, uint256 size, bytes32 first,) = LimitedCall.tryCall(recipient, 0, gasleft(), call);
        if (!success || size < 32 || first != selector) revert Vault_DataRefused(recipient);
    }
}
