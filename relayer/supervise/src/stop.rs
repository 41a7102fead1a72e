//! Tells when the process is asked to stop.

use tokio::signal::unix::{SignalKind, signal};

/// Listens from now on. The future ends at SIGTERM or Ctrl-C.
///
/// # Errors
/// If the system refuses to tell the signals.
pub fn asked_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            biased;
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
