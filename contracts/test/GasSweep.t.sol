// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../src/interfaces/IBridge.sol";
import {Certificate, LaneAmount, Request} from "../src/types/Types.sol";
import {DemandingRecipient, WastefulRecipient} from "./support/DemandingRecipient.sol";
import {EveryAssetTest} from "./support/EveryAsset.sol";
import {HostileRecipient} from "./support/HostileRecipient.sol";
import {IOwnedBridge} from "./support/IOwned.sol";
import {vm} from "./support/Vm.sol";

/// @title Whatever gas a submitter gives, a request is paid or the batch is undone: nobody parks by starving
/// @dev Isolation makes each delivery a transaction of its own, so that slots start cold.
/// forge-config: default.isolate = true
contract GasSweepTest is EveryAssetTest {
    uint256 private constant PLENTY = 15_000_000;
    /// Fine steps in a coarse one.
    uint256 private constant FINER = 100;

    IOwnedBridge private _to;
    Request[] private _requests;
    bytes[] private _payloads;
    /// Those that can be paid; the others are parked for a reason of their own.
    bool[] private _payable;
    /// Recipients that want to the last unit what they get when there is plenty.
    DemandingRecipient[] private _demanding;

    // ---- one request of each kind -----------------------------------------------------------------------------

    function test_coin() public {
        _deliver(service, _sendCoin(BOB, 10 ether));
        _to = main;
        _add(_sendBack(coinThere, BOB, address(0xF00D), 1 ether), "", true);
        _sweep(20_000, 700_000, 2_000);
    }

    function test_coin_for_a_demanding_contract() public {
        _deliver(service, _sendCoin(BOB, 10 ether));
        _to = main;
        _add(_sendBack(coinThere, BOB, _newDemanding(), 1 ether), "", true);
        _sweep(20_000, 700_000, 2_000);
    }

    function test_a_locked_erc20() public {
        _deliver(service, _sendGold(BOB, 100));
        _to = main;
        _add(_sendBack(goldThere, BOB, address(0xF00D), 10), "", true);
        _sweep(20_000, 700_000, 2_000);
    }

    function test_a_minted_erc20() public {
        _to = service;
        _add(_sendGold(address(0xF00D), 10), "", true);
        _sweep(20_000, 700_000, 2_000);
    }

    function test_an_erc721() public {
        _to = service;
        (Request memory request, bytes memory payload) = _sendArt(_newDemanding(), 42, "");
        _add(request, payload, true);
        _sweep(20_000, 1_500_000, 4_000);
    }

    function test_an_unlocked_erc721() public {
        (Request memory request, bytes memory payload) = _sendArt(BOB, 42, "");
        _deliverWith(service, request, payload);
        _to = main;
        (request, payload) = _sendArtBack(BOB, _newDemanding(), 42);
        _add(request, payload, true);
        _sweep(20_000, 1_500_000, 4_000);
    }

    function test_an_erc1155() public {
        _to = service;
        (Request memory request, bytes memory payload) = _sendItems(_newDemanding(), 100, 5, 10, "");
        _add(request, payload, true);
        _sweep(20_000, 1_500_000, 4_000);
    }

    function test_a_request_with_data() public {
        _to = service;
        (Request memory request, bytes memory payload) = _sendGoldWith(_newDemanding(), 10, "hello");
        _add(request, payload, true);
        _sweep(20_000, 1_500_000, 4_000);
    }

    // ---- batches ----------------------------------------------------------------------------------------------

    /// One that burns all it gets is parked; those around it are paid or none is.
    function test_a_batch_with_a_gas_burner_in_it() public {
        _deliver(service, _sendCoin(BOB, 10 ether));
        HostileRecipient burner = new HostileRecipient();
        burner.setMood(HostileRecipient.Mood.BurnGas);
        _to = main;
        _add(_sendBack(coinThere, BOB, address(0xF00D), 1 ether), "", true);
        _add(_sendBack(coinThere, BOB, address(burner), 1 ether), "", false);
        _add(_sendBack(coinThere, BOB, _newDemanding(), 1 ether), "", true);
        _sweep(100_000, 1_500_000, 7_000);
    }

    function test_a_batch_of_every_kind() public {
        _to = service;
        _add(_sendGold(address(0xF00D), 10), "", true);
        (Request memory request, bytes memory payload) = _sendArt(_newDemanding(), 42, "");
        _add(request, payload, true);
        (request, payload) = _sendItems(_newDemanding(), 100, 5, 10, "");
        _add(request, payload, true);
        (request, payload) = _sendGoldWith(_newDemanding(), 10, "hello");
        _add(request, payload, true);
        _add(_sendCoin(address(0xF00D), 1 ether), "", true);
        _sweep(400_000, 2_500_000, 10_000);
    }

    /// The largest payload has the largest allowance, of which the 64th that a call leaves behind is enough to park:
    /// here starving would pay most.
    function test_the_largest_payload_after_one_that_is_parked() public {
        _to = service;
        (Request memory request, bytes memory payload) = _sendItems(address(gold), 100, 1, 10, "");
        _add(request, payload, false);
        (request, payload) = _sendItems(_newDemanding(), 100, 32, 10, new bytes(1024));
        _add(request, payload, true);
        _sweep(3_000_000, 5_500_000, 50_000);
    }

    // ---- releases ---------------------------------------------------------------------------------------------

    /// A release that is starved is refused, not spent.
    function test_a_release_is_paid_or_refused() public {
        _deliver(service, _sendCoin(BOB, 10 ether));
        HostileRecipient hostile = new HostileRecipient();
        hostile.setMood(HostileRecipient.Mood.Revert);
        Request memory request = _sendBack(coinThere, BOB, address(hostile), 1 ether);
        _deliver(main, request);
        hostile.setMood(HostileRecipient.Mood.Plain);
        bytes memory call = abi.encodeCall(IBridge.releaseParked, (request, ""));
        uint256 refused = 0;
        _at(main);
        for (uint256 gas = 30_000; gas < 500_000; gas += 2_000) {
            uint256 before = vm.snapshotState();
            (bool done,) = address(main).call{gas: gas}(call);
            if (!done) ++refused;
            vm.assertTrue(done == (address(hostile).balance == 1 ether), "paid or not");
            vm.assertTrue(done == (main.parkedHandover(main.requestHash(request)).parkedAt == 0), "or parked");
            vm.revertToState(before);
        }
        vm.assertTrue(refused > 0 && refused < 235, "both were seen");
    }

    // ---- data -------------------------------------------------------------------------------------------------

    /// However much a recipient spends before it is asked whether it takes data: it is told, or it is not paid.
    function test_assets_never_come_without_their_data() public {
        WastefulRecipient recipient = new WastefulRecipient();
        (Request memory request, bytes memory payload) = _sendArt(address(recipient), 42, "hello");
        uint256 paid = 0;
        uint256 steps = 0;
        for (uint256 waste = 0; waste < 600_000; waste += 3_000) {
            uint256 before = vm.snapshotState();
            recipient.setWaste(waste);
            _deliverWith(service, request, payload);
            bool told = recipient.told();
            vm.assertTrue(told == (artThere.balanceOf(address(recipient)) == 1), "paid if and only if told");
            vm.assertTrue(told == (service.parkedHandover(service.requestHash(request)).parkedAt == 0), "or parked");
            if (told) ++paid;
            ++steps;
            vm.revertToState(before);
        }
        vm.assertTrue(paid > 0 && paid < steps, "both were seen");
    }

    // ---- the sweep --------------------------------------------------------------------------------------------

    function _newDemanding() private returns (address) {
        DemandingRecipient recipient = new DemandingRecipient();
        _demanding.push(recipient);
        return address(recipient);
    }

    function _add(Request memory request, bytes memory payload, bool canBePaid) private {
        _requests.push(request);
        if (payload.length > 0) _payloads.push(payload);
        _payable.push(canBePaid);
    }

    /// From too little gas to plenty; finely where the first delivery goes through.
    function _sweep(uint256 least, uint256 most, uint256 coarse) private {
        Certificate memory certificate = _certify(_to, _requests, _none(), THRESHOLD);
        bytes memory call = abi.encodeCall(IBridge.deliver, (_requests, _payloads, _none(), certificate));
        _makeDemands(call);
        uint256 first = _scan(call, least, most, coarse);
        vm.assertTrue(first > least && first < most, "too little and plenty were seen");
        _scan(call, first - coarse, first + coarse, coarse / FINER);
    }

    /// Each demanding recipient wants from now on what it gets with plenty of gas, and no less.
    function _makeDemands(bytes memory call) private {
        uint256[] memory got = new uint256[](_demanding.length);
        uint256 before = vm.snapshotState();
        (bool delivered,) = address(_to).call{gas: PLENTY}(call);
        vm.assertTrue(delivered, "with plenty");
        for (uint256 i = 0; i < got.length; ++i) {
            got[i] = _demanding[i].got();
        }
        vm.revertToState(before);
        for (uint256 i = 0; i < got.length; ++i) {
            vm.assertTrue(got[i] > 0, "asked");
            _demanding[i].setDemand(got[i]);
        }
    }

    /// Answers the least gas with which a delivery went through. More of it never harms.
    function _scan(bytes memory call, uint256 from, uint256 to, uint256 step) private returns (uint256 first) {
        first = to;
        for (uint256 gas = from; gas < to; gas += step) {
            uint256 before = vm.snapshotState();
            (bool delivered,) = address(_to).call{gas: gas}(call);
            if (delivered) {
                if (first == to) first = gas;
                _assertPaidXorParked();
            }
            vm.assertTrue(delivered == (first != to), "more gas undoes nothing");
            vm.revertToState(before);
        }
    }

    function _assertPaidXorParked() private view {
        for (uint256 i = 0; i < _requests.length; ++i) {
            Request memory request = _requests[i];
            bool parked = _to.parkedHandover(_to.requestHash(request)).parkedAt != 0;
            vm.assertTrue(parked != _payable[i], "who can be paid is never parked, who cannot always");
            vm.assertTrue(parked != _arrived(request), "paid xor parked");
        }
    }

    /// Each request's recipient and token come together once in a batch.
    function _arrived(Request memory request) private view returns (bool) {
        address token = request.counterpartToken;
        if (token == address(artThere)) return artThere.balanceOf(request.recipient) == 1;
        if (token == address(art)) return art.balanceOf(request.recipient) == 1;
        if (token == address(itemsThere)) return itemsThere.balanceOf(request.recipient, 100) == 10;
        if (token == address(goldThere)) {
            return goldThere.balanceOf(request.recipient) == LaneAmount.unwrap(request.amount);
        }
        if (token == address(coinThere)) {
            return coinThere.balanceOf(request.recipient) == LaneAmount.unwrap(request.amount);
        }
        if (token == address(gold)) return gold.balanceOf(request.recipient) == LaneAmount.unwrap(request.amount);
        return request.recipient.balance == LaneAmount.unwrap(request.amount);
    }
}
