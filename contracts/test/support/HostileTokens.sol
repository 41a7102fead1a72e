// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token that can be told to misbehave when it moves
contract HostileToken is ERC20 {
    enum Mood {
        Plain,
        ReturnFalse,
        ReturnTwo,
        ReturnShort,
        TakeFee,
        Revert,
        Bomb,
        BurnGas,
        Reenter
    }

    Mood public mood;
    address private _target;
    bytes private _call;
    bool public reentered;

    constructor() ERC20("Hostile", "HST") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function setMood(Mood mood_) external {
        mood = mood_;
    }

    /// What `Reenter` calls, and whether the call came through ends in `reentered`.
    function setReentry(address target, bytes calldata call) external {
        (mood, _target, _call) = (Mood.Reenter, target, call);
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        _move(msg.sender, to, amount);
        return _answer();
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        _spendAllowance(from, msg.sender, amount);
        _move(from, to, amount);
        return _answer();
    }

    function _move(address from, address to, uint256 amount) private {
        if (mood == Mood.Revert) revert("no");
        if (mood == Mood.BurnGas) {
            while (true) {}
        }
        if (mood == Mood.ReturnFalse) return;
        if (mood == Mood.Reenter) {
            (bool ok,) = _target.call(_call);
            if (ok) reentered = true;
        }
        _transfer(from, to, mood == Mood.TakeFee ? amount - amount / 100 : amount);
    }

    function _answer() private view returns (bool) {
        if (mood == Mood.Bomb) {
            assembly ("memory-safe") {
                revert(0, 40000)
            }
        }
        if (mood == Mood.ReturnTwo) {
            assembly ("memory-safe") {
                mstore(0, 2)
                return(0, 32)
            }
        }
        if (mood == Mood.ReturnShort) {
            assembly ("memory-safe") {
                mstore(0, shl(248, 1))
                return(0, 1)
            }
        }
        return mood != Mood.ReturnFalse;
    }
}

/// @title A token that returns nothing when it moves, as the oldest ones do
contract SilentToken {
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external {
        allowance[msg.sender][spender] = amount;
    }

    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}
