//! Turns a connection away in words, where there is no place for it.

use std::time::Duration;

use axum::http::StatusCode;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use twinspan_api::{ApiError, ErrorCode};

/// How long the request is waited for: an answer before it is none to some clients.
const REQUEST_LIMIT: Duration = Duration::from_millis(250);

/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(1);

/// Bytes of a request that are read, at most.
const REQUEST_BYTES_MAX: u64 = 64 * 1024;

/// Answers with `error` and closes.
pub(super) async fn turn_away(mut stream: impl AsyncRead + AsyncWrite + Unpin, error: ApiError) {
    let told = async {
        // Only that something came matters, and that the answer is not lost with what is unread.
        let mut some = [0; 4_096];
        let _ = timeout(REQUEST_LIMIT, stream.read(&mut some)).await;
        stream.write_all(answer(&error).as_bytes()).await?;
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(REQUEST_BYTES_MAX), &mut tokio::io::sink()).await
    };
    // One that is gone by now, or does not listen, needs no answer.
    let _ = timeout(LIMIT, told).await;
}

/// The whole answer, which any page may read.
fn answer(error: &ApiError) -> String {
    let status = StatusCode::from_u16(error.code.status());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_string(error).expect("an error is JSON: it has no map and no number");
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         retry-after: {}\r\naccess-control-allow-origin: *\r\nconnection: close\r\n\r\n{body}",
        body.len(),
        error.code.retry_after().unwrap_or(1),
    )
}

/// Too much from one address.
pub(super) fn too_many_of_one(most: usize) -> ApiError {
    let error = format!("more than {most} at once from this address");
    ApiError::new(ErrorCode::TooManyRequests, error).or("keep a connection open and ask one by one")
}

/// Too much from all addresses.
pub(super) fn too_many(most: usize) -> ApiError {
    let error = format!("more than {most} connections at once");
    ApiError::new(ErrorCode::Busy, error).or("ask again, or ask another relayer")
}
