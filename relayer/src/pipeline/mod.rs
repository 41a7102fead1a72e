//! The tasks that a transfer passes, in the order of its life.

pub mod abstain;
pub mod attest;
pub mod exchange;
pub mod observe;
pub mod read_ahead;
