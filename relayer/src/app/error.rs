//! Why a relayer does not start, or stopped.

use std::net::SocketAddr;
use std::path::PathBuf;

use twinspan_chains::{AccountFault, ConnectError};
use twinspan_store::StoreError;
use twinspan_supervise::UnaskedExit;

use super::PairFault;
use crate::keys::KeyError;
use crate::metrics::MetricsError;
use crate::peers::client::PeerError;

/// Why a relayer does not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// A key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A chain.
    #[error("{0}; check `chain_id`, `genesis_hash` and `endpoints` of that chain")]
    Connect(#[from] Box<ConnectError>),
    /// An account that cannot send.
    #[error(transparent)]
    Account(#[from] AccountFault),
    /// A bridge pair.
    #[error(transparent)]
    Pair(#[from] Box<PairFault>),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A listener.
    #[error(
        "cannot listen on {address} ({setting}): {source}; stop what uses it or change the setting"
    )]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Which setting names it.
        setting: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// The operator's socket.
    #[error(
        "cannot listen on {} for the operator: {source}; its folder must be writable and its path short",
        socket.display()
    )]
    Operator {
        /// Where.
        socket: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Signals cannot be listened to.
    #[error("cannot listen for SIGHUP: {0}")]
    Signal(std::io::Error),
    /// A peer's URL.
    #[error("peer: {0}")]
    Peer(#[from] PeerError),
    /// The metrics.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// A task ended.
    #[error(transparent)]
    Unasked(#[from] UnaskedExit),
}
