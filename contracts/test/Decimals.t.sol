// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IVault} from "../src/interfaces/IVault.sol";
import {BridgeToken} from "../src/tokens/BridgeToken.sol";
import {AssetKind, Custody, Direction, LaneAmount, Limits, TokenConfig} from "../src/types/Types.sol";
import {AssetTest} from "./support/AssetTest.sol";
import {NoDecimalsToken} from "./support/HostileAssets.sol";
import {IOwnedVault} from "./support/IOwned.sol";
import {TestOneStepToken} from "./support/TestOneStepToken.sol";
import {TestToken} from "./support/TestToken.sol";
import {vm} from "./support/Vm.sol";
import {IERC1363Receiver} from "@openzeppelin/contracts/interfaces/IERC1363Receiver.sol";

/// @title Tokens that count in other units on the other side: converted without remainder, or refused
contract DecimalsTest is AssetTest {
    /// A token and what stands for it, with a lane unit on each side.
    struct Listed {
        TestToken home;
        BridgeToken there;
        uint256 homeUnit;
        uint256 thereUnit;
    }

    uint8[5] private decimals = [0, 6, 8, 18, 36];

    /// Every pair of decimals, there and back.
    function testFuzz_round_trips_conserve(uint80 amount, uint80 part) public {
        for (uint256 i = 0; i < 25; ++i) {
            uint256 state = vm.snapshotState();
            _roundTrip(_listed(decimals[i / 5], decimals[i % 5]), _bound(amount, 1, 1e24), part);
            vm.revertToState(state);
        }
    }

    function _roundTrip(Listed memory pair, uint256 units, uint256 part) private {
        _ask(pair, units * pair.homeUnit);
        Sent memory sent = _carryOne(service);
        vm.assertEq(LaneAmount.unwrap(sent.request.amount), units, "lane units");
        vm.assertEq(pair.there.balanceOf(BOB), units * pair.thereUnit, "arrived");
        vm.assertEq(_custody(main, address(pair.home)), units);

        uint256 back = _bound(part, 1, units);
        vm.startPrank(BOB);
        pair.there.approve(address(serviceVault), NO_LIMIT);
        _at(service);
        serviceVault.requestERC20(address(pair.there), MALLORY, back * pair.thereUnit, 0, "");
        vm.stopPrank();
        _carry(main);
        vm.assertEq(pair.home.balanceOf(MALLORY), back * pair.homeUnit, "home");
        vm.assertEq(pair.home.balanceOf(address(mainVault)), (units - back) * pair.homeUnit, "S5: held");
        vm.assertEq(pair.there.totalSupply(), (units - back) * pair.thereUnit, "S5: minted");
        vm.assertEq(_custody(main, address(pair.home)), _custody(service, address(pair.there)), "S5: both sides");
    }

    /// What the other side cannot express is refused, here and there, by quote and by request.
    function testFuzz_remainders_are_refused(uint80 amount, uint256 rest) public {
        Listed memory pair = _listed(18, 6);
        vm.assertEq(pair.homeUnit, 1e12);
        uint256 asked = uint256(amount) * 1e12 + _bound(rest, 1, 1e12 - 1);
        _refuseIndivisible(mainVault, address(pair.home), asked, 1e12);
        pair = _listed(0, 36);
        asked = uint256(amount) * 1e36 + _bound(rest, 1, 1e36 - 1);
        _refuseIndivisible(serviceVault, address(pair.there), asked, 1e36);
    }

    function _refuseIndivisible(IOwnedVault vault, address token, uint256 amount, uint256 unit) private {
        bytes memory fault = abi.encodeWithSelector(IVault.Vault_AmountIndivisible.selector, amount, unit);
        vm.expectRevert(fault);
        vault.quote(token, amount);
        vm.prank(ALICE);
        vm.expectRevert(fault);
        vault.requestERC20(token, BOB, amount, 0, "");
    }

    function test_the_largest_amount_of_the_largest_unit_passes() public {
        Listed memory pair = _listed(36, 0);
        // One less than what means no limit.
        uint256 most = type(uint112).max - 1;
        _ask(pair, most * 1e36);
        _carry(service);
        vm.assertEq(pair.there.balanceOf(BOB), most);
        uint256 above = (most + 2) * 1e36;
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_AmountAboveMax.selector, above, (most + 1) * 1e36));
        mainVault.quote(address(pair.home), above);
    }

    /// A fee is in the smallest unit: it does not travel.
    function test_a_fee_need_not_be_divisible() public {
        Listed memory pair = _listed(18, 6);
        _setFee(mainVault, address(pair.home), 3, 1);
        uint256 fee = mainVault.quote(address(pair.home), 1e12).fee;
        vm.assertEq(fee, 1e8 + 3);
        pair.home.mint(ALICE, 1e12 + fee);
        vm.startPrank(ALICE);
        pair.home.approve(address(mainVault), 1e12 + fee);
        _at(main);
        mainVault.requestERC20(address(pair.home), BOB, 1e12, fee, "");
        vm.stopPrank();
        _carry(service);
        vm.assertEq(pair.there.balanceOf(BOB), 1);
        vm.assertEq(pair.home.balanceOf(address(mainVault)), 1e12 + fee, "S5");
    }

    /// What came by one transfer is told from what was here before, in units of the token.
    function test_one_transfer_of_a_token_with_a_unit_leaves_what_is_held() public {
        TestOneStepToken home = new TestOneStepToken("Home", "HOME");
        BridgeToken there = new BridgeToken(address(serviceVault), "Home", "HOME", 6, NO_LIMIT);
        TokenConfig memory config = _config(address(there), AssetKind.ERC20, Custody.Lock);
        config.unitDecimals = 12;
        _registerUnlimited(mainVault, address(home), config);
        _registerUnlimited(serviceVault, address(there), _config(address(home), AssetKind.ERC20, Custody.Mint));
        home.mint(ALICE, 5e12);
        for (uint256 i = 1; i <= 3; ++i) {
            _at(main);
            vm.prank(ALICE);
            home.transferAndCall(address(mainVault), 1e12, abi.encodePacked(BOB, uint256(1e12)));
            _carry(service);
            vm.assertEq(home.balanceOf(address(mainVault)), i * 1e12, "S5: held");
            vm.assertEq(home.balanceOf(ALICE), (5 - i) * 1e12, "nothing comes back");
            vm.assertEq(there.balanceOf(BOB), i);
        }
        // What is held already is none of what is said to have come.
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_ReceivedMismatch.selector, 0, 1e12));
        vm.prank(address(home));
        IERC1363Receiver(address(mainVault))
            .onTransferReceived(ALICE, ALICE, 1e12, abi.encodePacked(BOB, uint256(1e12)));
    }

    // ---- limits -----------------------------------------------------------------------------------------------

    function test_limits_are_given_and_told_in_local_units() public {
        Listed memory pair = _listed(18, 6);
        Limits memory limits = Limits(2e12, 50e12, 100e12, 1000, NO_LIMIT, 2_500, 100);
        _limit(mainVault, address(pair.home), Direction.Outgoing, limits);
        limits.delayedFrom = 40e12;
        _limit(mainVault, address(pair.home), Direction.Incoming, limits);
        Limits memory got = mainVault.limits(address(pair.home), Direction.Incoming);
        vm.assertEq(keccak256(abi.encode(got)), keccak256(abi.encode(limits)), "read back as set");
        vm.assertEq(mainVault.available(address(pair.home), Direction.Outgoing), 100e12);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_AmountBelowMin.selector, 1e12, 2e12));
        mainVault.quote(address(pair.home), 1e12);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_AmountAboveMax.selector, 51e12, 50e12));
        mainVault.quote(address(pair.home), 51e12);
        _ask(pair, 50e12);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_RateLimited.selector, 30e12, 50e12, START + 50));
        mainVault.requestERC20(address(pair.home), BOB, 30e12, 0, "");
    }

    function test_limits_that_the_lane_cannot_express_are_refused() public {
        Listed memory pair = _listed(18, 6);
        for (uint256 i = 0; i < 4; ++i) {
            Limits memory limits = Limits(1e12, 2e12, 3e12, 1, 4e12, 0, 0);
            if (i == 0) limits.min += 1;
            if (i == 1) limits.max += 1;
            if (i == 2) limits.capacity += 1;
            if (i == 3) limits.delayedFrom += 1;
            vm.prank(OWNER);
            vm.expectRevert(abi.encodeWithSelector(IVault.Vault_AmountIndivisible.selector, (i + 1) * 1e12 + 1, 1e12));
            mainVault.setLimits(address(pair.home), Direction.Incoming, limits);
        }
        uint256 much = uint256(type(uint112).max) * 1e12;
        Limits memory large = Limits(1e12, much, 3e12, 1, 4e12, 0, 0);
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_LimitsInvalid.selector, much, type(uint112).max));
        mainVault.setLimits(address(pair.home), Direction.Incoming, large);
    }

    // ---- what is listed ---------------------------------------------------------------------------------------

    function test_units_past_the_bound_are_refused() public {
        TokenConfig memory config = mainVault.tokenConfig(address(gold));
        TestToken token = new TestToken("T", "T", 77);
        config.unitDecimals = 37;
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_TokenInvalid.selector, token));
        mainVault.registerToken(address(token), config);
        config.unitDecimals = 36;
        vm.prank(OWNER);
        mainVault.registerToken(address(token), config);
        config.unitDecimals = 1;
        config.kind = AssetKind.ERC721;
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_TokenInvalid.selector, art));
        mainVault.registerToken(address(art), config);
    }

    /// Nobody asks a token for its decimals: what is listed counts.
    function test_a_token_without_decimals_travels() public {
        NoDecimalsToken token = new NoDecimalsToken();
        BridgeToken there = new BridgeToken(address(serviceVault), "There", "THR", 0, NO_LIMIT);
        _pair(address(token), AssetKind.ERC20, address(there), AssetKind.ERC20);
        token.mint(ALICE, 5);
        vm.startPrank(ALICE);
        token.approve(address(mainVault), 5);
        _at(main);
        mainVault.requestERC20(address(token), BOB, 5, 0, "");
        vm.stopPrank();
        _carry(service);
        vm.assertEq(there.balanceOf(BOB), 5);
    }

    function test_a_unit_stays_while_value_is_in_custody() public {
        Listed memory pair = _listed(18, 6);
        _ask(pair, 1e12);
        TokenConfig memory config = mainVault.tokenConfig(address(pair.home));
        config.unitDecimals = 0;
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_TokenInUse.selector, 1));
        mainVault.registerToken(address(pair.home), config);
    }

    // ---- helpers ----------------------------------------------------------------------------------------------

    function _listed(uint8 home, uint8 there) private returns (Listed memory pair) {
        pair.home = new TestToken("Home", "HOME", home);
        pair.there = new BridgeToken(address(serviceVault), "Home", "HOME", there, NO_LIMIT);
        uint8 shared = home < there ? home : there;
        TokenConfig memory config = _config(address(pair.there), AssetKind.ERC20, Custody.Lock);
        config.unitDecimals = home - shared;
        _registerUnlimited(mainVault, address(pair.home), config);
        config = _config(address(pair.home), AssetKind.ERC20, Custody.Mint);
        config.unitDecimals = there - shared;
        _registerUnlimited(serviceVault, address(pair.there), config);
        (pair.homeUnit, pair.thereUnit) = (10 ** (home - shared), 10 ** (there - shared));
    }

    function _registerUnlimited(IOwnedVault vault, address token, TokenConfig memory config) private {
        Limits memory limits = _unlimited();
        limits.min = 10 ** config.unitDecimals;
        vm.startPrank(OWNER);
        vault.registerToken(token, config);
        vault.setLimits(token, Direction.Outgoing, limits);
        vault.setLimits(token, Direction.Incoming, limits);
        vm.stopPrank();
    }

    function _ask(Listed memory pair, uint256 amount) private {
        pair.home.mint(ALICE, amount);
        vm.startPrank(ALICE);
        pair.home.approve(address(mainVault), amount);
        _at(main);
        mainVault.requestERC20(address(pair.home), BOB, amount, 0, "");
        vm.stopPrank();
    }
}
