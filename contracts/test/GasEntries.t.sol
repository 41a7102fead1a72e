// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AssetKind, Custody, Direction, Fee, Limits} from "../src/types/Types.sol";
import {AssetTest} from "./support/AssetTest.sol";
import {TestOneStepToken} from "./support/TestOneStepToken.sol";
import {vm} from "./support/Vm.sol";

/// @title What each way of asking costs, and each setting: whole transactions, as in `docs/contracts.md`
/// forge-config: default.isolate = true
contract GasEntriesTest is AssetTest {
    uint256 private constant AMOUNT = 123.456789 ether;

    function test_gas_of_asking_with_nfts() public {
        _at(main);
        _warmUp();
        vm.prank(ALICE);
        mainVault.requestERC721(address(art), BOB, 2, "");
        vm.snapshotGasLastCall("request_erc721");
        vm.prank(ALICE);
        art.safeTransferFrom(ALICE, address(mainVault), 3, abi.encodePacked(BOB));
        vm.snapshotGasLastCall("request_erc721_hook");
        vm.prank(ALICE);
        mainVault.requestERC1155(address(items), BOB, _two(1, 2), _two(5, 6), "");
        vm.snapshotGasLastCall("request_erc1155_two_ids");
    }

    function _two(uint256 first, uint256 second) private pure returns (uint256[] memory list) {
        list = new uint256[](2);
        (list[0], list[1]) = (first, second);
    }

    function _warmUp() private {
        for (uint256 id = 1; id < 4; ++id) {
            art.mint(ALICE, id, "ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi/1.json");
            items.mint(ALICE, id, 100);
        }
        vm.startPrank(ALICE);
        art.setApprovalForAll(address(mainVault), true);
        items.setApprovalForAll(address(mainVault), true);
        mainVault.requestERC721(address(art), BOB, 1, "");
        mainVault.requestERC1155(address(items), BOB, _two(1, 3), _two(5, 6), "");
        vm.stopPrank();
    }

    function test_gas_of_a_fee_and_data() public {
        _sendGold(BOB, AMOUNT);
        vm.prank(OWNER);
        mainVault.setFee(address(gold), Fee({flat: 100, rate: 25}));
        vm.snapshotGasLastCall("set_fee");
        gold.mint(ALICE, 4 * AMOUNT);
        vm.prank(ALICE);
        gold.approve(address(mainVault), 4 * AMOUNT);
        _at(main);
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(ALICE);
            mainVault.requestERC20(address(gold), BOB, AMOUNT, AMOUNT, "");
        }
        vm.snapshotGasLastCall("request_erc20_with_fee");
        vm.prank(ALICE);
        mainVault.requestERC20(address(gold), BOB, AMOUNT, AMOUNT, "deposit 17");
        vm.snapshotGasLastCall("request_erc20_with_fee_and_data");
        mainVault.collectFees(address(gold));
        vm.snapshotGasLastCall("collect_fees");
    }

    function test_gas_of_settings() public {
        Limits memory limits = Limits(1e15, 1e27, 1e27, 1 days, NO_LIMIT, 2_500, 100);
        vm.prank(OWNER);
        mainVault.setLimits(address(gold), Direction.Outgoing, limits);
        vm.snapshotGasLastCall("set_limits");
        TestOneStepToken fresh = new TestOneStepToken("Fresh", "FRS");
        vm.prank(OWNER);
        mainVault.registerToken(address(fresh), _config(address(1), AssetKind.ERC20, Custody.Lock));
        vm.snapshotGasLastCall("register_token");
        vm.prank(GUARDIAN);
        mainVault.setTokenEnabled(address(gold), false);
        vm.snapshotGasLastCall("set_token_enabled");
        vm.prank(GUARDIAN);
        main.pause();
        vm.snapshotGasLastCall("pause");
        vm.prank(GUARDIAN);
        main.revokeRelayer(members[0]);
        vm.snapshotGasLastCall("revoke_relayer");
    }
}
