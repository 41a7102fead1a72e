// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../src/interfaces/IBridge.sol";
import {IVault} from "../src/interfaces/IVault.sol";
import {BridgeToken} from "../src/tokens/BridgeToken.sol";
import {
    AssetKind,
    Certificate,
    Direction,
    Fee,
    Generation,
    LaneAmount,
    Limits,
    NATIVE_COIN,
    ParkReason,
    Request
} from "../src/types/Types.sol";
import {IOwnedBridge} from "./support/IOwned.sol";
import {Refuser} from "./support/Refuser.sol";
import {TimelockedTest} from "./support/Timelocked.sol";
import {vm} from "./support/Vm.sol";

/// @title A second generation of the pair over the same vaults, while handovers are under way both ways
/// @dev `main` and `service` name the generation that a test acts with; `_use` changes it.
contract MigrationTest is TimelockedTest {
    IOwnedBridge[2] private _mains;
    IOwnedBridge[2] private _services;
    Refuser private refuser;

    /// Lane units on their way: linked on one side, not yet paid on the other. The test's own books.
    mapping(address home => uint256) private _between;

    // In flight and parked when the first generation begins to drain.
    Request private _goldIn;
    Request private _goldOut;
    Request private _coinOut;
    Request private _artIn;
    bytes private _artPayload;
    Request private _parkedThere;
    Request private _parkedHere;
    Request private _toReturn;

    function setUp() public override {
        super.setUp();
        refuser = new Refuser();
        vm.startPrank(OWNER);
        mainVault.setFee(address(gold), Fee(3, 0));
        serviceVault.setFee(address(goldThere), Fee(2, 0));
        vm.stopPrank();
        _handOverOwnership();
        (_mains[0], _services[0]) = (main, service);
        _deploySecondGeneration();
        _beginTraffic();
    }

    // ---- the drill --------------------------------------------------------------------------------------------

    function test_the_first_generation_drains_while_the_second_serves() public {
        _serveBoth();
        _assertGenerations(Generation.Draining, Generation.Serving);
        _assertWhole();

        // The new one serves at once, over what the old one brought in.
        _use(1);
        Request memory request = _burnGold(BOB, ALICE, 100);
        vm.assertEq(request.nonce, 0, "a lane of its own");
        _pay(main, request, 100);
        request = _lockGold(BOB, 40);
        _pay(service, request, 40);
        vm.assertEq(_outgoing(_mains[0]).count, _incoming(_services[0]).count + 2, "the old lane takes nothing");

        // The old one hands over what was under way, both ways.
        _use(0);
        _pay(service, _goldIn, 70);
        _deliverWith(service, _artIn, _artPayload);
        vm.assertEq(artThere.ownerOf(42), BOB, "the NFT arrived");
        _pay(main, _goldOut, 30);
        _deliver(main, _coinOut);
        _between[NATIVE_COIN] -= 2 ether;
        _assertWhole();
        _assertDrained();

        // And ends what was parked.
        _releaseAndReturn();
        _assertWhole();
        vm.assertEq(_between[address(gold)] + _between[NATIVE_COIN], 0);
        vm.assertEq(_parked(main, NATIVE_COIN) + _parked(service, address(goldThere)), 0);
        _retireBoth();
        _assertGenerations(Generation.Retired, Generation.Serving);

        // All of it comes home through the second generation.
        _use(1);
        request = _burnGold(BOB, ALICE, goldThere.balanceOf(BOB) - 2);
        _pay(main, request, LaneAmount.unwrap(request.amount));
        // What is left stands for the fees that are held there.
        vm.assertEq(_custody(main, address(gold)), serviceVault.feesHeld(address(goldThere)));
        vm.assertEq(goldThere.balanceOf(BOB), 0);
    }

    /// A vault that serves the second generation gives the first one's place to nobody: requests go to the new lane.
    function test_the_first_generation_takes_no_requests() public {
        uint64 before = _outgoing(main).count;
        _serveBoth();
        _use(1);
        _lockGold(BOB, 10);
        vm.assertEq(_outgoing(_mains[0]).count, before);
        vm.assertEq(_outgoing(_mains[1]).count, 1);
    }

    /// The two vaults change over one after the other. What the second generation brings before a vault knows it waits
    /// there, and is paid afterwards.
    function test_a_vault_that_changes_over_later_loses_nothing() public {
        _enact(address(mainVault), abi.encodeCall(IVault.serve, (address(_mains[1]))));
        _use(1);
        Request memory request = _lockGold(BOB, 40);
        _deliver(service, request);
        _assertParked(service, request, ParkReason.PayoutFailed);
        _assertWhole();
        // The other way the first generation still takes requests, and pays them.
        _use(0);
        Request memory back = _burnGold(BOB, ALICE, 25);
        _pay(main, _goldOut, 30);
        _deliver(main, _coinOut);
        _between[NATIVE_COIN] -= 2 ether;
        _pay(main, back, 25);

        _enact(address(serviceVault), abi.encodeCall(IVault.serve, (address(_services[1]))));
        _use(1);
        _at(service).releaseParked(request, "");
        _between[address(gold)] -= 40;
        _assertWhole();
    }

    /// One certificate is of one lane: what the first generation's relayers signed moves nothing in the second.
    function test_certificates_of_the_first_generation_are_none_of_the_second() public {
        Request[] memory requests = _one(_goldIn);
        Certificate memory certificate = _certify(service, requests, _none(), THRESHOLD);
        _serveBoth();
        _use(1);
        _at(service);
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_NonceMismatch.selector, _goldIn.nonce, 0));
        service.deliver(requests, _noPayloads(), _none(), certificate);
        requests[0].nonce = 0;
        vm.expectRevert();
        service.deliver(requests, _noPayloads(), _none(), certificate);
        vm.assertEq(_incoming(service).count, 0);
    }

    /// Limits are the vault's: two generations together pay no more than one.
    function test_both_generations_draw_on_one_bucket() public {
        _serveBoth();
        Limits memory limits = _unlimited();
        (limits.capacity, limits.period) = (100, 100 days);
        _enact(address(mainVault), abi.encodeCall(IVault.setLimits, (address(gold), Direction.Incoming, limits)));
        _use(0);
        _pay(main, _goldOut, 30);
        _use(1);
        Request memory request = _burnGold(BOB, ALICE, 71);
        _deliver(main, request);
        _assertParked(main, request, ParkReason.RateLimited);
        vm.assertEq(mainVault.available(address(gold), Direction.Incoming), 70);
    }

    function test_a_retired_generation_pays_nothing() public {
        _serveBoth();
        _retireBoth();
        _use(0);
        uint256 supply = goldThere.totalSupply();
        _deliver(service, _goldIn);
        _assertParked(service, _goldIn, ParkReason.PayoutFailed);
        _at(service);
        bytes memory refused =
            abi.encodeWithSelector(IBridge.Bridge_ReleaseRefused.selector, ParkReason.PayoutFailed, 0);
        vm.expectRevert(refused);
        service.releaseParked(_parkedThere, "");
        vm.prank(BOB);
        vm.expectRevert(refused);
        service.releaseParkedTo(_parkedThere, "", ALICE, 0, "");
        refuser.setAccepting(true);
        _at(main);
        vm.expectRevert(refused);
        main.releaseParked(_parkedHere, "");
        vm.assertEq(goldThere.totalSupply(), supply);
        vm.assertEq(address(refuser).balance, 0);
        _assertWhole();
        // The second generation does not mind.
        _use(1);
        _pay(service, _lockGold(BOB, 40), 40);
    }

    /// What the guardian holds stays held while its bridge drains, until the owner frees it: then it is paid there.
    function test_what_is_held_outlives_the_change() public {
        Limits memory limits = _unlimited();
        limits.delayedFrom = 500;
        _enact(address(mainVault), abi.encodeCall(IVault.setLimits, (address(gold), Direction.Incoming, limits)));
        _pay(main, _goldOut, 30);
        _deliver(main, _coinOut);
        _between[NATIVE_COIN] -= 2 ether;
        Request memory large = _burnGold(BOB, ALICE, 600);
        _deliver(main, large);
        vm.prank(GUARDIAN);
        main.holdParked(large);
        _serveBoth();
        bytes32 parked = main.requestHash(large);
        _at(main);
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_HandoverHeld.selector, parked));
        main.releaseParked(large, "");
        _enact(address(main), abi.encodeCall(IBridge.freeParked, (parked)));
        main.releaseParked(large, "");
        _between[address(gold)] -= 600;
        vm.assertEq(gold.balanceOf(ALICE), 630);
        _assertWhole();
    }

    /// The guardian strikes a bridge that should never serve, before it does.
    function test_a_change_of_generation_may_be_struck() public {
        bytes memory call = abi.encodeCall(IVault.serve, (address(_mains[1])));
        bytes32 id = _schedule(address(mainVault), call);
        vm.prank(GUARDIAN);
        timelock.cancel(id);
        _wait(MIN_DELAY);
        vm.expectRevert();
        timelock.execute(address(mainVault), 0, call, 0, 0);
        vm.assertEq(mainVault.bridge(), address(main), "the first one serves");
    }

    // ---- steps ------------------------------------------------------------------------------------------------

    function _deploySecondGeneration() private {
        uint64 accountNonce = vm.getNonce(address(this));
        address there = vm.computeCreateAddress(address(this), accountNonce + 1);
        address owner = address(timelock);
        vm.chainId(MAIN);
        _mains[1] = _deployBridge(owner, GUARDIAN, address(mainVault), SERVICE, there, members, THRESHOLD, _timing());
        vm.chainId(SERVICE);
        address here = address(_mains[1]);
        _services[1] = _deployBridge(owner, GUARDIAN, address(serviceVault), MAIN, here, members, THRESHOLD, _timing());
        vm.assertEq(address(_services[1]), there, "predicted address");
    }

    /// Paid, parked on either side, and under way both ways.
    function _beginTraffic() private {
        _pay(service, _lockGold(BOB, 1000), 1000);
        _deliver(service, _sendCoin(BOB, 10 ether));
        vm.prank(GUARDIAN);
        serviceVault.setTokenEnabled(address(goldThere), false);
        _parkedThere = _lockGold(BOB, 50);
        _toReturn = _lockGold(BOB, 60);
        _deliver(service, _parkedThere);
        _deliver(service, _toReturn);
        _enact(address(serviceVault), abi.encodeCall(IVault.setTokenEnabled, (address(goldThere), true)));
        _assertParked(service, _parkedThere, ParkReason.TokenUnavailable);
        _parkedHere = _sendBack(coinThere, BOB, address(refuser), 1 ether);
        _between[NATIVE_COIN] += 1 ether;
        _deliver(main, _parkedHere);
        _assertParked(main, _parkedHere, ParkReason.PayoutFailed);

        _goldIn = _lockGold(BOB, 70);
        (_artIn, _artPayload) = _sendArt(BOB, 42, "");
        _goldOut = _burnGold(BOB, ALICE, 30);
        _coinOut = _sendBack(coinThere, BOB, BOB, 2 ether);
        _between[NATIVE_COIN] += 2 ether;
        _assertWhole();
    }

    function _releaseAndReturn() private {
        _at(service).releaseParked(_parkedThere, "");
        _between[address(gold)] -= 50;
        _assertWhole();
        vm.prank(BOB);
        uint64 nonce = _at(service).returnParked(_toReturn, "");
        _pay(main, _returnOf(_toReturn, nonce, AssetKind.ERC20, ""), 60);
        nonce = refuser.returnParked(_at(main), _parkedHere, "");
        _deliver(service, _returnOf(_parkedHere, nonce, AssetKind.Native, ""));
        _between[NATIVE_COIN] -= 1 ether;
        vm.assertEq(coinThere.balanceOf(BOB), 8 ether);
    }

    function _serveBoth() private {
        bytes memory here = abi.encodeCall(IVault.serve, (address(_mains[1])));
        bytes memory there = abi.encodeCall(IVault.serve, (address(_services[1])));
        _schedule(address(mainVault), here);
        _schedule(address(serviceVault), there);
        _wait(MIN_DELAY);
        _execute(address(mainVault), here);
        _execute(address(serviceVault), there);
    }

    function _retireBoth() private {
        _enact(address(mainVault), abi.encodeCall(IVault.retire, (address(_mains[0]))));
        _enact(address(serviceVault), abi.encodeCall(IVault.retire, (address(_services[0]))));
    }

    function _use(uint256 generation) private {
        (main, service) = (_mains[generation], _services[generation]);
    }

    function _lockGold(address recipient, uint256 amount) private returns (Request memory request) {
        gold.mint(ALICE, amount + 3);
        vm.startPrank(ALICE);
        gold.approve(address(mainVault), amount + 3);
        _at(main);
        uint64 nonce = mainVault.requestERC20(address(gold), recipient, amount, 3, "");
        vm.stopPrank();
        _between[address(gold)] += amount;
        return Request(
            nonce, AssetKind.ERC20, ALICE, recipient, address(gold), address(goldThere), LaneAmount.wrap(amount), 0
        );
    }

    function _burnGold(address sender, address recipient, uint256 amount) private returns (Request memory request) {
        vm.startPrank(sender);
        goldThere.approve(address(serviceVault), amount + 2);
        _at(service);
        uint64 nonce = serviceVault.requestERC20(address(goldThere), recipient, amount, 2, "");
        vm.stopPrank();
        _between[address(gold)] += amount;
        return Request(
            nonce, AssetKind.ERC20, sender, recipient, address(goldThere), address(gold), LaneAmount.wrap(amount), 0
        );
    }

    /// Hands gold over and expects it paid.
    function _pay(IOwnedBridge to, Request memory request, uint256 amount) private {
        BridgeToken token = BridgeToken(request.counterpartToken);
        uint256 before = token.balanceOf(request.recipient);
        _deliver(to, request);
        vm.assertEq(token.balanceOf(request.recipient), before + amount);
        _between[address(gold)] -= amount;
        _assertWhole();
    }

    // ---- assertions -------------------------------------------------------------------------------------------

    /// S5 over both generations: what a vault holds is its custody and its fees, what stands there for it is what was
    /// minted, and what is locked is what was minted and what is under way or parked.
    function _assertWhole() private view {
        uint256 locked = LaneAmount.unwrap(mainVault.custodyOf(address(gold)));
        uint256 minted = LaneAmount.unwrap(serviceVault.custodyOf(address(goldThere)));
        vm.assertEq(gold.balanceOf(address(mainVault)), locked + mainVault.feesHeld(address(gold)), "gold held");
        vm.assertEq(goldThere.totalSupply(), minted, "gold minted");
        vm.assertEq(
            goldThere.balanceOf(address(serviceVault)), serviceVault.feesHeld(address(goldThere)), "fees held there"
        );
        vm.assertEq(locked, minted + _between[address(gold)], "gold conserved");
        locked = LaneAmount.unwrap(mainVault.custodyOf(NATIVE_COIN));
        minted = LaneAmount.unwrap(serviceVault.custodyOf(address(coinThere)));
        vm.assertEq(address(mainVault).balance, locked + mainVault.feesHeld(NATIVE_COIN), "coin held");
        vm.assertEq(coinThere.totalSupply(), minted, "coin minted");
        vm.assertEq(locked, minted + _between[NATIVE_COIN], "coin conserved");
        vm.assertEq(
            art.balanceOf(address(mainVault)), LaneAmount.unwrap(mainVault.custodyOf(address(art))), "NFTs held"
        );
        vm.assertEq(
            artThere.balanceOf(BOB), LaneAmount.unwrap(serviceVault.custodyOf(address(artThere))), "NFTs minted"
        );
        for (uint256 i = 0; i < 2; ++i) {
            vm.assertEq(gold.balanceOf(address(_mains[i])) + address(_mains[i]).balance, 0, "a bridge holds nothing");
        }
    }

    function _assertDrained() private view {
        vm.assertEq(_outgoing(_mains[0]).head, _incoming(_services[0]).head, "main to service");
        vm.assertEq(_outgoing(_services[0]).head, _incoming(_mains[0]).head, "service to main");
    }

    function _assertGenerations(Generation first, Generation second) private view {
        vm.assertEq(uint256(mainVault.generationOf(address(_mains[0]))), uint256(first), "first, main");
        vm.assertEq(uint256(serviceVault.generationOf(address(_services[0]))), uint256(first), "first, service");
        vm.assertEq(uint256(mainVault.generationOf(address(_mains[1]))), uint256(second), "second, main");
        vm.assertEq(uint256(serviceVault.generationOf(address(_services[1]))), uint256(second), "second, service");
        vm.assertEq(mainVault.bridge(), address(_mains[1]), "takes requests");
    }
}
