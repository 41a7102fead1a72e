// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LaneHead} from "../../src/libraries/LaneHead.sol";
import {
    AssetKind,
    Certificate,
    Custody,
    Direction,
    LaneAmount,
    LanePosition,
    Limits,
    NATIVE_COIN,
    ParkReason,
    Request,
    Signature,
    Timing,
    TokenConfig
} from "../../src/types/Types.sol";
import {IOwnedBridge, IOwnedVault} from "../../test/support/IOwned.sol";
import {vm} from "../../test/support/Vm.sol";
import {proverVm, svm} from "./Svm.sol";

/// @title One bridge and its vault, whose callers, calldata and signatures are any there can be
/// @dev The prover takes ecrecover for any function of (digest, v, r, s): whatever signatures an attacker finds, they
/// recover to some address or none. The members are concrete, so a signature counts only where that function yields a
/// member for exactly the digest it was asked for. keccak256 is taken to be free of collisions.
abstract contract SymbolicBridge {
    uint256 internal constant HERE = 2002;
    uint256 internal constant THERE = 1001;
    address internal constant COUNTERPART_BRIDGE = address(0xB21D6E);
    uint64 internal constant START = 1_700_000_000;
    uint64 internal constant LARGE_DELAY = 6 hours;
    /// What limits say when there is none, and what the vault makes of it in lane units.
    uint256 internal constant NO_LIMIT = type(uint256).max;
    uint256 internal constant UNITS_MAX = type(uint112).max;
    uint8 internal constant THRESHOLD = 2;

    address internal constant OWNER = address(0x0FFE);
    address internal constant GUARDIAN = address(0x6DA7);
    address internal constant BOB = address(0xB0B);
    /// The counterpart of the native coin.
    address internal constant COIN_THERE = address(0xC014);

    /// Half the order of secp256k1: no greater s is accepted (EIP-2).
    uint256 internal constant S_MAX = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// Where the prover's build lies, seen from the root of the contracts.
    string private constant BRIDGE_ARTIFACT = "../target/prove/out/Bridge.sol/Bridge.json";
    string private constant VAULT_ARTIFACT = "../target/prove/out/Vault.sol/Vault.json";

    // Slots of the bridge's storage, see `LaneStorage` and `forge inspect Bridge storageLayout`.
    uint256 internal constant SLOT_INCOMING = 2;
    uint256 internal constant SLOT_RELAYERS = 8;

    IOwnedBridge internal bridge;
    IOwnedVault internal vault;
    address[] internal members;

    function setUp() public virtual {
        vm.chainId(HERE);
        vm.warp(START);
        members = _members();
        vault = IOwnedVault(_create(VAULT_ARTIFACT, abi.encode(OWNER, GUARDIAN, LARGE_DELAY)));
        bridge = _newBridge();
        vm.prank(OWNER);
        vault.serve(address(bridge));
    }

    function _members() internal pure virtual returns (address[] memory list) {
        list = new address[](3);
        list[0] = address(0x1111);
        list[1] = address(0x2222);
        list[2] = address(0x3333);
    }

    /// A bridge of the vault's, which does not serve yet.
    function _newBridge() internal returns (IOwnedBridge) {
        Timing memory timing = Timing({returnDelay: 1 days, rotationDelay: 2 days, pausePeriod: 3 days});
        bytes memory args =
            abi.encode(OWNER, GUARDIAN, address(vault), THERE, COUNTERPART_BRIDGE, members, THRESHOLD, timing);
        return IOwnedBridge(_create(BRIDGE_ARTIFACT, args));
    }

    function _create(string memory artifact, bytes memory args) private returns (address created) {
        bytes memory code = abi.encodePacked(vm.getCode(artifact), args);
        assembly ("memory-safe") {
            created := create(0, add(code, 0x20), mload(code))
        }
        assert(created != address(0));
    }

    /// The native coin without limits, paid from `held` that a request locked.
    function _registerCoin(uint256 held) internal {
        _register(NATIVE_COIN, COIN_THERE, AssetKind.Native, Custody.Lock);
        _lockCoin(held);
    }

    function _lockCoin(uint256 amount) internal {
        vm.deal(address(this), amount);
        if (amount != 0) vault.requestNative{value: amount}(BOB, amount, "");
    }

    function _register(address token, address counterpart, AssetKind kind, Custody custody) internal {
        TokenConfig memory config =
            TokenConfig({counterpart: counterpart, kind: kind, custody: custody, enabled: true, unitDecimals: 0});
        vm.startPrank(OWNER);
        vault.registerToken(token, config);
        vault.setLimits(token, Direction.Outgoing, _unlimited());
        vault.setLimits(token, Direction.Incoming, _unlimited());
        vm.stopPrank();
    }

    function _unlimited() internal pure returns (Limits memory) {
        return Limits({
            min: 1, max: NO_LIMIT, capacity: NO_LIMIT, period: 1 days, delayedFrom: NO_LIMIT, reserved: 0, small: 0
        });
    }

    /// What may be paid of the coin.
    function _limitCoin(Limits memory limits) internal {
        vm.prank(OWNER);
        vault.setLimits(NATIVE_COIN, Direction.Incoming, limits);
    }

    // ---- any input --------------------------------------------------------------------------------------------

    /// Any request, paid in any asset.
    function _anyRequest(string memory name) internal returns (Request memory request) {
        request.nonce = _anyU64(name);
        request.kind = AssetKind(svm.createUint(8, name));
        request.sender = svm.createAddress(name);
        request.recipient = svm.createAddress(name);
        request.token = svm.createAddress(name);
        request.counterpartToken = svm.createAddress(name);
        request.amount = LaneAmount.wrap(svm.createUint256(name));
        request.payloadHash = svm.createBytes32(name);
    }

    /// Any request of the native coin for Bob.
    function _anyCoinRequest(string memory name) internal returns (Request memory request) {
        request = _anyRequest(name);
        request.recipient = BOB;
        request.token = COIN_THERE;
        request.counterpartToken = NATIVE_COIN;
    }

    function _anyRequests(uint256 length, string memory name) internal returns (Request[] memory requests) {
        requests = new Request[](length);
        for (uint256 i = 0; i < length; ++i) {
            requests[i] = _anyCoinRequest(name);
        }
    }

    function _anyTail(uint256 length) internal returns (bytes32[] memory tail) {
        tail = new bytes32[](length);
        for (uint256 i = 0; i < length; ++i) {
            tail[i] = svm.createBytes32("tail");
        }
    }

    function _anyCertificate(uint256 signatures, string memory name) internal returns (Certificate memory certificate) {
        certificate.epoch = _anyU64(name);
        certificate.count = _anyU64(name);
        certificate.head = svm.createBytes32(name);
        certificate.signatures = new Signature[](signatures);
        for (uint256 i = 0; i < signatures; ++i) {
            certificate.signatures[i] = _anySignature(name);
        }
    }

    function _anySignature(string memory name) internal returns (Signature memory) {
        return Signature({r: svm.createBytes32(name), vs: svm.createBytes32(name)});
    }

    function _anyU64(string memory name) internal returns (uint64) {
        return uint64(svm.createUint(64, name));
    }

    /// Any position of the incoming lane below the last.
    function _anyIncoming() internal returns (LanePosition memory position) {
        position = LanePosition({count: _anyU64("count"), head: svm.createBytes32("head")});
        vm.assume(position.count < type(uint64).max - 8);
        _setIncoming(position, 0);
    }

    function _setIncoming(LanePosition memory position, uint64 pausedUntil) internal {
        bytes32 word = bytes32(uint256(position.count) | (uint256(pausedUntil) << 64));
        proverVm.store(address(bridge), bytes32(SLOT_INCOMING), word);
        proverVm.store(address(bridge), bytes32(SLOT_INCOMING + 1), position.head);
    }

    /// Any amount that a limit can be.
    function _anyUnits(string memory name) internal returns (uint256) {
        return svm.createUint(112, name);
    }

    // ---- calls ------------------------------------------------------------------------------------------------

    function _deliver(Request[] memory requests, bytes32[] memory tail, Certificate memory certificate)
        internal
        returns (bool)
    {
        return _deliver(requests, new bytes[](0), tail, certificate);
    }

    function _deliver(
        Request[] memory requests,
        bytes[] memory payloads,
        bytes32[] memory tail,
        Certificate memory certificate
    ) internal returns (bool done) {
        (done,) = address(bridge).call(abi.encodeCall(bridge.deliver, (requests, payloads, tail, certificate)));
    }

    /// Any batch of one request, or two, with any certificate of two signatures; for Bob, in coin.
    function _deliverAny(Request[] memory requests) internal {
        vm.assume(_deliver(requests, _anyTail(0), _anyCertificate(2, "certificate")));
    }

    function _attest(uint64 epoch, uint64 count, bytes32 head, Signature memory signature)
        internal
        returns (bool done)
    {
        (done,) = address(bridge).call(abi.encodeCall(bridge.attest, (epoch, count, head, signature)));
    }

    function _release(Request memory request) internal returns (bool done) {
        (done,) = address(bridge).call(abi.encodeCall(bridge.releaseParked, (request, "")));
    }

    function _releaseTo(Request memory request, address to, uint256 deadline, bytes memory signature)
        internal
        returns (bool done)
    {
        (done,) = address(bridge).call(abi.encodeCall(bridge.releaseParkedTo, (request, "", to, deadline, signature)));
    }

    function _return(Request memory request) internal returns (bool done) {
        (done,) = address(bridge).call(abi.encodeCall(bridge.returnParked, (request, "")));
    }

    function _recover(LanePosition memory to, uint64 epoch, Signature[] memory signatures)
        internal
        returns (bool done)
    {
        (done,) = address(bridge).call(abi.encodeCall(bridge.recoverLane, (to, epoch, signatures)));
    }

    /// Tells the vault to pay, as its caller.
    function _transferOut(address token, uint256 amount, address to, address counterpart)
        internal
        returns (bool done, ParkReason reason)
    {
        bytes memory answer;
        (done, answer) = address(vault)
            .call(
                abi.encodeCall(
                    vault.transferOut, (token, LaneAmount.wrap(amount), to, uint64(block.timestamp), counterpart)
                )
            );
        if (done) (reason,) = abi.decode(answer, (ParkReason, uint64));
    }

    // ---- what must hold of them -------------------------------------------------------------------------------

    /// The digest of a checkpoint as the protocol defines it, told apart from the bridge's own code.
    function _digest(uint64 epoch, uint64 count, bytes32 head) internal view returns (bytes32) {
        bytes32 typehash =
            keccak256("Checkpoint(uint256 sourceChainId,address sourceBridge,uint64 epoch,uint64 count,bytes32 head)");
        return _typed(keccak256(abi.encode(typehash, THERE, COUNTERPART_BRIDGE, epoch, count, head)));
    }

    /// The same of a lane's recovery.
    function _recoveryDigest(uint64 epoch, LanePosition memory from, LanePosition memory to)
        internal
        view
        returns (bytes32)
    {
        bytes32 typehash = keccak256(
            "LaneRecovery(uint256 sourceChainId,address sourceBridge,uint64 epoch,uint64 fromCount,bytes32 fromHead,uint64 count,bytes32 head)"
        );
        bytes memory lane = abi.encode(typehash, THERE, COUNTERPART_BRIDGE, epoch);
        return _typed(keccak256(abi.encodePacked(lane, abi.encode(from.count, from.head, to.count, to.head))));
    }

    /// The same of a release to another address.
    function _releaseDigest(bytes32 requestHash, address to, uint256 deadline) internal view returns (bytes32) {
        bytes32 typehash = keccak256("ReleaseTo(bytes32 requestHash,address to,uint256 deadline)");
        return _typed(keccak256(abi.encode(typehash, requestHash, to, deadline)));
    }

    function _typed(bytes32 structHash) private view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Twinspan"),
                keccak256("1"),
                HERE,
                address(bridge)
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    /// Who signed, by EIP-2098.
    function _signer(bytes32 digest, Signature memory signature) internal pure returns (address) {
        uint256 s = uint256(signature.vs) & (type(uint256).max >> 1);
        return ecrecover(digest, uint8(uint256(signature.vs) >> 255) + 27, signature.r, bytes32(s));
    }

    function _isHighS(Signature memory signature) internal pure returns (bool) {
        return (uint256(signature.vs) & (type(uint256).max >> 1)) > S_MAX;
    }

    function _isMember(address account) internal view returns (bool) {
        for (uint256 i = 0; i < members.length; ++i) {
            if (members[i] == account) return true;
        }
        return false;
    }

    /// How many distinct members the signers are.
    function _distinctMembers(bytes32 digest, Signature[] memory signatures) internal view returns (uint256 distinct) {
        for (uint256 i = 0; i < members.length; ++i) {
            uint256 signed = 0;
            for (uint256 j = 0; j < signatures.length; ++j) {
                // No branches, so that the prover sees one formula.
                bool hit = _signer(digest, signatures[j]) == members[i];
                assembly ("memory-safe") {
                    signed := or(signed, hit)
                }
            }
            distinct += signed;
        }
    }

    /// The lane's head after `requests` and `tail`.
    function _headAfter(bytes32 head, Request[] memory requests, bytes32[] memory tail)
        internal
        pure
        returns (bytes32)
    {
        for (uint256 i = 0; i < requests.length; ++i) {
            head = LaneHead.link(head, LaneHead.hash(requests[i]));
        }
        for (uint256 i = 0; i < tail.length; ++i) {
            head = LaneHead.link(head, tail[i]);
        }
        return head;
    }

    function _incoming() internal view returns (LanePosition memory incoming) {
        (, incoming,,) = bridge.positions();
    }

    function _outgoing() internal view returns (LanePosition memory outgoing) {
        (outgoing,,,) = bridge.positions();
    }

    receive() external payable {}
}
