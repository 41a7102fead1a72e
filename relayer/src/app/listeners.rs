//! The ports and the socket: the holder of the store takes them.

use tokio::net::{TcpListener, UnixListener};

use super::AppError;
use crate::config::Config;
use crate::serve::operator;

/// The ports and the operator's socket, taken before anything else starts and kept while the configuration changes.
#[derive(Debug)]
pub(super) struct Listeners {
    api: std::net::TcpListener,
    peers: std::net::TcpListener,
    operator: std::os::unix::net::UnixListener,
}

/// Handles on them for one run.
pub(super) struct Handles {
    pub(super) api: TcpListener,
    pub(super) peers: TcpListener,
    pub(super) operator: UnixListener,
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
        let socket = operator::socket_of(&config.store);
        let operator = match present {
            Some(present) => present.operator.try_clone(),
            None => operator::listen(&socket).and_then(UnixListener::into_std),
        };
        let operator = operator.map_err(|source| AppError::Operator { socket, source })?;
        Ok(Self { api, peers, operator })
    }

    /// Handles for one run: those who connect in between wait.
    pub(super) fn share(&self, config: &Config) -> Result<Handles, AppError> {
        let share = |listener: &std::net::TcpListener, setting| {
            let shared = listener.try_clone().and_then(TcpListener::from_std);
            shared.map_err(|source| {
                let address = listener.local_addr().unwrap_or(([0, 0, 0, 0], 0).into());
                AppError::Listen { address, setting, source }
            })
        };
        let operator = self.operator.try_clone().and_then(UnixListener::from_std);
        Ok(Handles {
            api: share(&self.api, "api.listen")?,
            peers: share(&self.peers, "peers.listen")?,
            operator: operator.map_err(|source| AppError::Operator {
                socket: operator::socket_of(&config.store),
                source,
            })?,
        })
    }
}
