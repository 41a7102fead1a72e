// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {BridgeMultiToken} from "../../src/tokens/BridgeMultiToken.sol";
import {BridgeNFT} from "../../src/tokens/BridgeNFT.sol";
import {AssetKind} from "../../src/types/Types.sol";
import {PairTest} from "./PairTest.sol";
import {TestMultiToken} from "./TestMultiToken.sol";
import {TestNFT} from "./TestNFT.sol";

/// @title A pair that also lists NFTs, locked on main and minted on service
abstract contract AssetPair is PairTest {
    TestNFT internal art;
    BridgeNFT internal artThere;
    TestMultiToken internal items;
    BridgeMultiToken internal itemsThere;

    function setUp() public virtual override {
        super.setUp();
        art = new TestNFT("Art", "ART");
        artThere = new BridgeNFT(address(serviceVault), "Art", "ART", NO_LIMIT);
        items = new TestMultiToken("ipfs://items/{id}");
        itemsThere = new BridgeMultiToken(address(serviceVault), "ipfs://items/{id}", NO_LIMIT);
        _pair(address(art), AssetKind.ERC721, address(artThere), AssetKind.ERC721);
        _pair(address(items), AssetKind.ERC1155, address(itemsThere), AssetKind.ERC1155);
    }
}
