// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Governed} from "./Governed.sol";
import {IBridge} from "./interfaces/IBridge.sol";
import {IVault} from "./interfaces/IVault.sol";
import {IVaultMinted} from "./interfaces/IVaultMinted.sol";
import {LaneUnits} from "./libraries/LaneUnits.sol";
import {TransferLimits} from "./libraries/TransferLimits.sol";
import {
    AssetKind,
    Custody,
    Direction,
    Fee,
    Generation,
    LaneAmount,
    Limits,
    NATIVE_COIN,
    TokenConfig
} from "./types/Types.sol";

/// @title The powers of owner and guardian over a vault: settings only, never value
/// @dev Loosening is the owner's; tightening is the guardian's too.
abstract contract VaultAdmin is IVault, Governed {
    using LaneUnits for LaneAmount;
    using TransferLimits for TransferLimits.Flow;

    /// @dev Everything about one token. The zero value is "not registered" and accepts nothing.
    ///
    ///      slot │ 31 ……………………………………………………………………………………… 0 │
    ///      ─────┼─────────────────────────────────────────────────────┤
    ///         0 │ 0 │ unitDecimals │ enabled │ custody │ kind │ counterpart │
    ///      1, 2 │ incoming: bounds, bucket's size, delay      │
    ///         3 │ incoming: bucket's level, custody           │ written by each payout
    ///      4, 5 │ outgoing: bounds, bucket's size             │
    ///         6 │ outgoing: bucket's level                    │
    ///         7 │ 0 │ fee: rate │ flat                        │
    struct Token {
        TokenConfig config;
        TransferLimits.Flow incoming;
        TransferLimits.Flow outgoing;
        Fee fee;
    }

    /// No waiting time is longer, so that no sum of times can overflow.
    uint64 private constant DELAY_MAX = 365 days;
    uint256 internal constant WHOLE = 10_000;

    /// @inheritdoc IVault
    uint64 public immutable largeDelay;
    /// @inheritdoc IVault
    address public bridge;
    /// @inheritdoc IVault
    address public feeReceiver;
    /// @inheritdoc IVault
    mapping(address bridge => Generation) public generationOf;
    /// @inheritdoc IVault
    mapping(address feeToken => uint256) public feesHeld;
    /// @inheritdoc IVault
    mapping(address token => mapping(uint256 id => LaneAmount)) public custodyOfId;
    mapping(address token => Token) internal _tokens;

    constructor(address owner_, address guardian_, uint64 largeDelay_) Governed(owner_, guardian_) {
        if (largeDelay_ > DELAY_MAX) revert Vault_DelayInvalid(largeDelay_, DELAY_MAX);
        largeDelay = largeDelay_;
        feeReceiver = owner_;
        emit FeeReceiverChanged(owner_);
    }

    // ---- tokens -----------------------------------------------------------------------------------------------

    /// @inheritdoc IVault
    function registerToken(address token, TokenConfig calldata config) external onlyOwner {
        _requireConfig(token, config);
        _begin(token, config);
        _tokens[token].config = config;
        emit TokenRegistered(token, config);
    }

    /// @inheritdoc IVault
    function setLimits(address token, Direction direction, Limits calldata limits_) external onlyGuardianOrOwner {
        _registered(token);
        if (msg.sender != owner() && !_tightens(limits_, limits(token, direction))) {
            revert Vault_LimitsLoosened(msg.sender);
        }
        _setLimits(token, direction, limits_);
    }

    /// @inheritdoc IVault
    function setTokenEnabled(address token, bool enabled) external onlyGuardianOrOwner {
        if (enabled && msg.sender != owner()) revert Governed_CallerRefused(msg.sender);
        _registered(token).config.enabled = enabled;
        emit TokenEnabled(token, enabled);
    }

    /// @inheritdoc IVault
    function setFee(address token, Fee calldata fee_) external onlyOwner {
        uint256 max = _isFungible(_registered(token).config.kind) ? WHOLE : 0;
        if (fee_.rate > max) revert Vault_FeeInvalid(fee_.rate, max);
        _tokens[token].fee = fee_;
        emit FeeChanged(token, fee_);
    }

    /// @inheritdoc IVault
    function setFeeReceiver(address receiver) external onlyOwner {
        if (receiver == address(0)) revert Governed_AddressZero();
        feeReceiver = receiver;
        emit FeeReceiverChanged(receiver);
    }

    function _requireConfig(address token, TokenConfig calldata config) private view {
        if (token == address(0) || config.counterpart == address(0)) revert Governed_AddressZero();
        bool coin = token == NATIVE_COIN;
        bool fits = token != address(this) && config.kind != AssetKind.None && config.custody != Custody.None
            && (config.kind == AssetKind.Native) == coin && (!coin || config.custody == Custody.Lock)
            && config.unitDecimals <= (_isFungible(config.kind) ? LaneUnits.DECIMALS_MAX : LaneUnits.ITEMS);
        if (!fits) revert Vault_TokenInvalid(token);
        if (!coin && token.code.length == 0) revert Vault_TokenCodeMissing(token);
        if (config.custody == Custody.Mint && IVaultMinted(token).vault() != address(this)) {
            revert Vault_TokenInvalid(token);
        }
    }

    /// @dev While value is in custody, a registered token keeps all but its switch. Else the value that one token
    /// brought in could be paid out for another, or in another unit. A changed token begins anew: no limits, no fee.
    function _begin(address token, TokenConfig calldata config) private {
        Token storage known = _tokens[token];
        TokenConfig memory old = known.config;
        bool same = old.kind == config.kind && old.custody == config.custody && old.counterpart == config.counterpart
            && old.unitDecimals == config.unitDecimals;
        if (same) return;
        if (LaneAmount.unwrap(known.incoming.custody()) != 0) revert Vault_TokenInUse(known.incoming.custody());
        delete _tokens[token];
    }

    /// @dev New limits give no fresh bucket: the inflow at the old rate stays, up to the new capacity. The bucket of a
    /// new token starts full, and so does one that had no limit.
    function _setLimits(address token, Direction direction, Limits calldata limits_) private {
        _requireLimits(direction, limits_);
        TransferLimits.Flow storage stored = _flow(token, direction);
        TransferLimits.Flow memory flow = stored;
        uint8 decimals = _tokens[token].config.unitDecimals;
        LaneAmount capacity = _limit(limits_.capacity, decimals);
        LaneAmount level = flow.bounds == 0 ? capacity : flow.available();
        if (level > capacity) level = capacity;
        uint256 shares = uint256(limits_.small) << 16 | limits_.reserved;
        stored.bounds =
            TransferLimits.pack(_limit(limits_.min, decimals), _limit(limits_.max, decimals), limits_.period);
        stored.size = TransferLimits.pack(capacity, _limit(limits_.delayedFrom, decimals), shares);
        stored.state = TransferLimits.pack(level, stored.custody(), uint32(block.timestamp));
        emit LimitsChanged(token, direction, limits_);
    }

    function _requireLimits(Direction direction, Limits calldata limits_) private pure {
        if (limits_.min > limits_.max) revert Vault_LimitsInvalid(limits_.min, limits_.max);
        if (limits_.period == 0) revert Vault_LimitsInvalid(0, 1);
        if (limits_.reserved > WHOLE) revert Vault_LimitsInvalid(limits_.reserved, WHOLE);
        if (limits_.small > WHOLE) revert Vault_LimitsInvalid(limits_.small, WHOLE);
        // A request cannot wait on its own side.
        if (direction == Direction.Outgoing && limits_.delayedFrom != type(uint256).max) {
            revert Vault_LimitsInvalid(limits_.delayedFrom, type(uint256).max);
        }
    }

    function _tightens(Limits calldata to, Limits memory from) private pure returns (bool) {
        return to.min >= from.min && to.max <= from.max && to.capacity <= from.capacity && to.period >= from.period
            && to.delayedFrom <= from.delayedFrom && to.reserved >= from.reserved && to.small <= from.small;
    }

    // ---- generations ------------------------------------------------------------------------------------------

    /// @inheritdoc IVault
    function serve(address bridge_) external onlyOwner {
        bool ours = generationOf[bridge_] == Generation.None && bridge_.code.length > 0
            && IBridge(bridge_).vault() == address(this);
        if (!ours) revert Vault_BridgeInvalid(bridge_);
        if (bridge != address(0)) _setGeneration(bridge, Generation.Draining);
        bridge = bridge_;
        _setGeneration(bridge_, Generation.Serving);
    }

    /// @inheritdoc IVault
    function retire(address bridge_) external onlyOwner {
        if (generationOf[bridge_] != Generation.Draining) revert Vault_BridgeInvalid(bridge_);
        _setGeneration(bridge_, Generation.Retired);
    }

    function _setGeneration(address bridge_, Generation generation) private {
        generationOf[bridge_] = generation;
        emit GenerationChanged(bridge_, generation);
    }

    // ---- views ------------------------------------------------------------------------------------------------

    /// @inheritdoc IVault
    function tokenConfig(address token) external view returns (TokenConfig memory) {
        return _tokens[token].config;
    }

    /// @inheritdoc IVault
    function limits(address token, Direction direction) public view returns (Limits memory) {
        TransferLimits.Flow memory flow = _flow(token, direction);
        uint8 decimals = _tokens[token].config.unitDecimals;
        return Limits({
            min: _localLimit(TransferLimits.low(flow.bounds), decimals),
            max: _localLimit(TransferLimits.middle(flow.bounds), decimals),
            capacity: _localLimit(TransferLimits.low(flow.size), decimals),
            period: uint32(TransferLimits.high(flow.bounds)),
            delayedFrom: _localLimit(TransferLimits.middle(flow.size), decimals),
            reserved: uint16(flow.size >> 224),
            small: uint16(flow.size >> 240)
        });
    }

    /// @inheritdoc IVault
    function fee(address token) external view returns (Fee memory) {
        return _tokens[token].fee;
    }

    /// @inheritdoc IVault
    function custodyOf(address token) external view returns (LaneAmount) {
        return _tokens[token].incoming.custody();
    }

    /// @inheritdoc IVault
    function available(address token, Direction direction) external view returns (uint256) {
        TransferLimits.Flow memory flow = _flow(token, direction);
        return flow.bounds == 0 ? 0 : _localLimit(flow.available(), _tokens[token].config.unitDecimals);
    }

    // ---- shared -----------------------------------------------------------------------------------------------

    function _registered(address token) internal view returns (Token storage held) {
        held = _tokens[token];
        if (held.config.kind == AssetKind.None) revert Vault_TokenUnregistered(token);
    }

    function _flow(address token, Direction direction) private view returns (TransferLimits.Flow storage) {
        Token storage held = _tokens[token];
        return direction == Direction.Outgoing ? held.outgoing : held.incoming;
    }

    /// @dev Of a registered token's kind.
    function _isFungible(AssetKind kind) internal pure returns (bool) {
        return kind <= AssetKind.ERC20;
    }

    function _limit(uint256 local, uint8 unitDecimals) private pure returns (LaneAmount limit) {
        if (local == type(uint256).max) return TransferLimits.NO_LIMIT;
        limit = LaneUnits.toLane(local, unitDecimals);
        if (limit >= TransferLimits.NO_LIMIT) {
            revert Vault_LimitsInvalid(local, LaneAmount.unwrap(TransferLimits.NO_LIMIT));
        }
    }

    function _localLimit(LaneAmount limit, uint8 unitDecimals) private pure returns (uint256) {
        return limit == TransferLimits.NO_LIMIT ? type(uint256).max : limit.toLocal(unitDecimals);
    }
}
