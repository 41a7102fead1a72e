// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LanePosition, NATIVE_COIN, Request} from "../../src/types/Types.sol";
import {vm} from "../../test/support/Vm.sol";
import {svm} from "./Svm.sol";
import {SymbolicBridge} from "./SymbolicBridge.sol";

/// @title What is parked ends once
contract ParkedProofs is SymbolicBridge {
    /// S4: of a parked handover, whatever it is, one release or one return passes; after it no call of either does for
    /// the same nonce, with any content.
    function check_released_xor_returned() public {
        Request memory parked = _park(2);
        bool released = svm.createBool("release first");
        vm.assume(released ? _release(parked) : _return(parked));

        Request memory again = _anyCoinRequest("again");
        vm.assume(again.nonce == parked.nonce);
        assert(!(svm.createBool("release then") ? _release(again) : _return(again)));
    }

    /// A release or a return takes the very request that was parked, and pays or links nothing else.
    function check_only_the_parked_request_is_released_or_returned() public {
        Request memory parked = _park();
        Request memory other = _anyCoinRequest("other");
        other.recipient = svm.createAddress("recipient");
        vm.assume(keccak256(abi.encode(other)) != keccak256(abi.encode(parked)));
        assert(!(svm.createBool("release") ? _release(other) : _return(other)));
    }

    /// Released: the bridge pays the amount. Returned: it pays nothing and links one request back.
    function check_a_release_pays_and_a_return_links() public {
        Request memory parked = _park();
        uint256 held = address(bridge).balance;
        LanePosition memory outgoing = _outgoing();
        bool release = svm.createBool("release");
        vm.assume(release ? _release(parked) : _return(parked));
        assert(held - address(bridge).balance == (release ? parked.amount : 0));
        assert(_outgoing().count == outgoing.count + (release ? 0 : 1));
        assert(bridge.tokenFigures(NATIVE_COIN).parked == 0);
    }

    /// A request that this bridge parked for want of coin, which has come since. Its wait for a return is over.
    function _park() private returns (Request memory) {
        return _park(1);
    }

    /// The first of `length` of them. What is owed to the others must not pay it twice.
    function _park(uint256 length) private returns (Request memory) {
        _registerCoin(0);
        Request[] memory requests = _anyRequests(length, "parked");
        for (uint256 i = 0; i < length; ++i) {
            requests[i].amount = 1 + svm.createUint(96, "amount");
        }
        vm.assume(_deliver(requests, _anyTail(0), _anyCertificate(2, "certificate")));
        vm.assume(bridge.parkedHandover(0).requestHash != 0);
        vm.deal(address(this), 1 << 100);
        bridge.requestNative{value: 1 << 100}(BOB);
        vm.warp(START + 1 days);
        return requests[0];
    }
}
