// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../src/interfaces/IBridge.sol";
import {Direction, LaneAmount, Limits, NATIVE_COIN, ParkReason, Request} from "../src/types/Types.sol";
import {DataReceiver} from "./support/DataReceiver.sol";
import {EveryAssetTest} from "./support/EveryAsset.sol";
import {HostileRecipient} from "./support/HostileRecipient.sol";
import {Vm, vm} from "./support/Vm.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title An account whose owner signs for it (ERC-1271), and that takes no coin
contract SmartAccount is IERC1271 {
    enum Answer {
        Honest,
        WrongMagic,
        Nothing,
        Refuse
    }

    address private immutable _owner;
    Answer public answer;

    constructor(address owner_) {
        _owner = owner_;
    }

    function setAnswer(Answer answer_) external {
        answer = answer_;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        if (answer == Answer.Refuse) revert("no");
        if (answer == Answer.WrongMagic) return 0x00000001;
        if (answer == Answer.Nothing) {
            assembly ("memory-safe") {
                return(0, 0)
            }
        }
        (address signer, ECDSA.RecoverError fault,) = ECDSA.tryRecover(hash, signature);
        return fault == ECDSA.RecoverError.NoError && signer == _owner ? this.isValidSignature.selector : bytes4(0);
    }
}

/// @title What cannot be paid where it was sent is paid where its recipient says, and nowhere else
contract ReleaseToTest is EveryAssetTest {
    uint256 private constant KEY = uint256(keccak256("a recipient's key"));
    uint256 private constant OTHER_KEY = uint256(keccak256("another's key"));
    uint256 private constant DEADLINE = START + 1 hours;
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    address private eoa;
    SmartAccount private account;

    function setUp() public override {
        super.setUp();
        eoa = vm.addr(KEY);
        account = new SmartAccount(eoa);
        _deliver(service, _sendCoin(BOB, 100 ether));
    }

    // ---- whose word counts ------------------------------------------------------------------------------------

    function test_the_recipient_says_where_without_a_signature() public {
        Request memory request = _park(eoa, 2 ether);
        vm.recordLogs();
        vm.prank(eoa);
        main.releaseParkedTo(request, "", ALICE, 0, "");
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs[logs.length - 1].topics[0], IBridge.HandoverReleased.selector, "event");
        vm.assertEq(logs[logs.length - 1].topics[2], bytes32(uint256(uint160(ALICE))), "to whom");
        _assertPaid(request);
    }

    function test_an_account_signs_with_its_key() public {
        Request memory request = _park(eoa, 2 ether);
        bytes memory signature = _signed(KEY, request, ALICE, DEADLINE);
        vm.warp(DEADLINE);
        vm.prank(MALLORY);
        main.releaseParkedTo(request, "", ALICE, DEADLINE, signature);
        _assertPaid(request);
    }

    function test_a_contract_signs_by_erc_1271() public {
        Request memory request = _park(address(account), 2 ether);
        bytes memory signature = _signed(KEY, request, ALICE, DEADLINE);
        vm.prank(MALLORY);
        main.releaseParkedTo(request, "", ALICE, DEADLINE, signature);
        _assertPaid(request);
    }

    function test_the_digest_is_what_the_protocol_defines() public {
        Request memory request = _park(eoa, 2 ether);
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Twinspan"),
                keccak256("1"),
                MAIN,
                main
            )
        );
        bytes32 content = keccak256(
            abi.encode(
                keccak256("ReleaseTo(bytes32 requestHash,address to,uint256 deadline)"),
                main.requestHash(request),
                ALICE,
                DEADLINE
            )
        );
        bytes32 want = keccak256(abi.encodePacked(hex"1901", domain, content));
        vm.assertEq(main.releaseDigest(main.requestHash(request), ALICE, DEADLINE), want, "digest");
    }

    // ---- refusals ---------------------------------------------------------------------------------------------

    function test_refuses_a_signature_that_has_expired() public {
        Request memory request = _park(eoa, 2 ether);
        bytes memory signature = _signed(KEY, request, ALICE, DEADLINE);
        vm.warp(DEADLINE + 1);
        _refuse(
            request,
            ALICE,
            DEADLINE,
            signature,
            abi.encodeWithSelector(IBridge.Bridge_Expired.selector, DEADLINE + 1, DEADLINE)
        );
        // A later deadline is another digest.
        _refuseSignature(request, ALICE, DEADLINE + 1, signature);
    }

    function test_refuses_another_target_than_was_signed() public {
        Request memory request = _park(eoa, 2 ether);
        bytes memory signature = _signed(KEY, request, ALICE, DEADLINE);
        _refuseSignature(request, MALLORY, DEADLINE, signature);
        _refuseSignature(request, eoa, DEADLINE, signature);
    }

    function test_refuses_the_signature_of_another() public {
        Request memory request = _park(eoa, 2 ether);
        _refuseSignature(request, ALICE, DEADLINE, _signed(OTHER_KEY, request, ALICE, DEADLINE));
        _refuseSignature(request, ALICE, DEADLINE, _signed(keys[0], request, ALICE, DEADLINE));
        request = _park(address(account), 2 ether);
        _refuseSignature(request, ALICE, DEADLINE, _signed(OTHER_KEY, request, ALICE, DEADLINE));
    }

    function test_refuses_malformed_signatures() public {
        Request memory request = _park(eoa, 2 ether);
        bytes memory signature = _signed(KEY, request, ALICE, DEADLINE);
        _refuseSignature(request, ALICE, DEADLINE, "");
        _refuseSignature(request, ALICE, DEADLINE, new bytes(65));
        _refuseSignature(request, ALICE, DEADLINE, abi.encodePacked(signature, bytes1(0)));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, main.releaseDigest(main.requestHash(request), ALICE, DEADLINE));
        bytes32 high = bytes32(ORDER - uint256(s));
        _refuseSignature(request, ALICE, DEADLINE, abi.encodePacked(r, high, v == 27 ? uint8(28) : uint8(27)));
    }

    function test_refuses_a_contract_that_does_not_say_yes() public {
        Request memory request = _park(address(account), 2 ether);
        bytes memory signature = _signed(KEY, request, ALICE, DEADLINE);
        account.setAnswer(SmartAccount.Answer.WrongMagic);
        _refuseSignature(request, ALICE, DEADLINE, signature);
        account.setAnswer(SmartAccount.Answer.Nothing);
        _refuse(request, ALICE, DEADLINE, signature, "");
        account.setAnswer(SmartAccount.Answer.Refuse);
        _refuse(request, ALICE, DEADLINE, signature, "");
        // A contract that knows nothing of signatures signs nothing, whatever key its owner has.
        HostileRecipient plain = new HostileRecipient();
        request = _park(address(plain), 2 ether);
        _refuse(request, ALICE, DEADLINE, _signed(KEY, request, ALICE, DEADLINE), "");
    }

    /// A signature that recovers to nobody is not nobody's signature.
    function test_refuses_a_signature_for_nobody() public {
        Request memory request = _sendBack(coinThere, BOB, ALICE, 2 ether);
        request.recipient = address(0);
        _deliver(main, request);
        _assertParked(main, request, ParkReason.PayoutFailed);
        _refuseSignature(request, ALICE, DEADLINE, "");
        _refuseSignature(request, ALICE, DEADLINE, new bytes(65));
        _refuseSignature(request, ALICE, DEADLINE, abi.encodePacked(bytes32(0), bytes32(0), uint8(27)));
    }

    function test_refuses_a_replay() public {
        Request memory request = _park(eoa, 2 ether);
        bytes memory signature = _signed(KEY, request, ALICE, DEADLINE);
        main.releaseParkedTo(request, "", ALICE, DEADLINE, signature);
        bytes memory notParked = abi.encodeWithSelector(IBridge.Bridge_NotParked.selector, main.requestHash(request));
        _refuse(request, ALICE, DEADLINE, signature, notParked);
        // One word, one handover: an equal one at another place has its own hash.
        Request memory next = _park(eoa, 2 ether);
        _refuseSignature(next, ALICE, DEADLINE, signature);
    }

    function test_refuses_what_was_signed_for_another_bridge_or_chain() public {
        Request memory request = _park(eoa, 2 ether);
        bytes32 parked = main.requestHash(request);
        bytes memory signature = _sealed(KEY, service.releaseDigest(parked, ALICE, DEADLINE));
        _refuseSignature(request, ALICE, DEADLINE, signature);
        vm.chainId(MAIN + 1);
        signature = _sealed(KEY, main.releaseDigest(parked, ALICE, DEADLINE));
        _refuseSignature(request, ALICE, DEADLINE, signature);
    }

    // ---- what a signature does not lift -----------------------------------------------------------------------

    function test_places_that_swallow_value_are_refused() public {
        Request memory request = _park(eoa, 2 ether);
        address[3] memory swallowers = [address(0), address(main), address(mainVault)];
        for (uint256 i = 0; i < swallowers.length; ++i) {
            bytes memory failed =
                abi.encodeWithSelector(IBridge.Bridge_ReleaseRefused.selector, ParkReason.PayoutFailed, 0);
            vm.prank(eoa);
            vm.expectRevert(failed);
            main.releaseParkedTo(request, "", swallowers[i], 0, "");
        }
        _assertParked(main, request, ParkReason.TokenUnavailable);
    }

    function test_a_large_handover_waits_wherever_it_goes() public {
        Request memory request = _park(eoa, 2 ether);
        Limits memory limits = _unlimited();
        limits.delayedFrom = 1 ether;
        _limit(mainVault, NATIVE_COIN, Direction.Incoming, limits);
        bytes memory delayed =
            abi.encodeWithSelector(IBridge.Bridge_ReleaseRefused.selector, ParkReason.Delayed, START + LARGE_DELAY);
        vm.prank(eoa);
        vm.expectRevert(delayed);
        main.releaseParkedTo(request, "", ALICE, 0, "");
        vm.warp(START + LARGE_DELAY);
        vm.prank(eoa);
        main.releaseParkedTo(request, "", ALICE, 0, "");
        _assertPaid(request);
    }

    /// An NFT for a contract that cannot take it goes where the contract's owner says, and data with the assets.
    function test_nfts_and_data_go_where_the_recipient_says() public {
        (Request memory request, bytes memory payload) = _sendArt(address(account), 42, "hello");
        _deliverWith(service, request, payload);
        _assertParked(service, request, ParkReason.PayoutFailed);
        DataReceiver receiver = new DataReceiver();
        bytes32 digest = _at(service).releaseDigest(service.requestHash(request), address(receiver), DEADLINE);
        service.releaseParkedTo(request, payload, address(receiver), DEADLINE, _sealed(KEY, digest));
        vm.assertEq(artThere.ownerOf(42), address(receiver), "the NFT");
        vm.assertEq(receiver.calls(), 1);
    }

    // ---- helpers ----------------------------------------------------------------------------------------------

    /// Parks coin for `recipient` on main; it could be paid right away.
    function _park(address recipient, uint256 amount) private returns (Request memory request) {
        request = _sendBack(coinThere, BOB, recipient, amount);
        vm.prank(GUARDIAN);
        mainVault.setTokenEnabled(NATIVE_COIN, false);
        _deliver(main, request);
        vm.prank(OWNER);
        mainVault.setTokenEnabled(NATIVE_COIN, true);
        _assertParked(main, request, ParkReason.TokenUnavailable);
    }

    function _signed(uint256 key, Request memory request, address to, uint256 deadline)
        private
        view
        returns (bytes memory)
    {
        return _sealed(key, main.releaseDigest(main.requestHash(request), to, deadline));
    }

    function _sealed(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _assertPaid(Request memory request) private view {
        vm.assertEq(ALICE.balance, LaneAmount.unwrap(request.amount));
        vm.assertEq(request.recipient.balance, 0);
        _assertNotParked(main, request);
        vm.assertEq(_parked(main, NATIVE_COIN), 0);
    }

    function _refuseSignature(Request memory request, address to, uint256 deadline, bytes memory signature) private {
        bytes memory data = abi.encodeWithSelector(IBridge.Bridge_RecipientSignatureInvalid.selector, request.recipient);
        _refuse(request, to, deadline, signature, data);
    }

    /// Empty data: any refusal.
    function _refuse(Request memory request, address to, uint256 deadline, bytes memory signature, bytes memory data)
        private
    {
        _at(main);
        uint256 before = to.balance;
        vm.prank(MALLORY);
        if (data.length == 0) vm.expectRevert();
        else vm.expectRevert(data);
        main.releaseParkedTo(request, "", to, deadline, signature);
        vm.assertEq(to.balance, before);
    }
}
