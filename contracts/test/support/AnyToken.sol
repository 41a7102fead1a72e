// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title An ERC-20 of any kind that was ever met, from the moment on that it is told
contract AnyToken {
    enum Kind {
        Plain,
        ReturnsNothing,
        ReturnsFalse,
        MovesAndReturnsFalse,
        ReturnsTwo,
        ReturnsOneByte,
        ReturnsMuch,
        Reverts,
        RevertsWithMuch,
        BurnsGas,
        TakesFee,
        GivesBonus,
        MovesNothing,
        IsPaused,
        BlocksReceiver,
        CallsBeforeMoving,
        CallsAfterMoving,
        BalanceReverts,
        BalanceIsZero,
        BalanceIsHuge,
        BalanceReturnsMuch,
        DecimalsRevert,
        /// Moves, and burns what gas it has but for `leaves`.
        LeavesLittleGas,
        RebasesUp,
        RebasesDown
    }

    error AnyToken_Paused();
    error AnyToken_Blocked(address receiver);

    Kind public kind;
    uint256 public leaves;
    /// The truth, whatever `balanceOf` says.
    mapping(address holder => uint256) public balances;
    mapping(address holder => mapping(address spender => uint256)) public allowance;
    /// Whether a call made while moving came through, and how many were tried.
    bool public reentered;
    uint256 public tried;
    address[] private _targets;
    bytes[] private _calls;

    function setKind(Kind kind_) external {
        kind = kind_;
    }

    function setLeaves(uint256 gasLeft) external {
        (kind, leaves) = (Kind.LeavesLittleGas, gasLeft);
    }

    /// One more call that it makes while moving.
    function addReentry(address target, bytes calldata call) external {
        _targets.push(target);
        _calls.push(call);
    }

    /// Makes its calls now, each alone.
    function act() external returns (bool all) {
        all = true;
        for (uint256 i = 0; i < _calls.length; ++i) {
            (bool ok,) = _targets[i].call(_calls[i]);
            all = all && ok;
        }
    }

    function mint(address to, uint256 amount) external {
        balances[to] += amount;
    }

    /// What a rebase does to one holder.
    function rebase(address holder) external {
        if (kind == Kind.RebasesUp) balances[holder] *= 2;
        if (kind == Kind.RebasesDown) balances[holder] /= 2;
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        return true;
    }

    function decimals() external view returns (uint8) {
        require(kind != Kind.DecimalsRevert);
        return 18;
    }

    function balanceOf(address holder) external view returns (uint256) {
        if (kind == Kind.BalanceReverts) revert("no");
        if (kind == Kind.BalanceIsZero) return 0;
        if (kind == Kind.BalanceIsHuge) return type(uint256).max;
        if (kind == Kind.BalanceReturnsMuch) _answer(balances[holder], 200_000);
        return balances[holder];
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        return _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        allowance[from][msg.sender] -= amount;
        return _move(from, to, amount);
    }

    function _move(address from, address to, uint256 amount) private returns (bool) {
        _refuse(to);
        if (kind == Kind.CallsBeforeMoving) _reenter();
        if (kind != Kind.MovesNothing) {
            balances[from] -= amount;
            if (kind == Kind.TakesFee) amount -= amount / 100;
            if (kind == Kind.GivesBonus) amount += 1;
            balances[to] += amount;
        }
        if (kind == Kind.CallsAfterMoving) _reenter();
        if (kind == Kind.LeavesLittleGas) {
            while (gasleft() > leaves) {}
        }
        if (kind == Kind.ReturnsNothing) _answer(0, 0);
        if (kind == Kind.ReturnsTwo) _answer(2, 32);
        if (kind == Kind.ReturnsOneByte) _answer(1 << 248, 1);
        if (kind == Kind.ReturnsMuch) _answer(1, 200_000);
        return kind != Kind.MovesAndReturnsFalse;
    }

    function _refuse(address to) private view {
        if (kind == Kind.Reverts) revert("no");
        if (kind == Kind.IsPaused) revert AnyToken_Paused();
        if (kind == Kind.BlocksReceiver) revert AnyToken_Blocked(to);
        if (kind == Kind.ReturnsFalse) _answer(0, 32);
        if (kind == Kind.RevertsWithMuch) {
            assembly ("memory-safe") {
                revert(0, 200000)
            }
        }
        if (kind == Kind.BurnsGas) {
            while (true) {}
        }
    }

    function _answer(uint256 word, uint256 size) private pure {
        assembly ("memory-safe") {
            mstore(0, word)
            return(0, size)
        }
    }

    function _reenter() private {
        for (uint256 i = 0; i < _calls.length; ++i) {
            ++tried;
            (bool ok,) = _targets[i].call(_calls[i]);
            if (ok) reentered = true;
        }
    }
}
