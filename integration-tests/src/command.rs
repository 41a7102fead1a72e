//! Runs the relayer's command line as an operator does.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use eyre::{WrapErr, ensure, eyre};
use tokio::process::Command;

use crate::live::binary;

/// How long a command may take.
const LIMIT: Duration = Duration::from_secs(60);

/// The outcome of a command.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its exit code; -1 if a signal ended it.
    pub code: i32,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error: complaints and log.
    pub stderr: String,
}

/// Runs `twinspan` with `arguments` until it ends.
///
/// # Errors
/// If it cannot be started, or does not end.
pub async fn twinspan<I>(arguments: I) -> eyre::Result<Outcome>
where
    I: IntoIterator<Item: AsRef<OsStr>>,
{
    let process =
        Command::new(binary()).args(arguments).stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(LIMIT, process).await;
    let output = output.map_err(|_| eyre!("it still runs after {LIMIT:?}"))?;
    let output = output.wrap_err("running twinspan")?;
    Ok(Outcome {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout)?,
        stderr: String::from_utf8(output.stderr)?,
    })
}

/// `twinspan run` with a configuration that it must refuse.
///
/// # Errors
/// As [`twinspan`].
pub async fn run(config: &Path) -> eyre::Result<Outcome> {
    twinspan([OsStr::new("run"), OsStr::new("--config"), config.as_os_str()]).await
}

impl Outcome {
    /// It ended with `code`, and its one message says all of `words`.
    ///
    /// # Errors
    /// With what it said instead.
    pub fn refuses(&self, code: i32, words: &[&str]) -> eyre::Result<()> {
        ensure!(self.code == code, "exit code {}, want {code}:\n{}", self.code, self.stderr);
        let messages = self.stderr.lines().filter(|line| line.starts_with("error: ")).count();
        ensure!(messages == 1, "{messages} messages, want one:\n{}", self.stderr);
        for word in words {
            ensure!(self.stderr.contains(word), "does not say `{word}`:\n{}", self.stderr);
        }
        ensure!(!self.stderr.contains("panicked"), "panicked:\n{}", self.stderr);
        Ok(())
    }

    /// It ended well. Its standard output.
    ///
    /// # Errors
    /// With what it said instead.
    pub fn ends_well(&self) -> eyre::Result<&str> {
        ensure!(self.code == 0, "exit code {}:\n{}\n{}", self.code, self.stdout, self.stderr);
        Ok(&self.stdout)
    }
}
