// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title A recipient of the coin that can be told to misbehave
contract HostileRecipient {
    enum Mood {
        Plain,
        Revert,
        BurnGas,
        Bomb,
        Reenter,
        /// Accepts when it gets nearly a payout's whole allowance, and else fails at once.
        Demand
    }

    Mood public mood;
    address private _target;
    bytes private _call;
    uint256 private _value;
    /// Whether a re-entrant call came through.
    bool public reentered;

    function setMood(Mood mood_) external {
        mood = mood_;
    }

    /// What `Reenter` calls with `value` of coin. Whether it came through ends in `reentered`.
    function setReentry(address target, uint256 value, bytes calldata call) external {
        (mood, _target, _value, _call) = (Mood.Reenter, target, value, call);
    }

    receive() external payable {
        if (mood == Mood.Revert) revert("no");
        if (mood == Mood.BurnGas) {
            while (true) {}
        }
        if (mood == Mood.Bomb) {
            assembly ("memory-safe") {
                revert(0, 40000)
            }
        }
        if (mood == Mood.Reenter) {
            (bool ok,) = _target.call{value: _value}(_call);
            if (ok) reentered = true;
        }
        if (mood == Mood.Demand && gasleft() < 95_000) revert("starved");
    }
}
