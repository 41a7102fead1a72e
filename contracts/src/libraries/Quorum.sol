// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../interfaces/IBridge.sol";
import {Signature} from "../types/Types.sol";
import {RelayerSets} from "./RelayerSets.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title Whether enough members of the epoch in force attest a digest
/// @dev Zero storage authorises nothing: epoch 0 is no epoch, place 0 is no place, threshold 0 is never reached.
library Quorum {
    using RelayerSets for uint256;

    /// Passes when `threshold` distinct members of the epoch in force attest `digest`, by these signatures and by
    /// those recorded before.
    function requireQuorum(RelayerSets.Sets storage self, bytes32 digest, uint64 epoch, Signature[] calldata signatures)
        internal
        view
    {
        requireEpoch(self, epoch);
        uint256 attested = _membersOf(self, digest, epoch, signatures);
        uint256 threshold = self.threshold;
        if (threshold == 0) revert IBridge.Bridge_RelayerSetUnset();
        if (signatures.length < threshold) attested |= self.recorded[digest];
        uint256 got = (attested & self.live).popCount();
        if (got < threshold) revert IBridge.Bridge_ThresholdShort(got, threshold);
    }

    /// Records one member's attestation of `digest`, and says whose it was.
    function record(RelayerSets.Sets storage self, bytes32 digest, uint64 epoch, Signature calldata signature)
        internal
        returns (address signer)
    {
        requireEpoch(self, epoch);
        signer = _recover(digest, signature, 0);
        uint64 bit = _bitOf(self, epoch, signer);
        uint64 known = self.recorded[digest];
        if (known & bit != 0) revert IBridge.Bridge_AttestationKnown(signer);
        self.recorded[digest] = known | bit;
    }

    /// Passes for the epoch in force only.
    function requireEpoch(RelayerSets.Sets storage self, uint64 epoch) internal view {
        uint64 current = self.epoch;
        if (current == 0) revert IBridge.Bridge_RelayerSetUnset();
        if (epoch != current) revert IBridge.Bridge_EpochMismatch(epoch, current);
    }

    function _membersOf(RelayerSets.Sets storage self, bytes32 digest, uint64 epoch, Signature[] calldata signatures)
        private
        view
        returns (uint256 bitmap)
    {
        address previous = address(0);
        for (uint256 i = 0; i < signatures.length; ++i) {
            address signer = _recover(digest, signatures[i], i);
            if (signer <= previous) revert IBridge.Bridge_SignersUnordered(signer, previous);
            bitmap |= _bitOf(self, epoch, signer);
            previous = signer;
        }
    }

    function _recover(bytes32 digest, Signature calldata signature, uint256 index) private pure returns (address) {
        (address signer, ECDSA.RecoverError fault,) = ECDSA.tryRecover(digest, signature.r, signature.vs);
        if (fault != ECDSA.RecoverError.NoError) revert IBridge.Bridge_SignatureInvalid(index);
        return signer;
    }

    function _bitOf(RelayerSets.Sets storage self, uint64 epoch, address signer) private view returns (uint64 bit) {
        uint8 place = self.place[epoch][signer];
        if (place == 0) revert IBridge.Bridge_SignerRefused(signer);
        bit = uint64(1) << (place - 1);
        if (self.live & bit == 0) revert IBridge.Bridge_SignerRefused(signer);
    }
}
