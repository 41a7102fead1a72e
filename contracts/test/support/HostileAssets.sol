// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {TestNFT} from "./TestNFT.sol";
import {TestOneStepToken} from "./TestOneStepToken.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

/// @title An ERC-721 that can be told to misbehave
contract HostileNFT is TestNFT {
    enum Mood {
        Plain,
        /// Has no `tokenURI`.
        UriMissing,
        UriReverts,
        /// Answers that its URI begins where nothing is.
        UriMalformed,
        /// Answers more than anyone has gas to copy.
        UriBomb,
        /// Says that everybody owns everything, and moves nothing.
        OwnerLies,
        OwnerReverts,
        Reverts,
        Reenters
    }

    Mood public mood;
    address private _target;
    bytes private _call;
    bool public reentered;

    constructor() TestNFT("Hostile", "HST") {}

    function setMood(Mood mood_) external {
        mood = mood_;
    }

    function setReentry(address target, bytes calldata call) external {
        (mood, _target, _call) = (Mood.Reenters, target, call);
    }

    function tokenURI(uint256 id) public view override returns (string memory) {
        if (mood == Mood.UriMissing) {
            assembly ("memory-safe") {
                revert(0, 0)
            }
        }
        if (mood == Mood.UriReverts) revert("no");
        if (mood == Mood.UriMalformed) {
            assembly ("memory-safe") {
                mstore(0, 0xffff)
                return(0, 32)
            }
        }
        if (mood == Mood.UriBomb) {
            assembly ("memory-safe") {
                mstore(0, 0x20)
                mstore(0x20, 2000000)
                return(0, 2000064)
            }
        }
        return super.tokenURI(id);
    }

    function ownerOf(uint256 id) public view override(ERC721, IERC721) returns (address) {
        if (mood == Mood.OwnerLies) return msg.sender;
        if (mood == Mood.OwnerReverts) revert("no");
        return super.ownerOf(id);
    }

    function transferFrom(address from, address to, uint256 id) public override(ERC721, IERC721) {
        if (mood == Mood.Reverts) revert("no");
        if (mood == Mood.OwnerLies) return;
        if (mood == Mood.Reenters) {
            (bool ok,) = _target.call(_call);
            if (ok) reentered = true;
        }
        super.transferFrom(from, to, id);
    }
}

/// @title An ERC-1363 that keeps a hundredth of each transfer and tells its receiver of the whole
contract FeeHookToken is TestOneStepToken {
    constructor() TestOneStepToken("Fee", "FEE") {}

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0)) super._update(to, address(0), amount / 100);
    }
}

/// @title A collection in which `transfer` moves an id, as in those older than ERC-721
contract OldNFT is TestNFT {
    constructor() TestNFT("Old", "OLD") {}

    function transfer(address to, uint256 id) external {
        _transfer(msg.sender, to, id);
    }
}

/// @title An ERC-20 that does not say its decimals
contract NoDecimalsToken is TestOneStepToken {
    constructor() TestOneStepToken("Bare", "BARE") {}

    function decimals() public pure override returns (uint8) {
        revert("none");
    }
}
