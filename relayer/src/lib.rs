//! The relayer: one process beside a pair of nodes.
//!
//! [`app`] puts it together; [`engine`] owns the lanes of a pair; [`pipeline`] holds the tasks that a
//! transfer passes; [`store`] remembers; [`peers`] and [`api`] talk to the world; [`cli`] is the
//! command line, [`devnet`] a whole world of chains and relayers on one machine.

pub mod api;
#[expect(
    clippy::disallowed_methods,
    reason = "measures with the standard library's clock, which a paused runtime does not pause"
)]
pub mod app;
pub mod cli;
#[expect(clippy::disallowed_methods, reason = "asks the machine what time it is")]
pub mod clock;
pub mod config;
#[expect(clippy::disallowed_methods, reason = "its worlds are real ones, in real time")]
pub mod devnet;
#[expect(
    clippy::disallowed_methods,
    reason = "measures with the standard library's clock, which a paused runtime does not pause"
)]
pub mod engine;
pub mod keys;
pub mod metrics;
#[expect(
    clippy::disallowed_methods,
    reason = "measures with the standard library's clock, which a paused runtime does not pause"
)]
pub mod peers;
#[expect(
    clippy::disallowed_methods,
    reason = "measures with the standard library's clock, which a paused runtime does not pause"
)]
pub mod pipeline;
pub mod status;
pub mod store;
pub mod supervise;
pub mod telemetry;
