//! Asks an EVM chain, and turns its answers into the protocol's types.

pub mod calls;
mod complete;
mod decode;
pub(crate) mod fees;
pub(crate) mod finality;
pub mod head;
pub(crate) mod logs;
mod payment;
mod position;
pub mod preflight;
mod proof;
pub mod read;
pub(crate) mod receipt;
pub(crate) mod survey;
pub mod token;

pub use complete::Incomplete;
pub use decode::LogFault;
pub use logs::LOGS_MAX;
