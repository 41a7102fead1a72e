// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {BridgeToken} from "../../src/tokens/BridgeToken.sol";
import {
    AssetKind,
    Custody,
    Direction,
    Fee,
    LaneAmount,
    Limits,
    NATIVE_COIN,
    Order,
    ParkReason,
    Request,
    TokenConfig
} from "../../src/types/Types.sol";
import {TestToken} from "../../test/support/TestToken.sol";
import {vm} from "../../test/support/Vm.sol";
import {AnyVault} from "./AnyVault.sol";
import {NextBridge} from "./Payout.t.sol";
import {proverVm, svm} from "./Svm.sol";
import {IERC1363Receiver} from "@openzeppelin/contracts/interfaces/IERC1363Receiver.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title S5 over histories of any length, by induction
/// @dev A fresh vault owes nothing. Each step takes the vault from any books and makes any call of one kind: after it,
/// custody changed by exactly what was asked or paid, and the slack is what it was. The slack is what the vault holds of
/// a locked token beside custody and fees; of a minted one, what it holds beside fees, and what was minted and not
/// burned less what there is. It is never drawn on, except by what a token says arrived, which must then be there. So
/// whatever the history, custody is all that was asked less all that was paid, and the vault has it. A call into the
/// vault while it pays coin is a step of its own: the witness shows that it finds the books as the first call leaves
/// them.
contract InductionProofs is AnyVault {
    struct Books {
        uint256 custody;
        uint256 fees;
        /// What the vault has of the asset.
        uint256 held;
        /// All there is of it, where the vault mints it.
        uint256 supply;
    }

    // Slots of OpenZeppelin's ERC20.
    uint256 private constant SLOT_BALANCES = 0;
    uint256 private constant SLOT_SUPPLY = 2;

    address private _asset;
    Custody private _how;
    /// The assets that the vault has anything of.
    mapping(address asset => bool) private _begun;

    /// The base of the induction, for every asset there can be.
    function check_a_fresh_vault_owes_nothing() public {
        address asset = svm.createAddress("asset");
        assert(LaneAmount.unwrap(vault.custodyOf(asset)) == 0 && vault.feesHeld(asset) == 0);
        assert(LaneAmount.unwrap(vault.custodyOfId(asset, svm.createUint256("id"))) == 0);
    }

    // ---- the coin ---------------------------------------------------------------------------------------------

    /// What came with the call and is too much goes back to a caller that looks.
    function check_a_coin_request_keeps_any_books() public {
        Books memory start = _anyCoin();
        uint256 amount = svm.createUint(96, "amount");
        uint256 value = svm.createUint(96, "value");
        vm.deal(address(witness), value);
        vm.prank(address(witness));
        vault.requestNative{value: value}(BOB, amount, "");
        _assertAdded(start, amount);
        _assertWitnessed();
    }

    function check_a_coin_payout_keeps_any_books() public {
        Books memory start = _anyCoin();
        _assertTaken(start, _payOut(_anyRecipient()));
        _assertWitnessed();
    }

    // ---- a token that is locked here --------------------------------------------------------------------------

    function check_a_locked_request_keeps_any_books() public {
        Books memory start = _anyToken(Custody.Lock);
        _assertAdded(start, _request());
    }

    function check_a_locked_arrival_keeps_any_books() public {
        Books memory start = _anyToken(Custody.Lock);
        _assertAdded(start, _arrive(start));
    }

    function check_a_locked_payout_keeps_any_books() public {
        Books memory start = _anyToken(Custody.Lock);
        _assertTaken(start, _payOut(BOB));
    }

    // ---- a token that is minted here --------------------------------------------------------------------------

    function check_a_minted_request_keeps_any_books() public {
        Books memory start = _anyToken(Custody.Mint);
        _assertTaken(start, _request());
    }

    function check_a_minted_arrival_keeps_any_books() public {
        Books memory start = _anyToken(Custody.Mint);
        _assertTaken(start, _arrive(start));
    }

    function check_a_minted_payout_keeps_any_books() public {
        Books memory start = _anyToken(Custody.Mint);
        _assertAdded(start, _payOut(BOB));
    }

    // ---- more than one asset --------------------------------------------------------------------------------------

    /// An order of coin and one of a token keep the books of both.
    function check_a_bulk_keeps_any_books() public {
        Books memory coin = _anyCoin();
        Books memory gold = _anyToken(Custody.Lock);
        Order[] memory orders = new Order[](2);
        (orders[0].token, orders[1].token) = (NATIVE_COIN, _asset);
        for (uint256 i = 0; i < 2; ++i) {
            (orders[i].recipient, orders[i].amount, orders[i].feeLimit) = (BOB, svm.createUint(96, "amount"), NO_LIMIT);
        }
        uint256 value = svm.createUint(96, "value");
        vm.deal(SENDER, value);
        vm.prank(SENDER);
        vault.requestBulk{value: value}(orders);
        _assertAdded(gold, orders[1].amount);
        (_asset, _how) = (NATIVE_COIN, Custody.Lock);
        _assertAdded(coin, orders[0].amount);
    }

    /// Collecting takes the fees and nothing of any custody.
    function check_collecting_keeps_any_books() public {
        Books memory start =
            svm.createBool("coin") ? _anyCoin() : _anyToken(svm.createBool("locked") ? Custody.Lock : Custody.Mint);
        vm.prank(svm.createAddress("caller"));
        vault.collectFees(_asset);
        assert(vault.feesHeld(_asset) == 0);
        _assertAdded(start, 0);
    }

    /// No setting, whoever makes it, moves any of it, or the kind and unit of what is in custody.
    function check_settings_keep_any_books() public {
        Books memory start = svm.createBool("coin") ? _anyCoin() : _anyToken(Custody.Lock);
        TokenConfig memory config = vault.tokenConfig(_asset);
        bytes memory setting = _anySetting();
        vm.prank(svm.createAddress("caller"));
        (bool done,) = address(vault).call(setting);
        vm.assume(done);
        TokenConfig memory set = vault.tokenConfig(_asset);
        bool same = set.kind == config.kind && set.custody == config.custody && set.unitDecimals == config.unitDecimals;
        assert(same || start.custody == 0);
        _assertAdded(start, 0);
    }

    // ---- any books --------------------------------------------------------------------------------------------

    function _anyCoin() private returns (Books memory start) {
        start = _anyBooks();
        vm.deal(address(vault), start.held);
        _begin(NATIVE_COIN, AssetKind.Native, Custody.Lock, start);
    }

    /// A token of which vault and sender have anything.
    function _anyToken(Custody how) private returns (Books memory start) {
        start = _anyBooks();
        address token = how == Custody.Lock
            ? address(new TestToken("Gold", "GLD", 18))
            : address(new BridgeToken(address(vault), "Gold", "GLD", 18, NO_LIMIT));
        proverVm.store(token, bytes32(SLOT_SUPPLY), bytes32(start.supply));
        _setBalance(token, address(vault), start.held);
        _setBalance(token, SENDER, svm.createUint(128, "held by the sender"));
        vm.prank(SENDER);
        IERC20(token).approve(address(vault), NO_LIMIT);
        _begin(token, AssetKind.ERC20, how, start);
    }

    function _setBalance(address token, address holder, uint256 balance) private {
        proverVm.store(token, keccak256(abi.encode(holder, SLOT_BALANCES)), bytes32(balance));
    }

    function _anyBooks() private returns (Books memory books) {
        (books.custody, books.fees) = (_anyUnits("custody"), svm.createUint(128, "fees"));
        (books.held, books.supply) = (svm.createUint(128, "held"), svm.createUint(128, "supply"));
    }

    function _begin(address asset, AssetKind kind, Custody how, Books memory start) private {
        (_asset, _how, _begun[asset]) = (asset, how, true);
        _know(asset, kind, how, start.custody, start.fees);
    }

    function _anyRecipient() private returns (address) {
        return svm.createBool("with code") ? address(witness) : BOB;
    }

    // ---- any call ---------------------------------------------------------------------------------------------

    function _request() private returns (uint256 amount) {
        amount = _anyUnits("amount");
        vm.prank(SENDER);
        vault.requestERC20(_asset, BOB, amount, svm.createUint(128, "fee limit"), "");
    }

    /// The token says that something arrived, which may not be true.
    function _arrive(Books memory start) private returns (uint256 amount) {
        amount = _anyUnits("amount");
        uint256 said = svm.createUint(128, "said");
        uint256 owed = start.fees + (_how == Custody.Lock ? start.custody : 0);
        vm.assume(owed <= start.held);
        vm.prank(_asset);
        IERC1363Receiver(address(vault)).onTransferReceived(SENDER, SENDER, said, abi.encodePacked(BOB, amount));
        assert(said <= start.held - owed);
        // What arrived was beside the books until now.
        start.held -= said;
    }

    /// What was paid: nothing where the vault answers with a reason.
    function _payOut(address recipient) private returns (uint256) {
        (Request memory request, bytes memory payload) = _anyPayout(_asset);
        vm.prank(address(bridge));
        ParkReason reason;
        if (svm.createBool("with payload")) {
            (reason,) = vault.transferOutWith(request, payload, recipient, START);
        } else {
            (reason,) = vault.transferOut(_asset, request.amount, recipient, START, request.token);
        }
        return reason == ParkReason.None ? LaneAmount.unwrap(request.amount) : 0;
    }

    function _anySetting() private returns (bytes memory) {
        address next = address(new NextBridge(address(vault)));
        if (svm.createBool("served")) {
            vm.prank(OWNER);
            vault.serve(next);
        }
        uint256 act = svm.createUint(8, "act");
        if (act == 0) return abi.encodeCall(vault.setLimits, (_asset, Direction.Incoming, _anyLimits()));
        if (act == 1) return abi.encodeCall(vault.setLimits, (_asset, Direction.Outgoing, _unlimited()));
        if (act == 2) return abi.encodeCall(vault.setTokenEnabled, (_asset, svm.createBool("enabled")));
        if (act == 3) return abi.encodeCall(vault.setFee, (_asset, Fee(uint128(svm.createUint(128, "flat")), 1)));
        if (act == 4) return abi.encodeCall(vault.setFeeReceiver, (svm.createAddress("receiver")));
        if (act == 5) return abi.encodeCall(vault.serve, (next));
        if (act == 6) return abi.encodeCall(vault.retire, (address(bridge)));
        TokenConfig memory config = vault.tokenConfig(_asset);
        config.custody = Custody(svm.createUint(8, "how"));
        config.unitDecimals = uint8(svm.createUint(8, "unit"));
        return abi.encodeCall(vault.registerToken, (_asset, config));
    }

    function _anyLimits() private returns (Limits memory limits) {
        limits = _unlimited();
        (limits.min, limits.max, limits.delayedFrom) = (_anyUnits("min"), _anyUnits("max"), _anyUnits("delayed from"));
    }

    // ---- what must hold after it ------------------------------------------------------------------------------

    function _assertAdded(Books memory start, uint256 amount) private {
        assert(LaneAmount.unwrap(vault.custodyOf(_asset)) == start.custody + amount);
        _assertSlack(start, _how == Custody.Lock ? amount : 0, amount);
    }

    /// The amount was there.
    function _assertTaken(Books memory start, uint256 amount) private {
        assert(amount <= start.custody && LaneAmount.unwrap(vault.custodyOf(_asset)) == start.custody - amount);
        unchecked {
            _assertSlack(start, _how == Custody.Lock ? 0 - amount : 0, 0 - amount);
        }
    }

    /// The vault holds `more` than it did, and the fees that were paid; there is as much more as was minted.
    function _assertSlack(Books memory start, uint256 more, uint256 minted) private {
        uint256 held = _asset == NATIVE_COIN ? address(vault).balance : IERC20(_asset).balanceOf(address(vault));
        unchecked {
            assert(held == start.held + more + (vault.feesHeld(_asset) - start.fees));
            if (_how == Custody.Mint) assert(IERC20(_asset).totalSupply() == start.supply + minted);
        }
        _assertOthers();
    }

    /// Of any other asset there is as little as before.
    function _assertOthers() private {
        address other = svm.createAddress("other");
        vm.assume(!_begun[other]);
        assert(LaneAmount.unwrap(vault.custodyOf(other)) == 0 && vault.feesHeld(other) == 0);
        assert(_begun[NATIVE_COIN] || address(vault).balance == 0);
    }

    /// What the witness saw is what the call left.
    function _assertWitnessed() private view {
        if (!witness.called()) return;
        assert(witness.custody() == LaneAmount.unwrap(vault.custodyOf(NATIVE_COIN)));
        assert(witness.fees() == vault.feesHeld(NATIVE_COIN) && witness.held() == address(vault).balance);
    }
}
