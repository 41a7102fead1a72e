//! Starts real anvil nodes and ends them with the test.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

/// A running anvil. Ends when dropped.
pub struct Anvil {
    _child: Child,
    pub port: u16,
    pub chain_id: u64,
}

/// The first of anvil's well-known development keys.
pub const DEV_KEY: [u8; 32] =
    alloy::primitives::hex!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");

impl Anvil {
    /// Starts one with further arguments, and waits until it listens.
    pub async fn start(chain_id: u64, args: &[&str]) -> Self {
        Self::start_on(chain_id, &free_port().to_string(), args).await
    }

    /// Starts one that listens on this port.
    pub async fn start_on(chain_id: u64, port: &str, args: &[&str]) -> Self {
        let child = Command::new(binary())
            .args(["--port", port, "--chain-id", &chain_id.to_string(), "--silent"])
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("anvil starts: is `npm ci` done?");
        let port: u16 = port.parse().expect("a port");
        for _ in 0..200 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Self { _child: child, port, chain_id };
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("anvil does not listen on port {port}");
    }

    pub fn http(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn ws(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// `$TWINSPAN_ANVIL`, else the one that npm installed, else whatever the path has.
fn binary() -> PathBuf {
    if let Some(named) = std::env::var_os("TWINSPAN_ANVIL") {
        return named.into();
    }
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let installed = root.join("node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil");
    if installed.exists() { installed } else { "anvil".into() }
}
