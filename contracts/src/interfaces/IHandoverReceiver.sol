// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Payload, Request} from "../types/Types.sol";

/// @title A contract that acts on what it is handed over
/// @notice Announce it by ERC-165: `supportsInterface(type(IHandoverReceiver).interfaceId)` is true. A request whose
/// payload has data then calls the recipient after it was paid. If that call fails or answers anything else, the
/// assets are parked and the payout never was. Check that `msg.sender` is your vault, and `request.sender`.
interface IHandoverReceiver {
    /// `localAmount` of the request's counterpart token (NFTs: how many) has arrived, sent by `request.sender` on the
    /// chain `sourceChainId`. Returns its own selector.
    function onHandover(uint256 sourceChainId, Request calldata request, uint256 localAmount, Payload calldata payload)
        external
        returns (bytes4);
}
