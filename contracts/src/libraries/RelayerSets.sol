// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../interfaces/IBridge.sol";
import {IGoverned} from "../interfaces/IGoverned.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title The relayers that may attest (see `Quorum`), and how they change
library RelayerSets {
    /// Bitmaps of members are 64 bits wide.
    uint256 internal constant MEMBERS_MAX = 64;

    /// @dev A set that waits.
    struct Scheduled {
        address[] members;
        uint8 threshold;
        uint64 appliesAt;
    }

    struct Sets {
        // One slot: epoch in force, its members that are not revoked (bit = place in `members`), its threshold.
        uint64 epoch;
        uint64 live;
        uint8 threshold;
        /// The epoch's members as they came into force, the revoked ones included, so that places never shift.
        address[] members;
        /// Place in `members` plus one, by epoch.
        mapping(uint64 epoch => mapping(address member => uint8)) place;
        /// Attestations recorded on this chain. A digest names its epoch.
        mapping(bytes32 digest => uint64) recorded;
        /// Keys that never come back.
        mapping(address member => bool) revoked;
        Scheduled scheduled;
    }

    /// Puts a set in force under the next epoch. Attestations of older epochs stop counting.
    function begin(Sets storage self, address[] memory members, uint8 threshold) internal returns (uint64 epoch) {
        _requireWellFormed(self, members, threshold);
        epoch = self.epoch + 1;
        for (uint256 i = 0; i < members.length; ++i) {
            if (self.place[epoch][members[i]] != 0) revert IBridge.Bridge_MemberDuplicate(members[i]);
            self.place[epoch][members[i]] = uint8(i + 1);
        }
        self.epoch = epoch;
        self.live = uint64((uint256(1) << members.length) - 1);
        self.threshold = threshold;
        self.members = members;
        delete self.scheduled;
    }

    /// Schedules a set that is well-formed and changes few enough members. Replaces one scheduled before.
    function schedule(Sets storage self, address[] memory members, uint8 threshold, uint64 appliesAt) internal {
        _requireWellFormed(self, members, threshold);
        _requireDistinct(members);
        _requireChurn(self, members);
        self.scheduled = Scheduled({members: members, threshold: threshold, appliesAt: appliesAt});
    }

    /// Puts the scheduled set in force once its time has come.
    function applyScheduled(Sets storage self) internal returns (uint64 epoch) {
        uint64 appliesAt = self.scheduled.appliesAt;
        if (appliesAt == 0) revert IBridge.Bridge_NothingScheduled();
        if (block.timestamp < appliesAt) revert IBridge.Bridge_TooEarly(uint64(block.timestamp), appliesAt);
        return begin(self, self.scheduled.members, self.scheduled.threshold);
    }

    /// Strikes the scheduled set.
    function veto(Sets storage self) internal {
        if (self.scheduled.appliesAt == 0) revert IBridge.Bridge_NothingScheduled();
        delete self.scheduled;
    }

    /// Takes a key's say away for good, whether it is a member now or not. Never touches the threshold.
    function revoke(Sets storage self, address member) internal {
        if (member == address(0)) revert IGoverned.Governed_AddressZero();
        if (self.revoked[member]) revert IBridge.Bridge_MemberRevoked(member);
        self.revoked[member] = true;
        uint8 place = self.place[self.epoch][member];
        if (place != 0) self.live &= ~(uint64(1) << (place - 1));
    }

    /// The members in force, without the revoked ones.
    function liveMembers(Sets storage self) internal view returns (address[] memory members) {
        uint64 live = self.live;
        members = new address[](popCount(live));
        uint256 next = 0;
        for (uint256 i = 0; i < self.members.length; ++i) {
            if (live & (uint64(1) << uint64(i)) != 0) members[next++] = self.members[i];
        }
    }

    function _requireWellFormed(Sets storage self, address[] memory members, uint8 threshold) private view {
        uint256 n = members.length;
        if (n > MEMBERS_MAX) revert IBridge.Bridge_MembersTooMany(n, MEMBERS_MAX);
        if (threshold == 0 || threshold > n) revert IBridge.Bridge_ThresholdInvalid(threshold, n);
        for (uint256 i = 0; i < n; ++i) {
            if (members[i] == address(0)) revert IGoverned.Governed_AddressZero();
            if (self.revoked[members[i]]) revert IBridge.Bridge_MemberRevoked(members[i]);
        }
    }

    function _requireDistinct(address[] memory members) private pure {
        for (uint256 i = 0; i < members.length; ++i) {
            for (uint256 j = i + 1; j < members.length; ++j) {
                if (members[i] == members[j]) revert IBridge.Bridge_MemberDuplicate(members[i]);
            }
        }
    }

    /// @dev A change may bring, and may take away, a third of the members in force (one at the least). Revoked
    /// members are already gone: leaving them out takes nobody away.
    function _requireChurn(Sets storage self, address[] memory members) private view {
        uint64 epoch = self.epoch;
        uint256 kept = 0;
        for (uint256 i = 0; i < members.length; ++i) {
            if (self.place[epoch][members[i]] != 0) ++kept;
        }
        uint256 changed = Math.max(members.length, popCount(self.live)) - kept;
        uint256 bound = Math.max(1, self.members.length / 3);
        if (changed > bound) revert IBridge.Bridge_ChurnTooLarge(changed, bound);
    }

    function popCount(uint256 bitmap) internal pure returns (uint256 count) {
        for (; bitmap != 0; bitmap &= bitmap - 1) {
            ++count;
        }
    }
}
