//! An operator's orders about the relayer's own transactions.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use crate::transaction::Fees;

/// The last part of `POST /v1/transactions/{chain}/{nonce}/{order}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Replace it by one with a higher fee now, within the fee cap.
    Bump,
    /// Give it up: a transfer of 0 to the account itself takes its place.
    Drop,
}

impl Order {
    /// As it stands in the path.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Bump => "bump",
            Self::Drop => "drop",
        }
    }
}

/// The answer to an [`Order`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The newest transaction with that account nonce; `null` if nothing was signed for it yet.
    pub transaction: Option<B256>,
    /// Its offer.
    pub fees: Option<Fees>,
}
