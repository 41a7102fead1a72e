// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LaneHead} from "../../src/libraries/LaneHead.sol";
import {BridgeToken} from "../../src/tokens/BridgeToken.sol";
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
    ParkedHandover,
    Request,
    Signature,
    Timing,
    TokenConfig
} from "../../src/types/Types.sol";
import {IOwnedBridge, IOwnedVault} from "./IOwned.sol";
import {TestToken} from "./TestToken.sol";
import {Vm, vm} from "./Vm.sol";

/// @title A bridge pair in one EVM: `main` and `service` believe they are on two chains
/// @dev Every call to a bridge goes through `_at`, which sets the chain id that the bridge lives on. Vaults do not
/// look at the chain id, but the bridges that they call do.
abstract contract PairTest {
    uint256 internal constant MAIN = 1001;
    uint256 internal constant SERVICE = 2002;
    uint64 internal constant START = 1_700_000_000;
    uint64 internal constant LARGE_DELAY = 6 hours;
    uint256 internal constant NO_LIMIT = type(uint256).max;

    address internal constant OWNER = address(0x0FFE);
    address internal constant GUARDIAN = address(0x6DA7);
    address internal constant ALICE = address(0xA11CE);
    address internal constant BOB = address(0xB0B);
    address internal constant MALLORY = address(0xBAD);

    uint8 internal constant THRESHOLD = 3;

    IOwnedBridge internal main;
    IOwnedBridge internal service;
    IOwnedVault internal mainVault;
    IOwnedVault internal serviceVault;
    TestToken internal gold;
    /// `gold` on the service chain.
    BridgeToken internal goldThere;
    /// The main chain's coin on the service chain.
    BridgeToken internal coinThere;

    /// Attestation keys, by ascending address.
    uint256[] internal keys;
    address[] internal members;

    function setUp() public virtual {
        vm.warp(START);
        _makeKeys(_memberCount());
        vm.chainId(MAIN);
        mainVault = _deployVault(OWNER, GUARDIAN, LARGE_DELAY);
        vm.chainId(SERVICE);
        serviceVault = _deployVault(OWNER, GUARDIAN, LARGE_DELAY);
        uint64 accountNonce = vm.getNonce(address(this));
        address serviceBridge = vm.computeCreateAddress(address(this), accountNonce + 1);
        vm.chainId(MAIN);
        main = _deployBridge(
            OWNER, GUARDIAN, address(mainVault), SERVICE, serviceBridge, members, _threshold(), _timing()
        );
        vm.chainId(SERVICE);
        service = _deployBridge(
            OWNER, GUARDIAN, address(serviceVault), MAIN, address(main), members, _threshold(), _timing()
        );
        vm.assertEq(address(service), serviceBridge, "predicted address");
        vm.startPrank(OWNER);
        mainVault.serve(address(main));
        serviceVault.serve(address(service));
        vm.stopPrank();

        gold = new TestToken("Gold", "GLD", 18);
        goldThere = new BridgeToken(address(serviceVault), "Gold", "GLD", 18, NO_LIMIT);
        coinThere = new BridgeToken(address(serviceVault), "Coin", "COIN", 18, NO_LIMIT);
        _pair(address(gold), AssetKind.ERC20, address(goldThere), AssetKind.ERC20);
        _pair(NATIVE_COIN, AssetKind.Native, address(coinThere), AssetKind.ERC20);
    }

    function _memberCount() internal pure virtual returns (uint256) {
        return 4;
    }

    function _threshold() internal pure virtual returns (uint8) {
        return THRESHOLD;
    }

    function _timing() internal pure virtual returns (Timing memory) {
        return Timing({returnDelay: 1 days, rotationDelay: 2 days, pausePeriod: 3 days});
    }

    /// Deploys a bridge on the chain that is set. Reverts as its constructor does.
    function _deployBridge(
        address owner,
        address guardian,
        address vault,
        uint256 counterpartChainId,
        address counterpartBridge,
        address[] memory members_,
        uint8 threshold,
        Timing memory timing
    ) internal returns (IOwnedBridge) {
        bytes memory args = abi.encode(
            owner, guardian, vault, counterpartChainId, counterpartBridge, members_, threshold, timing
        );
        return IOwnedBridge(_create("Bridge.sol:Bridge", args));
    }

    /// Deploys a vault. Reverts as its constructor does.
    function _deployVault(address owner, address guardian, uint64 largeDelay) internal returns (IOwnedVault) {
        return IOwnedVault(_create("Vault.sol:Vault", abi.encode(owner, guardian, largeDelay)));
    }

    function _create(string memory artifact, bytes memory args) private returns (address created) {
        bytes memory code = abi.encodePacked(vm.getCode(artifact), args);
        assembly ("memory-safe") {
            created := create(0, add(code, 0x20), mload(code))
            if iszero(created) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
        }
    }

    function _makeKeys(uint256 n) private {
        for (uint256 i = 0; i < n; ++i) {
            uint256 key = uint256(keccak256(abi.encode("twinspan test member", i)));
            // Insertion by address: certificates want ascending signers.
            keys.push(key);
            for (uint256 j = keys.length - 1; j > 0 && vm.addr(keys[j - 1]) > vm.addr(keys[j]); --j) {
                (keys[j - 1], keys[j]) = (keys[j], keys[j - 1]);
            }
        }
        for (uint256 i = 0; i < n; ++i) {
            members.push(vm.addr(keys[i]));
        }
    }

    /// Lists an asset of main, `home`, and what stands for it on service. Without limits.
    function _pair(address home, AssetKind kind, address representation, AssetKind kindThere) internal {
        _register(mainVault, home, _config(representation, kind, Custody.Lock));
        _register(serviceVault, representation, _config(home, kindThere, Custody.Mint));
    }

    function _register(IOwnedVault vault, address token, TokenConfig memory config) internal {
        vm.startPrank(OWNER);
        vault.registerToken(token, config);
        vault.setLimits(token, Direction.Outgoing, _unlimited());
        vault.setLimits(token, Direction.Incoming, _unlimited());
        vm.stopPrank();
    }

    function _config(address counterpart, AssetKind kind, Custody custody) internal pure returns (TokenConfig memory) {
        return TokenConfig({counterpart: counterpart, kind: kind, custody: custody, enabled: true, unitDecimals: 0});
    }

    function _unlimited() internal pure returns (Limits memory) {
        return Limits({
            min: 1, max: NO_LIMIT, capacity: NO_LIMIT, period: 1 days, delayedFrom: NO_LIMIT, reserved: 0, small: 0
        });
    }

    function _limit(IOwnedVault vault, address token, Direction direction, Limits memory limits) internal {
        vm.prank(OWNER);
        vault.setLimits(token, direction, limits);
    }

    // ---- chains -----------------------------------------------------------------------------------------------

    /// Moves to the chain that `bridge` lives on.
    function _at(IOwnedBridge bridge) internal returns (IOwnedBridge) {
        vm.chainId(address(bridge) == address(main) ? MAIN : SERVICE);
        return bridge;
    }

    function _other(IOwnedBridge bridge) internal view returns (IOwnedBridge) {
        return address(bridge) == address(main) ? service : main;
    }

    function _vaultOf(IOwnedBridge bridge) internal view returns (IOwnedVault) {
        return IOwnedVault(bridge.vault());
    }

    function _incoming(IOwnedBridge bridge) internal view returns (LanePosition memory incoming) {
        (, incoming,,) = bridge.positions();
    }

    function _outgoing(IOwnedBridge bridge) internal view returns (LanePosition memory outgoing) {
        (outgoing,,,) = bridge.positions();
    }

    // ---- requests ---------------------------------------------------------------------------------------------

    /// Alice locks `amount` of gold on main for `recipient`, and this is the request that it makes.
    function _sendGold(address recipient, uint256 amount) internal returns (Request memory request) {
        gold.mint(ALICE, amount);
        vm.startPrank(ALICE);
        gold.approve(address(mainVault), amount);
        _at(main);
        uint64 nonce = mainVault.requestERC20(address(gold), recipient, amount, 0, "");
        vm.stopPrank();
        return Request(
            nonce, AssetKind.ERC20, ALICE, recipient, address(gold), address(goldThere), LaneAmount.wrap(amount), 0
        );
    }

    /// Alice locks coin on main for `recipient`.
    function _sendCoin(address recipient, uint256 amount) internal returns (Request memory request) {
        vm.deal(ALICE, amount);
        _at(main);
        vm.prank(ALICE);
        uint64 nonce = mainVault.requestNative{value: amount}(recipient, amount, "");
        return
            Request(
                nonce, AssetKind.Native, ALICE, recipient, NATIVE_COIN, address(coinThere), LaneAmount.wrap(amount), 0
            );
    }

    /// `sender` burns gold or coin on service for `recipient` on main.
    function _sendBack(BridgeToken token, address sender, address recipient, uint256 amount)
        internal
        returns (Request memory request)
    {
        vm.startPrank(sender);
        token.approve(address(serviceVault), amount);
        _at(service);
        uint64 nonce = serviceVault.requestERC20(address(token), recipient, amount, 0, "");
        vm.stopPrank();
        address home = address(token) == address(coinThere) ? NATIVE_COIN : address(gold);
        return Request(nonce, AssetKind.ERC20, sender, recipient, address(token), home, LaneAmount.wrap(amount), 0);
    }

    // ---- certificates -----------------------------------------------------------------------------------------

    /// The lane's head after `requests`, counted from what `to` has handed over.
    function _headAfter(IOwnedBridge to, Request[] memory requests, bytes32[] memory tail)
        internal
        view
        returns (bytes32 head)
    {
        head = _incoming(to).head;
        for (uint256 i = 0; i < requests.length; ++i) {
            head = LaneHead.link(head, LaneHead.hash(requests[i]));
        }
        for (uint256 i = 0; i < tail.length; ++i) {
            head = LaneHead.link(head, tail[i]);
        }
    }

    /// A certificate of the whole of `requests` and `tail` by the first `signers` members.
    function _certify(IOwnedBridge to, Request[] memory requests, bytes32[] memory tail, uint256 signers)
        internal
        returns (Certificate memory)
    {
        uint64 count = _incoming(to).count + uint64(requests.length + tail.length);
        return _certifyHead(to, count, _headAfter(to, requests, tail), signers);
    }

    function _certifyHead(IOwnedBridge to, uint64 count, bytes32 head, uint256 signers)
        internal
        returns (Certificate memory certificate)
    {
        (uint64 epoch,,) = to.relayerSet();
        certificate = Certificate(epoch, count, head, new Signature[](signers));
        bytes32 digest = _at(to).checkpointDigest(epoch, count, head);
        for (uint256 i = 0; i < signers; ++i) {
            certificate.signatures[i] = _sign(keys[i], digest);
        }
    }

    function _sign(uint256 key, bytes32 digest) internal pure returns (Signature memory signature) {
        (signature.r, signature.vs) = vm.signCompact(key, digest);
    }

    // ---- deliveries -------------------------------------------------------------------------------------------

    function _deliver(IOwnedBridge to, Request memory request) internal {
        _deliver(to, _one(request));
    }

    function _deliver(IOwnedBridge to, Request[] memory requests) internal {
        _deliver(to, requests, _noPayloads());
    }

    function _deliver(IOwnedBridge to, Request[] memory requests, bytes[] memory payloads) internal {
        Certificate memory certificate = _certify(to, requests, _none(), _threshold());
        _at(to).deliver(requests, payloads, _none(), certificate);
    }

    function _one(Request memory request) internal pure returns (Request[] memory requests) {
        requests = new Request[](1);
        requests[0] = request;
    }

    function _noPayloads() internal pure returns (bytes[] memory) {
        return new bytes[](0);
    }

    function _none() internal pure returns (bytes32[] memory) {
        return new bytes32[](0);
    }

    // ---- assertions -------------------------------------------------------------------------------------------

    function _assertParked(IOwnedBridge bridge, Request memory request, ParkReason reason) internal view {
        ParkedHandover memory entry = bridge.parkedHandover(LaneHead.hash(request));
        vm.assertTrue(entry.parkedAt != 0, "not parked");
        vm.assertEq(uint256(entry.reason), uint256(reason), "park reason");
    }

    /// Main does not release `request`, for this reason.
    function _refuseRelease(Request memory request, bytes memory data) internal {
        _at(main);
        vm.expectRevert(data);
        main.releaseParked(request, "");
    }

    /// Main does not send `request` back for `caller`, for this reason, and its lane stays.
    function _refuseReturn(Request memory request, address caller, bytes memory data) internal {
        uint64 before = _outgoing(main).count;
        _at(main);
        vm.prank(caller);
        vm.expectRevert(data);
        main.returnParked(request, "");
        vm.assertEq(_outgoing(main).count, before);
    }

    function _assertNotParked(IOwnedBridge bridge, Request memory request) internal view {
        vm.assertEq(bridge.parkedHandover(LaneHead.hash(request)).parkedAt, 0, "still parked");
    }

    function _custody(IOwnedBridge bridge, address token) internal view returns (uint256) {
        return LaneAmount.unwrap(_vaultOf(bridge).custodyOf(token));
    }

    function _parked(IOwnedBridge bridge, address token) internal view returns (uint256) {
        return LaneAmount.unwrap(bridge.parkedAmount(token));
    }

    function _bound(uint256 value, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + value % (high - low + 1);
    }
}
