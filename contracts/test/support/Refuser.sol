// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../../src/interfaces/IBridge.sol";
import {Request} from "../../src/types/Types.sol";

/// @title A recipient that refuses the coin until told otherwise
contract Refuser {
    /// The coin is refused.
    error Refuser_Refused();

    bool public accepting;

    receive() external payable {
        if (!accepting) revert Refuser_Refused();
    }

    /// Accepts or refuses from now on. Anyone may say.
    function setAccepting(bool accepting_) external {
        accepting = accepting_;
    }

    /// Sends a handover parked for this contract back, as its recipient.
    function returnParked(IBridge bridge, Request calldata request, bytes calldata payload) external returns (uint64) {
        return bridge.returnParked(request, payload);
    }
}
