// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LaneHead} from "../../src/libraries/LaneHead.sol";
import {
    AssetKind,
    Certificate,
    Custody,
    LanePosition,
    NATIVE_COIN,
    Request,
    Signature,
    Timing,
    TokenConfig
} from "../../src/types/Types.sol";
import {IOwnedBridge} from "../../test/support/IOwnedBridge.sol";
import {vm} from "../../test/support/Vm.sol";
import {proverVm, svm} from "./Svm.sol";

/// @title One bridge whose callers, calldata and signatures are any there can be
/// @dev The prover takes ecrecover for any function of (digest, v, r, s): whatever signatures an attacker finds, they
/// recover to some address or none. The members are concrete, so a signature counts only where that function yields a
/// member for exactly the digest it was asked for. keccak256 is taken to be free of collisions.
abstract contract SymbolicBridge {
    uint256 internal constant HERE = 2002;
    uint256 internal constant THERE = 1001;
    address internal constant COUNTERPART_BRIDGE = address(0xB21D6E);
    uint64 internal constant START = 1_700_000_000;
    uint128 internal constant NO_LIMIT = type(uint128).max;
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

    // Slots of the bridge's storage, see `LaneStorage` and `forge inspect Bridge storageLayout`.
    uint256 internal constant SLOT_INCOMING = 2;
    uint256 internal constant SLOT_PENDING_OWNER_AND_PAUSE = 5;
    uint256 internal constant SLOT_RELAYERS = 7;

    IOwnedBridge internal bridge;
    address[] internal members;

    function setUp() public virtual {
        vm.chainId(HERE);
        vm.warp(START);
        members = _members();
        bridge = _newBridge();
    }

    function _members() internal pure virtual returns (address[] memory list) {
        list = new address[](3);
        list[0] = address(0x1111);
        list[1] = address(0x2222);
        list[2] = address(0x3333);
    }

    function _newBridge() internal returns (IOwnedBridge created) {
        Timing memory timing =
            Timing({returnDelay: 1 days, rotationDelay: 2 days, largeDelay: 6 hours, pausePeriod: 3 days});
        bytes memory args = abi.encode(OWNER, GUARDIAN, THERE, COUNTERPART_BRIDGE, members, THRESHOLD, timing);
        bytes memory code = abi.encodePacked(vm.getCode(BRIDGE_ARTIFACT), args);
        assembly ("memory-safe") {
            created := create(0, add(code, 0x20), mload(code))
        }
        assert(address(created) != address(0));
    }

    /// The native coin, paid from `held` that requests locked.
    function _registerCoin(uint256 held) internal {
        _registerCoin(NO_LIMIT, 0, NO_LIMIT);
        vm.deal(address(this), held);
        if (held != 0) bridge.requestNative{value: held}(BOB);
    }

    function _registerCoin(uint128 capacity, uint128 refill, uint128 delayedFrom) internal {
        vm.prank(OWNER);
        bridge.registerToken(
            NATIVE_COIN,
            TokenConfig({
                counterpart: COIN_THERE,
                kind: AssetKind.Native,
                custody: Custody.Lock,
                enabled: true,
                minAmount: 1,
                maxAmount: NO_LIMIT,
                bucketCapacity: capacity,
                bucketRefill: refill,
                delayedFrom: delayedFrom
            })
        );
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
        request.amount = svm.createUint256(name);
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
        proverVm.store(address(bridge), bytes32(SLOT_INCOMING), bytes32(uint256(position.count)));
        proverVm.store(address(bridge), bytes32(SLOT_INCOMING + 1), position.head);
    }

    // ---- calls ------------------------------------------------------------------------------------------------

    function _deliver(Request[] memory requests, bytes32[] memory tail, Certificate memory certificate)
        internal
        returns (bool done)
    {
        (done,) = address(bridge).call(abi.encodeCall(bridge.deliver, (requests, tail, certificate)));
    }

    function _attest(uint64 epoch, uint64 count, bytes32 head, Signature memory signature)
        internal
        returns (bool done)
    {
        (done,) = address(bridge).call(abi.encodeCall(bridge.attest, (epoch, count, head, signature)));
    }

    function _release(Request memory request) internal returns (bool done) {
        (done,) = address(bridge).call(abi.encodeCall(bridge.releaseParked, (request)));
    }

    function _return(Request memory request) internal returns (bool done) {
        (done,) = address(bridge).call(abi.encodeCall(bridge.returnParked, (request)));
    }

    // ---- what must hold of them -------------------------------------------------------------------------------

    /// The digest of a checkpoint as the protocol defines it, told apart from the bridge's own code.
    function _digest(uint64 epoch, uint64 count, bytes32 head) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Twinspan"),
                keccak256("1"),
                HERE,
                address(bridge)
            )
        );
        bytes32 checkpoint = keccak256(
            abi.encode(
                keccak256(
                    "Checkpoint(uint256 sourceChainId,address sourceBridge,uint64 epoch,uint64 count,bytes32 head)"
                ),
                THERE,
                COUNTERPART_BRIDGE,
                epoch,
                count,
                head
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, checkpoint));
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
