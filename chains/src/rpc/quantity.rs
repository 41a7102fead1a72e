//! Numbers of what is counted one by one, as nodes tell them: none is believed that no chain reaches.

use alloy::primitives::U64;
use serde::Deserialize;

/// The greatest number that is believed of blocks, transactions and requests: half of what 64 bits hold. A chain that
/// counts a thousand million a second needs some 290 years to get there, and the sum of two still fits.
pub(crate) const COUNTED_MAX: u64 = u64::MAX / 2;

/// A number of blocks, transactions or logs in JSON-RPC's hexadecimal, at most [`COUNTED_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "U64")]
pub(crate) struct Quantity(u64);

/// A number that no chain reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is more than any chain counts")]
pub(crate) struct Uncounted(u64);

impl Quantity {
    pub(crate) const fn get(self) -> u64 {
        self.0
    }
}

impl TryFrom<U64> for Quantity {
    type Error = Uncounted;

    fn try_from(told: U64) -> Result<Self, Uncounted> {
        counted(told.to()).map(Self)
    }
}

/// `told` itself, if a chain can have counted that far.
pub(crate) const fn counted(told: u64) -> Result<u64, Uncounted> {
    if told <= COUNTED_MAX { Ok(told) } else { Err(Uncounted(told)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_chain_reaches_is_refused_and_the_last_number_before_is_not() {
        let read = |json: &str| serde_json::from_str::<Quantity>(json).map(Quantity::get);
        assert_eq!(read("\"0x7fffffffffffffff\"").expect("a number"), COUNTED_MAX);
        for json in ["\"0x8000000000000000\"", "\"0xffffffffffffffff\"", "\"0x1ffffffffffffffff\""]
        {
            assert!(read(json).is_err(), "{json}");
        }
        let fault = counted(u64::MAX).expect_err("refused");
        assert_eq!(fault.to_string(), "18446744073709551615 is more than any chain counts");
    }
}
