// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../src/interfaces/IBridge.sol";
import {IGoverned} from "../src/interfaces/IGoverned.sol";
import {LanePosition, Request, Timing} from "../src/types/Types.sol";
import {IOwnedBridge} from "./support/IOwned.sol";
import {PairTest} from "./support/PairTest.sol";
import {vm} from "./support/Vm.sol";

/// @title Where a lane starts, and where storage proofs find it
contract LaneTest is PairTest {
    address private constant VAULT = address(0x7A17);

    function test_both_ends_start_a_lane_at_the_same_head() public view {
        vm.assertEq(_outgoing(main).head, _incoming(service).head, "main to service");
        vm.assertEq(_outgoing(service).head, _incoming(main).head, "service to main");
        vm.assertTrue(_outgoing(main).head != _incoming(main).head, "a lane is one direction");
        vm.assertEq(
            _outgoing(main).head,
            keccak256(
                abi.encode(
                    keccak256(
                        "Lane(uint256 sourceChainId,address sourceBridge,uint256 destinationChainId,address destinationBridge)"
                    ),
                    MAIN,
                    main,
                    SERVICE,
                    service
                )
            ),
            "head(0) as the protocol defines it"
        );
    }

    function test_positions_lie_at_slots_0_to_3() public {
        Request[] memory requests = new Request[](3);
        for (uint256 i = 0; i < 3; ++i) {
            requests[i] = _sendGold(BOB, 1 + i);
        }
        _deliver(service, requests);
        _sendBack(goldThere, BOB, ALICE, 1);

        _assertSlots(main, 0, _outgoing(main));
        _assertSlots(main, 2, _incoming(main));
        _assertSlots(service, 0, _outgoing(service));
        _assertSlots(service, 2, _incoming(service));
        vm.assertEq(_outgoing(main).count, 3, "linked on main");
        vm.assertEq(_incoming(service).count, 3, "handed over on service");
        vm.assertEq(_outgoing(main).head, _incoming(service).head, "same requests, same head");
        vm.assertEq(_outgoing(service).count, 1, "linked on service");
    }

    /// Where a relayer proves the epoch from (`chains/src/evm/proof.rs`).
    function test_the_epoch_lies_at_slot_8() public {
        uint256 slot = uint256(vm.load(address(main), bytes32(uint256(8))));
        (,, uint64 epoch,) = main.positions();
        vm.assertEq(uint64(slot), epoch, "epoch's slot");
        vm.assertEq(epoch, 1, "the first epoch");
    }

    function _assertSlots(IOwnedBridge bridge, uint256 slot, LanePosition memory position) private view {
        vm.assertEq(vm.load(address(bridge), bytes32(slot)), bytes32(uint256(position.count)), "count's slot");
        vm.assertEq(vm.load(address(bridge), bytes32(slot + 1)), position.head, "head's slot");
    }

    // ---- construction -----------------------------------------------------------------------------------------

    function test_construction_refuses_its_own_chain_and_chain_zero() public {
        vm.chainId(MAIN);
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_ChainIdInvalid.selector, MAIN));
        _deployBridge(OWNER, GUARDIAN, VAULT, MAIN, BOB, members, THRESHOLD, _timing());
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_ChainIdInvalid.selector, 0));
        _deployBridge(OWNER, GUARDIAN, VAULT, 0, BOB, members, THRESHOLD, _timing());
    }

    function test_construction_refuses_zero_addresses() public {
        vm.chainId(MAIN);
        vm.expectRevert();
        _deployBridge(address(0), GUARDIAN, VAULT, SERVICE, BOB, members, THRESHOLD, _timing());
        vm.expectRevert(IGoverned.Governed_AddressZero.selector);
        _deployBridge(OWNER, address(0), VAULT, SERVICE, BOB, members, THRESHOLD, _timing());
        vm.expectRevert(IGoverned.Governed_AddressZero.selector);
        _deployBridge(OWNER, GUARDIAN, VAULT, SERVICE, address(0), members, THRESHOLD, _timing());
        vm.expectRevert(IGoverned.Governed_AddressZero.selector);
        _deployBridge(OWNER, GUARDIAN, address(0), SERVICE, BOB, members, THRESHOLD, _timing());
        members[2] = address(0);
        vm.expectRevert(IGoverned.Governed_AddressZero.selector);
        _deployBridge(OWNER, GUARDIAN, VAULT, SERVICE, BOB, members, THRESHOLD, _timing());
    }

    function test_construction_refuses_a_threshold_out_of_bounds() public {
        vm.chainId(MAIN);
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_ThresholdInvalid.selector, 0, 4));
        _deployBridge(OWNER, GUARDIAN, VAULT, SERVICE, BOB, members, 0, _timing());
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_ThresholdInvalid.selector, 5, 4));
        _deployBridge(OWNER, GUARDIAN, VAULT, SERVICE, BOB, members, 5, _timing());
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_ThresholdInvalid.selector, 1, 0));
        _deployBridge(OWNER, GUARDIAN, VAULT, SERVICE, BOB, new address[](0), 1, _timing());
    }

    function test_construction_takes_64_members_and_no_more() public {
        vm.chainId(MAIN);
        address[] memory many = new address[](64);
        for (uint256 i = 0; i < 64; ++i) {
            many[i] = address(uint160(i + 1));
        }
        IOwnedBridge full = _deployBridge(OWNER, GUARDIAN, VAULT, SERVICE, BOB, many, 64, _timing());
        (,, address[] memory live) = full.relayerSet();
        vm.assertEq(live, many, "all of them");
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_MembersTooMany.selector, 65, 64));
        _deployBridge(OWNER, GUARDIAN, VAULT, SERVICE, BOB, new address[](65), 1, _timing());
    }

    function test_construction_refuses_duplicate_members() public {
        vm.chainId(MAIN);
        members[3] = members[0];
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_MemberDuplicate.selector, members[0]));
        _deployBridge(OWNER, GUARDIAN, VAULT, SERVICE, BOB, members, THRESHOLD, _timing());
    }

    function test_construction_refuses_endless_waits_and_pauses_of_no_length() public {
        vm.chainId(MAIN);
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_TimingInvalid.selector, 366 days, 365 days));
        _deployBridge(OWNER, GUARDIAN, VAULT, SERVICE, BOB, members, THRESHOLD, Timing(0, 366 days, 1));
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_TimingInvalid.selector, 0, 365 days));
        _deployBridge(OWNER, GUARDIAN, VAULT, SERVICE, BOB, members, THRESHOLD, Timing(0, 0, 0));
    }

    function test_a_new_bridge_is_at_epoch_1_and_knows_its_vault() public {
        vm.chainId(MAIN);
        IOwnedBridge fresh = _deployBridge(OWNER, GUARDIAN, VAULT, SERVICE, BOB, members, THRESHOLD, _timing());
        (uint64 epoch, uint8 threshold, address[] memory live) = fresh.relayerSet();
        vm.assertEq(epoch, 1);
        vm.assertEq(threshold, THRESHOLD);
        vm.assertEq(live, members, "members");
        vm.assertEq(fresh.counterpartChainId(), SERVICE);
        vm.assertEq(fresh.counterpartBridge(), BOB, "counterpart");
        vm.assertEq(fresh.vault(), VAULT, "vault");
        vm.assertEq(_incoming(fresh).count, 0);
        vm.assertEq(_outgoing(fresh).count, 0);
        vm.assertEq(keccak256(abi.encode(fresh.timing())), keccak256(abi.encode(_timing())), "waiting times");
    }

    // ---- link -------------------------------------------------------------------------------------------------

    /// Only who took the value may give a request its place.
    function test_only_the_vault_links() public {
        Request memory request = _sendGold(BOB, 1);
        address[4] memory others = [OWNER, GUARDIAN, MALLORY, address(main)];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(IGoverned.Governed_CallerRefused.selector, others[i]));
            main.link(request, "");
        }
        vm.prank(address(serviceVault));
        vm.expectRevert(abi.encodeWithSelector(IGoverned.Governed_CallerRefused.selector, serviceVault));
        main.link(request, "");
        vm.assertEq(_outgoing(main).count, 1, "the vault's own");
    }

    /// The place is the lane's to give, whatever nonce the vault's request carries.
    function test_a_request_takes_the_lanes_next_place() public {
        _sendGold(BOB, 1);
        Request memory request = _sendGold(BOB, 1);
        request.nonce = 77;
        _at(main);
        vm.prank(address(mainVault));
        vm.assertEq(main.link(request, ""), 2);
        vm.assertEq(_outgoing(main).count, 3);
    }

    function test_link_refuses_recipients_where_value_would_be_lost() public {
        Request memory request = _sendGold(BOB, 1);
        address[3] memory lost = [address(0), address(service), address(goldThere)];
        for (uint256 i = 0; i < lost.length; ++i) {
            request.recipient = lost[i];
            vm.prank(address(mainVault));
            vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_RecipientRefused.selector, lost[i]));
            main.link(request, "");
        }
    }

    function test_link_refuses_while_paused() public {
        Request memory request = _sendGold(BOB, 1);
        vm.prank(GUARDIAN);
        main.pause();
        vm.prank(address(mainVault));
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_Paused.selector, START + 3 days));
        main.link(request, "");
    }
}
