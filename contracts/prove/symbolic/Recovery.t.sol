// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LanePosition, Signature} from "../../src/types/Types.sol";
import {vm} from "../../test/support/Vm.sol";
import {svm} from "./Svm.sol";
import {SymbolicBridge} from "./SymbolicBridge.sol";

/// @title Who sets a lane's position anew
contract RecoveryProofs is SymbolicBridge {
    /// A lane is recovered only by the owner, while the bridge is paused, with `THRESHOLD` distinct members of the
    /// epoch in force over exactly where it stands and where it goes on; and it goes on there. The pause stays.
    function check_a_recovery_needs_pause_owner_and_quorum() public {
        LanePosition memory from = _anyPosition("from");
        uint64 until = _anyU64("until");
        _setIncoming(from, until);
        LanePosition memory to = _anyPosition("to");
        uint64 epoch = _anyU64("epoch");
        Signature[] memory signatures = _anySignatures(2);
        address caller = svm.createAddress("caller");
        vm.prank(caller);
        if (!_recover(to, epoch, signatures)) return;

        assert(caller == OWNER && until > START && epoch == 1);
        assert(_distinctMembers(_recoveryDigest(1, from, to), signatures) >= THRESHOLD);
        (,,, uint64 pausedUntil) = bridge.positions();
        assert(_incoming().count == to.count && _incoming().head == to.head && pausedUntil == until);
    }

    /// Whatever checkpoints two members attested, on this chain too: without a signature of the recovery itself their
    /// word recovers nothing.
    function check_a_checkpoint_signature_is_no_recovery_signature() public {
        vm.assume(_attest(1, _anyU64("count"), svm.createBytes32("head"), _anySignature("first")));
        vm.assume(_attest(1, _anyU64("count"), svm.createBytes32("head"), _anySignature("second")));
        _setIncoming(_incoming(), START + 1);
        LanePosition memory to = _anyPosition("to");
        vm.prank(OWNER);
        assert(!_recover(to, 1, _anySignatures(0)));
    }

    function _anyPosition(string memory name) private returns (LanePosition memory) {
        return LanePosition({count: _anyU64(name), head: svm.createBytes32(name)});
    }

    function _anySignatures(uint256 length) private returns (Signature[] memory signatures) {
        signatures = new Signature[](length);
        for (uint256 i = 0; i < length; ++i) {
            signatures[i] = _anySignature("signature");
        }
    }
}
