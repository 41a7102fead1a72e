//! Routes of a relayer that serves nothing yet: every answer is in the words of the API.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use metrics_exporter_prometheus::PrometheusBuilder;
use tower::ServiceExt;
use twinspan_api::{ApiError, ErrorCode};

use super::*;
use twinspan_store::{Deployment, Store};

/// A relayer without chains and lanes, and its store's folder.
fn nothing() -> (Api, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("relayer.redb");
    let (store, _writer) = Store::open(&path, &Deployment::default()).expect("a new store");
    let api = Api {
        relayer: Arc::new(("operator-a".to_owned(), alloy::primitives::Address::ZERO)),
        pairs: Arc::default(),
        directory: Arc::default(),
        chains: Arc::default(),
        accounts: Arc::default(),
        store,
        evidence: Arc::default(),
        metrics: PrometheusBuilder::new().build_recorder().handle(),
        configuration: watch::channel(Configuration::default()).1,
        started: tokio::time::Instant::now(),
    };
    (api, folder)
}

async fn ask(router: &Router, method: Method, path: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
    let request = Request::builder().method(method).uri(path);
    send(router, request.body(Body::empty()).expect("a request")).await
}

async fn send(router: &Router, request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
    let answer = router.clone().oneshot(request).await.expect("it answers");
    let (head, body) = answer.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    (head.status, head.headers, body.to_vec())
}

#[track_caller]
fn check((status, _, body): &(StatusCode, HeaderMap, Vec<u8>), wanted: ErrorCode, what: &str) {
    let error: ApiError = serde_json::from_slice(body)
        .unwrap_or_else(|_| panic!("{what}: no error in {:?}", String::from_utf8_lossy(body)));
    assert_eq!((status.as_u16(), error.code), (wanted.status(), wanted), "{what}: {error}");
    assert!(body.len() < 1_000, "{what}: {} bytes", body.len());
}

#[tokio::test]
async fn the_public_routes_refuse_in_the_words_of_the_api() {
    let (api, _folder) = nothing();
    let router = public::router(api);
    let id = "31337-0x00000000000000000000000000000000000000aa";
    let last = format!("/v1/transfers/{id}-18446744073709551615");
    let beyond = format!("/v1/transfers/{id}-18446744073709551616");
    let long = format!("/v1/transfers/{}", "9".repeat(5_000));
    let cases = [
        ("/", ErrorCode::NoSuchPath),
        ("/v2/status", ErrorCode::NoSuchPath),
        (&last, ErrorCode::UnknownBridge),
        (&beyond, ErrorCode::Malformed),
        (&long, ErrorCode::Malformed),
        ("/v1/transfers/%ff%fe", ErrorCode::Malformed),
        ("/v1/transfers", ErrorCode::Malformed),
        ("/v1/transfers?transaction=7", ErrorCode::Malformed),
        ("/v1/transfers?transaction=0x00&more=1", ErrorCode::Malformed),
    ];
    for (path, wanted) in cases {
        check(&ask(&router, Method::GET, path).await, wanted, path);
    }
    let posted = ask(&router, Method::POST, "/v1/status").await;
    check(&posted, ErrorCode::NoSuchMethod, "POST");
    let allow = posted.1.get(header::ALLOW).and_then(|allow| allow.to_str().ok());
    assert!(allow.is_some_and(|allow| allow.contains("GET")), "{allow:?}");
}

#[tokio::test]
async fn the_operators_routes_refuse_in_the_words_of_the_api() {
    let (api, _folder) = nothing();
    let router = operator::router(api);
    let bump = "/v1/transactions/main/18446744073709551615/bump";
    for (method, path, wanted) in [
        (Method::GET, "/v1", ErrorCode::NoSuchPath),
        (Method::GET, "/v1/transactions/main/x", ErrorCode::Malformed),
        (Method::GET, "/v1/transactions/main/1?account=7", ErrorCode::Malformed),
        (Method::GET, "/v1/transactions/main/18446744073709551615", ErrorCode::UnknownChain),
        (Method::POST, bump, ErrorCode::UnknownChain),
        (Method::GET, bump, ErrorCode::NoSuchMethod),
        (Method::POST, "/v1/lanes/resume", ErrorCode::NotJson),
    ] {
        check(&ask(&router, method, path).await, wanted, path);
    }
    let long = format!("{{\"lane\":\"x\",\"reason\":\"{}\"}}", "x".repeat(3 << 20));
    for (body, wanted) in [
        ("{}".to_owned(), ErrorCode::Malformed),
        ("{\"lane\":\"x\",\"reason\":\" \"}".to_owned(), ErrorCode::Malformed),
        ("{\"lane\":\"x\",\"reason\":\"y\"}".to_owned(), ErrorCode::UnknownLane),
        (long, ErrorCode::TooLarge),
    ] {
        let request =
            Request::post("/v1/lanes/resume").header(header::CONTENT_TYPE, "application/json");
        let request = request.body(Body::from(body)).expect("a request");
        check(&send(&router, request).await, wanted, "resume");
    }
}

#[tokio::test]
async fn browsers_and_those_who_want_heads_alone_are_answered() {
    let (api, _folder) = nothing();
    let router = public::router(api);
    let router = router.layer(axum::middleware::from_fn(cross_origin::allow_any));
    for path in ["/healthz", "/readyz", "/v1/status"] {
        let (status, headers, body) = ask(&router, Method::HEAD, path).await;
        assert_eq!((status, body.len()), (StatusCode::OK, 0), "{path}");
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*", "{path}");
    }
    for path in ["/v1/status", "/v1/transfers", "/v1/transfers/x"] {
        let (status, headers, body) = ask(&router, Method::OPTIONS, path).await;
        assert_eq!((status, body.len()), (StatusCode::NO_CONTENT, 0), "{path}");
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*", "{path}");
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_METHODS], "GET, HEAD, OPTIONS", "{path}");
        assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS), "{path}");
    }
    let (_, headers, _) = ask(&router, Method::GET, "/nowhere").await;
    assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*", "an error is read, too");
    let (status, headers, _) = ask(&router, Method::GET, "/metrics").await;
    assert_eq!(status, StatusCode::OK);
    assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), "metrics are no page's");
}
