//! Has a remote signer sign what the lanes of a pair attest.
//!
//! The engine does not wait for it. A signature comes back as a message, at any time, and the lane machine takes it
//! only if it still wants it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use twinspan_bridge::attest::Verified;
use twinspan_bridge::checkpoint::Checkpoint;
use twinspan_chains::signer::{Signer, attest};
use twinspan_chains::{Backoff, Clock};

use crate::engine::Message;
use crate::metrics;

/// Checkpoints that wait for the task, at most; others wait in the engine.
pub(crate) const ASKED_MAX: usize = 64;

/// Requests to the signer at once.
const UNDER_WAY_MAX: usize = 16;

/// First pause before a checkpoint is sent to the signer again.
const PAUSE_MIN: Duration = Duration::from_millis(500);

/// Longest pause before it is.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Asks the remote signer for one pair.
#[derive(Debug)]
pub(crate) struct RemoteAttester {
    /// The signer.
    pub signer: Arc<dyn Signer>,
    /// The pair, for logs.
    pub pair: String,
    /// The checkpoints to sign.
    pub asked: mpsc::Receiver<Checkpoint>,
    /// Where signatures go.
    pub engine: mpsc::Sender<Message>,
    /// Each waiter's chance.
    pub clock: Clock,
}

impl RemoteAttester {
    /// Signs until cancelled.
    ///
    /// # Errors
    /// Never by itself: whatever fails is tried again.
    pub(crate) async fn run(mut self, cancel: CancellationToken) -> Result<(), Infallible> {
        cancel.run_until_cancelled(self.serve()).await;
        // An engine that has stopped asks nothing more.
        cancel.cancelled().await;
        Ok(())
    }

    async fn serve(&mut self) {
        let mut under_way = FuturesUnordered::new();
        loop {
            tokio::select! {
                biased;
                Some(signed) = under_way.next(), if !under_way.is_empty() => {
                    if self.engine.send(Message::Signed(signed)).await.is_err() {
                        return;
                    }
                }
                asked = self.asked.recv(), if under_way.len() < UNDER_WAY_MAX => match asked {
                    Some(checkpoint) => {
                        let (signer, pair) = (Arc::clone(&self.signer), self.pair.clone());
                        let pause = self.clock.backoff(PAUSE_MIN, PAUSE_MAX);
                        under_way.push(async move { sign(&*signer, &pair, checkpoint, pause).await });
                    }
                    None => return,
                },
            }
        }
    }
}

/// Asks until there is a signature.
async fn sign(
    signer: &dyn Signer,
    pair: &str,
    checkpoint: Checkpoint,
    mut pause: Backoff,
) -> Verified {
    loop {
        let wait = pause.next();
        match attest(signer, checkpoint).await {
            Ok(signed) => return signed,
            Err(fault) => {
                let count = checkpoint.count();
                metrics::unsigned();
                warn!(pair, %count, %fault, ?wait, "an attestation waits for its signature");
            }
        }
        tokio::time::sleep(wait).await;
    }
}
