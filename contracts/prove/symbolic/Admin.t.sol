// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Direction, Fee, LanePosition, Request, Signature} from "../../src/types/Types.sol";
import {IOwned} from "../../test/support/IOwned.sol";
import {vm} from "../../test/support/Vm.sol";
import {proverVm, svm} from "./Svm.sol";
import {SymbolicBridge} from "./SymbolicBridge.sol";

/// @title What owner and guardian may do
contract AdminProofs is SymbolicBridge {
    /// While the bridge is paused, nothing enters it and nothing leaves it.
    function check_a_pause_stops_value() public {
        _registerCoin(1 << 96);
        LanePosition memory incoming = _incoming();
        uint64 until = _anyU64("until");
        vm.assume(until > START);
        _setIncoming(incoming, until);
        Request[] memory requests = _anyRequests(1, "request");
        vm.deal(address(this), 1 ether);
        uint256 act = svm.createUint(8, "act");
        bool done;
        if (act == 0) done = _deliver(requests, _anyTail(0), _anyCertificate(2, "certificate"));
        else if (act == 1) done = _release(requests[0]);
        else if (act == 2) done = _return(requests[0]);
        else if (act == 3) (done,) = address(vault).call{value: 1}(abi.encodeCall(vault.requestNative, (BOB, 1, "")));
        else (done,) = address(bridge).call(abi.encodeCall(bridge.link, (requests[0], "")));
        assert(!done);
    }

    /// The same for what was parked before the pause.
    function check_a_pause_stops_what_is_parked() public {
        Request[] memory requests = _anyRequests(1, "request");
        _deliverAny(requests);
        _registerCoin(1 << 96);
        vm.warp(START + 1 days);
        vm.prank(GUARDIAN);
        bridge.pause();
        uint256 act = svm.createUint(8, "act");
        if (act == 0) assert(!_release(requests[0]));
        else if (act == 1) assert(!_return(requests[0]));
        vm.prank(BOB);
        assert(!_releaseTo(requests[0], BOB, 0, ""));
    }

    /// A scheduled set keeps all members in force but one (a third of three), brings one at the most, and is
    /// well-formed.
    function check_a_schedule_changes_a_third_of_the_members() public {
        _churn(3);
    }

    /// The same for a set that shrinks.
    function check_a_shrinking_schedule_changes_a_third() public {
        _churn(2);
    }

    function _churn(uint256 length) private {
        address[] memory next = new address[](length);
        for (uint256 i = 0; i < length; ++i) {
            next[i] = svm.createAddress("next");
        }
        uint8 threshold = uint8(svm.createUint(8, "threshold"));
        vm.prank(OWNER);
        bridge.scheduleRelayerSet(next, threshold);

        assert(threshold >= 1 && threshold <= length);
        uint256 kept = 0;
        for (uint256 i = 0; i < length; ++i) {
            assert(next[i] != address(0));
            for (uint256 j = i + 1; j < length; ++j) {
                assert(next[i] != next[j]);
            }
            if (_isMember(next[i])) ++kept;
        }
        assert(kept + 1 >= members.length && kept + 1 >= length);
    }

    /// A scheduled set never comes into force before its delay, whoever asks.
    function check_a_schedule_waits() public {
        vm.prank(OWNER);
        bridge.scheduleRelayerSet(members, THRESHOLD);
        uint256 time = svm.createUint(64, "time");
        vm.assume(time < START + 2 days);
        vm.warp(time);
        vm.prank(svm.createAddress("caller"));
        (bool done,) = address(bridge).call(abi.encodeCall(bridge.applyRelayerSet, ()));
        assert(!done);
    }

    /// Revoking leaves epoch and threshold alone, takes the one member away and brings nobody.
    function check_revoking_never_lowers_the_threshold() public {
        address member = svm.createAddress("member");
        vm.prank(GUARDIAN);
        bridge.revokeRelayer(member);
        bytes32 word = vm.load(address(bridge), bytes32(SLOT_RELAYERS));
        assert(uint64(uint256(word)) == 1);
        assert(uint8(uint256(word) >> 128) == THRESHOLD);
        uint64 live = uint64(uint256(word) >> 64);
        for (uint256 i = 0; i < members.length; ++i) {
            assert(((live >> i) & 1 == 0) == (members[i] == member));
        }
        assert(live >> members.length == 0);
    }

    /// Of the bridge's settings, a stranger changes none.
    function check_a_stranger_changes_no_setting() public {
        address caller = svm.createAddress("caller");
        vm.assume(caller != address(0) && caller != OWNER && caller != GUARDIAN);
        uint256 act = svm.createUint(8, "act");
        address account = svm.createAddress("account");
        bytes memory data;
        if (act == 0) data = abi.encodeCall(bridge.pause, ());
        else if (act == 1) data = abi.encodeCall(bridge.unpause, ());
        else if (act == 2) data = abi.encodeCall(bridge.setGuardian, (account));
        else if (act == 3) data = abi.encodeCall(bridge.revokeRelayer, (account));
        else if (act == 4) data = abi.encodeCall(bridge.scheduleRelayerSet, (members, THRESHOLD));
        else if (act == 5) data = abi.encodeCall(bridge.vetoRelayerSet, ());
        else if (act == 6) data = abi.encodeCall(bridge.holdParked, (_anyRequest("request")));
        else if (act == 7) data = abi.encodeCall(bridge.freeParked, (svm.createBytes32("hash")));
        else if (act == 8) data = abi.encodeCall(bridge.transferOwnership, (account));
        else if (act == 9) data = abi.encodeCall(bridge.acceptOwnership, ());
        else if (act == 10) data = abi.encodeCall(bridge.renounceOwnership, ());
        else data = abi.encodeCall(bridge.recoverLane, (_incoming(), 1, new Signature[](0)));
        vm.prank(caller);
        (bool done,) = address(bridge).call(data);
        assert(!done);
    }

    /// Nor of the vault's. What only the owner may is refused to the guardian too.
    function check_a_stranger_changes_no_setting_of_the_vault() public {
        _registerCoin(0);
        address caller = svm.createAddress("caller");
        vm.assume(caller != address(0) && caller != OWNER);
        uint256 act = svm.createUint(8, "act");
        address account = svm.createAddress("account");
        bytes memory data;
        if (act == 0) data = abi.encodeCall(vault.registerToken, (account, vault.tokenConfig(account)));
        else if (act == 1) data = abi.encodeCall(vault.setLimits, (account, Direction.Incoming, _unlimited()));
        else if (act == 2) data = abi.encodeCall(vault.setTokenEnabled, (account, svm.createBool("enabled")));
        else if (act == 3) data = abi.encodeCall(vault.setFee, (account, Fee(1, 1)));
        else if (act == 4) data = abi.encodeCall(vault.setFeeReceiver, (account));
        else if (act == 5) data = abi.encodeCall(vault.serve, (account));
        else if (act == 6) data = abi.encodeCall(vault.retire, (account));
        else if (act == 7) data = abi.encodeCall(vault.setGuardian, (account));
        else if (act == 8) data = abi.encodeCall(vault.transferOwnership, (account));
        else if (act == 9) data = abi.encodeCall(vault.acceptOwnership, ());
        else data = abi.encodeCall(vault.renounceOwnership, ());
        vm.prank(caller);
        (bool done,) = address(vault).call(data);
        // The guardian may switch a token off, and set what stands already.
        if (done) assert(caller == GUARDIAN && (act == 1 || act == 2));
        assert(!done || act != 2 || !vault.tokenConfig(account).enabled);
    }

    /// The guardian tightens and never loosens: it ends no pause and renews none, frees nothing it held, schedules no
    /// set, recovers no lane and appoints nobody.
    function check_the_guardian_never_loosens() public {
        vm.prank(GUARDIAN);
        bridge.pause();
        (,,, uint64 until) = bridge.positions();
        uint256 act = svm.createUint(8, "act");
        bytes memory data;
        if (act == 0) data = abi.encodeCall(bridge.pause, ());
        else if (act == 1) data = abi.encodeCall(bridge.unpause, ());
        else if (act == 2) data = abi.encodeCall(bridge.setGuardian, (BOB));
        else if (act == 3) data = abi.encodeCall(bridge.scheduleRelayerSet, (members, THRESHOLD));
        else if (act == 4) data = abi.encodeCall(bridge.freeParked, (svm.createBytes32("hash")));
        else if (act == 5) data = abi.encodeCall(bridge.transferOwnership, (GUARDIAN));
        else data = abi.encodeCall(bridge.recoverLane, (_incoming(), 1, new Signature[](0)));
        uint64 later = _anyU64("later");
        vm.assume(later >= START && later < until);
        vm.warp(later);
        vm.prank(GUARDIAN);
        (bool done,) = address(bridge).call(data);
        assert(!done);
    }

    /// No call whatever of what governs a contract, by a stranger, changes who does.
    function check_no_stranger_governs() public {
        IOwned governed = svm.createBool("the vault") ? IOwned(address(vault)) : IOwned(address(bridge));
        address caller = svm.createAddress("caller");
        vm.assume(caller != address(0) && caller != OWNER);
        bytes memory data = svm.createCalldata("Governed");
        // Not what the prover makes up for a fallback, which there is none of.
        vm.assume(data.length <= 100);
        vm.prank(caller);
        (bool done,) = address(governed).call(data);
        done;
        assert(governed.owner() == OWNER && governed.pendingOwner() == address(0) && governed.guardian() == GUARDIAN);
    }
}
