//! Watches the configuration's file: a good new one is taken, a faulty one refused, and the old one stays.

use std::path::PathBuf;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tracing::{info, warn};
use twinspan_api::status::Configuration;
use twinspan_chains::Clock;
use twinspan_store::Store;

use super::{AppError, Listeners, Ready};
use crate::config::Config;
use crate::metrics;

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Waits for another configuration.
#[derive(Debug)]
pub(super) struct Changes {
    file: PathBuf,
    hangup: Signal,
    /// The file's content at the last look.
    seen: Option<Vec<u8>>,
    /// The file's content when it was last read as a configuration.
    read: Option<Vec<u8>>,
    report: watch::Sender<Configuration>,
    clock: Clock,
}

impl Changes {
    /// Watches `file`, which was just read.
    pub(super) fn watch(file: PathBuf, clock: Clock) -> Result<Self, AppError> {
        let hangup = signal(SignalKind::hangup()).map_err(AppError::Signal)?;
        let seen = std::fs::read(&file).ok();
        let (report, _) =
            watch::channel(Configuration { since: clock.unix_seconds(), refused: None });
        Ok(Self { file, hangup, read: seen.clone(), seen, report, clock })
    }

    /// For the status.
    pub(super) fn report(&self) -> watch::Receiver<Configuration> {
        self.report.subscribe()
    }

    /// The next configuration that is good, with its ports. Meanwhile the `present` one is in force.
    pub(super) async fn next(
        &mut self,
        present: &Ready,
        listeners: &Listeners,
        store: &Store,
    ) -> (Ready, Listeners) {
        loop {
            self.changed().await;
            match self.load(present, listeners, store).await {
                Ok(next) => {
                    info!(file = %self.file.display(), "the configuration has changed: going on with it");
                    metrics::reloaded(true);
                    let since = self.clock.unix_seconds();
                    self.report.send_replace(Configuration { since, refused: None });
                    return next;
                }
                Err(why) => {
                    let file = self.file.display();
                    warn!(%file, %why, "the new configuration is refused: going on with the old one");
                    metrics::reloaded(false);
                    self.report.send_modify(|report| report.refused = Some(why));
                }
            }
        }
    }

    /// Until SIGHUP comes, or the file holds something else and has stayed so between two looks.
    async fn changed(&mut self) {
        loop {
            tokio::select! {
                biased;
                _ = self.hangup.recv() => {
                    self.read = std::fs::read(&self.file).ok();
                    self.seen.clone_from(&self.read);
                    return;
                }
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            // For a moment there may be none, while an editor replaces it.
            let Ok(now) = std::fs::read(&self.file) else { continue };
            let is_new = self.read.as_ref() != Some(&now);
            let is_whole = self.seen.as_ref() == Some(&now);
            self.seen = Some(now);
            if is_new && is_whole {
                self.read.clone_from(&self.seen);
                return;
            }
        }
    }

    async fn load(
        &self,
        present: &Ready,
        listeners: &Listeners,
        store: &Store,
    ) -> Result<(Ready, Listeners), String> {
        let config = Config::load(&self.file).map_err(|faults| faults.to_string())?;
        if config.store != present.config.store {
            return Err("store.path: another store is taken at a restart only".to_owned());
        }
        let ready = Ready::make(config).await.map_err(|error| error.to_string())?;
        if ready.key.address() != present.key.address() {
            return Err("keys.attestation: another key is taken at a restart only".to_owned());
        }
        store.check(&ready.deployment()).map_err(|error| error.to_string())?;
        let listeners = Listeners::bind(&ready.config, Some(listeners)).await;
        let listeners = listeners.map_err(|error| error.to_string())?;
        if ready.config.log != present.config.log {
            warn!("log: what is new there counts from the next restart on");
        }
        Ok((ready, listeners))
    }
}
