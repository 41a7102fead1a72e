//! Every word that a relayer says over HTTP and over its operator's socket, and the client for them.
//!
//! The types here are JSON and nothing else: none of them is stored, signed or hashed, and none decides anything.
//! The relayer fills them from its state; the command line, tests, pages and other programs read them.
//!
//! # Spelling
//!
//! * Chain ids, amounts, fees and whatever else may pass 2^53 are **decimal strings**: JavaScript would lose digits.
//!   Counts, nonces, block numbers, gas and seconds are numbers.
//! * Hashes, addresses and bytes are hex with `0x`; an address is written in lower case.
//! * Amounts of coins are in wei, fees in wei per gas. Times are seconds of Unix time, unless a field says otherwise.
//! * A name of a closed list is `snake_case`. One with details is an object with the name under `is`.
//! * A field whose value is not known is `null`, never absent, and never a guess.
//!
//! # Change
//!
//! A reader passes over fields that it does not know, so that a newer relayer may tell more. A name, a spelling or a
//! type that changes breaks every reader: `tests/golden/` holds an example of each answer, byte by byte.
//!
//! ```
//! use twinspan_api::transfer::{Stage, Transfers};
//!
//! let answer = r#"{ "transfers": [], "as_of": [{ "chain_id": "1001", "block": 17, "later": true }] }"#;
//! let none: Transfers = serde_json::from_str(answer).expect("the words of a newer relayer");
//! assert_eq!((none.as_of[0].chain_id, none.as_of[0].block), (1001, 17));
//! assert_eq!(Stage::HandedOver.to_string(), "handed over");
//! ```

pub mod chain;
#[cfg(feature = "client")]
pub mod client;
pub mod decision;
pub mod error;
pub mod health;
pub mod lane;
pub mod order;
pub mod status;
mod text;
pub mod transaction;
pub mod transfer;

pub use error::{ApiError, ErrorCode};
