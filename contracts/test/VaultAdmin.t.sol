// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../src/interfaces/IBridge.sol";
import {IGoverned} from "../src/interfaces/IGoverned.sol";
import {IVault} from "../src/interfaces/IVault.sol";
import {BridgeToken} from "../src/tokens/BridgeToken.sol";
import {
    AssetKind,
    Custody,
    Direction,
    Fee,
    LaneAmount,
    Limits,
    NATIVE_COIN,
    ParkReason,
    Request,
    TokenConfig
} from "../src/types/Types.sol";
import {EveryAssetTest} from "./support/EveryAsset.sol";
import {IOwnedVault} from "./support/IOwned.sol";
import {TestToken} from "./support/TestToken.sol";
import {Vm, vm} from "./support/Vm.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// @title Who may set what of a vault: roles, tokens, fees
contract VaultAdminTest is EveryAssetTest {
    // ---- roles ------------------------------------------------------------------------------------------------

    function test_only_the_owner_loosens() public {
        address[4] memory others = [GUARDIAN, MALLORY, members[0], address(main)];
        TokenConfig memory config = _config(BOB, AssetKind.ERC20, Custody.Lock);
        for (uint256 i = 0; i < others.length; ++i) {
            bytes memory refused = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, others[i]);
            vm.startPrank(others[i]);
            vm.expectRevert(refused);
            mainVault.registerToken(address(gold), config);
            vm.expectRevert(refused);
            mainVault.setFee(address(gold), Fee(1, 1));
            vm.expectRevert(refused);
            mainVault.setFeeReceiver(others[i]);
            vm.expectRevert(refused);
            mainVault.serve(address(main));
            vm.expectRevert(refused);
            mainVault.retire(address(main));
            vm.expectRevert(refused);
            mainVault.setGuardian(others[i]);
            vm.expectRevert(refused);
            mainVault.transferOwnership(others[i]);
            vm.expectRevert(abi.encodeWithSelector(IGoverned.Governed_CallerRefused.selector, others[i]));
            mainVault.setTokenEnabled(address(gold), true);
            vm.stopPrank();
        }
    }

    function test_strangers_tighten_nothing_either() public {
        Limits memory none = Limits(0, 0, 0, 1, 0, 10_000, 0);
        address[3] memory others = [MALLORY, members[0], address(main)];
        for (uint256 i = 0; i < others.length; ++i) {
            bytes memory refused = abi.encodeWithSelector(IGoverned.Governed_CallerRefused.selector, others[i]);
            vm.startPrank(others[i]);
            vm.expectRevert(refused);
            mainVault.setTokenEnabled(address(gold), false);
            vm.expectRevert(refused);
            mainVault.setLimits(address(gold), Direction.Incoming, none);
            vm.stopPrank();
        }
    }

    function test_construction_refuses_endless_delays_and_zero_addresses() public {
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_DelayInvalid.selector, 365 days + 1, 365 days));
        _deployVault(OWNER, GUARDIAN, 365 days + 1);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableInvalidOwner.selector, address(0)));
        _deployVault(address(0), GUARDIAN, 0);
        vm.expectRevert(IGoverned.Governed_AddressZero.selector);
        _deployVault(OWNER, address(0), 0);
        vm.assertEq(_deployVault(OWNER, GUARDIAN, 365 days).largeDelay(), 365 days);
    }

    /// Storage that nobody ever wrote pays nothing and takes nothing.
    function test_a_blank_vault_accepts_nothing() public {
        IOwnedVault blank = IOwnedVault(address(0xB1A));
        vm.etch(address(blank), address(mainVault).code);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_BridgeRefused.selector, address(this)));
        blank.transferOut(address(gold), LaneAmount.wrap(0), ALICE, 0, address(0));
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_TokenUnregistered.selector, address(gold)));
        blank.requestERC20(address(gold), BOB, 1, 0, "");
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(this)));
        blank.serve(address(main));
    }

    /// Who watches the vault learns every setting from its events.
    function test_every_change_is_told() public {
        TokenConfig memory config = _config(BOB, AssetKind.ERC20, Custody.Lock);
        Limits memory limits = Limits(1, 9, 20, 1 days, 5, 100, 50);
        vm.recordLogs();
        vm.startPrank(OWNER);
        mainVault.registerToken(address(gold), config);
        mainVault.setLimits(address(gold), Direction.Incoming, limits);
        mainVault.setTokenEnabled(address(gold), false);
        mainVault.setFee(address(gold), Fee(1, 2));
        mainVault.setFeeReceiver(BOB);
        mainVault.setGuardian(BOB);
        vm.stopPrank();
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 6);
        _assertLog(logs[0], IVault.TokenRegistered.selector, address(gold), abi.encode(config));
        _assertLog(logs[1], IVault.LimitsChanged.selector, address(gold), abi.encode(limits));
        vm.assertEq(logs[1].topics[2], bytes32(uint256(Direction.Incoming)), "direction");
        _assertLog(logs[2], IVault.TokenEnabled.selector, address(gold), abi.encode(false));
        _assertLog(logs[3], IVault.FeeChanged.selector, address(gold), abi.encode(Fee(1, 2)));
        _assertLog(logs[4], IVault.FeeReceiverChanged.selector, BOB, "");
        _assertLog(logs[5], IGoverned.GuardianChanged.selector, BOB, "");
    }

    function _assertLog(Vm.Log memory log, bytes32 topic, address subject, bytes memory data) private pure {
        vm.assertEq(log.topics[0], topic, "event");
        vm.assertEq(log.topics[1], bytes32(uint256(uint160(subject))), "of what");
        vm.assertEq(keccak256(log.data), keccak256(data), "what");
    }

    // ---- tokens -----------------------------------------------------------------------------------------------

    function test_registration_refuses_what_does_not_fit() public {
        address token = address(new TestToken("T", "T", 18));
        bytes memory zero = abi.encodeWithSelector(IGoverned.Governed_AddressZero.selector);
        _refuse(address(0), _config(BOB, AssetKind.ERC20, Custody.Lock), zero);
        _refuse(token, _config(address(0), AssetKind.ERC20, Custody.Lock), zero);
        _refuseInvalid(token, _config(BOB, AssetKind.None, Custody.Lock));
        _refuseInvalid(token, _config(BOB, AssetKind.ERC20, Custody.None));
        _refuseInvalid(token, _config(BOB, AssetKind.Native, Custody.Lock));
        _refuseInvalid(NATIVE_COIN, _config(BOB, AssetKind.ERC20, Custody.Lock));
        _refuseInvalid(NATIVE_COIN, _config(BOB, AssetKind.Native, Custody.Mint));
        _refuseInvalid(address(mainVault), _config(BOB, AssetKind.ERC20, Custody.Lock));
        bytes memory codeless = abi.encodeWithSelector(IVault.Vault_TokenCodeMissing.selector, ALICE);
        _refuse(ALICE, _config(BOB, AssetKind.ERC20, Custody.Lock), codeless);
        // A token that another vault mints, and one that says nothing of a vault.
        address other = address(new BridgeToken(BOB, "T", "T", 18, 1));
        _refuseInvalid(other, _config(BOB, AssetKind.ERC20, Custody.Mint));
        vm.prank(OWNER);
        vm.expectRevert();
        mainVault.registerToken(token, _config(BOB, AssetKind.ERC20, Custody.Mint));
    }

    function test_units_have_bounds_and_nfts_have_none() public {
        address token = address(new TestToken("T", "T", 18));
        TokenConfig memory config = _config(BOB, AssetKind.ERC20, Custody.Lock);
        config.unitDecimals = 37;
        _refuseInvalid(token, config);
        config.unitDecimals = 36;
        vm.prank(OWNER);
        mainVault.registerToken(token, config);
        config.unitDecimals = 1;
        config.kind = AssetKind.ERC721;
        _refuseInvalid(token, config);
        config.kind = AssetKind.ERC1155;
        _refuseInvalid(token, config);
    }

    function test_a_token_in_use_stays_what_it_is() public {
        _sendGold(BOB, 10);
        bytes memory inUse = abi.encodeWithSelector(IVault.Vault_TokenInUse.selector, 10);
        TokenConfig memory config = _config(BOB, AssetKind.ERC20, Custody.Lock);
        _refuse(address(gold), config, inUse);
        config.counterpart = address(goldThere);
        config.kind = AssetKind.ERC721;
        _refuse(address(gold), config, inUse);
        config.kind = AssetKind.ERC20;
        config.unitDecimals = 1;
        _refuse(address(gold), config, inUse);
        // Only the switch may change, and what was in custody and in force stays.
        config.unitDecimals = 0;
        config.enabled = false;
        vm.prank(OWNER);
        mainVault.registerToken(address(gold), config);
        vm.assertEq(_custody(main, address(gold)), 10);
        vm.assertEq(mainVault.limits(address(gold), Direction.Outgoing).max, NO_LIMIT);
        vm.assertTrue(!mainVault.tokenConfig(address(gold)).enabled, "switched off");
    }

    /// What was minted here is in use, too, and one NFT is as good as any amount.
    function test_minted_tokens_and_nfts_in_custody_stay_what_they_are() public {
        _deliver(service, _sendGold(BOB, 10));
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_TokenInUse.selector, 10));
        serviceVault.registerToken(address(goldThere), _config(BOB, AssetKind.ERC20, Custody.Mint));
        _sendArt(BOB, 7, "");
        bytes memory inUse = abi.encodeWithSelector(IVault.Vault_TokenInUse.selector, 1);
        _refuse(address(art), _config(BOB, AssetKind.ERC721, Custody.Lock), inUse);
    }

    /// An idle token may change; it begins anew, and nothing passes in either direction until its limits are set.
    function test_a_changed_token_begins_anew_without_limits() public {
        vm.startPrank(OWNER);
        mainVault.setFee(address(gold), Fee(3, 5));
        TokenConfig memory config = _config(address(goldThere), AssetKind.ERC20, Custody.Lock);
        config.unitDecimals = 1;
        mainVault.registerToken(address(gold), config);
        vm.stopPrank();
        vm.assertEq(mainVault.limits(address(gold), Direction.Outgoing).max, 0);
        vm.assertEq(mainVault.limits(address(gold), Direction.Incoming).max, 0);
        vm.assertEq(mainVault.available(address(gold), Direction.Incoming), 0);
        vm.assertEq(mainVault.fee(address(gold)).flat, 0);
        _refuseRequest(abi.encodeWithSelector(IVault.Vault_AmountAboveMax.selector, 100, 0));
        Request memory request =
            Request(0, AssetKind.ERC20, BOB, ALICE, address(goldThere), address(gold), LaneAmount.wrap(10), 0);
        _deliver(main, request);
        _assertParked(main, request, ParkReason.OutOfBounds);

        // Limits of one direction open that one only.
        Limits memory open = _unlimited();
        open.min = 10;
        _limit(mainVault, address(gold), Direction.Outgoing, open);
        vm.prank(ALICE);
        mainVault.requestERC20(address(gold), BOB, 100, 0, "");
        vm.assertEq(_custody(main, address(gold)), 10);
        _at(main);
        vm.expectRevert(_refusedFor(ParkReason.OutOfBounds, type(uint64).max));
        main.releaseParked(request, "");
        _limit(mainVault, address(gold), Direction.Incoming, open);
        main.releaseParked(request, "");
        vm.assertEq(gold.balanceOf(ALICE), 100);
    }

    function test_a_changed_counterpart_begins_anew_without_limits() public {
        vm.prank(OWNER);
        mainVault.registerToken(address(gold), _config(BOB, AssetKind.ERC20, Custody.Lock));
        vm.assertEq(mainVault.tokenConfig(address(gold)).counterpart, BOB, "counterpart");
        _refuseRequest(abi.encodeWithSelector(IVault.Vault_AmountAboveMax.selector, 100, 0));
    }

    /// What a parked handover stands for, its request says: a token that leads elsewhere by now does not pay it.
    function test_a_parked_handover_is_not_paid_by_a_token_that_leads_elsewhere() public {
        vm.prank(GUARDIAN);
        serviceVault.setTokenEnabled(address(goldThere), false);
        Request memory request = _sendGold(BOB, 10);
        _deliver(service, request);
        _register(serviceVault, address(goldThere), _config(address(art), AssetKind.ERC20, Custody.Mint));
        _at(service);
        vm.expectRevert(_refusedFor(ParkReason.TokenUnavailable, 0));
        service.releaseParked(request, "");
        vm.prank(BOB);
        uint64 nonce = service.returnParked(request, "");
        _deliver(main, _returnOf(request, nonce, AssetKind.ERC20, ""));
        vm.assertEq(gold.balanceOf(ALICE), 10);
    }

    function test_settings_of_an_unregistered_token_are_refused() public {
        bytes memory unregistered = abi.encodeWithSelector(IVault.Vault_TokenUnregistered.selector, BOB);
        vm.startPrank(OWNER);
        vm.expectRevert(unregistered);
        mainVault.setTokenEnabled(BOB, true);
        vm.expectRevert(unregistered);
        mainVault.setLimits(BOB, Direction.Incoming, _unlimited());
        vm.expectRevert(unregistered);
        mainVault.setFee(BOB, Fee(1, 0));
        vm.stopPrank();
    }

    function test_the_guardian_switches_off_and_the_owner_on() public {
        vm.prank(GUARDIAN);
        mainVault.setTokenEnabled(address(gold), false);
        _refuseRequest(abi.encodeWithSelector(IVault.Vault_TokenDisabled.selector, address(gold)));
        vm.prank(OWNER);
        mainVault.setTokenEnabled(address(gold), true);
        _sendGold(BOB, 1);
    }

    // ---- fees -------------------------------------------------------------------------------------------------

    function test_a_fee_is_a_share_at_most_and_flat_for_nfts() public {
        vm.startPrank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_FeeInvalid.selector, 10_001, 10_000));
        mainVault.setFee(address(gold), Fee(0, 10_001));
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_FeeInvalid.selector, 1, 0));
        mainVault.setFee(address(art), Fee(0, 1));
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_FeeInvalid.selector, 1, 0));
        mainVault.setFee(address(items), Fee(0, 1));
        mainVault.setFee(address(gold), Fee(type(uint128).max, 10_000));
        mainVault.setFee(address(art), Fee(5, 0));
        vm.stopPrank();
        vm.assertEq(mainVault.fee(address(gold)).flat, type(uint128).max);
        vm.assertEq(mainVault.fee(address(gold)).rate, 10_000);
        vm.assertEq(mainVault.fee(address(art)).flat, 5);
    }

    function test_fees_go_to_the_receiver_in_force_when_they_are_collected() public {
        vm.assertEq(mainVault.feeReceiver(), OWNER, "at first the owner");
        vm.startPrank(OWNER);
        mainVault.setFee(address(gold), Fee(2, 100));
        vm.expectRevert(IGoverned.Governed_AddressZero.selector);
        mainVault.setFeeReceiver(address(0));
        mainVault.setFeeReceiver(BOB);
        vm.stopPrank();
        gold.mint(ALICE, 1000);
        vm.startPrank(ALICE);
        gold.approve(address(mainVault), 1000);
        _at(main);
        mainVault.requestERC20(address(gold), BOB, 501, 8, "");
        vm.stopPrank();
        // 2 + 501 × 1 %, rounded up.
        vm.assertEq(mainVault.feesHeld(address(gold)), 8);
        vm.prank(MALLORY);
        mainVault.collectFees(address(gold));
        vm.assertEq(gold.balanceOf(BOB), 8);
        mainVault.collectFees(address(gold));
        vm.assertEq(gold.balanceOf(BOB), 8);
        vm.assertEq(_custody(main, address(gold)), 501);
        vm.assertEq(gold.balanceOf(address(mainVault)), 501);
    }

    // ---- helpers ----------------------------------------------------------------------------------------------

    function _refuseInvalid(address token, TokenConfig memory config) private {
        _refuse(token, config, abi.encodeWithSelector(IVault.Vault_TokenInvalid.selector, token));
    }

    function _refuse(address token, TokenConfig memory config, bytes memory data) private {
        bytes32 before = keccak256(abi.encode(mainVault.tokenConfig(token)));
        vm.prank(OWNER);
        vm.expectRevert(data);
        mainVault.registerToken(token, config);
        vm.assertEq(keccak256(abi.encode(mainVault.tokenConfig(token))), before, "unchanged");
    }

    function _refuseRequest(bytes memory data) private {
        gold.mint(ALICE, 100);
        vm.startPrank(ALICE);
        gold.approve(address(mainVault), 100);
        _at(main);
        vm.expectRevert(data);
        mainVault.requestERC20(address(gold), BOB, 100, 0, "");
        vm.stopPrank();
    }

    function _refusedFor(ParkReason reason, uint64 earliest) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IBridge.Bridge_ReleaseRefused.selector, reason, earliest);
    }
}
