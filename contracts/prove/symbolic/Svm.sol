// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title The cheatcodes that only the prover answers
interface Svm {
    function createAddress(string calldata name) external returns (address);
    function createBool(string calldata name) external returns (bool);
    function createBytes32(string calldata name) external returns (bytes32);
    function createCalldata(string calldata contractName) external returns (bytes memory);
    function createUint(uint256 bits, string calldata name) external returns (uint256);
    function createUint256(string calldata name) external returns (uint256);
    function enableSymbolicStorage(address account) external;
}

/// @title The cheatcodes of forge that the prover answers too and the tests do without
interface ProverVm {
    function store(address account, bytes32 slot, bytes32 value) external;
}

// The address that the prover answers its own cheatcodes at.
Svm constant svm = Svm(address(uint160(uint256(keccak256("svm cheat code")))));
// The address that forge and the prover answer forge's cheatcodes at.
ProverVm constant proverVm = ProverVm(address(uint160(uint256(keccak256("hevm cheat code")))));
