//! Shared by the live tests: a real world of two nodes and four relayers, trouble, and the books.

pub mod books;
pub mod chain;
pub mod chaos;
pub mod command;
pub mod live;
pub mod network;
pub mod simulation;
