//! The store through its public doors: opened, written, migrated.
#![allow(missing_docs)]

mod migration;
mod opening;
mod sample;
mod support;
mod transactions;
mod writing;
