// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title A recipient of any kind that was ever met, whatever it is called with
contract AnyRecipient {
    enum Kind {
        /// Takes everything, and gives each hook the answer it wants.
        Plain,
        Reverts,
        RevertsWithMuch,
        ReturnsMuch,
        BurnsGas,
        /// Takes coin, and answers no hook.
        AnswersNothing,
        AnswersWrong,
        Reenters
    }

    Kind public kind;
    bool public reentered;
    bool public tried;
    address private _target;
    uint256 private _value;
    bytes private _call;

    function setKind(Kind kind_) external {
        kind = kind_;
    }

    function setReentry(address target, uint256 value, bytes calldata call) external {
        (kind, _target, _value, _call) = (Kind.Reenters, target, value, call);
        (reentered, tried) = (false, false);
    }

    /// Makes its call now.
    function act() external returns (bool ok) {
        (ok,) = _target.call{value: _value}(_call);
    }

    receive() external payable {
        _meet();
    }

    fallback() external {
        _meet();
        // `onERC721Received` and its kin want their own selector back.
        bytes32 answer = kind == Kind.AnswersWrong ? bytes32(bytes4(0xdeadbeef)) : bytes32(msg.sig);
        uint256 size = kind == Kind.AnswersNothing ? 0 : 32;
        assembly ("memory-safe") {
            mstore(0, answer)
            return(0, size)
        }
    }

    function _meet() private {
        if (kind == Kind.Reverts) revert("no");
        if (kind == Kind.RevertsWithMuch) {
            assembly ("memory-safe") {
                revert(0, 200000)
            }
        }
        if (kind == Kind.ReturnsMuch) {
            assembly ("memory-safe") {
                mstore(0, shl(224, shr(224, calldataload(0))))
                return(0, 200000)
            }
        }
        if (kind == Kind.BurnsGas) {
            while (true) {}
        }
        if (kind == Kind.Reenters) {
            tried = true;
            (bool ok,) = _target.call{value: _value}(_call);
            if (ok) reentered = true;
        }
    }
}
