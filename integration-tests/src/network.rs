//! A network of its own for a test, in which packets can be lost: connections neither break nor answer.

use std::process::Command;

use eyre::{WrapErr, ensure};

/// Tells a test that it runs in a network of its own.
const INSIDE: &str = "TWINSPAN_TEST_NETWORK";

/// The network that this process is alone in.
#[derive(Debug)]
pub struct Network(());

impl Network {
    /// Runs the test `name` of this binary again in a network of its own, where this returns the network. Outside it
    /// returns nothing once that is done, or where it is not permitted, which is printed.
    ///
    /// # Errors
    /// If the test fails inside.
    pub fn enter(name: &str) -> eyre::Result<Option<Self>> {
        if std::env::var_os(INSIDE).is_some() {
            return Self::set_up().map(Some);
        }
        for (words, want) in [
            (
                ["unshare", "--net", "true"].as_slice(),
                "network namespaces (root, or a kernel that lends them)",
            ),
            (["nft", "--version"].as_slice(), "nft (package nftables)"),
        ] {
            if run(words).is_err() {
                println!("skipped: needs {want}");
                return Ok(None);
            }
        }
        let inside = Command::new("unshare")
            .args(["--net", "--"])
            .arg(std::env::current_exe()?)
            .args([name, "--exact", "--nocapture"])
            .env(INSIDE, "1")
            .status()
            .wrap_err("running unshare")?;
        ensure!(inside.success(), "the test failed in its own network: {inside}");
        Ok(None)
    }

    fn set_up() -> eyre::Result<Self> {
        run(&["ip", "link", "set", "lo", "up"])?;
        for rule in [
            "add table inet test",
            "add set inet test lost { type inet_service; }",
            "add chain inet test input { type filter hook input priority 0; }",
            "add rule inet test input tcp dport @lost drop",
            "add rule inet test input tcp sport @lost drop",
        ] {
            run(&["nft", rule])?;
        }
        Ok(Self(()))
    }

    /// From now on every packet to and from these TCP ports is lost.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn lose(&self, ports: &[u16]) -> eyre::Result<()> {
        let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
        run(&["nft", &format!("add element inet test lost {{ {} }}", ports.join(", "))])
    }

    /// Packets arrive again.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn heal(&self) -> eyre::Result<()> {
        run(&["nft", "flush set inet test lost"])
    }
}

fn run(words: &[&str]) -> eyre::Result<()> {
    let outcome = Command::new(words[0]).args(&words[1..]).output();
    let outcome = outcome.wrap_err_with(|| format!("running {}", words[0]))?;
    ensure!(
        outcome.status.success(),
        "{}: {}",
        words.join(" "),
        String::from_utf8_lossy(&outcome.stderr)
    );
    Ok(())
}
