//! The routes that anybody may ask. They read, and change nothing.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use twinspan_api::ErrorCode;
use twinspan_api::health::Readiness;

use super::cross_origin::preflight;
use super::refusal::{Refusal, no_such_method, no_such_path};
use super::{Api, lanes, status, transfers};

/// The path that pages of other origins may not read.
pub(super) const METRICS: &str = "/metrics";

/// The routes of the API.
pub(crate) fn router(api: Api) -> axum::Router {
    axum::Router::new()
        .route("/healthz", get(async || "ok\n").options(preflight))
        .route("/readyz", get(ready).options(preflight))
        .route(METRICS, get(metrics))
        .route("/v1/status", get(status::status).options(preflight))
        .route("/v1/transfers", get(transfers::by_transaction).options(preflight))
        .route("/v1/transfers/{id}", get(transfers::by_id).options(preflight))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .with_state(api)
}

async fn metrics(State(api): State<Api>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    (kind, api.metrics.render()).into_response()
}

/// Ready once every lane's chains are read and nothing is halted.
async fn ready(State(api): State<Api>) -> Result<Json<Readiness>, Refusal> {
    let verdicts = api.directory.values().map(lanes::lane).map(|lane| {
        let verdict = lane.verdict();
        (lane.name, verdict)
    });
    let waiting: Vec<String> = verdicts
        .filter(|(_, verdict)| !verdict.is.is_ready())
        .map(|(name, verdict)| format!("{name} is {}: {}", verdict.is, verdict.why))
        .collect();
    if waiting.is_empty() {
        return Ok(Json(Readiness { ready: true }));
    }
    Err(Refusal::new(ErrorCode::NotReady, waiting.join("; ")))
}
