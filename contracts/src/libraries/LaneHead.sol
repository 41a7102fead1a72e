// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Request} from "../types/Types.sol";
import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

/// @title The hash chain over a lane's requests
/// @dev head(0) = keccak256(abi.encode(LANE_TYPEHASH, lane)); head(n + 1) = keccak256(head(n) ‖ requestHash(n)).
library LaneHead {
    bytes32 internal constant LANE_TYPEHASH = keccak256(
        "Lane(uint256 sourceChainId,address sourceBridge,uint256 destinationChainId,address destinationBridge)"
    );
    bytes32 internal constant REQUEST_TYPEHASH = keccak256(
        "Request(uint64 nonce,uint8 kind,address sender,address recipient,address token,address counterpartToken,uint256 amount,bytes32 payloadHash)"
    );

    /// Eight words.
    uint256 private constant REQUEST_BYTES = 0x100;

    /// The head of a lane that has no request yet.
    function origin(uint256 sourceChainId, address sourceBridge, uint256 destinationChainId, address destinationBridge)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(LANE_TYPEHASH, sourceChainId, sourceBridge, destinationChainId, destinationBridge));
    }

    /// The hash that a request adds to its lane.
    function hash(Request memory request) internal pure returns (bytes32) {
        return keccak256(abi.encode(REQUEST_TYPEHASH, request));
    }

    /// The same, of a request that lies in calldata.
    /// @dev A request is static, so its calldata is its encoding already. Words with dirty upper bits are hashed as
    /// they stand: no source bridge ever linked such a hash.
    function hashCalldata(Request calldata request) internal pure returns (bytes32 requestHash) {
        bytes32 typehash = REQUEST_TYPEHASH;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, typehash)
            calldatacopy(add(free, 0x20), request, REQUEST_BYTES)
            requestHash := keccak256(free, add(REQUEST_BYTES, 0x20))
        }
    }

    /// The hash of an encoded payload as a request carries it: zero when there is none.
    function payloadHash(bytes memory payload) internal pure returns (bytes32) {
        return payload.length == 0 ? bytes32(0) : keccak256(payload);
    }

    /// The head after one more request.
    function link(bytes32 head, bytes32 requestHash) internal pure returns (bytes32) {
        return Hashes.efficientKeccak256(head, requestHash);
    }

    /// The head after all of `requestHashes`.
    function linkAll(bytes32 head, bytes32[] calldata requestHashes) internal pure returns (bytes32) {
        for (uint256 i = 0; i < requestHashes.length; ++i) {
            head = link(head, requestHashes[i]);
        }
        return head;
    }
}
