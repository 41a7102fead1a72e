// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Owner and guardian
interface IGoverned {
    /// The caller has not the role that this takes.
    error Governed_CallerRefused(address caller);
    /// An address that must be set is zero.
    error Governed_AddressZero();
    /// There is always an owner.
    error Governed_OwnerRequired();

    /// The guardian changed.
    event GuardianChanged(address indexed guardian);

    /// Appoints a guardian. Owner.
    function setGuardian(address guardian) external;
    /// The account that may tighten: pause, veto, revoke, switch off, hold.
    function guardian() external view returns (address);
}
