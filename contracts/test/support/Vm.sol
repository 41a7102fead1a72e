// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title The cheatcodes that the tests use
interface Vm {
    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }

    struct Gas {
        uint64 gasLimit;
        uint64 gasTotalUsed;
        uint64 gasMemoryUsed;
        int64 gasRefunded;
        uint64 gasRemaining;
    }

    function addr(uint256 privateKey) external pure returns (address);
    function assertEq(uint256 got, uint256 want) external pure;
    function assertEq(address got, address want) external pure;
    function assertEq(uint256 got, uint256 want, string calldata what) external pure;
    function assertEq(bytes32 got, bytes32 want, string calldata what) external pure;
    function assertEq(address got, address want, string calldata what) external pure;
    function assertEq(address[] calldata got, address[] calldata want, string calldata what) external pure;
    function assertTrue(bool holds, string calldata what) external pure;
    function assertLe(uint256 got, uint256 max, string calldata what) external pure;
    function assertGe(uint256 got, uint256 min, string calldata what) external pure;
    function assume(bool holds) external pure;
    function chainId(uint256 id) external;
    function computeCreateAddress(address deployer, uint256 accountNonce) external pure returns (address);
    function deal(address account, uint256 balance) external;
    function deployCode(string calldata artifact, bytes calldata args) external returns (address);
    function etch(address account, bytes calldata code) external;
    function expectEmit(address emitter) external;
    function expectRevert() external;
    function expectRevert(bytes4 selector) external;
    function expectRevert(bytes calldata data) external;
    function getBlockTimestamp() external view returns (uint256);
    function getCode(string calldata artifact) external view returns (bytes memory);
    function getNonce(address account) external view returns (uint64);
    function getRecordedLogs() external returns (Log[] memory);
    function lastCallGas() external view returns (Gas memory);
    function load(address account, bytes32 slot) external view returns (bytes32);
    function parseJson(string calldata json, string calldata key) external pure returns (bytes memory);
    function parseJsonAddress(string calldata json, string calldata key) external pure returns (address);
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
    function parseJsonBytes32(string calldata json, string calldata key) external pure returns (bytes32);
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
    function keyExistsJson(string calldata json, string calldata key) external view returns (bool);
    function pauseGasMetering() external;
    function resumeGasMetering() external;
    function prank(address caller) external;
    function startPrank(address caller) external;
    function stopPrank() external;
    function readFile(string calldata path) external view returns (string memory);
    function recordLogs() external;
    function sign(uint256 privateKey, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function signCompact(uint256 privateKey, bytes32 digest) external pure returns (bytes32 r, bytes32 vs);
    function snapshotGasLastCall(string calldata name) external returns (uint256 gasUsed);
    function snapshotState() external returns (uint256 id);
    function revertToState(uint256 id) external returns (bool);
    function snapshotValue(string calldata name, uint256 value) external;
    function toString(address value) external pure returns (string memory);
    function toString(bytes32 value) external pure returns (string memory);
    function toString(bytes calldata value) external pure returns (string memory);
    function toString(uint256 value) external pure returns (string memory);
    function envOr(string calldata name, bool otherwise) external view returns (bool);
    function writeFile(string calldata path, string calldata data) external;
    function warp(uint256 time) external;
}

// The address that forge answers cheatcodes at.
Vm constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
