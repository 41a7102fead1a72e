//! `twinspan`: the relayer and its tools.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    twinspan_relayer::cli::main().await
}
