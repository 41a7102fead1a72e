//! Says no in the API's words: every answer that is no success has an [`ApiError`] as its body.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use twinspan_api::{ApiError, ErrorCode};

use twinspan_store::StoreError;

/// Characters of a sender's own text that are repeated to it, at most.
const ECHO_MAX: usize = 300;

/// An [`ApiError`] as an answer.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) ApiError);

impl Refusal {
    pub(super) fn new(code: ErrorCode, error: impl Into<String>) -> Self {
        Self(ApiError::new(code, error))
    }

    /// With what to do about it.
    pub(super) fn or(self, remedy: impl Into<String>) -> Self {
        Self(self.0.or(remedy))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let code = self.0.code;
        let status = StatusCode::from_u16(code.status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self.0)).into_response();
        if let Some(seconds) = code.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a question was not answered: the store failed");
        Self::new(ErrorCode::StoreFailed, "the store does not answer")
            .or("look into the relayer's log")
    }
}

impl From<PathRejection> for Refusal {
    fn from(rejection: PathRejection) -> Self {
        malformed(&rejection.body_text())
    }
}

impl From<QueryRejection> for Refusal {
    fn from(rejection: QueryRejection) -> Self {
        malformed(&rejection.body_text())
    }
}

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(ErrorCode::TooLarge, "the body is too long"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                let remedy = "send it with `content-type: application/json`";
                Self::new(ErrorCode::NotJson, "the body is not said to be JSON").or(remedy)
            }
            _ => malformed(&rejection.body_text()),
        }
    }
}

/// The sender's own words are part of the text: bounded, so that an answer is never large.
fn malformed(text: &str) -> Refusal {
    Refusal::new(ErrorCode::Malformed, text.chars().take(ECHO_MAX).collect::<String>())
}

/// For paths that there are not.
pub(super) async fn no_such_path() -> Refusal {
    Refusal::new(ErrorCode::NoSuchPath, "no such path")
}

/// For methods that a path has not.
pub(super) async fn no_such_method() -> Refusal {
    let remedy = "the `allow` header names those that it has";
    Refusal::new(ErrorCode::NoSuchMethod, "the path has no such method").or(remedy)
}
