//! The relayer: one process beside a pair of nodes.
//!
//! [`app`] puts it together; [`engine`] owns the lanes of a pair; [`pipeline`] holds the tasks that a
//! transfer passes; [`twinspan_store`] remembers; [`peers`] and [`serve`] talk to the world; [`cli`] is the
//! command line, [`devnet`] a whole world of chains and relayers on one machine.

pub mod account_store;
pub mod app;
pub mod cli;
pub mod config;
#[expect(clippy::disallowed_methods, reason = "its worlds are real ones, in real time")]
pub mod devnet;
pub mod engine;
pub mod keys;
pub mod lanes;
pub mod metrics;
pub mod peers;
pub mod pipeline;
pub mod serve;
pub mod status;
pub mod supervise;
pub mod telemetry;
