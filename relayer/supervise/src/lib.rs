//! The only place that spawns: a tree of named tasks, of which none may exit unexpectedly.

mod stop;

use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use stop::asked_to_stop;

/// A task that ended though nobody asked it to.
#[derive(Debug, thiserror::Error)]
#[error("task `{task}` exited unexpectedly: {cause}")]
pub struct UnaskedExit {
    /// Which task.
    pub task: String,
    /// Why, if it said so.
    pub cause: String,
}

/// The tasks of the process.
#[derive(Debug)]
pub struct Supervisor {
    cancel: CancellationToken,
    tasks: JoinSet<(String, Result<(), String>)>,
}

impl Supervisor {
    /// No tasks yet.
    #[must_use]
    pub fn new() -> Self {
        Self { cancel: CancellationToken::new(), tasks: JoinSet::new() }
    }

    /// Ends when the tasks are to stop.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.cancel.clone()
    }

    /// Runs `task` until it is done. It ends when the token is cancelled, and not before.
    pub fn spawn<E: std::fmt::Display>(
        &mut self,
        name: impl Into<String>,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let name = name.into();
        self.tasks.spawn(async move { (name, task.await.map_err(|error| error.to_string())) });
    }

    /// Waits for the first task that ends though nobody asked it to.
    pub async fn unasked_exit(&mut self) -> UnaskedExit {
        match self.tasks.join_next().await {
            Some(Ok((task, Ok(())))) => UnaskedExit { task, cause: "it had no more to do".into() },
            Some(Ok((task, Err(cause)))) => UnaskedExit { task, cause },
            Some(Err(panic)) => UnaskedExit { task: "?".into(), cause: panic.to_string() },
            None => std::future::pending().await,
        }
    }

    /// Asks every task to stop and waits for it, at most `grace`. A task that does not stop is cut off at its next
    /// wait: none runs any more when this returns.
    ///
    /// # Errors
    /// [`UnaskedExit`] of the first task that failed while stopping, or did not stop in time.
    pub async fn shut_down(mut self, grace: Duration) -> Result<(), UnaskedExit> {
        self.cancel.cancel();
        let mut failed = None;
        let all = async {
            while let Some(ended) = self.tasks.join_next().await {
                match ended {
                    Ok((_, Ok(()))) => {}
                    Ok((task, Err(cause))) => failed = failed.take().or(Some((task, cause))),
                    Err(panic) => failed = failed.take().or(Some(("?".into(), panic.to_string()))),
                }
            }
        };
        let in_time = tokio::time::timeout(grace, all).await.is_ok();
        if !in_time {
            let cause = format!("{} tasks did not stop within {grace:?}", self.tasks.len());
            self.tasks.shutdown().await;
            return Err(UnaskedExit { task: "shutdown".into(), cause });
        }
        match failed {
            Some((task, cause)) => Err(UnaskedExit { task, cause }),
            None => Ok(()),
        }
    }
}

/// Tasks of one owner that come and go, and end with it: the connections of a listener.
#[derive(Debug, Default)]
pub struct Crowd(JoinSet<()>);

impl Crowd {
    /// Nobody.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One more.
    pub fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(task);
    }

    /// Waits for one to end; `None` if there is none.
    pub async fn next(&mut self) -> Option<()> {
        let ended = self.0.join_next().await?;
        if let Err(panic) = ended {
            tracing::error!(%panic, "a task exited unexpectedly");
        }
        Some(())
    }
}

impl Default for Supervisor {
    fn default() -> Self {
        Self::new()
    }
}
