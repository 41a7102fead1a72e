//! Lets pages of any origin read what anybody may read: no credentials are asked for, and nothing can be changed.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::public::METRICS;

/// The methods of every public path.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");

/// Any: an origin, or a header without credentials.
const ANY: HeaderValue = HeaderValue::from_static("*");

/// Seconds that a browser need not ask again for: a day.
const MAX_AGE: HeaderValue = HeaderValue::from_static("86400");

/// Answers a browser that asks whether it may ask.
pub(super) async fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(header::ALLOW, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ANY);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    response
}

/// Marks every answer but the metrics as readable by any page.
pub(super) async fn allow_any(request: Request, next: Next) -> Response {
    let is_readable = request.uri().path() != METRICS;
    let mut response = next.run(request).await;
    if is_readable {
        mark(response.headers_mut());
    }
    response
}

/// Lets any page read an answer, and when to ask again.
fn mark(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
}
