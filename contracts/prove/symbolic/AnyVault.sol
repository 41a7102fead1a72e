// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AssetKind, Custody, LaneAmount, NATIVE_COIN, Payload, Request} from "../../src/types/Types.sol";
import {IOwnedVault} from "../../test/support/IOwned.sol";
import {vm} from "../../test/support/Vm.sol";
import {proverVm, svm} from "./Svm.sol";
import {SymbolicBridge} from "./SymbolicBridge.sol";

/// @title One who is paid or gets change, and looks at the vault's books at that moment
/// @dev Whatever it would call then, it would find the vault in this state.
contract Witness {
    IOwnedVault private immutable _vault;
    bool public called;
    uint256 public custody;
    uint256 public fees;
    uint256 public held;

    constructor(IOwnedVault vault) {
        _vault = vault;
    }

    receive() external payable {
        called = true;
        (custody, fees) = (LaneAmount.unwrap(_vault.custodyOf(NATIVE_COIN)), _vault.feesHeld(NATIVE_COIN));
        held = address(_vault).balance;
    }
}

/// @title A vault whose books say anything, reachable or not, where a property does not rule it out
/// @dev Any: custody, fees held, the levels of the buckets, the flat fee, and what the vault has. Bounds and delays only
/// refuse. Callers and recipients are fixed, for nothing here tells one from the other; who may call is shown elsewhere.
abstract contract AnyVault is SymbolicBridge {
    // Slots of the vault's storage, see `forge inspect Vault storageLayout`.
    uint256 internal constant SLOT_FEES = 6;
    uint256 internal constant SLOT_IDS = 7;
    uint256 internal constant SLOT_TOKENS = 8;
    address internal constant ASSET_THERE = address(0x601D);
    address internal constant SENDER = address(0x5E4D);

    Witness internal witness;

    function setUp() public virtual override {
        super.setUp();
        witness = new Witness(vault);
    }

    /// Registered and of this kind, with this much in custody and these fees; any amount may pass. Of all else that the
    /// vault keeps of it, anything.
    function _know(address token, AssetKind kind, Custody how, uint256 custody, uint256 fees) internal {
        uint256 slot = uint256(keccak256(abi.encode(token, SLOT_TOKENS)));
        uint256 config = uint256(uint160(ASSET_THERE)) | uint256(kind) << 160 | uint256(how) << 168 | 1 << 176;
        _store(slot, config);
        // Powers of two, so that the prover shifts where the vault multiplies and divides; or no bucket.
        uint256 capacity = svm.createBool("bucket") ? 1 << 64 : UNITS_MAX;
        _store(slot + 1, 1 | UNITS_MAX << 112 | 1 << 240);
        _store(slot + 2, capacity | UNITS_MAX << 112);
        _store(slot + 3, _anyUnits("level") | custody << 112 | svm.createUint(32, "updated at") << 224);
        // The bucket of requests stands apart from all that is owed.
        _store(slot + 4, 1 | UNITS_MAX << 112 | 1 << 240);
        _store(slot + 5, UNITS_MAX | UNITS_MAX << 112);
        _store(slot + 6, UNITS_MAX | uint256(START) << 224);
        _store(slot + 7, svm.createUint(96, "flat fee"));
        _store(uint256(keccak256(abi.encode(token, SLOT_FEES))), fees);
    }

    function _store(uint256 slot, uint256 word) internal {
        proverVm.store(address(vault), bytes32(slot), bytes32(word));
    }

    /// Any request for any asset here, in whose payload there is only data.
    function _anyPayout(address token) internal returns (Request memory request, bytes memory payload) {
        request = _anyRequest("request");
        request.counterpartToken = token;
        Payload memory parts;
        parts.data = _anyData();
        payload = abi.encode(parts);
    }

    /// None, or any 32 bytes.
    function _anyData() internal returns (bytes memory) {
        return svm.createBool("data") ? abi.encodePacked(svm.createBytes32("data")) : bytes("");
    }
}
