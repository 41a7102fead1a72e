//! HTTP endpoints that misbehave: wrong answers, giants, slow ones, redirects.
#![expect(clippy::disallowed_methods, reason = "a test starts what it watches, and ends with it")]

use crate::support;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use twinspan_chains::{ChainConfig, ConnectError, EvmChain, RpcFault};

/// The act of a server on a connection, once it has read the request with this id.
type Behaviour = fn(TcpStream, String) -> futures::future::BoxFuture<'static, ()>;

/// A server that behaves so; the configuration to reach it.
async fn served(behaviour: Behaviour) -> ChainConfig {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = vec![0; 4096];
                let read = stream.read(&mut request).await.unwrap_or_default();
                let text = String::from_utf8_lossy(&request[..read]).into_owned();
                let id = text.split("\"id\":").nth(1).unwrap_or("0");
                let id = id.split([',', '}']).next().unwrap_or("0").to_owned();
                behaviour(stream, id).await;
            });
        }
    });
    let mut config = support::config(1, 1);
    config.endpoints[0].http =
        Some(format!("http://user:secret@127.0.0.1:{port}/v3/key").parse().expect("a URL"));
    config.endpoints[0].timeout = Duration::from_millis(300);
    config
}

async fn reply(mut stream: TcpStream, status: &str, body: &str) {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len());
    let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
}

async fn fault(behaviour: Behaviour) -> RpcFault {
    let connected = EvmChain::connect(served(behaviour).await).await;
    let Err(ConnectError::Unreachable { fault, .. }) = connected else {
        panic!("not refused: {connected:?}");
    };
    let shown = fault.to_string();
    assert!(!shown.contains("secret") && !shown.contains("key"), "{shown}");
    fault
}

#[tokio::test]
async fn a_good_answer_is_taken() {
    let config = served(|stream, id| {
        Box::pin(async move {
            let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"0x1"}}"#);
            reply(stream, "200 OK", &body).await;
        })
    })
    .await;
    assert!(EvmChain::connect(config).await.is_ok());
}

#[tokio::test]
async fn an_answer_to_another_request_is_refused() {
    let fault = fault(|stream, _| {
        Box::pin(async {
            reply(stream, "200 OK", r#"{"jsonrpc":"2.0","id":999999,"result":"0x1"}"#).await;
        })
    })
    .await;
    assert!(matches!(fault, RpcFault::Malformed(_)), "{fault}");
}

#[tokio::test]
async fn an_error_under_http_200_is_an_error() {
    let fault = fault(|stream, _| {
        Box::pin(async {
            let body =
                r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32005,"message":"rate limit"}}"#;
            reply(stream, "200 OK", body).await;
        })
    })
    .await;
    assert_eq!(fault, RpcFault::RateLimited);
}

#[tokio::test]
async fn http_statuses_are_told_apart() {
    let limited = fault(|stream, _| {
        Box::pin(async { reply(stream, "429 Too Many Requests", "slow down").await })
    })
    .await;
    assert_eq!(limited, RpcFault::RateLimited);
    let broken = fault(|stream, _| {
        Box::pin(async { reply(stream, "502 Bad Gateway", "<html>oops</html>").await })
    })
    .await;
    assert!(matches!(broken, RpcFault::Unreachable(_)), "{broken}");
}

#[tokio::test]
async fn what_is_not_json_is_refused() {
    let fault = fault(|stream, _| {
        Box::pin(async { reply(stream, "200 OK", "<html>welcome</html>").await })
    })
    .await;
    assert!(matches!(fault, RpcFault::Malformed(_)), "{fault}");
}

#[tokio::test]
async fn a_slow_answer_ends_in_a_timeout() {
    let fault = fault(|mut stream, _| {
        Box::pin(async move {
            // One byte at a time, for ever.
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n").await;
            while stream.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
    })
    .await;
    assert_eq!(fault, RpcFault::Timeout);
}

#[tokio::test]
async fn a_giant_answer_is_cut_off() {
    let mut config = served(|mut stream, _| {
        Box::pin(async move {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            let chunk = vec![b' '; 1 << 20];
            // It would never end by itself.
            while stream.write_all(&chunk).await.is_ok() {}
        })
    })
    .await;
    config.endpoints[0].timeout = Duration::from_secs(20);
    let connected = EvmChain::connect(config).await;
    let Err(ConnectError::Unreachable { fault, .. }) = connected else {
        panic!("not refused: {connected:?}");
    };
    // The endpoint's own fault, so that it is left alone: only of logs could less be asked.
    let want = "the answer has more bytes than any true one".to_owned();
    assert_eq!(fault, RpcFault::Malformed(want));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let fault = fault(|mut stream, _| {
        Box::pin(async move {
            let head = "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/\r\n";
            let _ = stream.write_all(format!("{head}content-length: 0\r\n\r\n").as_bytes()).await;
        })
    })
    .await;
    assert!(matches!(fault, RpcFault::Unreachable(_)), "{fault}");
}
