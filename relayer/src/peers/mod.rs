//! Talks to the other relayers. All that they say is input from a stranger: each attestation carries its own authority
//! in its signature.

pub(crate) mod abstentions;
pub mod client;
pub(crate) mod server;
pub mod wire;
