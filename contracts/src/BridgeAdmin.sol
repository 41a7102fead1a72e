// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Governed} from "./Governed.sol";
import {LaneStorage} from "./LaneStorage.sol";
import {IBridge} from "./interfaces/IBridge.sol";
import {IVault} from "./interfaces/IVault.sol";
import {LaneHead} from "./libraries/LaneHead.sol";
import {RelayerSets} from "./libraries/RelayerSets.sol";
import {LaneAmount, LanePosition, ParkReason, ParkedHandover, Request, Timing} from "./types/Types.sol";

/// @title The powers of owner and guardian over a bridge: pause, relayer set, holding what is delayed; never value
/// @dev Loosening waits or is the owner's; tightening is immediate and the guardian's too.
abstract contract BridgeAdmin is LaneStorage, IBridge, Governed {
    using RelayerSets for RelayerSets.Sets;

    /// No waiting time is longer, so that no sum of times can overflow.
    uint64 private constant DELAY_MAX = 365 days;

    uint64 private immutable _returnDelay;
    uint64 private immutable _rotationDelay;
    uint64 private immutable _pausePeriod;

    /// @inheritdoc IBridge
    address public immutable vault;

    RelayerSets.Sets internal _relayers;
    /// @dev Lane units, unwrapped: forged amounts may wrap these sums around.
    mapping(address token => uint256) internal _parkedAmount;

    constructor(
        address owner_,
        address guardian_,
        address vault_,
        address[] memory members,
        uint8 threshold,
        Timing memory timing_
    ) Governed(owner_, guardian_) {
        if (vault_ == address(0)) revert Governed_AddressZero();
        vault = vault_;
        if (timing_.pausePeriod == 0) revert Bridge_TimingInvalid(0, DELAY_MAX);
        _returnDelay = _delay(timing_.returnDelay);
        _rotationDelay = _delay(timing_.rotationDelay);
        _pausePeriod = _delay(timing_.pausePeriod);
        uint64 epoch = _relayers.begin(members, threshold);
        emit RelayerSetChanged(epoch, members, threshold);
    }

    function _delay(uint64 delay) private pure returns (uint64) {
        if (delay > DELAY_MAX) revert Bridge_TimingInvalid(delay, DELAY_MAX);
        return delay;
    }

    // ---- pause ------------------------------------------------------------------------------------------------

    /// @inheritdoc IBridge
    function pause() external onlyGuardianOrOwner {
        if (msg.sender != owner()) _requireNotPaused();
        _incoming.pausedUntil = uint64(block.timestamp) + _pausePeriod;
        emit Paused(_incoming.pausedUntil, msg.sender);
    }

    /// @inheritdoc IBridge
    function unpause() external onlyOwner {
        _incoming.pausedUntil = 0;
        emit Unpaused(msg.sender);
    }

    function _requireNotPaused() internal view {
        if (block.timestamp < _incoming.pausedUntil) revert Bridge_Paused(_incoming.pausedUntil);
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

    // ---- what is delayed --------------------------------------------------------------------------------------

    /// @inheritdoc IBridge
    function holdParked(Request calldata request) external onlyGuardianOrOwner {
        bytes32 parkedHash = LaneHead.hashCalldata(request);
        ParkedHandover memory entry = _entry(parkedHash);
        (ParkReason reason,) = IVault(vault).wouldPass(request.counterpartToken, request.amount, entry.parkedAt);
        if (reason != ParkReason.Delayed) revert Bridge_NotDelayed(parkedHash);
        _setHeld(parkedHash, true);
    }

    /// @inheritdoc IBridge
    function freeParked(bytes32 parkedHash) external onlyOwner {
        _entry(parkedHash);
        _setHeld(parkedHash, false);
    }

    function _setHeld(bytes32 parkedHash, bool held) private {
        _parked[parkedHash].held = held;
        emit HandoverHeld(parkedHash, held);
    }

    function _entry(bytes32 parkedHash) internal view returns (ParkedHandover memory entry) {
        entry = _parked[parkedHash];
        if (entry.parkedAt == 0) revert Bridge_NotParked(parkedHash);
    }

    // ---- views ------------------------------------------------------------------------------------------------

    /// @inheritdoc IBridge
    function positions()
        external
        view
        returns (LanePosition memory outgoing, LanePosition memory incoming, uint64 epoch, uint64 pausedUntil)
    {
        incoming = LanePosition(_incoming.count, _incoming.head);
        return (_outgoing, incoming, _relayers.epoch, _incoming.pausedUntil);
    }

    /// @inheritdoc IBridge
    function parkedHandover(bytes32 parkedHash) external view returns (ParkedHandover memory) {
        return _parked[parkedHash];
    }

    /// @inheritdoc IBridge
    function parkedAmount(address token) external view returns (LaneAmount) {
        return LaneAmount.wrap(_parkedAmount[token]);
    }

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
    function timing() public view returns (Timing memory) {
        return Timing({returnDelay: _returnDelay, rotationDelay: _rotationDelay, pausePeriod: _pausePeriod});
    }

    /// @inheritdoc IBridge
    function recordedAttestations(bytes32 digest) external view returns (uint64 bitmap) {
        return _relayers.recorded[digest];
    }
}
