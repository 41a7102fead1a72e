//! A listener that is asked too much says so, and goes on serving those who have a place.

use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::sync::Semaphore;
use twinspan_api::ApiError;

use super::*;

/// A served listener.
struct Server {
    port: u16,
    cancel: CancellationToken,
    /// Its task ends with it.
    _task: Crowd,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

async fn start(connections_max: usize, router: Router, proxies: &[&str]) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let proxies = proxies.iter().map(|text| text.parse().expect("a network")).collect();
    let (cancel, mut task) = (CancellationToken::new(), Crowd::new());
    let token = cancel.clone();
    task.spawn(async move {
        let everybody = Audience::Public { proxies };
        serve_up_to(connections_max, listener, router, everybody, token).await.expect("it serves");
    });
    Server { port, cancel, _task: task }
}

impl Server {
    /// A connection from 127.0.0.`host`.
    async fn connect(&self, host: u8) -> TcpStream {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((Ipv4Addr::new(127, 0, 0, host), 0).into()).expect("it is bound");
        let to = (Ipv4Addr::LOCALHOST, self.port).into();
        socket.connect(to).await.expect("it is accepted")
    }

    /// The answer to a GET from 127.0.0.`host`, which closes.
    async fn ask(&self, host: u8, headers: &str) -> String {
        let mut stream = self.connect(host).await;
        let request = format!("GET / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.expect("it is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("no reset: an answer, and the end");
        answer
    }
}

/// The error that an answer says, with its status line's number.
fn error_of(answer: &str) -> (u16, ApiError) {
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    assert!(head.contains("retry-after: 1"), "no Retry-After: {head}");
    assert!(head.contains("access-control-allow-origin: *"), "no page can read it: {head}");
    (status.expect("a status"), serde_json::from_str(body).expect("an error"))
}

fn greeting() -> Router {
    Router::new().route("/", get(async || "hello"))
}

#[tokio::test]
async fn too_many_connections_of_one_address_are_turned_away_in_words() {
    let server = start(CONNECTIONS_MAX, greeting(), &[]).await;
    let mut held = Vec::new();
    for _ in 0..OF_ONE_MAX {
        held.push(server.connect(2).await);
    }
    let (status, error) = error_of(&server.ask(2, "").await);
    assert_eq!((status, error.code), (429, ErrorCode::TooManyRequests), "{error}");
    assert!(error.remedy.is_some(), "{error}");
    assert!(server.ask(3, "").await.ends_with("hello"), "another address is kept out");
    // One that says nothing is told, too.
    let mut mute = server.connect(2).await;
    let mut answer = String::new();
    mute.read_to_string(&mut answer).await.expect("no reset");
    assert_eq!(error_of(&answer).0, 429);
    held.pop();
    let mut last = String::new();
    for _ in 0..50 {
        last = server.ask(2, "").await;
        if last.ends_with("hello") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("its place is not given back: {last}");
}

#[tokio::test]
async fn too_many_connections_in_all_are_turned_away_in_words() {
    let server = start(3, greeting(), &[]).await;
    let held = [server.connect(2).await, server.connect(3).await, server.connect(4).await];
    let (status, error) = error_of(&server.ask(5, "").await);
    assert_eq!((status, error.code), (503, ErrorCode::Busy), "{error}");
    drop(held);
    let mut last = String::new();
    for _ in 0..50 {
        last = server.ask(5, "").await;
        if last.ends_with("hello") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no place is given back: {last}");
}

#[tokio::test]
async fn those_behind_a_proxy_are_each_held_to_their_own_bound() {
    let gate = Arc::new(Semaphore::new(0));
    let waiting = Arc::clone(&gate);
    let wait = async move || {
        // Closed at the end of the test.
        let _ = waiting.acquire().await;
        "hello"
    };
    let router = Router::new().route("/", get(wait));
    let server = start(CONNECTIONS_MAX, router, &["127.0.0.9"]).await;
    let server = Arc::new(server);
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..=OF_ONE_MAX {
        let server = Arc::clone(&server);
        asked
            .spawn(async move { server.ask(9, "x-forwarded-for: 1.1.1.1, 203.0.113.7\r\n").await });
    }
    // One of them is over the bound: it alone is answered.
    let over = asked.join_next().await.expect("one of them").expect("it does not panic");
    let (status, error) = error_of(&over);
    assert_eq!((status, error.code), (429, ErrorCode::TooManyRequests), "{error}");
    let elsewhere = Arc::clone(&server);
    asked.spawn(async move { elsewhere.ask(9, "x-forwarded-for: 203.0.113.8\r\n").await });
    // One that is no proxy is not believed, and has places of its own.
    let liar = Arc::clone(&server);
    asked.spawn(async move { liar.ask(2, "x-forwarded-for: 203.0.113.7\r\n").await });
    let nothing = tokio::time::timeout(Duration::from_millis(200), asked.join_next()).await;
    assert!(nothing.is_err(), "one who has a place was turned away: {nothing:?}");
    gate.close();
    while let Some(answer) = asked.join_next().await {
        let answer = answer.expect("it does not panic");
        assert!(answer.ends_with("hello"), "{answer}");
    }
}

#[tokio::test]
async fn a_request_whose_body_does_not_come_is_given_up_in_words() {
    let slow = async |_: axum::body::Bytes| "hello";
    let server = start(CONNECTIONS_MAX, Router::new().route("/", axum::routing::post(slow)), &[]);
    let server = server.await;
    let mut stream = server.connect(2).await;
    let head = b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 5\r\n\r\nhel";
    stream.write_all(head).await.expect("it is sent");
    let mut some = [0; 4_096];
    let limit = REQUEST_LIMIT + Duration::from_secs(10);
    let read = tokio::time::timeout(limit, stream.read(&mut some)).await;
    let read = read.expect("in time").expect("an answer");
    let answer = String::from_utf8_lossy(&some[..read]);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("\"code\":\"too_slow\""), "{answer}");
}
