//! Serves HTTP to strangers: so many connections, from one address so many of them, and none that waits without end.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tracing::{debug, warn};

use crate::supervise::Crowd;

/// Connections of one listener, at most. Whoever comes then waits.
const CONNECTIONS_MAX: usize = 512;

/// Of these, from one address.
const CONNECTIONS_OF_ONE_MAX: usize = 128;

/// How long the head of a request may take, and a connection stay idle.
const HEAD_LIMIT: Duration = Duration::from_secs(30);

/// How long the rest of a request and its answer may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// How long open requests may take when the relayer is asked to stop: a slow client does not hold it up.
const LAST_REQUESTS: Duration = Duration::from_secs(2);

/// Pause after the system refused a connection, as it does without file descriptors.
const REFUSED: Duration = Duration::from_secs(1);

/// Serves strangers until cancelled.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    cancel: CancellationToken,
) -> io::Result<()> {
    let router = router.layer(middleware::from_fn(in_time));
    let (places, mut open) = (Places::default(), Crowd::new());
    loop {
        tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            Some(()) = open.next() => {}
            accepted = listener.accept(), if open.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, from)) => match places.take(from.ip()) {
                    Some(place) => {
                        let connection = connection(stream, from, router.clone(), cancel.clone());
                        open.spawn(async move {
                            connection.await;
                            drop(place);
                        });
                    }
                    None => debug!(%from, "too many connections from one address"),
                },
                Err(error) => {
                    warn!(%error, "a connection is not accepted");
                    tokio::time::sleep(REFUSED).await;
                }
            }
        }
    }
    let rest = async { while open.next().await.is_some() {} };
    // Who is still there then is cut off with the crowd.
    let _ = tokio::time::timeout(LAST_REQUESTS, rest).await;
    Ok(())
}

async fn connection(
    stream: TcpStream,
    from: SocketAddr,
    router: Router,
    cancel: CancellationToken,
) {
    let service = router.map_request(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(from));
        request
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = cancel.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%from, %error, "a connection ended");
    }
}

/// A request that takes too long, because its body does not come, is given up.
async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_LIMIT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => (StatusCode::REQUEST_TIMEOUT, "the request took too long\n").into_response(),
    }
}

/// Serves the operator until cancelled: its own account alone gets here.
pub(super) async fn serve_operator(
    listener: UnixListener,
    router: Router,
    cancel: CancellationToken,
) -> io::Result<()> {
    let stop = cancel.clone().cancelled_owned();
    let serving = axum::serve(listener, router).with_graceful_shutdown(stop);
    let late = async {
        cancel.cancelled().await;
        tokio::time::sleep(LAST_REQUESTS).await;
    };
    tokio::select! {
        biased;
        ended = serving => ended,
        () = late => Ok(()),
    }
}

/// Connections by address.
#[derive(Clone, Default)]
struct Places(Arc<Mutex<BTreeMap<IpAddr, usize>>>);

/// One of them. Given back when it is dropped.
struct Place(Places, IpAddr);

impl Places {
    fn take(&self, from: IpAddr) -> Option<Place> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_this = taken.entry(from).or_default();
        if *of_this == CONNECTIONS_OF_ONE_MAX {
            return None;
        }
        *of_this += 1;
        Some(Place(self.clone(), from))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_this) = taken.get_mut(&self.1) {
            *of_this -= 1;
            if *of_this == 0 {
                taken.remove(&self.1);
            }
        }
    }
}
