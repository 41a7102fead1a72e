// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LaneHead} from "../src/libraries/LaneHead.sol";
import {AssetKind, LanePosition, Request, Timing} from "../src/types/Types.sol";
import {IOwnedBridge} from "./support/IOwnedBridge.sol";
import {vm} from "./support/Vm.sol";

/// @title `vectors/hashes.json`, which forge and Rust both read, against the contracts
/// @dev Shape: hex strings are 0x-prefixed, amounts and chain ids decimal strings, small numbers plain.
///
///      lane          {sourceChainId, sourceBridge, destinationChainId, destinationBridge, head}: head(0)
///      requests      [{nonce, kind, sender, recipient, token, counterpartToken, amount, requestHash, head}]:
///                    in the lane's order; `head` is the lane's after this request
///      checkpoints   [{epoch, count, head, digest}]: EIP-712 digests for the lane's destination
///      attestations  [{checkpoint, privateKey, signer, r, vs}]: `checkpoint` is an index into `checkpoints`;
///                    deterministic (RFC 6979), low s, EIP-2098
///
/// Written anew by `TWINSPAN_WRITE_VECTORS=1 forge test --match-contract VectorsTest`.
contract VectorsTest {
    uint256 private constant SOURCE_CHAIN = 31_337_001;
    uint256 private constant DESTINATION_CHAIN = 31_337_002;
    address private constant SOURCE = 0x1111111111111111111111111111111111111111;
    address private constant DESTINATION = 0x2222222222222222222222222222222222222222;
    string private constant FILE = "vectors/hashes.json";

    uint256[3] private _keys = [uint256(1), uint256(keccak256("twinspan vector key 1")), 0xA11CE];

    /// The file is what these contracts compute, to the byte.
    function test_the_checked_in_vectors_are_what_the_contracts_compute() public {
        string memory text = _text();
        if (vm.envOr("TWINSPAN_WRITE_VECTORS", false)) vm.writeFile(FILE, text);
        vm.assertEq(keccak256(bytes(vm.readFile(FILE))), keccak256(bytes(text)), "vectors/hashes.json is out of date");
    }

    /// The file, read as a stranger would and computed from the protocol's own words rather than the libraries.
    function test_the_vectors_follow_the_protocol() public view {
        string memory json = vm.readFile(FILE);
        bytes32 head = vm.parseJsonBytes32(json, ".lane.head");
        vm.assertEq(head, _origin(json), "head(0)");
        uint256 n = 0;
        for (; vm.keyExistsJson(json, _path(".requests", n, "")); ++n) {
            bytes32 requestHash = _requestHash(json, n);
            vm.assertEq(vm.parseJsonBytes32(json, _path(".requests", n, ".requestHash")), requestHash, "request hash");
            head = keccak256(abi.encodePacked(head, requestHash));
            vm.assertEq(vm.parseJsonBytes32(json, _path(".requests", n, ".head")), head, "chained head");
        }
        vm.assertGe(n, 4, "enough requests");
        _checkAttestations(json);
    }

    function _checkAttestations(string memory json) private view {
        uint256 n = 0;
        for (; vm.keyExistsJson(json, _path(".attestations", n, "")); ++n) {
            uint256 checkpoint = vm.parseJsonUint(json, _path(".attestations", n, ".checkpoint"));
            bytes32 digest = vm.parseJsonBytes32(json, _path(".checkpoints", checkpoint, ".digest"));
            vm.assertEq(digest, _digest(json, checkpoint), "digest");
            uint256 vs = uint256(vm.parseJsonBytes32(json, _path(".attestations", n, ".vs")));
            bytes32 s = bytes32(vs & (type(uint256).max >> 1));
            bytes32 r = vm.parseJsonBytes32(json, _path(".attestations", n, ".r"));
            address signer = vm.parseJsonAddress(json, _path(".attestations", n, ".signer"));
            vm.assertEq(ecrecover(digest, uint8(27 + (vs >> 255)), r, s), signer, "signer");
        }
        vm.assertGe(n, 6, "enough attestations");
    }

    // ---- the protocol, in its own words -----------------------------------------------------------------------

    function _origin(string memory json) private pure returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256(
                    "Lane(uint256 sourceChainId,address sourceBridge,uint256 destinationChainId,address destinationBridge)"
                ),
                vm.parseJsonUint(json, ".lane.sourceChainId"),
                vm.parseJsonAddress(json, ".lane.sourceBridge"),
                vm.parseJsonUint(json, ".lane.destinationChainId"),
                vm.parseJsonAddress(json, ".lane.destinationBridge")
            )
        );
    }

    function _requestHash(string memory json, uint256 n) private pure returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256(
                    "Request(uint64 nonce,uint8 kind,address sender,address recipient,address token,address counterpartToken,uint256 amount)"
                ),
                vm.parseJsonUint(json, _path(".requests", n, ".nonce")),
                vm.parseJsonUint(json, _path(".requests", n, ".kind")),
                vm.parseJsonAddress(json, _path(".requests", n, ".sender")),
                vm.parseJsonAddress(json, _path(".requests", n, ".recipient")),
                vm.parseJsonAddress(json, _path(".requests", n, ".token")),
                vm.parseJsonAddress(json, _path(".requests", n, ".counterpartToken")),
                vm.parseJsonUint(json, _path(".requests", n, ".amount"))
            )
        );
    }

    function _digest(string memory json, uint256 checkpoint) private pure returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Twinspan"),
                keccak256("1"),
                vm.parseJsonUint(json, ".lane.destinationChainId"),
                vm.parseJsonAddress(json, ".lane.destinationBridge")
            )
        );
        bytes32 struct_ = keccak256(
            abi.encode(
                keccak256(
                    "Checkpoint(uint256 sourceChainId,address sourceBridge,uint64 epoch,uint64 count,bytes32 head)"
                ),
                vm.parseJsonUint(json, ".lane.sourceChainId"),
                vm.parseJsonAddress(json, ".lane.sourceBridge"),
                vm.parseJsonUint(json, _path(".checkpoints", checkpoint, ".epoch")),
                vm.parseJsonUint(json, _path(".checkpoints", checkpoint, ".count")),
                vm.parseJsonBytes32(json, _path(".checkpoints", checkpoint, ".head"))
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, struct_));
    }

    function _path(string memory array, uint256 n, string memory field) private pure returns (string memory) {
        return string.concat(array, "[", vm.toString(n), "]", field);
    }

    // ---- the file, from the contracts -------------------------------------------------------------------------

    function _requests() private pure returns (Request[] memory requests) {
        address native = 0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE;
        address gold = 0x3333333333333333333333333333333333333333;
        address goldThere = 0x4444444444444444444444444444444444444444;
        requests = new Request[](5);
        requests[0] = Request(0, AssetKind.Native, address(0xA11CE), address(0xB0B), native, goldThere, 1 ether);
        requests[1] = Request(1, AssetKind.ERC20, address(0xB0B), address(0xA11CE), gold, goldThere, 1);
        requests[2] = Request(2, AssetKind.ERC20, address(0xB0B), address(0xA11CE), gold, native, type(uint128).max);
        requests[3] = Request(
            3,
            AssetKind.ERC20,
            0xFFfFfFffFFfffFFfFFfFFFFFffFFFffffFfFFFfF,
            0x0000000000000000000000000000000000000001,
            gold,
            goldThere,
            0
        );
        requests[4] = Request(
            4,
            AssetKind.Native,
            0x0000000000000000000000000000000000000001,
            0xFFfFfFffFFfffFFfFFfFFFFFffFFFffffFfFFFfF,
            native,
            goldThere,
            type(uint256).max
        );
    }

    function _text() private returns (string memory) {
        // The contract itself computes, at the vectors' own address and chain.
        vm.chainId(DESTINATION_CHAIN);
        address[] memory members = new address[](1);
        members[0] = vm.addr(1);
        Timing memory timing = Timing(0, 0, 0, 1);
        bytes memory args = abi.encode(address(1), address(1), SOURCE_CHAIN, SOURCE, members, uint8(1), timing);
        vm.etch(DESTINATION, abi.encodePacked(vm.getCode("Bridge.sol:Bridge"), args));
        (bool ok, bytes memory runtime) = DESTINATION.call("");
        vm.assertTrue(ok, "constructed in place");
        vm.etch(DESTINATION, runtime);

        (string memory requests, bytes32[] memory heads) = _requestsText(IOwnedBridge(DESTINATION));
        (string memory checkpoints, string memory attestations) = _checkpointsText(IOwnedBridge(DESTINATION), heads);
        return string.concat(
            "{\n",
            _laneText(heads[0]),
            '  "requests": [\n',
            requests,
            '  ],\n  "checkpoints": [\n',
            checkpoints,
            '  ],\n  "attestations": [\n',
            attestations,
            "  ]\n}\n"
        );
    }

    function _laneText(bytes32 head) private pure returns (string memory) {
        return string.concat(
            '  "lane": {',
            _quoted("sourceChainId", vm.toString(SOURCE_CHAIN)),
            _quoted("sourceBridge", vm.toString(SOURCE)),
            _quoted("destinationChainId", vm.toString(DESTINATION_CHAIN)),
            _quoted("destinationBridge", vm.toString(DESTINATION)),
            '"head": "',
            vm.toString(head),
            '"},\n'
        );
    }

    function _requestsText(IOwnedBridge bridge) private view returns (string memory text, bytes32[] memory heads) {
        Request[] memory requests = _requests();
        heads = new bytes32[](requests.length + 1);
        (, LanePosition memory incoming,,) = bridge.positions();
        heads[0] = incoming.head;
        for (uint256 i = 0; i < requests.length; ++i) {
            bytes32 requestHash = bridge.requestHash(requests[i]);
            heads[i + 1] = LaneHead.link(heads[i], requestHash);
            text = string.concat(
                text,
                _requestText(requests[i]),
                _quoted("requestHash", vm.toString(requestHash)),
                '"head": "',
                vm.toString(heads[i + 1]),
                i + 1 == requests.length ? '"}\n' : '"},\n'
            );
        }
    }

    function _requestText(Request memory request) private pure returns (string memory) {
        return string.concat(
            '    {"nonce": ',
            vm.toString(request.nonce),
            ', "kind": ',
            vm.toString(uint256(request.kind)),
            ", ",
            _quoted("sender", vm.toString(request.sender)),
            _quoted("recipient", vm.toString(request.recipient)),
            _quoted("token", vm.toString(request.token)),
            _quoted("counterpartToken", vm.toString(request.counterpartToken)),
            _quoted("amount", vm.toString(request.amount))
        );
    }

    function _checkpointsText(IOwnedBridge bridge, bytes32[] memory heads)
        private
        view
        returns (string memory checkpoints, string memory attestations)
    {
        uint64[3] memory epochs = [uint64(1), 2, 1 << 32];
        uint64[3] memory counts = [uint64(1), 4, 5];
        for (uint256 i = 0; i < 3; ++i) {
            bytes32 head = heads[counts[i]];
            bytes32 digest = bridge.checkpointDigest(epochs[i], counts[i], head);
            checkpoints = string.concat(
                checkpoints,
                '    {"epoch": ',
                vm.toString(epochs[i]),
                ', "count": ',
                vm.toString(counts[i]),
                ", ",
                _quoted("head", vm.toString(head)),
                '"digest": "',
                vm.toString(digest),
                i == 2 ? '"}\n' : '"},\n'
            );
            attestations = string.concat(attestations, _attestationsText(i, digest));
        }
    }

    function _attestationsText(uint256 checkpoint, bytes32 digest) private view returns (string memory text) {
        for (uint256 k = 0; k < 3; ++k) {
            (bytes32 r, bytes32 vs) = vm.signCompact(_keys[k], digest);
            text = string.concat(
                text,
                '    {"checkpoint": ',
                vm.toString(checkpoint),
                ", ",
                _quoted("privateKey", vm.toString(bytes32(_keys[k]))),
                _quoted("signer", vm.toString(vm.addr(_keys[k]))),
                _quoted("r", vm.toString(r)),
                '"vs": "',
                vm.toString(vs),
                checkpoint == 2 && k == 2 ? '"}\n' : '"},\n'
            );
        }
    }

    function _quoted(string memory name, string memory value) private pure returns (string memory) {
        return string.concat('"', name, '": "', value, '", ');
    }
}
