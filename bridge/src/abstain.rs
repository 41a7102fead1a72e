//! An abstention, aloud: a member of a relayer set says, signed, that it attests nothing on a lane now, and why.
//!
//! It binds nobody and proves nothing of the chains: it tells people why a certificate is not complete. Nothing is
//! decided by it.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolValue;
use serde::{Deserialize, Serialize};

use crate::eip712;
use crate::ids::{Count, Epoch, Lane};
use crate::key::{AttestationError, AttestationKey, Signature};
use crate::status::Hold;

/// Why a member attests nothing, in the words that members sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Reason {
    /// It gets no new blocks of the source chain, or cannot read them.
    SourceStale = 1,
    /// Its endpoints of the source chain contradict each other, or too few answer for its quorum.
    EndpointsDisagree = 2,
    /// The source's logs do not lead to the head that the source's contract holds.
    HeadMismatch = 3,
    /// A head that it attested is no longer on the source chain.
    Reorganised = 4,
    /// The destination holds a history that is not the source's.
    DestinationDiverged = 5,
    /// The destination bridge is paused.
    Paused = 6,
    /// It lost its store and asks its peers what it attested.
    Recovering = 7,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::SourceStale,
        Self::EndpointsDisagree,
        Self::HeadMismatch,
        Self::Reorganised,
        Self::DestinationDiverged,
        Self::Paused,
        Self::Recovering,
    ];

    /// The number that is signed.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// In words.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::SourceStale => "it gets no new blocks of the source chain",
            Self::EndpointsDisagree => {
                "its endpoints of the source chain disagree, or too few answer"
            }
            Self::HeadMismatch => {
                "the logs it is given do not lead to the head on the source chain"
            }
            Self::Reorganised => "what it attested is no longer on the source chain",
            Self::DestinationDiverged => "the destination holds another history than the source",
            Self::Paused => "the destination bridge is paused",
            Self::Recovering => "it lost its store and asks its peers what it attested",
        }
    }
}

impl Hold {
    /// The reason that peers are told. `None` when this relayer is no member, or does not know the set yet.
    #[must_use]
    pub const fn reason(&self) -> Option<Reason> {
        match self {
            Self::DestinationDiverged => Some(Reason::DestinationDiverged),
            Self::Recovering => Some(Reason::Recovering),
            Self::Paused => Some(Reason::Paused),
            Self::Reorganised { .. } => Some(Reason::Reorganised),
            Self::RelayerSetUnknown | Self::NotAMember => None,
        }
    }
}

/// "I attest nothing after the first `count` requests of this lane now."
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abstention {
    /// The lane.
    pub lane: Lane,
    /// The relayer set that it is said to.
    pub epoch: Epoch,
    /// Where the destination stands.
    pub count: Count,
    /// Why.
    pub reason: Reason,
    /// When it is said: milliseconds of Unix time on the signer's clock.
    pub time: u64,
}

impl Abstention {
    /// The bytes that [`digest`](Self::digest) hashes, in the domain of a checkpoint: struct `Abstention(uint256
    /// sourceChainId,address sourceBridge,uint64 epoch,uint64 count,uint8 reason,uint64 time)`.
    #[must_use]
    pub fn preimage(&self) -> [u8; 66] {
        let fields = (
            keccak256(
                "Abstention(uint256 sourceChainId,address sourceBridge,uint64 epoch,uint64 count,uint8 reason,uint64 time)",
            ),
            U256::from(self.lane.source.chain_id.get()),
            self.lane.source.address,
            U256::from(self.epoch.get()),
            U256::from(self.count.get()),
            U256::from(self.reason.code()),
            U256::from(self.time),
        );
        eip712::preimage(&self.lane, keccak256(fields.abi_encode()))
    }

    /// The EIP-712 digest that is signed. A checkpoint is of another type: neither can stand for the other.
    #[must_use]
    pub fn digest(&self) -> B256 {
        keccak256(self.preimage())
    }
}

/// An abstention with its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedAbstention {
    /// The abstention.
    pub abstention: Abstention,
    /// Who claims to have signed it.
    pub signer: Address,
    /// The signature of its [`digest`](Abstention::digest).
    pub signature: Signature,
}

impl SignedAbstention {
    /// Checks the signature against the claimed signer.
    ///
    /// # Errors
    /// [`AttestationError`] if that key did not sign this.
    pub fn verify(&self) -> Result<(), AttestationError> {
        self.signature.is_of(self.abstention.digest(), self.signer)
    }
}

impl AttestationKey {
    /// Says aloud that nothing is attested.
    #[must_use]
    pub fn abstain(&self, abstention: Abstention) -> SignedAbstention {
        let signature = self.sign_digest(abstention.digest());
        SignedAbstention { abstention, signer: self.address(), signature }
    }
}

#[cfg(test)]
mod tests {
    use alloy_sol_types::{Eip712Domain, SolStruct, eip712_domain};

    use super::*;
    use crate::ids::{BridgeAt, ChainId};
    use crate::key::AttestationKey;

    mod typed {
        alloy_sol_types::sol! {
            struct Abstention {
                uint256 sourceChainId;
                address sourceBridge;
                uint64 epoch;
                uint64 count;
                uint8 reason;
                uint64 time;
            }
        }
    }

    fn abstention() -> Abstention {
        let at =
            |n: u8| BridgeAt { chain_id: ChainId::new(n.into()), address: Address::repeat_byte(n) };
        Abstention {
            lane: Lane { source: at(1), destination: at(2) },
            epoch: Epoch::new(3),
            count: Count::new(64),
            reason: Reason::EndpointsDisagree,
            time: 1_700_000_000_000,
        }
    }

    #[test]
    fn the_digest_is_that_of_eip_712() {
        let Abstention { lane, epoch, count, reason, time } = abstention();
        let domain: Eip712Domain = eip712_domain! {
            name: "Twinspan",
            version: "1",
            chain_id: lane.destination.chain_id.get(),
            verifying_contract: lane.destination.address,
        };
        let same = typed::Abstention {
            sourceChainId: alloy_primitives::U256::from(lane.source.chain_id.get()),
            sourceBridge: lane.source.address,
            epoch: epoch.get(),
            count: count.get(),
            reason: reason.code(),
            time,
        };
        assert_eq!(abstention().digest(), same.eip712_signing_hash(&domain));
    }

    #[test]
    fn a_signature_is_of_one_abstention_and_one_signer() {
        let key = AttestationKey::from_bytes([7; 32]).expect("a key");
        let signed = key.abstain(abstention());
        assert!(signed.verify().is_ok());
        let changes: [fn(&mut SignedAbstention); 9] = [
            |s| s.abstention.lane.source.chain_id = ChainId::new(9),
            |s| s.abstention.lane.source.address = Address::ZERO,
            |s| s.abstention.lane.destination.chain_id = ChainId::new(9),
            |s| s.abstention.lane.destination.address = Address::ZERO,
            |s| s.abstention.epoch = Epoch::new(4),
            |s| s.abstention.count = Count::new(65),
            |s| s.abstention.reason = Reason::Paused,
            |s| s.abstention.time += 1,
            |s| s.signer = Address::ZERO,
        ];
        for change in changes {
            let mut forged = signed;
            change(&mut forged);
            assert!(forged.verify().is_err(), "{forged:?}");
        }
    }

    #[test]
    fn every_reason_has_a_number_of_its_own() {
        let codes = Reason::ALL.map(Reason::code);
        assert_eq!(codes, [1, 2, 3, 4, 5, 6, 7]);
    }
}
