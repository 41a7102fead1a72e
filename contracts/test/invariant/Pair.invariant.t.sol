// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LaneHead} from "../../src/libraries/LaneHead.sol";
import {LaneAmount, LanePosition, NATIVE_COIN} from "../../src/types/Types.sol";
import {IOwnedBridge, IOwnedVault} from "../support/IOwned.sol";
import {vm} from "../support/Vm.sol";
import {PairBooks} from "./PairBooks.sol";
import {PairHandler} from "./PairHandler.sol";
import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title The protocol's safety invariants, over random histories of a pair that carries every kind of asset
/// @dev S7 (limits), the order of handovers and the refusal of wrong batches are checked by the handler at each step: a
/// breach reverts there, and a revert fails the campaign.
contract PairInvariants {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    uint256 private constant COIN = 0;
    uint256 private constant ART = 3;
    uint256 private constant ITEMS = 4;
    uint256 private constant HOSTILE = 5;
    uint256 private constant ASSETS = 6;
    uint256 private constant ITEM_IDS = 3;

    PairHandler private _handler;

    function setUp() external {
        _handler = new PairHandler();
        _handler.setUp();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// Users and relayers act more often than circumstances change.
    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[26] memory acts = [
            PairHandler.lock.selector,
            PairHandler.lock.selector,
            PairHandler.lock.selector,
            PairHandler.burn.selector,
            PairHandler.burn.selector,
            PairHandler.burn.selector,
            PairHandler.bulk.selector,
            PairHandler.deliver.selector,
            PairHandler.deliver.selector,
            PairHandler.deliver.selector,
            PairHandler.release.selector,
            PairHandler.release.selector,
            PairHandler.sendBack.selector,
            PairHandler.attack.selector,
            PairHandler.deliverWrong.selector,
            PairHandler.replay.selector,
            PairHandler.rotate.selector,
            bytes4(keccak256("passTime(uint256)")),
            bytes4(keccak256("setMood(uint256,uint256,uint256)")),
            bytes4(keccak256("setTokenMood(uint256)")),
            bytes4(keccak256("setEnabled(uint256,uint256,bool)")),
            bytes4(keccak256("setLimits(uint256,uint256,bool,uint256)")),
            bytes4(keccak256("setLimits(uint256,uint256,bool,uint256)")),
            bytes4(keccak256("setFee(uint256,uint256,uint256,uint256)")),
            bytes4(keccak256("collect(uint256,uint256)")),
            bytes4(keccak256("pause(uint256,bool)"))
        ];
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(_handler), new bytes4[](acts.length));
        for (uint256 i = 0; i < acts.length; ++i) {
            targets[0].selectors[i] = acts[i];
        }
    }

    /// S1, S2, S3: every place below a destination's count was handed over once, with the content that was linked.
    function invariant_S1_S2_S3_each_place_once_in_order_as_linked() external view {
        (IOwnedBridge main, IOwnedBridge service) = _handler.pair();
        _eachPlaceOnce(main, service);
        _eachPlaceOnce(service, main);
    }

    function _eachPlaceOnce(IOwnedBridge to, IOwnedBridge from) private view {
        (, LanePosition memory incoming,,) = to.positions();
        (LanePosition memory outgoing,,,) = from.positions();
        uint256 linked = _handler.linked(to);
        vm.assertEq(outgoing.count, linked, "linked");
        vm.assertEq(outgoing.head, _handler.headAt(to, outgoing.count), "the source's head");
        vm.assertEq(incoming.count, _handler.handed(to), "handed over");
        vm.assertEq(incoming.head, _handler.headAt(to, incoming.count), "the destination's head");
        for (uint64 nonce = 0; nonce < linked; ++nonce) {
            PairBooks.Fate memory fate = _handler.fateOf(to, nonce);
            vm.assertEq(fate.paid + fate.parked, nonce < incoming.count ? 1 : 0, "S1: one handover a place");
        }
    }

    /// S4: a parked handover is released xor returned, once, and is in storage until then and no longer.
    function invariant_S4_parked_ends_as_released_xor_returned() external view {
        (IOwnedBridge main, IOwnedBridge service) = _handler.pair();
        _parkedEndsOnce(main);
        _parkedEndsOnce(service);
    }

    function _parkedEndsOnce(IOwnedBridge to) private view {
        uint64 count = _handler.handed(to);
        for (uint64 nonce = 0; nonce < count; ++nonce) {
            PairBooks.Fate memory fate = _handler.fateOf(to, nonce);
            vm.assertLe(fate.released + fate.returned, fate.parked, "S4: ended once, and only if parked");
            bool open = fate.parked == 1 && fate.released + fate.returned == 0;
            bytes32 hash = LaneHead.hash(_handler.requestAt(to, nonce));
            vm.assertTrue(open == (to.parkedHandover(hash).parkedAt != 0), "S4: in storage while open");
        }
        for (uint256 asset = 0; asset < ASSETS; ++asset) {
            vm.assertEq(
                LaneAmount.unwrap(to.parkedAmount(_handler.tokenOf(to, asset))), _handler.owedParked(to, asset), "owed"
            );
        }
    }

    /// S5: locked = minted + in flight + parked, by token and by id; and vaults hold that and the fees.
    function invariant_S5_conservation() external view {
        (IOwnedBridge main, IOwnedBridge service) = _handler.pair();
        for (uint256 asset = 0; asset < ASSETS; ++asset) {
            (address home, address away) = (_handler.tokenOf(main, asset), _handler.tokenOf(service, asset));
            uint256 minted = LaneAmount.unwrap(IOwnedVault(service.vault()).custodyOf(away));
            uint256 locked = LaneAmount.unwrap(IOwnedVault(main.vault()).custodyOf(home));
            vm.assertEq(locked, minted + _handler.owed(asset), "S5: conservation");
            // Of a token that keeps a part of what it pays out, the vault may hold more.
            if (asset == HOSTILE) vm.assertGe(_handler.heldBy(main, asset), _handler.dueOf(main, asset), "S5: held");
            else vm.assertEq(_handler.heldBy(main, asset), _handler.dueOf(main, asset), "S5: held");
            vm.assertEq(_handler.heldBy(service, asset), _handler.dueOf(service, asset), "S5: fees held");
            if (asset != ART && asset != ITEMS) vm.assertEq(IERC20(away).totalSupply(), minted, "S5: supply");
        }
        address vault = service.vault();
        vm.assertEq(vault.balance, IOwnedVault(vault).feesHeld(NATIVE_COIN), "S5: fees of NFTs");
    }

    function invariant_S5_conservation_by_id() external view {
        uint256 pieces = _handler.artCount();
        for (uint256 id = 0; id < pieces; ++id) {
            _conserved(ART, id);
        }
        for (uint256 id = 0; id < ITEM_IDS; ++id) {
            uint256 locked = _conserved(ITEMS, id);
            (IOwnedBridge main,) = _handler.pair();
            uint256 held = IERC1155(_handler.tokenOf(main, ITEMS)).balanceOf(main.vault(), id);
            vm.assertEq(held, locked, "S5: held of the id");
        }
    }

    function _conserved(uint256 asset, uint256 id) private view returns (uint256 locked) {
        (IOwnedBridge main, IOwnedBridge service) = _handler.pair();
        locked = LaneAmount.unwrap(IOwnedVault(main.vault()).custodyOfId(_handler.tokenOf(main, asset), id));
        uint256 minted =
            LaneAmount.unwrap(IOwnedVault(service.vault()).custodyOfId(_handler.tokenOf(service, asset), id));
        vm.assertEq(locked, minted + _handler.owedId(asset, id), "S5: conservation of the id");
    }

    /// Nor was value ever short while a recipient or a token had the word.
    function invariant_S5_holds_in_the_middle_of_calls() external view {
        vm.assertTrue(!_handler.breached(), "S5: within a call");
    }

    /// The campaign does reach what it claims to check.
    function test_a_campaign_reaches_every_end() external {
        for (uint256 asset = 0; asset < ASSETS; ++asset) {
            _handler.lock(asset, 1, 1e20 + asset, 2);
            _handler.lock(asset, 2, 1e19 + asset, 1);
        }
        _handler.bulk(0x040302, 2);
        _handler.deliver(1, 4, 1);
        _handler.deliver(1, 100, 0);
        for (uint256 asset = 0; asset < ASSETS; ++asset) {
            for (uint256 way = 0; way < 4; ++way) {
                _handler.burn(asset, 1 + way % 2, 2, way, way);
            }
        }
        _handler.setMood(2, 0, 0);
        _handler.deliver(0, 100, 0);
        _handler.sendBack(0, 0, true);
        _handler.setMood(1, 0, 3);
        for (uint256 place = 0; place < 12; ++place) {
            _handler.release(0, place);
        }
        for (uint256 fault = 0; fault < 10; ++fault) {
            _handler.deliverWrong(1, 0, fault, fault);
        }
        _handler.replay(0, 0);
        _handler.rotate(1);
        _handler.attack(0, 1, 0);
        _handler.deliver(1, 100, 0);
        bytes32[9] memory actions =
            [bytes32("lock"), "burn", "bulk", "deliver", "return", "release", "refused", "rotate", "attack"];
        for (uint256 i = 0; i < actions.length; ++i) {
            vm.assertGe(_handler.done(actions[i]), 1, string(abi.encodePacked(actions[i])));
        }
        vm.assertGe(_handler.callbacks(), 5, "callbacks");
        vm.assertTrue(!_handler.breached(), "sound");
    }
}
