// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LanePosition, NATIVE_COIN, Request} from "../../src/types/Types.sol";
import {vm} from "../../test/support/Vm.sol";
import {svm} from "./Svm.sol";
import {SymbolicBridge} from "./SymbolicBridge.sol";

/// @title A recipient that calls the bridge again while it is paid
contract Reenterer {
    address private immutable _bridge;
    bytes private _data;
    bool public entered;

    constructor(address bridge, bytes memory data) {
        _bridge = bridge;
        _data = data;
    }

    receive() external payable {
        (bool done,) = _bridge.call(_data);
        if (done) entered = true;
    }
}

/// @title Value moves by one call at a time
contract ReentryProofs is SymbolicBridge {
    /// While a release pays, no request, delivery, release or return passes, with any input.
    function check_nothing_is_reentered_while_paying() public {
        _registerCoin(0);
        Request[] memory requests = _anyRequests(2, "parked");
        Reenterer recipient = new Reenterer(address(bridge), _anyCall(requests[1]));
        requests[0].recipient = address(recipient);
        requests[0].amount = 1;
        requests[1].amount = 1;
        vm.assume(_deliver(requests, _anyTail(0), _anyCertificate(2, "certificate")));
        vm.deal(address(this), 10);
        bridge.requestNative{value: 10}(BOB);
        vm.warp(START + 1 days);

        uint256 held = address(bridge).balance;
        LanePosition memory outgoing = _outgoing();
        LanePosition memory incoming = _incoming();
        vm.assume(_release(requests[0]));
        assert(!recipient.entered());
        assert(held - address(bridge).balance == 1);
        assert(_outgoing().count == outgoing.count && _incoming().count == incoming.count);
        assert(bridge.tokenFigures(NATIVE_COIN).parked == 1);
    }

    function _anyCall(Request memory parked) private returns (bytes memory) {
        uint256 act = svm.createUint(8, "act");
        if (act == 0) {
            Request[] memory requests = _anyRequests(1, "reentered");
            return abi.encodeCall(bridge.deliver, (requests, _anyTail(0), _anyCertificate(2, "reentered")));
        }
        if (act == 1) return abi.encodeCall(bridge.releaseParked, (parked));
        if (act == 2) return abi.encodeCall(bridge.returnParked, (parked));
        return abi.encodeCall(bridge.requestNative, (BOB));
    }
}
