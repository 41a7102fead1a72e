// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../../src/interfaces/IBridge.sol";
import {IVault} from "../../src/interfaces/IVault.sol";
import {Direction, LaneAmount, Limits, NATIVE_COIN, Order, Quote} from "../../src/types/Types.sol";
import {HostileToken} from "../support/HostileTokens.sol";
import {IOwnedBridge, IOwnedVault} from "../support/IOwned.sol";
import {IProbe, ProbingRecipient} from "../support/ProbingRecipient.sol";
import {vm} from "../support/Vm.sol";
import {PairBooks} from "./PairBooks.sol";
import {IERC1363} from "@openzeppelin/contracts/interfaces/IERC1363.sol";
import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

/// @title Who and what surrounds a pair: its users, what they ask for, what strangers do when they are called, and
/// what owner and guardian set
abstract contract PairWorld is PairBooks, IProbe {
    /// How often a recipient or a token was called, and whether value was ever short then.
    uint256 public callbacks;
    bool public breached;

    ProbingRecipient internal _probe;
    /// What the call under way takes of a token, and what the batch under way hands over of an asset.
    mapping(address token => uint256) internal _taking;
    mapping(uint256 asset => uint256) internal _paying;

    function setUp() public override {
        super.setUp();
        _probe = new ProbingRecipient(this);
        address[3] memory users = [ALICE, BOB, address(_probe)];
        for (uint256 i = 0; i < users.length; ++i) {
            for (uint256 asset = 0; asset < ASSETS; ++asset) {
                _approve(users[i], main, asset);
                _approve(users[i], service, asset);
            }
        }
        vm.deal(address(_probe), 1 ether);
        vm.recordLogs();
    }

    function _approve(address user, IOwnedBridge bridge, uint256 asset) private {
        address token = _tokenOf(bridge, asset);
        if (token == NATIVE_COIN) return;
        address vault = bridge.vault();
        vm.prank(user);
        if (asset == ART || asset == ITEMS) IERC721(token).setApprovalForAll(vault, true);
        else IERC20(token).approve(vault, NO_LIMIT);
    }

    // ---- in the middle of a call ------------------------------------------------------------------------------

    /// @inheritdoc IProbe
    function onCallback() external {
        vm.pauseGasMetering();
        ++callbacks;
        if (!_backed()) breached = true;
        vm.resumeGasMetering();
    }

    /// S5, but for what the call under way is about to take, and what of a batch the books do not know yet.
    function _backed() private view returns (bool) {
        for (uint256 asset = 0; asset < ASSETS; ++asset) {
            (address home, address away) = (_assets[asset].home, _assets[asset].away);
            if (_held(main, asset) + _taking[home] < _due(main, asset)) return false;
            if (_held(service, asset) + _taking[away] < _due(service, asset)) return false;
            uint256 flying = owed[asset] - owedParked[main][asset] - owedParked[service][asset];
            uint256 parked = _parked(main, home) + _parked(service, away);
            uint256 claims = LaneAmount.unwrap(serviceVault.custodyOf(away)) + flying + parked;
            if (LaneAmount.unwrap(mainVault.custodyOf(home)) + _paying[asset] < claims) return false;
        }
        return address(serviceVault).balance >= serviceVault.feesHeld(NATIVE_COIN);
    }

    // ---- requests ---------------------------------------------------------------------------------------------

    /// Something of `asset` that `by` has, or gets. Nothing when there is nothing to have.
    function _orderOf(IOwnedBridge from, uint256 asset, address by, uint256 seed)
        internal
        returns (bool has, Order memory order)
    {
        order.token = _tokenOf(from, asset);
        order.feeLimit = NO_LIMIT;
        bool fresh = address(from) == address(main);
        if (asset == ART) return _artOf(order, fresh, by, seed);
        if (asset == ITEMS) return _itemsOf(order, fresh, by, seed);
        uint256 held = order.token == NATIVE_COIN ? 1e24 : IERC20(order.token).balanceOf(by);
        if (fresh && asset != COIN) _mint(order.token, by, held = asset == SILVER ? 1e12 * 1e12 : 1e24);
        if (held == 0) return (false, order);
        uint256 unit = _unitOf(from, asset);
        order.amount = _bound(seed, 1, held / unit) * unit;
        return (true, order);
    }

    /// Room for fees comes with it.
    function _mint(address token, address to, uint256 amount) private {
        HostileToken(token).mint(to, 2 * amount + 1e18);
    }

    function _artOf(Order memory order, bool fresh, address by, uint256 seed) private returns (bool, Order memory) {
        uint256 id = fresh ? artCount : seed % (artCount + 1);
        if (fresh) art.mint(by, artCount++, "ipfs://art");
        try IERC721(order.token).ownerOf(id) returns (address owner) {
            order.ids = _of(id);
            return (owner == by, order);
        } catch {
            return (false, order);
        }
    }

    function _itemsOf(Order memory order, bool fresh, address by, uint256 seed) private returns (bool, Order memory) {
        uint256 id = seed % ITEM_IDS;
        if (fresh) items.mint(by, id, 50);
        uint256 held = IERC1155(order.token).balanceOf(by, id);
        if (held == 0) return (false, order);
        (order.ids, order.amounts) = (_of(id), _of(_bound(seed >> 8, 1, held < 50 ? held : 50)));
        return (true, order);
    }

    /// Asks for `order`, by a call or by one transfer. What nothing speaks against is taken.
    function _request(IOwnedBridge from, address by, Order memory order, uint256 way) internal returns (bool taken) {
        if (way % 3 == 1) order.data = abi.encode(way);
        bool foretold = _foretold(from, by, order);
        if (way % 2 == 1 && _hasHook(order.token)) {
            taken = _transfer(from, by, order);
        } else {
            Order[] memory orders = new Order[](1);
            orders[0] = order;
            taken = _send(from, by, orders, _coinFor(from, order));
            vm.assertTrue(taken || !foretold, "refused, and nothing speaks against it");
        }
        _bookIf(taken, from);
    }

    function _foretold(IOwnedBridge from, address by, Order memory order) private view returns (bool) {
        bool fair = !_paused(from) && by != address(_probe);
        if (order.token == address(_hostileToken)) fair = fair && _hostileToken.mood() == HostileToken.Mood.Plain;
        try _vaultOf(from).quote(order.token, _amountOf(order)) returns (Quote memory quote) {
            if (quote.earliest > vm.getBlockTimestamp()) return false;
            if (quote.feeToken == NATIVE_COIN) return fair;
            return fair && IERC20(order.token).balanceOf(by) >= order.amount + quote.fee;
        } catch {
            return false;
        }
    }

    /// The fee by the quote; none when there is none.
    function _feeOf(IOwnedBridge from, Order memory order) private view returns (uint256) {
        try _vaultOf(from).quote(order.token, _amountOf(order)) returns (Quote memory quote) {
            return quote.fee;
        } catch {
            return 0;
        }
    }

    /// The coin that an order needs.
    function _coinFor(IOwnedBridge from, Order memory order) internal view returns (uint256) {
        if (order.token == NATIVE_COIN) return order.amount + _feeOf(from, order);
        return order.ids.length == 0 ? 0 : _feeOf(from, order);
    }

    function _amountOf(Order memory order) private pure returns (uint256) {
        if (order.ids.length == 0) return order.amount;
        return order.amounts.length == 0 ? 1 : order.amounts[0];
    }

    function _send(IOwnedBridge from, address by, Order[] memory orders, uint256 coin) internal returns (bool taken) {
        IOwnedVault vault = _vaultOf(_at(from));
        vm.deal(by, by.balance + coin);
        for (uint256 i = 0; i < orders.length; ++i) {
            // The coin comes with the call.
            if (orders[i].token != NATIVE_COIN) _taking[orders[i].token] += orders[i].amount + _feeOf(from, orders[i]);
        }
        vm.prank(by);
        try vault.requestBulk{value: coin, gas: 5_000_000}(orders) {
            taken = true;
        } catch {}
        for (uint256 i = 0; i < orders.length; ++i) {
            _taking[orders[i].token] = 0;
        }
    }

    /// The same by one transfer, which needs no approval.
    function _transfer(IOwnedBridge from, address by, Order memory order) private returns (bool taken) {
        address vault = address(_vaultOf(_at(from)));
        bytes memory data = abi.encodePacked(order.recipient, order.data);
        uint256 fee = _feeOf(from, order);
        vm.prank(by);
        if (order.ids.length == 0) {
            data = abi.encodePacked(order.recipient, order.amount, order.data);
            try IERC1363(order.token).transferAndCall{gas: 5_000_000}(vault, order.amount + fee, data) returns (bool) {
                return true;
            } catch {}
        } else if (order.amounts.length == 0) {
            try IERC721(order.token).safeTransferFrom{gas: 5_000_000}(by, vault, order.ids[0], data) {
                return true;
            } catch {}
        } else {
            try IERC1155(order.token).safeBatchTransferFrom{gas: 5_000_000}(by, vault, order.ids, order.amounts, data) {
                return true;
            } catch {}
        }
    }

    function _hasHook(address token) private view returns (bool) {
        return token != NATIVE_COIN && token != address(gold) && token != address(_hostileToken);
    }

    // ---- strangers ----------------------------------------------------------------------------------------------

    function setMood(uint256 mood, uint256 side, uint256 place) external {
        mood = mood % 5;
        _probe.setMood(ProbingRecipient.Mood(mood));
        if (mood != uint256(ProbingRecipient.Mood.Reenter)) return;
        IOwnedBridge bridge = _side(side);
        Sent memory sent;
        if (_linked[bridge].length > 0) sent = _linked[bridge][_bound(place, 0, _linked[bridge].length - 1)];
        bytes[5] memory calls = [
            abi.encodeCall(IVault.requestNative, (BOB, 1, "")),
            abi.encodeCall(IVault.collectFees, (NATIVE_COIN)),
            abi.encodeCall(IVault.collectFees, (_tokenOf(bridge, SILVER))),
            abi.encodeCall(IBridge.releaseParked, (sent.request, sent.payload)),
            abi.encodeCall(IBridge.returnParked, (sent.request, sent.payload))
        ];
        uint256 way = place % 5;
        uint256 chainId = address(bridge) == address(main) ? MAIN : SERVICE;
        _probe.setReentry(chainId, way < 3 ? bridge.vault() : address(bridge), way == 0 ? 1 : 0, calls[way]);
    }

    function setTokenMood(uint256 mood) external {
        mood = mood % 9;
        _hostileToken.setMood(HostileToken.Mood(mood));
        if (mood != uint256(HostileToken.Mood.Reenter)) return;
        _hostileToken.setReentry(address(this), abi.encodeCall(IProbe.onCallback, ()));
    }

    // ---- owner and guardian -------------------------------------------------------------------------------------

    function setEnabled(uint256 side, uint256 asset, bool enabled) external {
        IOwnedBridge bridge = _side(side);
        IOwnedVault vault = _vaultOf(bridge);
        vm.prank(OWNER);
        vault.setTokenEnabled(_tokenOf(bridge, asset % ASSETS), enabled);
    }

    function setLimits(uint256 side, uint256 asset, bool incoming, uint256 seed) external {
        IOwnedBridge bridge = _side(side);
        asset = asset % ASSETS;
        uint256 unit = _unitOf(bridge, asset);
        // About what one request moves, in lane units.
        uint256 scale = asset == ART || asset == ITEMS ? 50 : asset == SILVER ? 1e12 : 1e24;
        Limits memory limits = _unlimited();
        limits.min = unit;
        limits.period = uint32(_bound(seed, 1, 2 days));
        if (seed % 3 > 0) limits.capacity = _bound(seed >> 16, scale / 10, 10 * scale) * unit;
        if (seed % 7 == 0) limits.max = _bound(seed >> 32, scale / 10, scale) * unit;
        if (incoming && seed % 5 == 0) limits.delayedFrom = _bound(seed >> 48, scale / 10, scale) * unit;
        (limits.reserved, limits.small) = (uint16(seed >> 64) % 10_001, uint16(seed >> 80) % 10_001);
        _limit(_vaultOf(bridge), _tokenOf(bridge, asset), incoming ? Direction.Incoming : Direction.Outgoing, limits);
    }

    function setFee(uint256 side, uint256 asset, uint256 flat, uint256 rate) external {
        IOwnedBridge bridge = _side(side);
        asset = asset % ASSETS;
        uint16 share = asset == ART || asset == ITEMS ? 0 : uint16(rate % 1001);
        _setFee(_vaultOf(bridge), _tokenOf(bridge, asset), uint128(flat % 1e6), share);
    }

    function collect(uint256 side, uint256 asset) external {
        IOwnedBridge bridge = _side(side);
        try _vaultOf(bridge).collectFees(_tokenOf(bridge, asset % ASSETS)) {} catch {}
    }

    function pause(uint256 side, bool stop) external {
        IOwnedBridge bridge = _side(side);
        vm.prank(OWNER);
        // Rarely, and never for long: a paused pair does nothing worth checking.
        if (stop && side % 5 == 0) bridge.pause();
        else bridge.unpause();
    }

    function passTime(uint256 by) external {
        vm.warp(vm.getBlockTimestamp() + _bound(by, 1, 12 hours));
    }

    // ---- helpers ------------------------------------------------------------------------------------------------

    function _side(uint256 side) internal view returns (IOwnedBridge) {
        return side % 2 == 0 ? main : service;
    }

    function _user(uint256 seed) internal view returns (address) {
        return [ALICE, BOB, address(_probe)][seed % 3];
    }

    function _paused(IOwnedBridge bridge) internal view returns (bool) {
        (,,, uint64 until) = bridge.positions();
        return vm.getBlockTimestamp() < until;
    }
}
