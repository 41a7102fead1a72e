// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Certificate, Direction, Limits, Order, Request} from "../src/types/Types.sol";
import {PairTest} from "./support/PairTest.sol";
import {vm} from "./support/Vm.sol";

/// @title What a handover costs: whole transactions, the 21,000 and the calldata included
/// @dev Isolation makes each call a transaction of its own, so that slots start cold. The figures are checked in
/// under `snapshots/`.
/// forge-config: default.isolate = true
contract GasTest is PairTest {
    uint256 private constant AMOUNT = 123.456789 ether;

    function setUp() public override {
        super.setUp();
        // Every limit is in force, as in production.
        Limits memory outgoing = Limits(1e15, 1e27, 1e27, 1 days, NO_LIMIT, 2_500, 100);
        Limits memory incoming = Limits(1e15, 1e27, 1e27, 1 days, 1e26, 2_500, 100);
        _limit(mainVault, address(gold), Direction.Outgoing, outgoing);
        _limit(mainVault, address(gold), Direction.Incoming, incoming);
        _limit(serviceVault, address(goldThere), Direction.Outgoing, outgoing);
        _limit(serviceVault, address(goldThere), Direction.Incoming, incoming);
    }

    function test_gas_single_handover_fresh_recipient() public {
        _deliver(main, _warmUp());
        _measure("deliver_lock_1_fresh", _burned(1, address(0xF00D)), 1, 125_000);
    }

    function test_gas_64_fresh_recipients_unlocking() public {
        _deliver(main, _warmUp());
        _measure("deliver_lock_64_fresh", _burned(64, address(0xF00D)), 64, 36_000);
    }

    function test_gas_64_warm_recipients_unlocking() public {
        _deliver(main, _warmUp());
        address first = address(0xF00D);
        for (uint256 i = 0; i < 64; ++i) {
            gold.mint(_after(first, i), 1);
        }
        _measure("deliver_lock_64_warm", _burned(64, first), 64, 20_000);
    }

    function test_gas_64_fresh_recipients_minting() public {
        _deliver(service, _sendGold(ALICE, AMOUNT));
        Request[] memory requests = new Request[](64);
        for (uint256 i = 0; i < 64; ++i) {
            requests[i] = _sendGold(_after(address(0xF00D), i), AMOUNT);
        }
        Certificate memory certificate = _certify(service, requests, _none(), THRESHOLD);
        _at(service).deliver(requests, _noPayloads(), _none(), certificate);
        _check("deliver_mint_64_fresh", 64, 36_000);
    }

    /// The submitter that lost the race pays for its calldata and little else.
    function test_gas_stale_batch() public {
        _deliver(main, _warmUp());
        Request[] memory requests = _burned(64, address(0xF00D));
        Certificate memory certificate = _certify(main, requests, _none(), THRESHOLD);
        _at(main).deliver(requests, _noPayloads(), _none(), certificate);
        uint256 taken = vm.lastCallGas().gasTotalUsed;
        try main.deliver(requests, _noPayloads(), _none(), certificate) {
            vm.assertTrue(false, "taken twice");
        } catch {}
        vm.assertLe(vm.snapshotGasLastCall("deliver_stale_64"), taken / 10, "cheap");
    }

    /// What ends a parked handover, what a relayer posts when it reaches no peer, and a bulk of many.
    function test_gas_of_the_rest() public {
        Request memory request = _sendGold(address(serviceVault), AMOUNT);
        _deliver(service, request);
        vm.snapshotGasLastCall("deliver_1_parked");
        vm.prank(address(serviceVault));
        _at(service).returnParked(request, "");
        vm.snapshotGasLastCall("return_parked");
        request = _sendGold(address(serviceVault), AMOUNT);
        _deliver(service, request);
        vm.prank(address(serviceVault));
        _at(service).releaseParkedTo(request, "", BOB, 0, "");
        vm.snapshotGasLastCall("release_parked");
        bytes32 digest = _at(service).checkpointDigest(1, 9, bytes32(uint256(1)));
        service.attest(1, 9, bytes32(uint256(1)), _sign(keys[0], digest));
        vm.snapshotGasLastCall("attest");
        _bulk(50);
        vm.snapshotGasLastCall("request_bulk_50");
    }

    function _bulk(uint256 n) private {
        gold.mint(ALICE, n * AMOUNT);
        vm.prank(ALICE);
        gold.approve(address(mainVault), n * AMOUNT);
        Order[] memory orders = new Order[](n);
        for (uint256 i = 0; i < n; ++i) {
            (orders[i].token, orders[i].recipient, orders[i].amount) = (address(gold), BOB, AMOUNT);
        }
        _at(main);
        vm.prank(ALICE);
        mainVault.requestBulk(orders);
    }

    function test_gas_requests() public {
        _sendGold(BOB, AMOUNT);
        gold.mint(ALICE, 3 * AMOUNT);
        vm.prank(ALICE);
        gold.approve(address(mainVault), 3 * AMOUNT);
        _at(main);
        vm.prank(ALICE);
        mainVault.requestERC20(address(gold), BOB, AMOUNT, 0, "");
        vm.snapshotGasLastCall("request_erc20_lock");
        _sendCoin(BOB, AMOUNT);
        vm.deal(ALICE, AMOUNT);
        vm.prank(ALICE);
        mainVault.requestNative{value: AMOUNT}(BOB, AMOUNT, "");
        vm.snapshotGasLastCall("request_native");
    }

    /// A first round trip, so that the measured batch finds the bridge in its ordinary state.
    function _warmUp() private returns (Request memory) {
        gold.mint(MALLORY, 1 ether);
        for (uint256 i = 0; i < 70; ++i) {
            _deliver(service, _sendGold(BOB, AMOUNT));
        }
        return _sendBack(goldThere, BOB, ALICE, AMOUNT);
    }

    function _burned(uint256 n, address first) private returns (Request[] memory requests) {
        requests = new Request[](n);
        for (uint256 i = 0; i < n; ++i) {
            requests[i] = _sendBack(goldThere, BOB, _after(first, i), AMOUNT);
        }
    }

    function _measure(string memory name, Request[] memory requests, uint256 n, uint256 max) private {
        Certificate memory certificate = _certify(main, requests, _none(), THRESHOLD);
        _at(main).deliver(requests, _noPayloads(), _none(), certificate);
        _check(name, n, max);
    }

    function _check(string memory name, uint256 n, uint256 max) private {
        uint256 each = vm.snapshotGasLastCall(name) / n;
        vm.snapshotValue(string.concat(name, "_each"), each);
        vm.assertLe(each, max, name);
    }

    function _after(address first, uint256 i) private pure returns (address) {
        // Scattered, so that an address has about as many zero bytes as a real one.
        return address(uint160(uint256(keccak256(abi.encode(first, i)))));
    }
}

/// @title What a large relayer set costs: 13 of 19
/// forge-config: default.isolate = true
contract GasOfManyTest is PairTest {
    function _memberCount() internal pure override returns (uint256) {
        return 19;
    }

    function _threshold() internal pure override returns (uint8) {
        return 13;
    }

    function test_gas_13_of_19() public {
        _deliver(service, _sendGold(ALICE, 1 ether));
        _deliver(service, _sendGold(BOB, 1 ether));
        vm.snapshotGasLastCall("deliver_1_fresh_13_of_19");
    }
}
