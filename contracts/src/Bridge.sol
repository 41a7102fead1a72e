// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {BridgeAdmin} from "./BridgeAdmin.sol";
import {IBridge} from "./interfaces/IBridge.sol";
import {IBridgeToken} from "./interfaces/IBridgeToken.sol";
import {Checkpoint} from "./libraries/Checkpoint.sol";
import {LaneHead} from "./libraries/LaneHead.sol";
import {LimitedCall} from "./libraries/LimitedCall.sol";
import {RelayerSets} from "./libraries/RelayerSets.sol";
import {TokenBucket} from "./libraries/TokenBucket.sol";
import {
    AssetKind,
    Certificate,
    Custody,
    LanePosition,
    NATIVE_COIN,
    ParkReason,
    ParkedHandover,
    Request,
    Signature,
    Timing,
    TokenConfig
} from "./types/Types.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title One end of a bridge pair
/// @dev Invariants, with fewer than `threshold` corrupt relayers:
///
///      S1 at most one handover for each nonce of the incoming lane;
///      S3 handovers happen in nonce order without gaps;
///      S4 a parked handover ends as released xor returned, once;
///      S5 per token and pair: locked = minted + in flight + parked;
///      S7 a batch pays no more than the limits in force.
///
///      Value leaves by `_tryPay` only, which `deliver` (certificate) and `releaseParked` (parked by a certificate)
///      reach. Storage: lane positions at slots 0–3 (see `LaneStorage`), then owner, guardian, relayers, tokens.
contract Bridge is BridgeAdmin, EIP712, ReentrancyGuard {
    using LaneHead for bytes32;
    using RelayerSets for RelayerSets.Sets;
    using SafeERC20 for IERC20;
    using TokenBucket for TokenBucket.Bucket;

    /// Gas of one payout call. Three plain token transfers' worth: room for proxied tokens, voting checkpoints and
    /// smart accounts; and little enough that a hostile recipient burns less than a batch can spare.
    uint256 public constant PAYOUT_GAS = 100_000;
    /// What a payout call costs before the callee starts: cold account, value, new account (EIP-2929, EIP-150).
    uint256 private constant CALL_GAS = 36_600;
    /// For parking one handover after its payout failed: three new slots, an event, the batch's own end.
    uint256 private constant PARK_GAS = 100_000;
    /// A call gets at most 63/64 of what is left (EIP-150).
    uint256 private constant GAS_NEEDED = PAYOUT_GAS + PAYOUT_GAS / 63 + 1 + CALL_GAS + PARK_GAS;

    /// @inheritdoc IBridge
    uint256 public immutable counterpartChainId;
    /// @inheritdoc IBridge
    address public immutable counterpartBridge;

    /// By nonce of the incoming lane. A zero request hash is no entry.
    mapping(uint64 nonce => ParkedHandover) private _parked;

    constructor(
        address owner_,
        address guardian_,
        uint256 counterpartChainId_,
        address counterpartBridge_,
        address[] memory members,
        uint8 threshold,
        Timing memory timing_
    ) BridgeAdmin(owner_, guardian_, members, threshold, timing_) EIP712("Twinspan", "1") {
        if (counterpartChainId_ == 0 || counterpartChainId_ == block.chainid) {
            revert Bridge_ChainIdInvalid(counterpartChainId_);
        }
        if (counterpartBridge_ == address(0)) revert Bridge_AddressZero();
        counterpartChainId = counterpartChainId_;
        counterpartBridge = counterpartBridge_;
        _outgoing.head = LaneHead.origin(block.chainid, address(this), counterpartChainId_, counterpartBridge_);
        _incoming.head = LaneHead.origin(counterpartChainId_, counterpartBridge_, block.chainid, address(this));
    }

    // ---- requests ---------------------------------------------------------------------------------------------

    /// @inheritdoc IBridge
    function requestNative(address recipient) external payable nonReentrant returns (uint64 nonce) {
        return _take(NATIVE_COIN, AssetKind.Native, recipient, msg.value);
    }

    /// @inheritdoc IBridge
    function requestERC20(address token, address recipient, uint256 amount)
        external
        nonReentrant
        returns (uint64 nonce)
    {
        return _take(token, AssetKind.ERC20, recipient, amount);
    }

    /// @dev The one path on which value enters.
    function _take(address token, AssetKind kind, address recipient, uint256 amount) private returns (uint64 nonce) {
        _requireNotPaused();
        TokenConfig storage config = _registered(token);
        _requireTakeable(config, token, kind, amount);
        address counterpart = config.counterpart;
        _requireRecipient(recipient, counterpart);
        bool burns = config.custody == Custody.Mint;

        if (burns) _spendSupply(token, amount);
        else _tokens[token].figures.custody += amount;
        nonce = _link(
            Request({
                nonce: _outgoing.count,
                kind: kind,
                sender: msg.sender,
                recipient: recipient,
                token: token,
                counterpartToken: counterpart,
                amount: amount
            })
        );

        if (burns) IBridgeToken(token).burn(msg.sender, amount);
        else if (kind == AssetKind.ERC20) _pull(token, amount);
    }

    function _requireTakeable(TokenConfig storage config, address token, AssetKind kind, uint256 amount) private view {
        if (!config.enabled) revert Bridge_TokenDisabled(token);
        if (config.kind != kind) revert Bridge_KindMismatch(kind, config.kind);
        if (amount == 0) revert Bridge_AmountZero();
        if (amount < config.minAmount) revert Bridge_AmountBelowMin(amount, config.minAmount);
        if (amount > config.maxAmount) revert Bridge_AmountAboveMax(amount, config.maxAmount);
    }

    function _requireRecipient(address recipient, address counterpartToken) private view {
        bool lost = recipient == address(0) || recipient == counterpartBridge || recipient == address(this)
            || recipient == counterpartToken;
        if (lost) revert Bridge_RecipientRefused(recipient);
    }

    function _spendSupply(address token, uint256 amount) private {
        uint256 minted = _tokens[token].figures.custody;
        if (minted < amount) revert Bridge_SupplyShort(minted, amount);
        _tokens[token].figures.custody = minted - amount;
    }

    /// @dev Measures what arrives: the statement of a token is no proof.
    function _pull(address token, uint256 amount) private {
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = IERC20(token).balanceOf(address(this)) - before;
        if (received != amount) revert Bridge_ReceivedMismatch(received, amount);
    }

    /// @dev The one way into the outgoing lane.
    function _link(Request memory request) private returns (uint64 nonce) {
        nonce = request.nonce;
        bytes32 head = _outgoing.head.link(LaneHead.hash(request));
        _outgoing = LanePosition({count: nonce + 1, head: head});
        emit ValueTransferRequested(
            nonce,
            request.sender,
            request.recipient,
            request.kind,
            request.token,
            request.counterpartToken,
            request.amount,
            head
        );
    }

    // ---- handovers --------------------------------------------------------------------------------------------

    /// @inheritdoc IBridge
    function deliver(Request[] calldata requests, bytes32[] calldata tail, Certificate calldata certificate) external {
        // Before the guard and any signature: a batch that lost the race costs its submitter little.
        _requireNotPaused();
        if (requests.length == 0) revert Bridge_BatchEmpty();
        uint64 first = _incoming.count;
        if (requests[0].nonce != first) revert Bridge_NonceMismatch(requests[0].nonce, first);
        _deliver(requests, tail, certificate, first);
    }

    function _deliver(
        Request[] calldata requests,
        bytes32[] calldata tail,
        Certificate calldata certificate,
        uint64 first
    ) private nonReentrant {
        uint64 count = first + uint64(requests.length);
        bytes32 head = _hashForward(requests, first);
        _requireCertified(certificate, uint256(count) + tail.length, head.linkAll(tail));

        _incoming = LanePosition({count: count, head: head});
        for (uint256 i = 0; i < requests.length; ++i) {
            _handOver(requests[i]);
        }
        emit BatchDelivered(first, count, head, msg.sender);
    }

    function _hashForward(Request[] calldata requests, uint64 nonce) private view returns (bytes32 head) {
        head = _incoming.head;
        for (uint256 i = 0; i < requests.length; ++i) {
            Request calldata request = requests[i];
            if (request.nonce != nonce) revert Bridge_NonceMismatch(request.nonce, nonce);
            // No bridge of this code links these, and sums of amounts must not overflow here.
            if (request.kind == AssetKind.None || request.amount > type(uint128).max) {
                revert Bridge_RequestMalformed(nonce);
            }
            head = head.link(LaneHead.hashCalldata(request));
            ++nonce;
        }
    }

    /// @dev The one authorisation gate.
    function _requireCertified(Certificate calldata certificate, uint256 count, bytes32 head) private view {
        if (certificate.count != count) revert Bridge_CountMismatch(certificate.count, count);
        if (certificate.head != head) revert Bridge_HeadMismatch(certificate.head, head);
        bytes32 digest = checkpointDigest(certificate.epoch, certificate.count, head);
        _relayers.requireQuorum(digest, certificate.epoch, certificate.signatures);
    }

    function _handOver(Request calldata request) private {
        ParkReason reason = _tryPay(request, false);
        if (reason != ParkReason.None) return _park(request, reason);
        emit HandedOver(request.nonce, request.recipient, request.counterpartToken, request.amount);
    }

    function _park(Request calldata request, ParkReason reason) private {
        bytes32 parkedHash = LaneHead.hashCalldata(request);
        uint64 parkedAt = uint64(block.timestamp);
        // Whatever it is parked for first: a large one is never paid before its delay has passed.
        bool large = request.amount >= _tokens[request.counterpartToken].config.delayedFrom;
        uint64 releasableAt = large ? parkedAt + timing().largeDelay : parkedAt;
        _parked[request.nonce] = ParkedHandover(parkedHash, parkedAt, releasableAt, reason);
        _tokens[request.counterpartToken].figures.parked += request.amount;
        emit HandoverParked(request.nonce, request.recipient, parkedHash, reason, releasableAt);
    }

    /// @inheritdoc IBridge
    function releaseParked(Request calldata request) external nonReentrant {
        ParkedHandover memory entry = _unpark(request);
        _requireReached(entry.releasableAt);
        ParkReason reason = _tryPay(request, true);
        if (reason != ParkReason.None) revert Bridge_ReleaseRefused(reason);
        emit HandoverReleased(request.nonce, request.recipient);
    }

    /// @inheritdoc IBridge
    function returnParked(Request calldata request) external nonReentrant returns (uint64 returnNonce) {
        ParkedHandover memory entry = _unpark(request);
        if (msg.sender != request.recipient) _requireReached(entry.parkedAt + timing().returnDelay);
        AssetKind kind = _tokens[request.counterpartToken].config.kind;
        returnNonce = _link(
            Request({
                nonce: _outgoing.count,
                kind: kind == AssetKind.None ? request.kind : kind,
                sender: request.recipient,
                recipient: request.sender,
                token: request.counterpartToken,
                counterpartToken: request.token,
                amount: request.amount
            })
        );
        emit HandoverReturned(request.nonce, returnNonce);
    }

    /// @dev Consumes the parked entry, so that a handover is released xor returned, once.
    function _unpark(Request calldata request) private returns (ParkedHandover memory entry) {
        _requireNotPaused();
        entry = _parked[request.nonce];
        if (entry.requestHash == 0) revert Bridge_NotParked(request.nonce);
        bytes32 got = LaneHead.hashCalldata(request);
        if (got != entry.requestHash) revert Bridge_RequestMismatch(got, entry.requestHash);
        delete _parked[request.nonce];
        _tokens[request.counterpartToken].figures.parked -= request.amount;
    }

    function _requireReached(uint64 time) private view {
        if (block.timestamp < time) revert Bridge_TooEarly(uint64(block.timestamp), time);
    }

    // ---- payout -----------------------------------------------------------------------------------------------

    /// @dev The one path on which value leaves. Pays, or changes nothing and says why.
    function _tryPay(Request calldata request, bool delayPassed) private returns (ParkReason) {
        address token = request.counterpartToken;
        uint256 amount = request.amount;
        Token storage held = _tokens[token];
        TokenConfig storage config = held.config;
        if (!config.enabled || config.counterpart != request.token) return ParkReason.TokenUnavailable;
        if (!delayPassed && amount >= config.delayedFrom) return ParkReason.Delayed;
        if (_swallows(request.recipient, token)) return ParkReason.PayoutFailed;
        bool mints = config.custody == Custody.Mint;
        uint256 custody = held.figures.custody;
        if (!mints && custody < amount) return ParkReason.LiquidityShort;
        if (!held.bucket.tryTake(config.bucketCapacity, config.bucketRefill, amount)) return ParkReason.RateLimited;

        held.figures.custody = mints ? custody + amount : custody - amount;
        if (_pay(token, request.recipient, amount, mints)) return ParkReason.None;

        held.figures.custody = custody;
        held.bucket.putBack(config.bucketCapacity, config.bucketRefill, amount);
        return ParkReason.PayoutFailed;
    }

    /// @dev Where a token would accept the payout and nobody could ever use it.
    function _swallows(address recipient, address token) private view returns (bool) {
        return recipient == address(0) || recipient == address(this) || recipient == token;
    }

    /// @dev A call of its own, with the full allowance of gas or not at all.
    function _pay(address token, address recipient, uint256 amount, bool mints) private returns (bool) {
        if (gasleft() < GAS_NEEDED) revert Bridge_GasShort(gasleft(), GAS_NEEDED);
        if (token == NATIVE_COIN) return LimitedCall.tryCall(recipient, amount, PAYOUT_GAS, "");
        bytes memory call = abi.encodeCall(this.payToken, (token, recipient, amount, mints));
        return LimitedCall.tryCall(address(this), 0, PAYOUT_GAS, call);
    }

    /// @inheritdoc IBridge
    function payToken(address token, address recipient, uint256 amount, bool mints) external {
        if (msg.sender != address(this)) revert Bridge_CallerRefused(msg.sender);
        bytes4 selector = mints ? IBridgeToken.mint.selector : IERC20.transfer.selector;
        if (!LimitedCall.tryTokenCall(token, abi.encodeWithSelector(selector, recipient, amount))) {
            revert Bridge_PayoutRefused(token);
        }
    }

    // ---- attestations and views -------------------------------------------------------------------------------

    /// @inheritdoc IBridge
    function attest(uint64 epoch, uint64 count, bytes32 head, Signature calldata signature) external {
        if (count <= _incoming.count) revert Bridge_CheckpointPassed(count, _incoming.count);
        address signer = _relayers.record(checkpointDigest(epoch, count, head), epoch, signature);
        emit AttestationRecorded(epoch, count, signer, head, signature);
    }

    /// @inheritdoc IBridge
    function positions()
        external
        view
        returns (LanePosition memory outgoing, LanePosition memory incoming, uint64 epoch, uint64 pausedUntil)
    {
        return (_outgoing, _incoming, _relayers.epoch, _pausedUntil);
    }

    /// @inheritdoc IBridge
    function parkedHandover(uint64 nonce) external view returns (ParkedHandover memory) {
        return _parked[nonce];
    }

    /// @inheritdoc IBridge
    function checkpointDigest(uint64 epoch, uint64 count, bytes32 head) public view returns (bytes32) {
        return _hashTypedDataV4(Checkpoint.structHash(counterpartChainId, counterpartBridge, epoch, count, head));
    }

    /// @inheritdoc IBridge
    function requestHash(Request calldata request) external pure returns (bytes32) {
        return LaneHead.hashCalldata(request);
    }
}
