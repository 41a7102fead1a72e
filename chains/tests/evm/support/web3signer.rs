//! A small Web3Signer over real HTTP, which can misbehave.
#![expect(clippy::disallowed_methods, reason = "a test starts what it talks to, and ends with it")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use alloy::primitives::{Address, Signature, U256, hex, keccak256, uint};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use twinspan_chains::signer::RemoteKey;

/// The reaction of the server to a request for a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    Good,
    /// `s` above half the order, as some hardware makes it.
    HighS,
    /// The parity itself as `v`.
    PlainParity,
    /// Signs with another key.
    OtherKey,
    /// Hashes once more than it should, as one that was given a digest would.
    OtherData,
    Garbage,
    Giant,
    Slow,
    Status(u16),
    Redirect,
}

/// The order of secp256k1.
const ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);

#[derive(Clone)]
pub struct Web3Signer {
    pub key: PrivateKeySigner,
    port: u16,
    behaviour: Arc<Mutex<Behaviour>>,
    /// Every request's head, in order.
    heads: Arc<Mutex<Vec<String>>>,
}

impl Web3Signer {
    pub async fn start(secret: [u8; 32]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let server = Self {
            key: PrivateKeySigner::from_slice(&secret).expect("a key"),
            port: listener.local_addr().expect("an address").port(),
            behaviour: Arc::new(Mutex::new(Behaviour::Good)),
            heads: Arc::default(),
        };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = serving.clone();
                tokio::spawn(async move { server.serve(stream).await });
            }
        });
        server
    }

    /// Where the key is, with credentials and a path.
    pub fn remote_key(&self) -> RemoteKey {
        let url = format!("http://relayer:secret@127.0.0.1:{}/signer/", self.port);
        RemoteKey {
            url: url.parse().expect("a URL"),
            address: self.key.address(),
            timeout: Duration::from_millis(500),
        }
    }

    pub fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().expect("not poisoned") = behaviour;
    }

    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("not poisoned").clone()
    }

    async fn serve(&self, mut stream: TcpStream) {
        let Some((head, body)) = read(&mut stream).await else { return };
        self.heads.lock().expect("not poisoned").push(head.clone());
        let line = head.lines().next().unwrap_or_default().to_owned();
        let public = hex::encode_prefixed(self.key.public_key());
        let answer = if line.starts_with("GET /signer/upcheck ") {
            response(200, "", "OK")
        } else if line.starts_with("GET /signer/api/v1/eth1/publicKeys ") {
            let other = PrivateKeySigner::from_slice(&[99; 32]).expect("a key").public_key();
            let keys = serde_json::json!([hex::encode_prefixed(other), public]);
            response(200, "", &keys.to_string())
        } else if line.starts_with(&format!("POST /signer/api/v1/eth1/sign/{public} ")) {
            self.sign(&body).await
        } else {
            response(404, "", "")
        };
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
    }

    async fn sign(&self, body: &[u8]) -> String {
        let body: serde_json::Value = serde_json::from_slice(body).expect("JSON");
        let data = hex::decode(body["data"].as_str().expect("data")).expect("hex");
        let behaviour = *self.behaviour.lock().expect("not poisoned");
        let other = PrivateKeySigner::from_slice(&[98; 32]).expect("a key");
        let key = if behaviour == Behaviour::OtherKey { &other } else { &self.key };
        let hashed_twice = behaviour == Behaviour::OtherData;
        let digest = if hashed_twice { keccak256(keccak256(data)) } else { keccak256(data) };
        let signature = key.sign_hash_sync(&digest).expect("signs");
        let high = Signature::new(signature.r(), ORDER - signature.s(), !signature.v());
        let text = |signature: Signature| hex::encode_prefixed(signature.as_bytes());
        match behaviour {
            Behaviour::Good | Behaviour::OtherKey | Behaviour::OtherData => {
                response(200, "", &text(signature))
            }
            Behaviour::HighS => response(200, "", &text(high)),
            Behaviour::PlainParity => {
                let mut bytes = signature.as_bytes();
                bytes[64] -= 27;
                response(200, "", &hex::encode_prefixed(bytes))
            }
            Behaviour::Garbage => response(200, "", "<html>welcome</html>"),
            Behaviour::Giant => response(200, "", &"0".repeat(100_000)),
            Behaviour::Slow => {
                tokio::time::sleep(Duration::from_secs(3)).await;
                response(200, "", &text(signature))
            }
            Behaviour::Status(status) => response(status, "", "no"),
            Behaviour::Redirect => response(307, "location: http://127.0.0.1:9/\r\n", ""),
        }
    }

    pub fn address(&self) -> Address {
        self.key.address()
    }
}

async fn read(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let n = stream.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&chunk[..n]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        });
        if bytes.len() >= end + 4 + length.unwrap_or(0) {
            return Some((head, bytes.split_off(end + 4)));
        }
    }
}

fn response(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} x\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
    )
}
