// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AssetKind, Custody, LaneAmount, LanePosition, NATIVE_COIN, Request} from "../../src/types/Types.sol";
import {vm} from "../../test/support/Vm.sol";
import {svm} from "./Svm.sol";
import {SymbolicBridge} from "./SymbolicBridge.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A recipient that calls the bridge or the vault again while it is paid
contract Reenterer {
    address private _target;
    bytes private _data;
    bool public entered;

    function arm(address target, bytes calldata data) external {
        (_target, _data) = (target, data);
    }

    receive() external payable {
        (bool done,) = _target.call(_data);
        if (done) entered = true;
    }
}

/// @title A token that calls the vault again, once, while it is fetched
contract ReenteringToken is ERC20 {
    bool private _armed;
    address private _target;
    bytes private _data;
    bool public entered;

    constructor() ERC20("Hook", "HK") {
        _mint(msg.sender, 1 << 100);
    }

    function arm(address target, bytes calldata data) external {
        (_armed, _target, _data) = (true, target, data);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        if (_armed) {
            _armed = false;
            (bool done,) = _target.call(_data);
            if (done) entered = true;
        }
        return super.transferFrom(from, to, amount);
    }
}

/// @title Value moves by one call at a time
contract ReentryProofs is SymbolicBridge {
    /// While a release pays, no request, delivery, release or return passes, with any input. What else is parked is the
    /// caller's own: it may return that without waiting.
    function check_nothing_is_reentered_while_paying() public {
        _registerCoin(0);
        Reenterer recipient = new Reenterer();
        Request[] memory requests = _anyRequests(2, "parked");
        for (uint256 i = 0; i < requests.length; ++i) {
            requests[i].recipient = address(recipient);
            requests[i].amount = LaneAmount.wrap(1);
        }
        (address target, bytes memory call) = _anyCall(requests[1]);
        recipient.arm(target, call);
        _deliverAny(requests);
        _lockCoin(10);
        vm.warp(START + 1 days);

        uint256 held = address(vault).balance;
        LanePosition memory outgoing = _outgoing();
        LanePosition memory incoming = _incoming();
        vm.assume(_release(requests[0]));
        assert(!recipient.entered());
        assert(held - address(vault).balance == 1 && LaneAmount.unwrap(vault.custodyOf(NATIVE_COIN)) == held - 1);
        assert(_outgoing().count == outgoing.count && _incoming().count == incoming.count);
        assert(LaneAmount.unwrap(bridge.parkedAmount(NATIVE_COIN)) == 1);
    }

    function _anyCall(Request memory parked) private returns (address target, bytes memory) {
        uint256 act = svm.createUint(8, "act");
        target = address(bridge);
        if (act == 0) {
            Request[] memory requests = _anyRequests(1, "reentered");
            bytes[] memory payloads = new bytes[](0);
            return (
                target,
                abi.encodeCall(bridge.deliver, (requests, payloads, _anyTail(0), _anyCertificate(2, "reentered")))
            );
        }
        if (act == 1) return (target, abi.encodeCall(bridge.releaseParked, (parked, "")));
        if (act == 2) return (target, abi.encodeCall(bridge.returnParked, (parked, "")));
        if (act == 3) return (target, abi.encodeCall(bridge.link, (parked, "")));
        target = address(vault);
        if (act == 4) {
            return (target, abi.encodeCall(vault.transferOut, (NATIVE_COIN, LaneAmount.wrap(1), BOB, 0, COIN_THERE)));
        }
        return (target, abi.encodeCall(vault.requestNative, (BOB, 0, "")));
    }

    /// While a request fetches its token, no other request and no collection of fees passes.
    function check_no_request_within_a_request() public {
        ReenteringToken token = new ReenteringToken();
        _register(address(token), address(0x40CC), AssetKind.ERC20, Custody.Lock);
        token.approve(address(vault), 1 << 100);
        uint256 act = svm.createUint(8, "act");
        uint256 amount = _anyUnits("amount");
        bytes memory hook = abi.encodePacked(BOB, amount);
        bytes memory call;
        if (act == 0) {
            call = abi.encodeCall(vault.requestERC20, (address(token), BOB, amount, 0, ""));
        } else if (act == 1) {
            call = abi.encodeWithSignature("onTransferReceived(address,address,uint256,bytes)", BOB, BOB, amount, hook);
        } else if (act == 2) {
            call = abi.encodeCall(vault.collectFees, (address(token)));
        } else {
            call = abi.encodeWithSignature("onERC721Received(address,address,uint256,bytes)", BOB, BOB, amount, hook);
        }
        token.arm(address(vault), call);
        uint256 sent = _anyUnits("sent");
        vault.requestERC20(address(token), BOB, sent, 0, "");
        assert(!token.entered());
        assert(LaneAmount.unwrap(vault.custodyOf(address(token))) == sent && token.balanceOf(address(vault)) == sent);
        assert(_outgoing().count == 1);
    }
}
