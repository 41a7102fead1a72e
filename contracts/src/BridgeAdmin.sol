// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LaneStorage} from "./LaneStorage.sol";
import {IBridge} from "./interfaces/IBridge.sol";
import {IBridgeToken} from "./interfaces/IBridgeToken.sol";
import {RelayerSets} from "./libraries/RelayerSets.sol";
import {TokenBucket} from "./libraries/TokenBucket.sol";
import {AssetKind, Custody, NATIVE_COIN, Timing, TokenConfig, TokenFigures} from "./types/Types.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";

/// @title What owner and guardian may do to a bridge: settings only, never value
/// @dev Loosening waits or is the owner's; tightening is immediate and the guardian's too.
abstract contract BridgeAdmin is LaneStorage, IBridge, Ownable2Step {
    using RelayerSets for RelayerSets.Sets;
    using TokenBucket for TokenBucket.Bucket;

    /// @dev Everything about one token. The zero value is "not registered" and accepts nothing.
    struct Token {
        TokenConfig config;
        TokenBucket.Bucket bucket;
        TokenFigures figures;
    }

    /// No waiting time is longer, so that no sum of times can overflow.
    uint64 internal constant DELAY_MAX = 365 days;

    uint64 private immutable _returnDelay;
    uint64 private immutable _rotationDelay;
    uint64 private immutable _largeDelay;
    uint64 private immutable _pausePeriod;

    // One slot: until when value stands still, and who may stop it.
    uint64 internal _pausedUntil;
    address private _guardian;
    RelayerSets.Sets internal _relayers;
    mapping(address token => Token) internal _tokens;

    modifier onlyGuardianOrOwner() {
        if (msg.sender != _guardian && msg.sender != owner()) revert Bridge_CallerRefused(msg.sender);
        _;
    }

    constructor(address owner_, address guardian_, address[] memory members, uint8 threshold, Timing memory timing_)
        Ownable(owner_)
    {
        _setGuardian(guardian_);
        _requireTiming(timing_);
        _returnDelay = timing_.returnDelay;
        _rotationDelay = timing_.rotationDelay;
        _largeDelay = timing_.largeDelay;
        _pausePeriod = timing_.pausePeriod;
        uint64 epoch = _relayers.begin(members, threshold);
        emit RelayerSetChanged(epoch, members, threshold);
    }

    // ---- tokens -----------------------------------------------------------------------------------------------

    /// @inheritdoc IBridge
    function registerToken(address token, TokenConfig calldata config) external onlyOwner {
        _requireConfig(token, config);
        Token storage known = _tokens[token];
        _requireChangeable(known, config);
        _resizeBucket(known, config.bucketCapacity);
        known.config = config;
        emit TokenRegistered(token, config);
    }

    /// @inheritdoc IBridge
    function setTokenLimits(
        address token,
        uint128 minAmount,
        uint128 maxAmount,
        uint128 bucketCapacity,
        uint128 bucketRefill,
        uint128 delayedFrom
    ) external onlyOwner {
        TokenConfig storage config = _registered(token);
        _requireLimits(minAmount, maxAmount);
        _resizeBucket(_tokens[token], bucketCapacity);
        config.minAmount = minAmount;
        config.maxAmount = maxAmount;
        config.bucketCapacity = bucketCapacity;
        config.bucketRefill = bucketRefill;
        config.delayedFrom = delayedFrom;
        emit TokenLimitsChanged(token, config);
    }

    /// @inheritdoc IBridge
    function setTokenEnabled(address token, bool enabled) external onlyGuardianOrOwner {
        if (enabled && msg.sender != owner()) revert Bridge_CallerRefused(msg.sender);
        _registered(token).enabled = enabled;
        emit TokenEnabled(token, enabled);
    }

    /// @dev What flowed in at the old rate stays, up to the new capacity: new limits give no fresh bucket. That of a
    /// new token, and one that had no limit, start full. Comes before the new limits are stored.
    function _resizeBucket(Token storage known, uint128 capacity) private {
        TokenConfig storage old = known.config;
        uint256 held = capacity;
        if (old.kind != AssetKind.None) held = known.bucket.available(old.bucketCapacity, old.bucketRefill);
        known.bucket.set(held < capacity ? held : capacity);
    }

    function _registered(address token) internal view returns (TokenConfig storage config) {
        config = _tokens[token].config;
        if (config.kind == AssetKind.None) revert Bridge_TokenUnregistered(token);
    }

    function _requireConfig(address token, TokenConfig calldata config) private view {
        if (token == address(0) || config.counterpart == address(0)) revert Bridge_AddressZero();
        if (token == address(this)) revert Bridge_TokenInvalid(token);
        if (config.kind == AssetKind.None || config.custody == Custody.None) revert Bridge_TokenInvalid(token);
        if ((config.kind == AssetKind.Native) != (token == NATIVE_COIN)) revert Bridge_TokenInvalid(token);
        if (config.kind == AssetKind.Native && config.custody != Custody.Lock) revert Bridge_TokenInvalid(token);
        if (config.kind == AssetKind.ERC20 && token.code.length == 0) revert Bridge_TokenCodeMissing(token);
        if (config.custody == Custody.Mint && IBridgeToken(token).bridge() != address(this)) {
            revert Bridge_TokenInvalid(token);
        }
        _requireLimits(config.minAmount, config.maxAmount);
    }

    function _requireLimits(uint128 minAmount, uint128 maxAmount) private pure {
        if (minAmount > maxAmount) revert Bridge_LimitsInvalid(minAmount, maxAmount);
    }

    /// @dev While value is in custody or parked, a registered token keeps its kind, custody and counterpart: else
    /// what one token brought in could be paid out for another.
    function _requireChangeable(Token storage known, TokenConfig calldata config) private view {
        TokenConfig storage old = known.config;
        if (old.kind == AssetKind.None) return;
        bool same = old.kind == config.kind && old.custody == config.custody && old.counterpart == config.counterpart;
        if (same) return;
        if (known.figures.custody != 0 || known.figures.parked != 0) {
            revert Bridge_TokenInUse(known.figures.custody, known.figures.parked);
        }
    }

    // ---- pause ------------------------------------------------------------------------------------------------

    /// @inheritdoc IBridge
    function pause() external onlyGuardianOrOwner {
        if (msg.sender != owner()) _requireNotPaused();
        _pausedUntil = uint64(block.timestamp) + _pausePeriod;
        emit Paused(_pausedUntil, msg.sender);
    }

    /// @inheritdoc IBridge
    function unpause() external onlyOwner {
        _pausedUntil = 0;
        emit Unpaused(msg.sender);
    }

    function _requireNotPaused() internal view {
        if (block.timestamp < _pausedUntil) revert Bridge_Paused(_pausedUntil);
    }

    // ---- relayer sets -----------------------------------------------------------------------------------------

    /// @inheritdoc IBridge
    function scheduleRelayerSet(address[] calldata members, uint8 threshold) external onlyOwner {
        uint64 appliesAt = uint64(block.timestamp) + _rotationDelay;
        _relayers.schedule(members, threshold, appliesAt);
        emit RelayerSetScheduled(members, threshold, appliesAt);
    }

    /// @inheritdoc IBridge
    function applyRelayerSet() external {
        uint64 epoch = _relayers.applyScheduled();
        emit RelayerSetChanged(epoch, _relayers.members, _relayers.threshold);
    }

    /// @inheritdoc IBridge
    function vetoRelayerSet() external onlyGuardianOrOwner {
        _relayers.veto();
        emit RelayerSetVetoed();
    }

    /// @inheritdoc IBridge
    function revokeRelayer(address member) external onlyGuardianOrOwner {
        _relayers.revoke(member);
        emit RelayerRevoked(_relayers.epoch, member);
    }

    // ---- roles ------------------------------------------------------------------------------------------------

    /// @inheritdoc IBridge
    function setGuardian(address guardian_) external onlyOwner {
        _setGuardian(guardian_);
    }

    /// @dev Ownership moves in two steps and never to nobody.
    function renounceOwnership() public pure override {
        revert Bridge_OwnerRequired();
    }

    function _setGuardian(address guardian_) private {
        if (guardian_ == address(0)) revert Bridge_AddressZero();
        _guardian = guardian_;
        emit GuardianChanged(guardian_);
    }

    function _requireTiming(Timing memory timing_) private pure {
        _requireDelay(timing_.returnDelay);
        _requireDelay(timing_.rotationDelay);
        _requireDelay(timing_.largeDelay);
        _requireDelay(timing_.pausePeriod);
        if (timing_.pausePeriod == 0) revert Bridge_TimingInvalid(0, DELAY_MAX);
    }

    function _requireDelay(uint64 delay) private pure {
        if (delay > DELAY_MAX) revert Bridge_TimingInvalid(delay, DELAY_MAX);
    }

    // ---- views ------------------------------------------------------------------------------------------------

    /// @inheritdoc IBridge
    function relayerSet() external view returns (uint64 epoch, uint8 threshold, address[] memory members) {
        return (_relayers.epoch, _relayers.threshold, _relayers.liveMembers());
    }

    /// @inheritdoc IBridge
    function scheduledRelayerSet() external view returns (address[] memory members, uint8 threshold, uint64 appliesAt) {
        RelayerSets.Scheduled storage waiting = _relayers.scheduled;
        return (waiting.members, waiting.threshold, waiting.appliesAt);
    }

    /// @inheritdoc IBridge
    function guardian() external view returns (address) {
        return _guardian;
    }

    /// @inheritdoc IBridge
    function timing() public view returns (Timing memory) {
        return Timing({
            returnDelay: _returnDelay, rotationDelay: _rotationDelay, largeDelay: _largeDelay, pausePeriod: _pausePeriod
        });
    }

    /// @inheritdoc IBridge
    function tokenConfig(address token) external view returns (TokenConfig memory) {
        return _tokens[token].config;
    }

    /// @inheritdoc IBridge
    function tokenFigures(address token) external view returns (TokenFigures memory) {
        return _tokens[token].figures;
    }

    /// @inheritdoc IBridge
    function tokenAllowance(address token) external view returns (uint256) {
        TokenConfig storage config = _tokens[token].config;
        return _tokens[token].bucket.available(config.bucketCapacity, config.bucketRefill);
    }

    /// @inheritdoc IBridge
    function recordedAttestations(bytes32 digest) external view returns (uint64 bitmap) {
        return _relayers.recorded[digest];
    }
}
