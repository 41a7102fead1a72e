//! The EVM chains of this crate against nodes: scripted ones that lie and fail in every way, and anvil. One binary, because
//! each is linked with all that the crate stands on.
#![allow(missing_docs)]

mod account;
mod anvil;
mod campaign;
mod condition;
mod heads;
mod http;
mod reading;
mod remote_signer;
mod support;
mod survey;
mod truth;
