//! Says in words what a contract meant by reverting.

use alloy::{
    primitives::{Address, hex},
    sol_types::{Panic, Revert, SolError, SolInterface},
};

use crate::abi::{
    Bridge::BridgeErrors, BridgeMultiToken::BridgeMultiTokenErrors, BridgeNFT::BridgeNFTErrors,
    BridgeToken::BridgeTokenErrors, Timelock::TimelockErrors, Vault::VaultErrors, asset_kind,
    park_reason,
};

/// The time of what limits never allow.
const NEVER: u64 = u64::MAX;

/// One sentence for the revert data of a vault, a bridge, a bridge token, a timelock, or a plain `revert("…")`; `None`
/// when the data is of none of these.
pub fn explain_revert(data: &[u8]) -> Option<String> {
    if let Ok(error) = VaultErrors::abi_decode(data) {
        return Some(explain_vault(&error));
    }
    if let Ok(error) = BridgeErrors::abi_decode(data) {
        return Some(explain_bridge(&error));
    }
    if let Ok(error) = BridgeTokenErrors::abi_decode(data) {
        return Some(explain_token(&error));
    }
    if let Ok(error) = BridgeNFTErrors::abi_decode(data) {
        return Some(format!("the NFT refused: {error:?}"));
    }
    if let Ok(error) = BridgeMultiTokenErrors::abi_decode(data) {
        return Some(format!("the multi-token refused: {error:?}"));
    }
    if let Ok(error) = TimelockErrors::abi_decode(data) {
        return Some(format!("the timelock refused: {error:?}"));
    }
    if let Ok(Revert { reason }) = Revert::abi_decode(data) {
        return Some(format!("the contract says: {reason}"));
    }
    Panic::abi_decode(data).ok().map(|panic| format!("the contract panicked: {panic}"))
}

fn from_time(earliest: u64) -> String {
    match earliest {
        0 => "time alone does not help".into(),
        NEVER => "never by the limits in force".into(),
        at => format!("from {at} on (Unix time)"),
    }
}

// Errors that several contracts share.
const ADDRESS_ZERO: &str = "an address that must be set is zero";
const OWNER_REQUIRED: &str = "there is always an owner";
const REENTERED: &str = "the contract was called back from within one of its own calls";
const NAME_TOO_LONG: &str = "a name does not fit";

fn role_missing(caller: Address) -> String {
    format!("{caller} has not the role that this takes")
}

fn owner_invalid(owner: Address) -> String {
    format!("{owner} cannot be the owner")
}

fn not_the_owner(account: Address) -> String {
    format!("{account} is not the owner")
}

fn explain_vault(error: &VaultErrors) -> String {
    use VaultErrors as E;
    match error {
        E::Vault_TokenUnregistered(e) => {
            format!("token {} is not registered at this vault", e.token)
        }
        E::Vault_TokenDisabled(e) => format!("token {} is switched off at this vault", e.token),
        E::Vault_KindMismatch(e) => format!(
            "the request is for {}, the token is registered as {}",
            kind(e.got),
            kind(e.want)
        ),
        E::Vault_AmountZero(_) => "the amount is zero".into(),
        E::Vault_AmountBelowMin(e) => {
            format!("the amount {} is under the least of {}", e.got, e.min)
        }
        E::Vault_AmountAboveMax(e) => {
            format!("the amount {} is over the greatest of {}", e.got, e.max)
        }
        E::Vault_AmountIndivisible(e) => format!(
            "the other side has fewer decimals: the amount {} is no multiple of {}",
            e.got, e.unit
        ),
        E::Vault_RateLimited(e) => format!(
            "the rate limit has room for {} now, not for {}; for that {}",
            e.available,
            e.got,
            from_time(e.earliest)
        ),
        E::Vault_FeeAboveLimit(e) => {
            format!("the fee is {}, the caller allows {}", e.got, e.max)
        }
        E::Vault_CoinShort(e) => {
            format!("{} wei came with the call, amount and fees need {}", e.got, e.want)
        }
        E::Vault_DataTooLong(e) => format!("{} bytes of data, at most {} pass", e.got, e.max),
        E::Vault_UriTooLong(e) => {
            format!("the token URI has {} bytes, at most {} pass", e.got, e.max)
        }
        E::Vault_IdsInvalid(e) => {
            format!("{} ids or amounts, where at most {} belong to this kind", e.got, e.max)
        }
        E::Vault_IdsUnordered(e) => {
            format!("id {} does not come strictly after {}", e.got, e.previous)
        }
        E::Vault_ReceivedMismatch(e) => format!(
            "the token moved {} where {} were stated; fee-on-transfer tokens are refused",
            e.got, e.want
        ),
        E::Vault_SupplyShort(e) => {
            format!("the vault holds or minted {}, {} were asked for", e.got, e.want)
        }
        E::Vault_IdHeld(e) => format!("NFT {} is in custody already", e.id),
        E::Vault_HookDataInvalid(e) => format!(
            "{} bytes came with the token, the recipient (and the amount) need {}",
            e.got, e.min
        ),
        E::Vault_BulkInvalid(e) => format!("{} orders: want 1 to {}", e.got, e.max),
        E::Vault_RefundRefused(e) => {
            format!("{} refused the refund of its overpayment", e.caller)
        }
        E::Vault_NoBridge(_) => "no bridge takes requests at this vault".into(),
        E::Vault_BridgeRefused(e) => format!("{} is no bridge of this vault", e.caller),
        E::Vault_PayoutRefused(e) => {
            format!("token {} or the recipient refused the payout", e.token)
        }
        E::Vault_DataRefused(e) => format!("{} refused the data", e.recipient),
        E::Vault_TokenCodeMissing(e) => format!("there is no contract at token {}", e.token),
        E::Vault_TokenInvalid(e) => {
            format!("token {}: address, kind, custody and decimals do not fit together", e.token)
        }
        E::Vault_TokenInUse(e) => format!(
            "the token has {} in custody, so its kind, custody, unit and counterpart stay",
            e.custody
        ),
        E::Vault_LimitsInvalid(e) => {
            format!("the limit {} contradicts its bound {}", e.got, e.bound)
        }
        E::Vault_LimitsLoosened(e) => {
            format!("the guardian {} may only tighten limits; the owner loosens them", e.caller)
        }
        E::Vault_FeeInvalid(e) => format!("the fee rate {} is above {}", e.got, e.max),
        E::Vault_BridgeInvalid(e) => format!(
            "{} cannot be that: it serves another vault, or had its turn, or never had one",
            e.bridge
        ),
        E::Vault_DelayInvalid(e) => {
            format!("a delay of {} seconds, at most {} is allowed", e.got, e.max)
        }
        E::Governed_CallerRefused(e) => role_missing(e.caller),
        E::Governed_AddressZero(_) => ADDRESS_ZERO.into(),
        E::Governed_OwnerRequired(_) => OWNER_REQUIRED.into(),
        E::OwnableInvalidOwner(e) => owner_invalid(e.owner),
        E::OwnableUnauthorizedAccount(e) => not_the_owner(e.account),
        E::ReentrancyGuardReentrantCall(_) => REENTERED.into(),
        E::SafeERC20FailedOperation(e) => format!("token {} refused the transfer", e.token),
        E::FailedCall(_) => "a call inside the contract failed".into(),
        E::InsufficientBalance(e) => format!("it holds {}, {} are needed", e.balance, e.needed),
    }
}

#[expect(clippy::too_many_lines, reason = "a table: one error a line")]
fn explain_bridge(error: &BridgeErrors) -> String {
    use BridgeErrors as E;
    match error {
        E::Bridge_Paused(e) => format!("the bridge is paused until {} (Unix time)", e.until),
        E::Bridge_RecipientRefused(e) => format!(
            "recipient {} is zero, a bridge or the token itself: value paid there would be lost",
            e.recipient
        ),
        E::Bridge_BatchEmpty(_) => "the batch is empty".into(),
        E::Bridge_NonceMismatch(e) => {
            format!(
                "the batch has nonce {} where the lane expects {}; it is stale, early or has a gap",
                e.got, e.want
            )
        }
        E::Bridge_CountMismatch(e) => {
            format!("the certificate counts {} requests, batch and tail end at {}", e.got, e.want)
        }
        E::Bridge_HeadMismatch(e) => {
            format!("the certificate attests head {}, the requests hash to {}", e.got, e.want)
        }
        E::Bridge_EpochMismatch(e) => {
            format!("attested for epoch {}, but epoch {} is in force", e.got, e.want)
        }
        E::Bridge_SignatureInvalid(e) => {
            format!("signature {} is malformed, has a high s, or recovers to nobody", e.index)
        }
        E::Bridge_SignersUnordered(e) => {
            format!("signer {} does not come strictly after {}", e.signer, e.previous)
        }
        E::Bridge_SignerRefused(e) => {
            format!("signer {} is no member of the epoch, or was revoked", e.signer)
        }
        E::Bridge_ThresholdShort(e) => {
            format!("{} distinct members attest, the threshold is {}", e.got, e.want)
        }
        E::Bridge_RelayerSetUnset(_) => "no relayer set is in force".into(),
        E::Bridge_CheckpointPassed(e) => {
            format!("the checkpoint at {} is passed, {} requests are handed over", e.got, e.reached)
        }
        E::Bridge_AttestationKnown(e) => {
            format!("the attestation of {} is already recorded", e.signer)
        }
        E::Bridge_PayloadsMismatch(e) => {
            format!("the batch has {} payloads, its requests name {}", e.got, e.want)
        }
        E::Bridge_PayloadMismatch(e) => {
            format!("the payload hashes to {}, the request names {}", e.got, e.want)
        }
        E::Bridge_VaultInvalid(e) => format!("there is no vault at {}", e.vault),
        E::Bridge_GasShort(e) => format!(
            "{} gas is left where a payout needs {}; send the batch with more gas",
            e.got, e.want
        ),
        E::Bridge_NotParked(e) => format!(
            "nothing is parked under request hash {}: never parked, released, returned, or another request",
            e.requestHash
        ),
        E::Bridge_HandoverHeld(e) => {
            format!("the guardian holds {}; the owner can free it", e.requestHash)
        }
        E::Bridge_NotDelayed(e) => {
            format!("{} does not wait for being large, so it cannot be held", e.requestHash)
        }
        E::Bridge_TooEarly(e) => {
            format!("it is {}, this may happen from {} on (Unix time)", e.got, e.want)
        }
        E::Bridge_ReleaseRefused(e) => format!(
            "the handover still cannot be paid: {}; {}",
            park_reason_text(e.reason),
            from_time(e.earliest)
        ),
        E::Bridge_Expired(e) => {
            format!("the signature was good until {}, it is {} (Unix time)", e.deadline, e.got)
        }
        E::Bridge_RecipientSignatureInvalid(e) => {
            format!("{} did not sign this release", e.recipient)
        }
        E::Bridge_NotPaused(_) => "a lane is recovered only while the bridge is paused".into(),
        E::Bridge_ChainIdInvalid(e) => {
            format!("counterpart chain id {} is zero or this very chain", e.got)
        }
        E::Bridge_TimingInvalid(e) => {
            format!(
                "a waiting time of {} seconds is outside the bounds (at most {}; a pause is never 0)",
                e.got, e.max
            )
        }
        E::Bridge_ThresholdInvalid(e) => {
            format!("threshold {} does not lie within 1 and the {} members", e.got, e.members)
        }
        E::Bridge_MembersTooMany(e) => format!("{} members, at most {} are allowed", e.got, e.max),
        E::Bridge_MemberDuplicate(e) => format!("member {} is listed twice", e.member),
        E::Bridge_MemberRevoked(e) => {
            format!("the key {} was revoked and never comes back", e.member)
        }
        E::Bridge_ChurnTooLarge(e) => {
            format!("{} members would change, one change may touch {}", e.got, e.max)
        }
        E::Bridge_NothingScheduled(_) => "no relayer set is scheduled".into(),
        E::Governed_CallerRefused(e) => role_missing(e.caller),
        E::Governed_AddressZero(_) => ADDRESS_ZERO.into(),
        E::Governed_OwnerRequired(_) => OWNER_REQUIRED.into(),
        E::OwnableInvalidOwner(e) => owner_invalid(e.owner),
        E::OwnableUnauthorizedAccount(e) => not_the_owner(e.account),
        E::ReentrancyGuardReentrantCall(_) => REENTERED.into(),
        E::InvalidShortString(_) | E::StringTooLong(_) => NAME_TOO_LONG.into(),
    }
}

fn explain_token(error: &BridgeTokenErrors) -> String {
    use BridgeTokenErrors as E;
    match error {
        E::Token_CallerRefused(e) => {
            format!("{} may not mint, only vault {} may", e.got, e.want)
        }
        E::Token_CapExceeded(e) => {
            format!("the supply would be {}, its cap is {}", e.got, e.max)
        }
        E::Token_VaultZero(_) => "a bridge token needs a vault".into(),
        E::ERC20InsufficientAllowance(e) => {
            format!("spender {} is allowed {}, {} are needed", e.spender, e.allowance, e.needed)
        }
        E::ERC20InsufficientBalance(e) => {
            format!("{} holds {}, {} are needed", e.sender, e.balance, e.needed)
        }
        E::ERC20InvalidApprover(e) => format!("{} cannot approve", e.approver),
        E::ERC20InvalidReceiver(e) => format!("{} cannot receive tokens", e.receiver),
        E::ERC20InvalidSender(e) => format!("{} cannot send tokens", e.sender),
        E::ERC20InvalidSpender(e) => format!("{} cannot spend tokens", e.spender),
        E::ERC1363ApproveFailed(e) => format!("{} could not be approved", e.spender),
        E::ERC1363InvalidReceiver(e) => format!("{} does not take tokens in one step", e.receiver),
        E::ERC1363InvalidSpender(e) => format!("{} does not act on approvals", e.spender),
        E::ERC1363TransferFailed(e) => format!("{} to {} could not be moved", e.value, e.receiver),
        E::ERC1363TransferFromFailed(e) => {
            format!("{} from {} to {} could not be moved", e.value, e.sender, e.receiver)
        }
        E::ERC2612ExpiredSignature(e) => {
            format!("the permit expired at {} (Unix time)", e.deadline)
        }
        E::ERC2612InvalidSigner(e) => {
            format!("the permit is signed by {}, not by {}", e.signer, e.owner)
        }
        E::InvalidAccountNonce(e) => {
            format!("the permit nonce of {} is {}", e.account, e.currentNonce)
        }
        E::ECDSAInvalidSignature(_) => "the permit's signature is invalid".into(),
        E::ECDSAInvalidSignatureLength(e) => {
            format!("the permit's signature has {} bytes", e.length)
        }
        E::ECDSAInvalidSignatureS(e) => {
            format!("the permit's signature has a high s, {}", hex::encode_prefixed(e.s))
        }
        E::InvalidShortString(_) | E::StringTooLong(_) => NAME_TOO_LONG.into(),
    }
}

fn kind(kind: u8) -> &'static str {
    match kind {
        asset_kind::NATIVE => "the native coin",
        asset_kind::ERC20 => "an ERC-20 token",
        asset_kind::ERC721 => "an ERC-721 token",
        asset_kind::ERC1155 => "an ERC-1155 token",
        _ => "nothing",
    }
}

fn park_reason_text(reason: u8) -> &'static str {
    match reason {
        park_reason::TOKEN_UNAVAILABLE => {
            "the token is not registered, is switched off, or has another counterpart"
        }
        park_reason::OUT_OF_BOUNDS => "the amount is outside what one handover may move here",
        park_reason::DATA_REFUSED => "the recipient refused the data",
        park_reason::LIQUIDITY_SHORT => "the vault holds less than it pays",
        park_reason::RATE_LIMITED => "the token's rate limit is spent",
        park_reason::DELAYED => "it is large enough to be delayed",
        park_reason::PAYOUT_FAILED => "the token or the recipient refused the payout",
        _ => "the reason is unknown to this release",
    }
}

#[cfg(test)]
mod tests {
    use alloy::{primitives::U256, sol_types::SolError};

    use super::*;
    use crate::abi::{Bridge, BridgeToken, Vault};

    #[test]
    fn says_what_was_got_and_what_was_wanted() {
        let stale = Bridge::Bridge_NonceMismatch { got: 7, want: 9 };
        let text = explain_revert(&stale.abi_encode()).expect("an error of the bridge");
        assert!(text.contains("nonce 7") && text.contains("expects 9"), "{text}");
        let cap = BridgeToken::Token_CapExceeded { got: U256::from(11), max: U256::from(10) };
        let text = explain_revert(&cap.abi_encode()).expect("an error of the token");
        assert!(text.contains("11") && text.contains("10"), "{text}");
    }

    #[test]
    fn says_why_a_release_is_refused() {
        let refused =
            Bridge::Bridge_ReleaseRefused { reason: park_reason::RATE_LIMITED, earliest: 77 };
        let text = explain_revert(&refused.abi_encode()).expect("an error of the bridge");
        assert!(text.contains("rate limit") && text.contains("77"), "{text}");
    }

    #[test]
    fn says_of_bridge_and_vault_alike_what_both_refuse() {
        let caller = Address::repeat_byte(7);
        let of_bridge = Bridge::Governed_CallerRefused { caller }.abi_encode();
        let of_vault = Vault::Governed_CallerRefused { caller }.abi_encode();
        let text = explain_revert(&of_bridge).expect("an error of the bridge");
        assert!(text.contains(&caller.to_string()), "{text}");
        assert_eq!(explain_revert(&of_vault), Some(text));
    }

    #[test]
    fn names_every_kind_of_asset() {
        let mismatch =
            Vault::Vault_KindMismatch { got: asset_kind::ERC721, want: asset_kind::ERC1155 };
        let text = explain_revert(&mismatch.abi_encode()).expect("an error of the vault");
        assert!(text.contains("ERC-721") && text.contains("ERC-1155"), "{text}");
    }

    #[test]
    fn passes_on_plain_reasons_and_knows_what_it_does_not_know() {
        let plain = Revert::from("out of luck").abi_encode();
        assert_eq!(explain_revert(&plain).as_deref(), Some("the contract says: out of luck"));
        assert_eq!(explain_revert(&[]), None);
        assert_eq!(explain_revert(&[0xde, 0xad, 0xbe, 0xef]), None);
    }
}
