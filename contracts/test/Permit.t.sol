// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IVault} from "../src/interfaces/IVault.sol";
import {AssetTest} from "./support/AssetTest.sol";
import {TestToken} from "./support/TestToken.sol";
import {vm} from "./support/Vm.sol";

/// @title Requests approved by a signature (EIP-2612)
contract PermitTest is AssetTest {
    bytes32 private constant PERMIT_TYPEHASH =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");

    /// A signature over what the vault may take.
    struct Permit {
        uint256 deadline;
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    uint256 private key;
    address private holder;

    function setUp() public override {
        super.setUp();
        (key, holder) = (keys[0], members[0]);
        gold.mint(holder, 1000);
        _setFee(mainVault, address(gold), 7, 0);
        _at(main);
    }

    function test_one_step_approves_and_sends() public {
        Permit memory permit = _permit(key, 107, START);
        _ask(holder, 100, 7, permit);
        vm.assertEq(_custody(main, address(gold)), 100);
        vm.assertEq(mainVault.feesHeld(address(gold)), 7);
        vm.assertEq(gold.allowance(holder, address(mainVault)), 0, "nothing stays approved");
        _carry(service);
        vm.assertEq(goldThere.balanceOf(BOB), 100);
    }

    /// The permit is of the amount and the fee's limit; what the fee did not need stays approved, and the holder's.
    function test_only_the_fee_itself_is_taken() public {
        _ask(holder, 100, 50, _permit(key, 150, START));
        vm.assertEq(gold.balanceOf(holder), 1000 - 107);
        vm.assertEq(gold.allowance(holder, address(mainVault)), 43);
    }

    function test_a_front_run_permit_still_works() public {
        Permit memory permit = _permit(key, 107, START);
        vm.prank(MALLORY);
        gold.permit(holder, address(mainVault), 107, permit.deadline, permit.v, permit.r, permit.s);
        _ask(holder, 100, 7, permit);
        vm.assertEq(_custody(main, address(gold)), 100);
    }

    /// Whoever copies a permit cannot have the holder's tokens sent anywhere: the vault takes from its caller only.
    function test_anothers_permit_serves_nobody_else() public {
        Permit memory permit = _permit(key, 107, START);
        _refuse(MALLORY, 100, permit);
        vm.prank(MALLORY);
        gold.permit(holder, address(mainVault), 107, permit.deadline, permit.v, permit.r, permit.s);
        _refuse(MALLORY, 100, permit);
        vm.assertEq(gold.balanceOf(holder), 1000);
    }

    function test_an_amount_beyond_all_bounds_is_refused_in_words() public {
        Permit memory permit = _permit(key, 107, START);
        uint256 most = type(uint256).max;
        bytes memory above = abi.encodeWithSelector(IVault.Vault_AmountAboveMax.selector, most, type(uint112).max);
        vm.prank(holder);
        vm.expectRevert(above);
        mainVault.requestERC20WithPermit(address(gold), BOB, most, 7, "", permit.deadline, permit.v, permit.r, permit.s);
    }

    function test_bad_permits_are_refused() public {
        _refuse(holder, 100, _permit(keys[1], 107, START));
        _refuse(holder, 100, _permit(key, 106, START));
        _refuse(holder, 100, _permit(key, 107, START - 1));
        Permit memory permit = _permit(key, 107, START);
        permit.deadline += 1;
        _refuse(holder, 100, permit);
        permit = _permit(key, 107, START);
        permit.v = 0;
        _refuse(holder, 100, permit);
        // High s.
        permit = _permit(key, 107, START);
        permit.v = permit.v == 27 ? 28 : 27;
        permit.s = bytes32(0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 - uint256(permit.s));
        _refuse(holder, 100, permit);
        vm.assertEq(gold.balanceOf(holder), 1000);
        vm.assertEq(_outgoing(main).count, 0);
    }

    function test_a_permit_is_used_once() public {
        Permit memory permit = _permit(key, 107, START);
        _ask(holder, 100, 7, permit);
        _refuse(holder, 100, permit);
        vm.assertEq(_custody(main, address(gold)), 100);
    }

    function test_only_registered_tokens_are_called() public {
        TestToken lead = new TestToken("Lead", "PB", 18);
        Permit memory permit = _permit(key, 107, START);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_TokenUnregistered.selector, lead));
        mainVault.requestERC20WithPermit(address(lead), BOB, 100, 7, "", permit.deadline, permit.v, permit.r, permit.s);
    }

    /// A token without permits is sent by what was approved before.
    function test_a_token_without_permits_needs_an_approval() public {
        silver.mint(holder, 100);
        Permit memory permit = _permit(key, 100, START);
        vm.prank(holder);
        vm.expectRevert();
        mainVault.requestERC20WithPermit(address(silver), BOB, 100, 0, "", START, permit.v, permit.r, permit.s);
        vm.prank(holder);
        silver.approve(address(mainVault), 100);
        vm.prank(holder);
        mainVault.requestERC20WithPermit(address(silver), BOB, 100, 0, "", START, permit.v, permit.r, permit.s);
        vm.assertEq(_custody(main, address(silver)), 100);
    }

    function test_what_was_minted_goes_home_by_permit() public {
        _ask(holder, 100, 7, _permit(key, 107, START));
        _carry(service);
        uint256 held = goldThere.balanceOf(BOB);
        vm.prank(BOB);
        goldThere.transfer(holder, held);
        bytes32 digest = _digest(goldThere.DOMAIN_SEPARATOR(), address(serviceVault), held, START);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        _at(service);
        vm.prank(holder);
        serviceVault.requestERC20WithPermit(address(goldThere), ALICE, held, 0, "", START, v, r, s);
        _carry(main);
        vm.assertEq(gold.balanceOf(ALICE), held);
    }

    // ---- helpers ----------------------------------------------------------------------------------------------

    /// A permit for gold, the first of the holder's.
    function _permit(uint256 by, uint256 value, uint256 deadline) private view returns (Permit memory permit) {
        bytes32 digest = _digest(gold.DOMAIN_SEPARATOR(), address(mainVault), value, deadline);
        permit.deadline = deadline;
        (permit.v, permit.r, permit.s) = vm.sign(by, digest);
    }

    function _digest(bytes32 domain, address spender, uint256 value, uint256 deadline) private view returns (bytes32) {
        bytes32 permit = keccak256(abi.encode(PERMIT_TYPEHASH, holder, spender, value, uint256(0), deadline));
        return keccak256(abi.encodePacked(hex"1901", domain, permit));
    }

    function _ask(address by, uint256 amount, uint256 feeLimit, Permit memory permit) private {
        _at(main);
        vm.prank(by);
        mainVault.requestERC20WithPermit(
            address(gold), BOB, amount, feeLimit, "", permit.deadline, permit.v, permit.r, permit.s
        );
    }

    function _refuse(address by, uint256 amount, Permit memory permit) private {
        _at(main);
        vm.prank(by);
        vm.expectRevert();
        mainVault.requestERC20WithPermit(
            address(gold), BOB, amount, 7, "", permit.deadline, permit.v, permit.r, permit.s
        );
    }
}
