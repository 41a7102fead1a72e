//! The tasks that a transfer passes, in the order of its life.

pub(crate) mod abstain;
pub(crate) mod attest;
pub(crate) mod exchange;
pub(crate) mod observe;
pub(crate) mod read_ahead;
