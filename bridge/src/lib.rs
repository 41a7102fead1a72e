//! The Twinspan protocol as pure decisions: types, hashes, rules and the lane state machine.
//!
//! The modules follow a transfer: [`observe`] → [`finality`] → [`lane_head`] → [`attest`] →
//! [`certify`] → [`schedule`], [`batch`] → [`settle`]. [`machine`] puts them together for one lane on
//! one relayer. Nothing here does I/O, reads a clock or draws a random number.

pub mod abstain;
pub mod attest;
pub mod batch;
pub mod certify;
pub mod checkpoint;
pub mod eip712;
pub mod finality;
pub mod ids;
pub mod io;
pub mod key;
pub mod lane_head;
pub mod machine;
pub mod observe;
pub mod payment;
pub mod relayer_set;
pub mod request;
pub mod schedule;
pub mod settle;
pub mod side;
pub mod status;
