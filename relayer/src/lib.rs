//! The relayer: one process beside a pair of nodes.
//!
//! [`app`] puts it together; `engine` owns the lanes of a pair; `pipeline` holds the tasks that a
//! transfer passes; [`twinspan_store`] remembers; [`peers`] and [`serve`] talk to the world.

mod account_store;
pub mod app;
pub mod config;
mod engine;
pub mod keys;
mod lanes;
mod metrics;
pub mod peers;
mod pipeline;
pub mod serve;
mod status;
pub mod telemetry;
