//! Tells who asks, also behind a proxy that the operator names, and holds each to its bound.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::places::{OF_ONE_MAX, Places};
use super::refusal::Refusal;
use super::turn_away::too_many_of_one;
use crate::config::Network;

/// The header in which proxies name those for whom they ask, the last one at the end.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Those who visit a listener.
#[derive(Clone, Debug, Default)]
pub(super) struct Visitors {
    /// The proxies that are believed.
    proxies: Arc<[Network]>,
    /// The places that visitors take.
    pub(super) places: Places,
}

impl Visitors {
    pub(super) fn new(proxies: &[Network]) -> Self {
        Self { proxies: proxies.into(), places: Places::default() }
    }

    /// Whether `address` is a proxy's that is believed.
    pub(super) fn is_proxy(&self, address: IpAddr) -> bool {
        self.proxies.iter().any(|network| network.contains(address))
    }

    /// For whom a proxy asks: the last one that is no proxy itself. Anything before that may be made up.
    fn behind(&self, proxy: IpAddr, headers: &HeaderMap) -> IpAddr {
        let lines = headers.get_all(FORWARDED_FOR).iter().rev();
        let mut nearest = proxy;
        for name in lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(',')) {
            let Some(address) = address_of(name.trim()) else { return nearest };
            nearest = address;
            if !self.is_proxy(address) {
                return nearest;
            }
        }
        nearest
    }
}

/// An address, also one with its port.
fn address_of(name: &str) -> Option<IpAddr> {
    let bare = || name.parse().ok();
    let bracketed = || name.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || name.parse().ok().map(|address: SocketAddr| address.ip());
    bare().or_else(bracketed).or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

/// Holds each of those behind a proxy to the bound of an address. Others are held to it by their connections.
pub(super) async fn hold(
    State(visitors): State<Visitors>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let proxy = from.ip().to_canonical();
    if !visitors.is_proxy(proxy) {
        return next.run(request).await;
    }
    let Some(_place) = visitors.places.take(visitors.behind(proxy, request.headers())) else {
        return Refusal(too_many_of_one(OF_ONE_MAX)).into_response();
    };
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(lines: &[&str]) -> String {
        let proxies = ["10.0.0.0/8", "::1"].map(|text| text.parse().expect("a network"));
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().expect("a header"));
        }
        let proxy = "10.0.0.1".parse().expect("an address");
        Visitors::new(&proxies).behind(proxy, &headers).to_string()
    }

    #[test]
    fn the_last_that_is_no_proxy_is_believed() {
        for (lines, wanted) in [
            (&["203.0.113.7"][..], "203.0.113.7"),
            (&["1.1.1.1, 203.0.113.7"], "203.0.113.7"),
            (&["1.1.1.1, 203.0.113.7, 10.9.9.9"], "203.0.113.7"),
            (&["1.1.1.1", "203.0.113.7", "10.9.9.9,::1"], "203.0.113.7"),
            (&["203.0.113.7:4711"], "203.0.113.7"),
            (&["[2001:db8::1]:4711"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["::ffff:203.0.113.7"], "203.0.113.7"),
            (&["10.9.9.9"], "10.9.9.9"),
            (&[], "10.0.0.1"),
            (&["unknown"], "10.0.0.1"),
            (&["203.0.113.7, unknown"], "10.0.0.1"),
            (&["1.1.1.1, , 10.9.9.9"], "10.9.9.9"),
        ] {
            assert_eq!(asked(lines), wanted, "{lines:?}");
        }
    }
}
