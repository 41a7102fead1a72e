//! Sends transactions: one actor for each account, which ends every intent in a recorded outcome.
//!
//! # Contract
//!
//! * **Record, then act.** Signed bytes are in the [`TransactionStore`] before they are broadcast, and an
//!   outcome is there before it is reported. A restart loads what is unfinished and broadcasts the same
//!   bytes.
//! * **One intent, one account nonce.** An [`IntentId`] that is pending or done is not sent again; if it is
//!   done, its outcome is reported again. Replacements (same account nonce, higher fee) are remembered as
//!   siblings: any of them may be mined, and at most one is.
//! * **In order.** Broadcasts go out one after the other, the lowest account nonce first. Intents are therefore
//!   executed in the order of their submission, also by nodes that hold no transaction ahead of its turn.
//! * **Nothing is dropped.** What cannot be sent waits, with a reason, and is sent again. An intent ends
//!   as mined, reverted, or abandoned: cancelled, impossible, or its account nonce was used by a
//!   transaction that is not ours.
//! * **Outcomes are reported at least once**, at the first inclusion. A transaction is then watched until its block is
//!   final. If a reorganisation takes it back, it is broadcast again, and another outcome is reported anew.
//! * **No call in between.** From `submit` to the broadcast there is one signature, one store commit and no round trip.
//!   Fees and account nonce are known beforehand.
//! * **Heads drive it.** It listens to the heads that any [`HeadWatcher`](crate::HeadWatcher) of the chain sees. It
//!   asks about one call a head while something is pending, and none when idle. Without a watcher it looks for itself
//!   while something is pending.

mod account;
mod book;
mod commands;
mod handle;
mod intent;
mod observe;
mod repair;
mod runway;
mod send;
mod store;
mod stored;
mod view;

pub use account::{Account, AccountStopped};
pub use commands::{Command, CommandRefused, Commanded};
pub use handle::{AccountGone, AccountHandle};
pub use intent::{Intent, IntentId, Outcome, Resolved};
pub use store::{MemoryStore, StoreFault, TransactionStore};
pub use stored::{AccountKey, Sibling, StoredTransaction, TransactionState};
pub use view::{AccountSnapshot, PendingView};

pub use crate::evm::fees::Fees;
