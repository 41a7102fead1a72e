// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../../src/interfaces/IBridge.sol";
import {LaneHead} from "../../src/libraries/LaneHead.sol";
import {BridgeToken} from "../../src/tokens/BridgeToken.sol";
import {
    AssetKind,
    Custody,
    Direction,
    LaneAmount,
    Limits,
    NATIVE_COIN,
    Payload,
    Request,
    TokenConfig
} from "../../src/types/Types.sol";
import {AssetTest} from "../support/AssetTest.sol";
import {HostileToken} from "../support/HostileTokens.sol";
import {IOwnedBridge, IOwnedVault} from "../support/IOwned.sol";
import {Vm, vm} from "../support/Vm.sol";
import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title A pair's books, kept from the bridges' events alone
abstract contract PairBooks is AssetTest {
    /// What became of one place of a lane.
    struct Fate {
        uint256 paid;
        uint256 parked;
        uint256 released;
        uint256 returned;
    }

    /// One asset of the pair, at home on main.
    struct Asset {
        address home;
        address away;
        AssetKind kind;
        /// The smallest unit's share of a lane unit. On service it is one for all.
        uint256 homeUnit;
    }

    uint256 internal constant COIN = 0;
    uint256 internal constant GOLD = 1;
    /// 18 decimals at home, 6 on service; one-step transfers.
    uint256 internal constant SILVER = 2;
    uint256 internal constant ART = 3;
    uint256 internal constant ITEMS = 4;
    uint256 internal constant HOSTILE = 5;
    uint256 internal constant ASSETS = 6;
    /// Ids of items are below it.
    uint256 internal constant ITEM_IDS = 3;

    Asset[] internal _assets;
    HostileToken internal _hostileToken;
    /// How many pieces of art there are; their ids are below it.
    uint256 public artCount;

    /// What was linked for a destination, in order, and the head after each.
    mapping(IOwnedBridge to => Sent[]) internal _linked;
    mapping(IOwnedBridge to => bytes32[]) internal _heads;
    mapping(IOwnedBridge to => mapping(uint64 nonce => Fate)) internal _fates;
    /// How many places a destination has handed over.
    mapping(IOwnedBridge to => uint64) public handed;
    /// In flight and parked, both ways, in lane units.
    mapping(uint256 asset => uint256) public owed;
    mapping(uint256 asset => mapping(uint256 id => uint256)) public owedId;
    /// Parked.
    mapping(IOwnedBridge to => mapping(uint256 asset => uint256)) public owedParked;

    function setUp() public virtual override {
        super.setUp();
        _hostileToken = new HostileToken();
        BridgeToken hostileThere = new BridgeToken(address(serviceVault), "Hostile", "HST", 18, NO_LIMIT);
        _pair(address(_hostileToken), AssetKind.ERC20, address(hostileThere), AssetKind.ERC20);
        silverThere = new BridgeToken(address(serviceVault), "Silver", "SLV", 6, NO_LIMIT);
        _pair(address(silver), AssetKind.ERC20, address(silverThere), AssetKind.ERC20);
        TokenConfig memory config = _config(address(silverThere), AssetKind.ERC20, Custody.Lock);
        config.unitDecimals = 12;
        Limits memory limits = _unlimited();
        limits.min = 1e12;
        vm.startPrank(OWNER);
        mainVault.registerToken(address(silver), config);
        mainVault.setLimits(address(silver), Direction.Outgoing, limits);
        mainVault.setLimits(address(silver), Direction.Incoming, limits);
        vm.stopPrank();

        _assets.push(Asset(NATIVE_COIN, address(coinThere), AssetKind.Native, 1));
        _assets.push(Asset(address(gold), address(goldThere), AssetKind.ERC20, 1));
        _assets.push(Asset(address(silver), address(silverThere), AssetKind.ERC20, 1e12));
        _assets.push(Asset(address(art), address(artThere), AssetKind.ERC721, 1));
        _assets.push(Asset(address(items), address(itemsThere), AssetKind.ERC1155, 1));
        _assets.push(Asset(address(_hostileToken), address(hostileThere), AssetKind.ERC20, 1));
        _heads[main].push(_incoming(main).head);
        _heads[service].push(_incoming(service).head);
    }

    // ---- what happened ----------------------------------------------------------------------------------------

    /// Enters what `bridge` said unless the call was undone: the record keeps what an undone call said, too.
    function _bookIf(bool happened, IOwnedBridge bridge) internal {
        if (happened) _book(bridge);
        else vm.getRecordedLogs();
    }

    /// Enters what `bridge` has just said it did. Returns what it paid of each asset, in lane units.
    function _book(IOwnedBridge bridge) internal returns (uint256[ASSETS] memory paid) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter != address(bridge)) continue;
            bytes32 what = logs[i].topics[0];
            if (what == IBridge.ValueTransferRequested.selector) _bookRequest(_other(bridge), logs[i]);
            if (what == IBridge.HandedOver.selector) {
                uint64 nonce = _bookPaid(bridge, logs[i]);
                paid[
                    _assetOf(_linked[bridge][nonce].request)
                ] += LaneAmount.unwrap(_linked[bridge][nonce].request.amount);
            }
            if (what == IBridge.HandoverParked.selector) _bookParked(bridge, logs[i]);
            if (what == IBridge.HandoverReleased.selector) ++_bookEnd(bridge, logs[i]).released;
            if (what == IBridge.HandoverReturned.selector) ++_bookEnd(bridge, logs[i]).returned;
        }
    }

    function _bookRequest(IOwnedBridge to, Vm.Log memory log) private {
        Sent memory sent = _decode(log);
        uint64 nonce = sent.request.nonce;
        vm.assertEq(nonce, _linked[to].length, "requests are linked without gaps");
        _linked[to].push(sent);
        bytes32 head = LaneHead.link(_heads[to][nonce], LaneHead.hash(sent.request));
        _heads[to].push(head);
        (,,,,, bytes32 told) = abi.decode(log.data, (AssetKind, address, address, uint256, bytes, bytes32));
        vm.assertEq(told, head, "the event's head");
        _owe(sent, true);
    }

    function _bookPaid(IOwnedBridge to, Vm.Log memory log) private returns (uint64 nonce) {
        nonce = _bookHandover(to, log);
        ++_fates[to][nonce].paid;
        Sent memory sent = _linked[to][nonce];
        Request memory request = sent.request;
        vm.assertEq(address(uint160(uint256(log.topics[2]))), request.recipient, "S2: recipient");
        vm.assertEq(abi.decode(log.data, (uint256)), LaneAmount.unwrap(request.amount), "S2: amount");
        Limits memory limits = _vaultOf(to).limits(request.counterpartToken, Direction.Incoming);
        uint256 local = LaneAmount.unwrap(request.amount) * _unitOf(to, _assetOf(request));
        vm.assertTrue(local < limits.delayedFrom, "S7: a large one waits");
        vm.assertTrue(local >= limits.min && local <= limits.max, "S7: within bounds");
        _owe(sent, false);
    }

    function _bookParked(IOwnedBridge to, Vm.Log memory log) private {
        uint64 nonce = _bookHandover(to, log);
        ++_fates[to][nonce].parked;
        Request memory request = _linked[to][nonce].request;
        owedParked[to][_assetOf(request)] += LaneAmount.unwrap(request.amount);
    }

    function _bookHandover(IOwnedBridge to, Vm.Log memory log) private returns (uint64 nonce) {
        nonce = uint64(uint256(log.topics[1]));
        vm.assertEq(nonce, handed[to], "S3: handed over in order, without gaps, once");
        handed[to] = nonce + 1;
    }

    function _bookEnd(IOwnedBridge to, Vm.Log memory log) private returns (Fate storage fate) {
        uint64 nonce = uint64(uint256(log.topics[1]));
        fate = _fates[to][nonce];
        vm.assertTrue(_isOpen(fate), "S4: ended what is not owed");
        Sent memory sent = _linked[to][nonce];
        owedParked[to][_assetOf(sent.request)] -= LaneAmount.unwrap(sent.request.amount);
        _owe(sent, false);
    }

    function _owe(Sent memory sent, bool more) private {
        uint256 asset = _assetOf(sent.request);
        owed[asset] = more
            ? owed[asset] + LaneAmount.unwrap(sent.request.amount)
            : owed[asset] - LaneAmount.unwrap(sent.request.amount);
        if (asset != ART && asset != ITEMS) return;
        Payload memory parts = _parts(sent);
        for (uint256 i = 0; i < parts.ids.length; ++i) {
            uint256 n = asset == ART ? 1 : parts.amounts[i];
            uint256 before = owedId[asset][parts.ids[i]];
            owedId[asset][parts.ids[i]] = more ? before + n : before - n;
        }
    }

    function _isOpen(Fate memory fate) internal pure returns (bool) {
        return fate.parked == 1 && fate.released + fate.returned == 0;
    }

    // ---- what there is ----------------------------------------------------------------------------------------

    function _tokenOf(IOwnedBridge bridge, uint256 asset) internal view returns (address) {
        return address(bridge) == address(main) ? _assets[asset].home : _assets[asset].away;
    }

    function _unitOf(IOwnedBridge bridge, uint256 asset) internal view returns (uint256) {
        return address(bridge) == address(main) ? _assets[asset].homeUnit : 1;
    }

    function _assetOf(Request memory request) internal view returns (uint256 asset) {
        for (asset = 0; asset < ASSETS; ++asset) {
            if (_assets[asset].home == request.token || _assets[asset].away == request.token) return asset;
        }
        vm.assertTrue(false, "an asset of nobody's");
    }

    /// What the vault of `bridge` holds, in the smallest unit.
    function _held(IOwnedBridge bridge, uint256 asset) internal view returns (uint256 held) {
        address token = _tokenOf(bridge, asset);
        address vault = bridge.vault();
        if (token == NATIVE_COIN) return vault.balance;
        if (asset != ITEMS) return IERC20(token).balanceOf(vault);
        for (uint256 id = 0; id < ITEM_IDS; ++id) {
            held += IERC1155(token).balanceOf(vault, id);
        }
    }

    /// What the vault of `bridge` must hold: locked for the other side, and fees.
    function _due(IOwnedBridge bridge, uint256 asset) internal view returns (uint256) {
        address token = _tokenOf(bridge, asset);
        IOwnedVault vault = _vaultOf(bridge);
        uint256 fees = vault.feesHeld(token);
        return address(bridge) == address(main)
            ? LaneAmount.unwrap(vault.custodyOf(token)) * _assets[asset].homeUnit + fees
            : fees;
    }
}
