// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IHandoverReceiver} from "../../src/interfaces/IHandoverReceiver.sol";
import {Payload, Request} from "../../src/types/Types.sol";
import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";

/// @title A contract that receives handovers and remembers the last one, unless told to refuse
contract HandoverLog is IHandoverReceiver, ERC165 {
    /// The data is refused.
    error HandoverLog_Refused();

    bool public refusing;
    uint256 public count;
    uint256 public sourceChainId;
    address public sender;
    uint256 public amount;
    bytes public data;

    /// Refuses or accepts from now on. Anyone may say.
    function setRefusing(bool refusing_) external {
        refusing = refusing_;
    }

    /// @inheritdoc IHandoverReceiver
    function onHandover(uint256 sourceChainId_, Request calldata request, uint256 localAmount, Payload calldata payload)
        external
        returns (bytes4)
    {
        if (refusing) revert HandoverLog_Refused();
        ++count;
        (sourceChainId, sender, amount, data) = (sourceChainId_, request.sender, localAmount, payload.data);
        return this.onHandover.selector;
    }

    function supportsInterface(bytes4 id) public view override returns (bool) {
        return id == type(IHandoverReceiver).interfaceId || super.supportsInterface(id);
    }
}
