//! Serves HTTP to strangers: so many connections, from one address so many of them, and none that waits without end.

#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
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
use twinspan_api::ErrorCode;

use super::cross_origin::allow_any;
use super::places::OF_ONE_MAX;
use super::refusal::Refusal;
use super::turn_away::{too_many, too_many_of_one, turn_away};
use super::visitors::{Visitors, hold};
use crate::config::Network;
use twinspan_supervise::Crowd;

/// Connections of one listener that are served, at most.
const CONNECTIONS_MAX: usize = 512;

/// Connections that are turned away at once, at most. Beyond them one address's are closed, and others wait.
const TURNED_AWAY_MAX: usize = 64;

/// How long the head of a request may take, and a connection stay idle.
const HEAD_LIMIT: Duration = Duration::from_secs(30);

/// How long the rest of a request and its answer may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// How long open requests may take when the relayer is asked to stop: a slow client does not hold it up.
const LAST_REQUESTS: Duration = Duration::from_secs(2);

/// Pause after the system refused a connection, as it does without file descriptors.
const REFUSED: Duration = Duration::from_secs(1);

/// Whom a listener serves.
#[derive(Clone, Debug)]
pub(crate) enum Audience {
    /// Anybody: pages of any origin too, and those for whom one of these proxies asks.
    Public {
        /// The proxies whose word is believed.
        proxies: Vec<Network>,
    },
    /// The other relayers.
    Peers,
}

/// Serves strangers until cancelled.
///
/// # Errors
/// None: a listener that fails is tried again.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    audience: Audience,
    cancel: CancellationToken,
) -> io::Result<()> {
    serve_up_to(CONNECTIONS_MAX, listener, router, audience, cancel).await
}

async fn serve_up_to(
    connections_max: usize,
    listener: TcpListener,
    router: Router,
    audience: Audience,
    cancel: CancellationToken,
) -> io::Result<()> {
    let (visitors, router) = layered(router, audience);
    let (mut open, mut turned_away) = (Crowd::new(), Crowd::new());
    loop {
        let has_place = open.len() < connections_max || turned_away.len() < TURNED_AWAY_MAX;
        // Stopping comes first, and connections that end before those that begin.
        let accepted = tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            Some(()) = open.next() => continue,
            Some(()) = turned_away.next() => continue,
            accepted = listener.accept(), if has_place => accepted,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "a connection is not accepted");
                tokio::time::sleep(REFUSED).await;
                continue;
            }
        };
        let address = from.ip().to_canonical();
        // A proxy's own connections are as many as it likes: each request counts for whom it is.
        let place = (!visitors.is_proxy(address)).then(|| visitors.places.take(address));
        let no = match &place {
            Some(None) => too_many_of_one(OF_ONE_MAX),
            Some(Some(_)) | None if open.len() == connections_max => too_many(connections_max),
            Some(Some(_)) | None => {
                let connection = connection(stream, from, router.clone(), cancel.clone());
                open.spawn(async move {
                    connection.await;
                    drop(place);
                });
                continue;
            }
        };
        debug!(%from, reason = no.error, "a connection is turned away");
        if turned_away.len() < TURNED_AWAY_MAX {
            turned_away.spawn(turn_away(stream, no));
        }
    }
    let rest = async { while open.next().await.is_some() {} };
    // Those who are still there then are cut off with the crowd.
    let _ = tokio::time::timeout(LAST_REQUESTS, rest).await;
    Ok(())
}

/// The routes with what every request passes, from the inside out.
fn layered(router: Router, audience: Audience) -> (Visitors, Router) {
    match audience {
        Audience::Public { proxies } => {
            let visitors = Visitors::new(&proxies);
            let router = router
                // However long it takes, its place is given back.
                .layer(middleware::from_fn(in_time))
                .layer(middleware::from_fn_with_state(visitors.clone(), hold))
                // Outermost, so that a page can read every answer.
                .layer(middleware::from_fn(allow_any));
            (visitors, router)
        }
        Audience::Peers => (Visitors::default(), router.layer(middleware::from_fn(in_time))),
    }
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
        Err(_) => Refusal::new(ErrorCode::TooSlow, "the request took too long").into_response(),
    }
}

/// Serves the operator until cancelled: its own account alone gets here.
///
/// # Errors
/// If the socket fails.
pub(crate) async fn serve_operator(
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
        ended = serving => ended,
        () = late => Ok(()),
    }
}
