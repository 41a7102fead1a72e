//! The ports and the socket, taken by whoever has the store.

use tokio::net::{TcpListener, UnixListener};

use super::AppError;
use crate::api::operator;
use crate::config::Config;

/// The ports, taken before anything else starts and kept while the configuration changes.
#[derive(Debug)]
pub(super) struct Listeners {
    api: std::net::TcpListener,
    peers: std::net::TcpListener,
}

impl Listeners {
    /// Those of `config`; of `present` where they are the same.
    pub(super) async fn bind(config: &Config, present: Option<&Self>) -> Result<Self, AppError> {
        let bind = async |address, setting, present: Option<&std::net::TcpListener>| {
            let failed = |source| AppError::Listen { address, setting, source };
            if let Some(same) = present.filter(|it| it.local_addr().ok() == Some(address)) {
                return same.try_clone().map_err(failed);
            }
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            listener.into_std().map_err(failed)
        };
        let api = bind(config.api, "api.listen", present.map(|it| &it.api)).await?;
        let peers = bind(config.peers.listen, "peers.listen", present.map(|it| &it.peers)).await?;
        Ok(Self { api, peers })
    }

    /// Handles for one run: those who connect in between wait.
    pub(super) fn share(&self) -> Result<[TcpListener; 2], AppError> {
        let share = |listener: &std::net::TcpListener, setting| {
            let shared = listener.try_clone().and_then(TcpListener::from_std);
            shared.map_err(|source| {
                let address = listener.local_addr().unwrap_or(([0, 0, 0, 0], 0).into());
                AppError::Listen { address, setting, source }
            })
        };
        Ok([share(&self.api, "api.listen")?, share(&self.peers, "peers.listen")?])
    }
}

/// The operator's socket, beside the store.
pub(super) fn listen_to_operator(config: &Config) -> Result<UnixListener, AppError> {
    let socket = operator::socket_of(&config.store);
    operator::listen(&socket).map_err(|source| AppError::Operator { socket, source })
}
