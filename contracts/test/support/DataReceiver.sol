// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IHandoverReceiver} from "../../src/interfaces/IHandoverReceiver.sol";
import {Payload, Request} from "../../src/types/Types.sol";
import {ERC1155Holder} from "@openzeppelin/contracts/token/ERC1155/utils/ERC1155Holder.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC721Holder} from "@openzeppelin/contracts/token/ERC721/utils/ERC721Holder.sol";

/// @title A contract that receives handovers, writes down what it is told, and can be told to misbehave
contract DataReceiver is IHandoverReceiver, ERC721Holder, ERC1155Holder {
    enum Mood {
        Accept,
        Revert,
        /// Reverts with what it would answer.
        RevertWithAnswer,
        AnswerWrong,
        AnswerNothing,
        BurnGas,
        Bomb,
        /// Does not announce that it receives.
        Silent,
        /// Says yes to every interface, even the one that nobody has.
        SayYes,
        /// Burns what gas it gets when asked for interfaces.
        BurnProbe,
        /// Needs nearly all the gas that an ERC-165 probe gets.
        CostlyProbe,
        Reenter
    }

    Mood public mood;
    uint256 public calls;
    address public caller;
    uint256 public sourceChainId;
    uint256 public localAmount;
    /// keccak256 of request and payload as they came.
    bytes32 public told;
    /// What it held of the ERC-20 or the coin when it was called.
    uint256 public held;
    bool public reentered;
    address private _target;
    bytes private _call;

    receive() external payable {}

    function setMood(Mood mood_) external {
        mood = mood_;
    }

    function setReentry(address target, bytes calldata call) external {
        (mood, _target, _call) = (Mood.Reenter, target, call);
    }

    function onHandover(uint256 chainId, Request calldata request, uint256 local, Payload calldata payload)
        external
        returns (bytes4)
    {
        if (mood == Mood.Revert) revert("no");
        if (mood == Mood.RevertWithAnswer) {
            bytes32 answer = this.onHandover.selector;
            assembly ("memory-safe") {
                mstore(0, answer)
                revert(0, 32)
            }
        }
        if (mood == Mood.AnswerWrong) return 0xdeadbeef;
        if (mood == Mood.BurnGas) {
            while (true) {}
        }
        if (mood == Mood.AnswerNothing || mood == Mood.Bomb) {
            uint256 size = mood == Mood.Bomb ? 200_000 : 0;
            assembly ("memory-safe") {
                return(0, size)
            }
        }
        if (mood == Mood.Reenter) {
            (bool ok,) = _target.call(_call);
            if (ok) reentered = true;
        }
        ++calls;
        (caller, sourceChainId, localAmount) = (msg.sender, chainId, local);
        told = keccak256(abi.encode(request, payload));
        address token = request.counterpartToken;
        // The coin's stand-in has no code. An ERC-1155 has another balance, which nobody asks here.
        if (token.code.length == 0) held = address(this).balance;
        else if (payload.ids.length == 0) held = IERC20(token).balanceOf(address(this));
        return this.onHandover.selector;
    }

    function supportsInterface(bytes4 id) public view override returns (bool) {
        if (mood == Mood.BurnProbe) {
            while (true) {}
        }
        if (mood == Mood.CostlyProbe) {
            uint256 until = gasleft() - 20_000;
            while (gasleft() > until) {}
        }
        if (mood == Mood.SayYes) return true;
        if (id == type(IHandoverReceiver).interfaceId) return mood != Mood.Silent;
        return super.supportsInterface(id);
    }
}
