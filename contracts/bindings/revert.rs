//! Says in words what a contract meant by reverting.

use alloy::{
    primitives::hex,
    sol_types::{Panic, Revert, SolError, SolInterface},
};

use crate::abi::{Bridge::BridgeErrors, BridgeToken::BridgeTokenErrors, asset_kind, park_reason};

/// One sentence for the revert data of a bridge, a bridge token, or a plain `revert("…")`; `None` when the data is
/// of none of these.
pub fn explain_revert(data: &[u8]) -> Option<String> {
    if let Ok(error) = BridgeErrors::abi_decode(data) {
        return Some(explain_bridge(&error));
    }
    if let Ok(error) = BridgeTokenErrors::abi_decode(data) {
        return Some(explain_token(&error));
    }
    if let Ok(Revert { reason }) = Revert::abi_decode(data) {
        return Some(format!("the contract says: {reason}"));
    }
    Panic::abi_decode(data).ok().map(|panic| format!("the contract panicked: {panic}"))
}

fn explain_bridge(error: &BridgeErrors) -> String {
    use BridgeErrors as E;
    match error {
        E::Bridge_Paused(e) => format!("the bridge is paused until {} (Unix time)", e.until),
        E::Bridge_TokenUnregistered(e) => {
            format!("token {} is not registered on this bridge", e.token)
        }
        E::Bridge_TokenDisabled(e) => format!("token {} is switched off on this bridge", e.token),
        E::Bridge_KindMismatch(e) => {
            format!(
                "the request is for {}, the token is registered as {}",
                kind(e.got),
                kind(e.want)
            )
        }
        E::Bridge_AmountZero(_) => "the amount is zero".into(),
        E::Bridge_AmountBelowMin(e) => {
            format!("the amount {} is under the least of {}", e.got, e.min)
        }
        E::Bridge_AmountAboveMax(e) => {
            format!("the amount {} is over the greatest of {}", e.got, e.max)
        }
        E::Bridge_RecipientRefused(e) => {
            format!(
                "recipient {} is zero, a bridge or the token itself: value paid there would be lost",
                e.recipient
            )
        }
        E::Bridge_ReceivedMismatch(e) => {
            format!(
                "the token moved {} where {} were stated; fee-on-transfer tokens are refused",
                e.got, e.want
            )
        }
        E::Bridge_SupplyShort(e) => {
            format!("the bridge minted {} in all, {} were to be burned", e.got, e.want)
        }
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
        E::Bridge_RequestMalformed(e) => {
            format!("the request at nonce {} is one that no bridge can have linked", e.nonce)
        }
        E::Bridge_GasShort(e) => {
            format!(
                "{} gas is left where a payout needs {}; send the batch with more gas",
                e.got, e.want
            )
        }
        E::Bridge_PayoutRefused(e) => format!("token {} did not say that it paid", e.token),
        E::Bridge_NotParked(e) => {
            format!("nothing is parked at nonce {}: never parked, or released or returned", e.nonce)
        }
        E::Bridge_RequestMismatch(e) => {
            format!("the request hashes to {}, the parked one to {}", e.got, e.want)
        }
        E::Bridge_TooEarly(e) => {
            format!("it is {}, this may happen from {} on (Unix time)", e.got, e.want)
        }
        E::Bridge_ReleaseRefused(e) => {
            format!("the handover still cannot be paid: {}", park_reason_text(e.reason))
        }
        E::Bridge_CallerRefused(e) => {
            format!("{} is neither guardian nor owner as this takes", e.caller)
        }
        E::Bridge_AddressZero(_) => "an address that must be set is zero".into(),
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
        E::Bridge_TokenCodeMissing(e) => format!("there is no contract at token {}", e.token),
        E::Bridge_TokenInvalid(e) => {
            format!("token {}: address, kind and custody do not fit together", e.token)
        }
        E::Bridge_TokenInUse(e) => format!(
            "the token has {} in custody and {} parked, so its kind, custody and counterpart stay",
            e.custody, e.parked
        ),
        E::Bridge_LimitsInvalid(e) => {
            format!("the least amount {} lies above the greatest {}", e.min, e.max)
        }
        E::Bridge_OwnerRequired(_) => "the bridge always has an owner".into(),
        E::OwnableInvalidOwner(e) => format!("{} cannot be the owner", e.owner),
        E::OwnableUnauthorizedAccount(e) => format!("{} is not the owner", e.account),
        E::ReentrancyGuardReentrantCall(_) => {
            "the bridge was called back from within one of its own calls".into()
        }
        E::SafeERC20FailedOperation(e) => format!("token {} refused the transfer", e.token),
        E::InvalidShortString(_) | E::StringTooLong(_) => "a name does not fit".into(),
    }
}

fn explain_token(error: &BridgeTokenErrors) -> String {
    use BridgeTokenErrors as E;
    match error {
        E::BridgeToken_CallerRefused(e) => {
            format!("{} may not mint or burn, only bridge {} may", e.got, e.want)
        }
        E::BridgeToken_CapExceeded(e) => {
            format!("the supply would be {}, its cap is {}", e.got, e.max)
        }
        E::BridgeToken_BridgeZero(_) => "a bridge token needs a bridge".into(),
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
        E::InvalidShortString(_) | E::StringTooLong(_) => "a name does not fit".into(),
    }
}

fn kind(kind: u8) -> &'static str {
    match kind {
        asset_kind::NATIVE => "the native coin",
        asset_kind::ERC20 => "an ERC-20 token",
        _ => "nothing",
    }
}

fn park_reason_text(reason: u8) -> &'static str {
    match reason {
        park_reason::TOKEN_UNAVAILABLE => {
            "the token is not registered, is switched off, or has another counterpart"
        }
        park_reason::LIQUIDITY_SHORT => "the bridge holds less than it pays",
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
    use crate::abi::{Bridge, BridgeToken};

    #[test]
    fn says_what_was_got_and_what_was_wanted() {
        let stale = Bridge::Bridge_NonceMismatch { got: 7, want: 9 };
        let text = explain_revert(&stale.abi_encode()).expect("an error of the bridge");
        assert!(text.contains("nonce 7") && text.contains("expects 9"), "{text}");
        let cap = BridgeToken::BridgeToken_CapExceeded { got: U256::from(11), max: U256::from(10) };
        let text = explain_revert(&cap.abi_encode()).expect("an error of the token");
        assert!(text.contains("11") && text.contains("10"), "{text}");
    }

    #[test]
    fn says_why_a_release_is_refused() {
        let refused = Bridge::Bridge_ReleaseRefused { reason: park_reason::RATE_LIMITED };
        let text = explain_revert(&refused.abi_encode()).expect("an error of the bridge");
        assert!(text.contains("rate limit"), "{text}");
    }

    #[test]
    fn passes_on_plain_reasons_and_knows_what_it_does_not_know() {
        let plain = Revert::from("out of luck").abi_encode();
        assert_eq!(explain_revert(&plain).as_deref(), Some("the contract says: out of luck"));
        assert_eq!(explain_revert(&[]), None);
        assert_eq!(explain_revert(&[0xde, 0xad, 0xbe, 0xef]), None);
    }
}
