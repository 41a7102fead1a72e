// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LaneHead} from "../src/libraries/LaneHead.sol";
import {AssetKind, LaneAmount, LanePosition, Payload, Request, Timing} from "../src/types/Types.sol";
import {IOwnedBridge} from "./support/IOwned.sol";
import {vm} from "./support/Vm.sol";

/// @title `vectors/hashes.json`, which forge and Rust both read, against the contracts
/// @dev Shape: hex strings are 0x-prefixed, amounts and chain ids decimal strings, small numbers plain.
///
///      lane          {sourceChainId, sourceBridge, destinationChainId, destinationBridge, head}: head(0)
///      requests      [{nonce, kind, sender, recipient, token, counterpartToken, amount, payload, requestHash,
///                    head}]: in the lane's order; `head` is the lane's after this request
///      payloads      [{ids, amounts, uri, data, payload}]: `payload` is their encoding
///      recoveries    [{epoch, from, to, digest}]: EIP-712 digests of `LaneRecovery`; `from` and `to` are indices
///                    into `checkpoints`, whose positions they name
///      releases      [{requestHash, to, deadline, digest}]: EIP-712 digests of `ReleaseTo`
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
        vm.assertGe(n, 7, "enough requests");
        _checkAttestations(json);
        vm.assertEq(vm.parseJsonBytes32(json, ".recoveries[0].digest"), _recoveryDigest(json), "recovery");
        vm.assertEq(vm.parseJsonBytes32(json, ".releases[0].digest"), _releaseDigest(json), "release");
    }

    function _recoveryDigest(string memory json) private pure returns (bytes32) {
        bytes32 struct_ = keccak256(
            abi.encode(
                keccak256(
                    "LaneRecovery(uint256 sourceChainId,address sourceBridge,uint64 epoch,uint64 fromCount,bytes32 fromHead,uint64 count,bytes32 head)"
                ),
                vm.parseJsonUint(json, ".lane.sourceChainId"),
                vm.parseJsonAddress(json, ".lane.sourceBridge"),
                vm.parseJsonUint(json, ".recoveries[0].epoch"),
                vm.parseJsonUint(json, ".checkpoints[0].count"),
                vm.parseJsonBytes32(json, ".checkpoints[0].head"),
                vm.parseJsonUint(json, ".checkpoints[1].count"),
                vm.parseJsonBytes32(json, ".checkpoints[1].head")
            )
        );
        return keccak256(abi.encodePacked(hex"1901", _domain(json), struct_));
    }

    function _releaseDigest(string memory json) private pure returns (bytes32) {
        bytes32 struct_ = keccak256(
            abi.encode(
                keccak256("ReleaseTo(bytes32 requestHash,address to,uint256 deadline)"),
                vm.parseJsonBytes32(json, ".releases[0].requestHash"),
                vm.parseJsonAddress(json, ".releases[0].to"),
                vm.parseJsonUint(json, ".releases[0].deadline")
            )
        );
        return keccak256(abi.encodePacked(hex"1901", _domain(json), struct_));
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
        bytes memory payload = vm.parseJsonBytes(json, _path(".requests", n, ".payload"));
        return keccak256(
            abi.encode(
                keccak256(
                    "Request(uint64 nonce,uint8 kind,address sender,address recipient,address token,address counterpartToken,uint256 amount,bytes32 payloadHash)"
                ),
                vm.parseJsonUint(json, _path(".requests", n, ".nonce")),
                vm.parseJsonUint(json, _path(".requests", n, ".kind")),
                vm.parseJsonAddress(json, _path(".requests", n, ".sender")),
                vm.parseJsonAddress(json, _path(".requests", n, ".recipient")),
                vm.parseJsonAddress(json, _path(".requests", n, ".token")),
                vm.parseJsonAddress(json, _path(".requests", n, ".counterpartToken")),
                vm.parseJsonUint(json, _path(".requests", n, ".amount")),
                payload.length == 0 ? bytes32(0) : keccak256(payload)
            )
        );
    }

    function _domain(string memory json) private pure returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Twinspan"),
                keccak256("1"),
                vm.parseJsonUint(json, ".lane.destinationChainId"),
                vm.parseJsonAddress(json, ".lane.destinationBridge")
            )
        );
    }

    function _digest(string memory json, uint256 checkpoint) private pure returns (bytes32) {
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
        return keccak256(abi.encodePacked(hex"1901", _domain(json), struct_));
    }

    function _path(string memory array, uint256 n, string memory field) private pure returns (string memory) {
        return string.concat(array, "[", vm.toString(n), "]", field);
    }

    // ---- the file, from the contracts -------------------------------------------------------------------------

    function _requests() private pure returns (Request[] memory requests) {
        address native = 0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE;
        address gold = 0x3333333333333333333333333333333333333333;
        address goldThere = 0x4444444444444444444444444444444444444444;
        address low = 0x0000000000000000000000000000000000000001;
        address high = 0xFFfFfFffFFfffFFfFFfFFFFFffFFFffffFfFFFfF;
        uint256 most = type(uint256).max;
        requests = new Request[](7);
        requests[0] = Request(
            0, AssetKind.Native, address(0xA11CE), address(0xB0B), native, goldThere, LaneAmount.wrap(1 ether), 0
        );
        requests[1] =
            Request(1, AssetKind.ERC20, address(0xB0B), address(0xA11CE), gold, goldThere, LaneAmount.wrap(1), 0);
        requests[2] =
            Request(2, AssetKind.ERC20, address(0xB0B), address(0xA11CE), gold, native, LaneAmount.wrap(1 << 112), 0);
        requests[3] = Request(3, AssetKind.ERC20, high, low, gold, goldThere, LaneAmount.wrap(0), 0);
        requests[4] = Request(
            4, AssetKind.Native, low, high, native, goldThere, LaneAmount.wrap(most), keccak256(_payloads()[2])
        );
        requests[5] =
            Request(5, AssetKind.ERC721, low, high, gold, goldThere, LaneAmount.wrap(1), keccak256(_payloads()[0]));
        requests[6] =
            Request(6, AssetKind.ERC1155, high, low, gold, goldThere, LaneAmount.wrap(7), keccak256(_payloads()[1]));
    }

    /// The payload of each request.
    function _payloadOf(uint256 request) private pure returns (bytes memory) {
        return request < 4 ? bytes("") : _payloads()[[2, 0, 1][request - 4]];
    }

    function _parts() private pure returns (Payload[3] memory parts) {
        parts[0].ids = new uint256[](1);
        parts[0].ids[0] = type(uint256).max;
        parts[0].uri = "ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi/1.json";
        parts[1].ids = new uint256[](2);
        (parts[1].ids[0], parts[1].ids[1]) = (3, 9);
        parts[1].amounts = new uint256[](2);
        (parts[1].amounts[0], parts[1].amounts[1]) = (5, 2);
        parts[2].data = hex"00c0ffee";
    }

    function _payloads() private pure returns (bytes[3] memory payloads) {
        Payload[3] memory parts = _parts();
        for (uint256 i = 0; i < 3; ++i) {
            payloads[i] = abi.encode(parts[i]);
        }
    }

    function _text() private returns (string memory) {
        // The contract itself computes, at the vectors' own address and chain.
        vm.chainId(DESTINATION_CHAIN);
        address[] memory members = new address[](1);
        members[0] = vm.addr(1);
        Timing memory timing = Timing(0, 0, 1);
        bytes memory args =
            abi.encode(address(1), address(1), address(1), SOURCE_CHAIN, SOURCE, members, uint8(1), timing);
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
            '  ],\n  "payloads": [\n',
            _payloadsText(),
            '  ],\n  "recoveries": [\n',
            _recoveryText(IOwnedBridge(DESTINATION), heads),
            '  ],\n  "releases": [\n',
            _releaseText(IOwnedBridge(DESTINATION)),
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
                _quoted("payload", vm.toString(_payloadOf(i))),
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
            _quoted("amount", vm.toString(LaneAmount.unwrap(request.amount)))
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

    function _payloadsText() private pure returns (string memory text) {
        Payload[3] memory parts = _parts();
        for (uint256 i = 0; i < 3; ++i) {
            text = string.concat(
                text,
                '    {"ids": ',
                _numbers(parts[i].ids),
                ', "amounts": ',
                _numbers(parts[i].amounts),
                ", ",
                _quoted("uri", parts[i].uri),
                _quoted("data", vm.toString(parts[i].data)),
                '"payload": "',
                vm.toString(abi.encode(parts[i])),
                i == 2 ? '"}\n' : '"},\n'
            );
        }
    }

    function _numbers(uint256[] memory numbers) private pure returns (string memory text) {
        for (uint256 i = 0; i < numbers.length; ++i) {
            text = string.concat(text, i == 0 ? '"' : ', "', vm.toString(numbers[i]), '"');
        }
        return string.concat("[", text, "]");
    }

    function _recoveryText(IOwnedBridge bridge, bytes32[] memory heads) private view returns (string memory) {
        LanePosition memory from = LanePosition(1, heads[1]);
        LanePosition memory to = LanePosition(4, heads[4]);
        return string.concat(
            '    {"epoch": 3, "from": 0, "to": 1, "digest": "', vm.toString(bridge.recoveryDigest(3, from, to)), '"}\n'
        );
    }

    function _releaseText(IOwnedBridge bridge) private view returns (string memory) {
        bytes32 requestHash = bridge.requestHash(_requests()[5]);
        uint256 deadline = 1_900_000_000;
        return string.concat(
            "    {",
            _quoted("requestHash", vm.toString(requestHash)),
            _quoted("to", vm.toString(SOURCE)),
            _quoted("deadline", vm.toString(deadline)),
            '"digest": "',
            vm.toString(bridge.releaseDigest(requestHash, SOURCE, deadline)),
            '"}\n'
        );
    }

    function _quoted(string memory name, string memory value) private pure returns (string memory) {
        return string.concat('"', name, '": "', value, '", ');
    }
}
