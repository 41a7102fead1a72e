// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IHandoverReceiver} from "../../src/interfaces/IHandoverReceiver.sol";
import {Payload, Request} from "../../src/types/Types.sol";
import {IERC1155Receiver} from "@openzeppelin/contracts/token/ERC1155/IERC1155Receiver.sol";
import {IERC721Receiver} from "@openzeppelin/contracts/token/ERC721/IERC721Receiver.sol";

/// @title Who wants to know, in the middle of a payout
interface IProbe {
    function onCallback() external;
}

/// @title A recipient that reports to a probe whenever it is called, and can be told to misbehave then
contract ProbingRecipient is IHandoverReceiver, IERC721Receiver, IERC1155Receiver {
    enum Mood {
        Plain,
        Reenter,
        Revert,
        Bomb,
        BurnGas
    }

    IProbe private immutable _probe;
    Mood public mood;
    uint256 private _chainId;
    address private _target;
    uint256 private _value;
    bytes private _call;

    constructor(IProbe probe) {
        _probe = probe;
    }

    function setMood(Mood mood_) external {
        mood = mood_;
    }

    /// What it calls when it re-enters, on the chain `chainId`.
    function setReentry(uint256 chainId, address target, uint256 value, bytes calldata call) external {
        (mood, _chainId, _target, _value, _call) = (Mood.Reenter, chainId, target, value, call);
    }

    receive() external payable {
        _act();
    }

    function onHandover(uint256, Request calldata, uint256, Payload calldata) external returns (bytes4) {
        _act();
        return this.onHandover.selector;
    }

    function onERC721Received(address, address, uint256, bytes calldata) external returns (bytes4) {
        _act();
        return this.onERC721Received.selector;
    }

    function onERC1155Received(address, address, uint256, uint256, bytes calldata) external returns (bytes4) {
        _act();
        return this.onERC1155Received.selector;
    }

    function onERC1155BatchReceived(address, address, uint256[] calldata, uint256[] calldata, bytes calldata)
        external
        returns (bytes4)
    {
        _act();
        return this.onERC1155BatchReceived.selector;
    }

    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == 0x01ffc9a7 || id == type(IHandoverReceiver).interfaceId || id == type(IERC721Receiver).interfaceId
            || id == type(IERC1155Receiver).interfaceId;
    }

    function _act() private {
        _probe.onCallback();
        if (mood == Mood.Revert) revert("no");
        if (mood == Mood.Bomb) {
            assembly ("memory-safe") {
                revert(0, 40000)
            }
        }
        if (mood == Mood.BurnGas) {
            while (true) {}
        }
        if (mood == Mood.Reenter && block.chainid == _chainId) {
            (bool ok,) = _target.call{value: _value}(_call);
            if (ok) _probe.onCallback();
        }
    }
}
