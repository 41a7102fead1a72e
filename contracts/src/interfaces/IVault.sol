// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {
    AssetKind,
    Custody,
    Direction,
    Fee,
    Generation,
    LaneAmount,
    Limits,
    Order,
    ParkReason,
    Quote,
    Request,
    TokenConfig
} from "../types/Types.sol";

/// @title The value of one side: holds what the other chain's tokens stand for, mints what stands for theirs
/// @notice The one contract that dApps approve and call, through all generations of the bridge. Times are Unix seconds;
/// amounts are in the token's smallest unit here unless they are said to be in lane units. Errors with two values give
/// what was got first and what was wanted (or the bound it broke) second.
interface IVault {
    // ---- errors: requests -------------------------------------------------------------------------------------

    /// The token was never registered here.
    error Vault_TokenUnregistered(address token);
    /// The token is registered but switched off.
    error Vault_TokenDisabled(address token);
    /// The asset was requested by the function of another kind.
    error Vault_KindMismatch(AssetKind got, AssetKind want);
    /// A request moves something or is refused.
    error Vault_AmountZero();
    /// Under the least amount of one request.
    error Vault_AmountBelowMin(uint256 got, uint256 min);
    /// Over the greatest amount of one request.
    error Vault_AmountAboveMax(uint256 got, uint256 max);
    /// The other side cannot express the amount: it must be a multiple of `unit`.
    error Vault_AmountIndivisible(uint256 got, uint256 unit);
    /// The rate of requests is spent: `available` passes now, `got` from `earliest` on (the far future: never).
    error Vault_RateLimited(uint256 got, uint256 available, uint64 earliest);
    /// The fee is above what the caller allows.
    error Vault_FeeAboveLimit(uint256 got, uint256 max);
    /// Less coin came than the amount and the fees need.
    error Vault_CoinShort(uint256 got, uint256 want);
    /// More data than a request may carry, in bytes.
    error Vault_DataTooLong(uint256 got, uint256 max);
    /// The token URI is longer than a request may carry, in bytes.
    error Vault_UriTooLong(uint256 got, uint256 max);
    /// NFTs need ids, one for an ERC-721, at most `max` for an ERC-1155; others have none.
    error Vault_IdsInvalid(uint256 got, uint256 max);
    /// The ids of one request ascend strictly.
    error Vault_IdsUnordered(uint256 got, uint256 previous);
    /// The token moved another amount than stated (fee on transfer, rebasing), or kept the NFT.
    error Vault_ReceivedMismatch(uint256 got, uint256 want);
    /// More was asked of this vault than it holds or ever minted.
    error Vault_SupplyShort(LaneAmount got, LaneAmount want);
    /// An ERC-721 that the vault already holds or minted.
    error Vault_IdHeld(uint256 id);
    /// The token's data is not `recipient (20 bytes) ‖ amount (32 bytes, ERC-1363 only) ‖ data`.
    error Vault_HookDataInvalid(uint256 got, uint256 min);
    /// The bulk holds no order, or too many.
    error Vault_BulkInvalid(uint256 got, uint256 max);
    /// The caller refused the refund of its overpayment.
    error Vault_RefundRefused(address caller);
    /// No bridge takes requests.
    error Vault_NoBridge();

    // ---- errors: payouts and administration -------------------------------------------------------------------

    /// The caller is no bridge of this vault, or may not pay any more.
    error Vault_BridgeRefused(address caller);
    /// The token or the recipient refused the payout. Undoes all of it.
    error Vault_PayoutRefused(address token);
    /// The recipient refused the data. Undoes all of the payout.
    error Vault_DataRefused(address recipient);
    /// There is no contract at a token's address.
    error Vault_TokenCodeMissing(address token);
    /// The token, its kind and its custody do not fit together.
    error Vault_TokenInvalid(address token);
    /// The token has value in custody, so what it is and where it leads stays.
    error Vault_TokenInUse(LaneAmount custody);
    /// The limits contradict each other or what they are for.
    error Vault_LimitsInvalid(uint256 got, uint256 bound);
    /// The guardian only tightens.
    error Vault_LimitsLoosened(address caller);
    /// The fee's rate is above 10,000, or an NFT's is not flat.
    error Vault_FeeInvalid(uint256 got, uint256 max);
    /// A bridge that serves another vault, served before, or never did.
    error Vault_BridgeInvalid(address bridge);
    /// A waiting time above the bound.
    error Vault_DelayInvalid(uint64 got, uint64 max);

    // ---- events -----------------------------------------------------------------------------------------------

    /// A token was registered, or registered anew.
    event TokenRegistered(address indexed token, TokenConfig config);
    /// A token was switched on or off.
    event TokenEnabled(address indexed token, bool enabled);
    /// A token's limits in one direction changed.
    event LimitsChanged(address indexed token, Direction indexed direction, Limits limits);
    /// A token's fee changed.
    event FeeChanged(address indexed token, Fee fee);
    /// A request paid a fee, of `feeToken`.
    event FeePaid(uint64 indexed nonce, address indexed feeToken, uint256 amount);
    /// Fees went to the receiver.
    event FeesCollected(address indexed feeToken, address indexed receiver, uint256 amount);
    /// Where fees go changed.
    event FeeReceiverChanged(address indexed receiver);
    /// A generation of the bridge began to serve, to drain, or ended.
    event GenerationChanged(address indexed bridge, Generation generation);

    // ---- requests ---------------------------------------------------------------------------------------------

    /// Sends `amount` of the native coin to `recipient` on the other chain. `msg.value` is the amount and the fee; the
    /// rest of it comes back.
    function requestNative(address recipient, uint256 amount, bytes calldata data)
        external
        payable
        returns (uint64 nonce);
    /// Sends `amount` of `token`; the caller has approved the amount and the fee to this vault.
    function requestERC20(address token, address recipient, uint256 amount, uint256 feeLimit, bytes calldata data)
        external
        returns (uint64 nonce);
    /// The same, approved by a signed permit (EIP-2612) of the amount and `feeLimit`.
    function requestERC20WithPermit(
        address token,
        address recipient,
        uint256 amount,
        uint256 feeLimit,
        bytes calldata data,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external returns (uint64 nonce);
    /// Sends the NFT `id`, with its token URI. `msg.value` is the fee.
    function requestERC721(address token, address recipient, uint256 id, bytes calldata data)
        external
        payable
        returns (uint64 nonce);
    /// Sends `amounts` of `ids`, which ascend, as one request. `msg.value` is the fee.
    function requestERC1155(
        address token,
        address recipient,
        uint256[] calldata ids,
        uint256[] calldata amounts,
        bytes calldata data
    ) external payable returns (uint64 nonce);
    /// Sends all of `orders` or none, each with a nonce of its own, the first of which is returned. `msg.value` is all
    /// the coin they need; the rest of it comes back.
    function requestBulk(Order[] calldata orders) external payable returns (uint64 firstNonce);

    // ---- payouts ----------------------------------------------------------------------------------------------

    /// Pays `amount` of `token`, a coin or an ERC-20 that stands for `counterpart`, to `recipient`. Only for a bridge
    /// of this vault, in a frame of its own. Answers `None` when it paid. Else nothing changed, and `earliest` is when
    /// the reason passes by the limits in force. Reverts, which undoes all of it, when the token or the recipient
    /// refuses. `parkedAt`: when a delayed handover began to wait.
    /// @dev The order of the parameters makes it the first selector that the dispatcher tries.
    function transferOut(address token, LaneAmount amount, address recipient, uint64 parkedAt, address counterpart)
        external
        returns (ParkReason reason, uint64 earliest);
    /// The same of a request that has a payload: NFTs, or data for the recipient.
    function transferOutWith(Request calldata request, bytes calldata payload, address recipient, uint64 parkedAt)
        external
        returns (ParkReason reason, uint64 earliest);
    /// Sends the fees held of `feeToken`, if any, to the receiver. Anyone may call it.
    function collectFees(address feeToken) external;

    // ---- administration ---------------------------------------------------------------------------------------

    /// Registers `token`, or changes everything about it while none of it is in custody. Nothing passes before its
    /// limits are set. Owner.
    function registerToken(address token, TokenConfig calldata config) external;
    /// Sets what may pass in one direction. Owner; the guardian only to tighten.
    function setLimits(address token, Direction direction, Limits calldata limits) external;
    /// Switches a token on or off. Owner; the guardian only off.
    function setTokenEnabled(address token, bool enabled) external;
    /// Sets a token's fee. Owner.
    function setFee(address token, Fee calldata fee) external;
    /// Sets where fees go. Owner.
    function setFeeReceiver(address receiver) external;
    /// Makes `bridge` the one that takes requests; the one before it drains. Owner.
    function serve(address bridge) external;
    /// Ends a bridge that drains. Handovers still parked there are stranded until its owner acts: drain it first.
    /// Owner.
    function retire(address bridge) external;

    // ---- views ------------------------------------------------------------------------------------------------

    /// The fee and the limits that a request of `amount` of `token` (NFTs: how many) meets now. Reverts as the request
    /// would, but for a rate that is spent.
    function quote(address token, uint256 amount) external view returns (Quote memory);
    /// Whether a handover of `laneAmount` that waits since `parkedAt` would pass the limits now, else why not and from
    /// when on it would. That it is large comes before any other reason while its delay lasts.
    function wouldPass(address token, LaneAmount laneAmount, uint64 parkedAt)
        external
        view
        returns (ParkReason reason, uint64 earliest);
    /// The bridge that takes requests.
    function bridge() external view returns (address);
    /// The role of `bridge` at this vault.
    function generationOf(address bridge) external view returns (Generation);
    /// How long a large handover waits.
    function largeDelay() external view returns (uint64);
    /// A token's registration; all zero when there is none.
    function tokenConfig(address token) external view returns (TokenConfig memory);
    /// A token's limits in one direction.
    function limits(address token, Direction direction) external view returns (Limits memory);
    /// A token's fee.
    function fee(address token) external view returns (Fee memory);
    /// Fees held of a token.
    function feesHeld(address feeToken) external view returns (uint256);
    /// Where fees go.
    function feeReceiver() external view returns (address);
    /// The amount that is locked here for the other side, or minted here.
    function custodyOf(address token) external view returns (LaneAmount);
    /// The same, of one id of an NFT.
    function custodyOfId(address token, uint256 id) external view returns (LaneAmount);
    /// How much of a token may pass in one direction right now.
    function available(address token, Direction direction) external view returns (uint256);
}
