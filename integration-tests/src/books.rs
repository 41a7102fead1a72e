//! Closes a world's books: everything asked for is paid or parked, once, and all relayers say the same.

use std::time::Duration;

use alloy::primitives::B256;
use eyre::{WrapErr, ensure};
use twinspan_api::transfer::{Place, Stage, Transfer};
use twinspan_bridge::ids::TransferId;
use twinspan_devnet::ledger::{Ledger, Totals};

use crate::live::{Live, eventually};

/// How long the last transfers may take once all relayers are well again.
const SETTLE_LIMIT: Duration = Duration::from_secs(90);

/// Transfers of a lane that every relayer is asked about, at most.
const SAMPLE_MAX: usize = 12;

/// How a world is to end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ending<'a> {
    /// Handovers that stay parked.
    pub parked: usize,
    /// Handovers that were parked and sent back.
    pub returned: usize,
    /// Texts of the errors that may be logged. Any other error is a fault.
    pub errors: &'a [&'a str],
}

/// A transfer as one relayer tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// How far it has come.
    pub stage: Stage,
    /// Where it was asked.
    pub source: Option<(u64, u64, B256)>,
    /// Where its place in the lane was settled.
    pub destination: Option<(u64, u64, B256)>,
}

impl Live {
    /// Waits until all is settled and closes the books; see [`Ending`] for what else may be.
    ///
    /// # Errors
    /// With the first figure that is wrong.
    pub async fn close(&mut self, ending: Ending<'_>) -> eyre::Result<Ledger> {
        let requested = self.sent.len() + self.others;
        let mut ledger = Ledger::open(&self.world);
        let waited = ledger.wait(&self.world, requested, SETTLE_LIMIT).await;
        let totals = waited.wrap_err_with(|| self.tails())?;
        let handed_over = requested - ending.parked - ending.returned;
        let Ending { parked, .. } = ending;
        let wanted = Totals { requested, handed_over, parked, lost: 0, duplicated: 0 };
        ensure!(totals == wanted, "the totals are {totals:?}, want {wanted:?}");
        let mispaid = ledger.mispaid(&self.world, &self.sent).await?;
        ensure!(mispaid.is_empty(), "paid wrongly: {mispaid:?}");
        for token in ledger.conservation(&self.world).await? {
            ensure!(token.holds(), "does not add up: {token:?}");
        }
        self.agree(&ledger).await?;
        self.check_relayers(ending.errors)?;
        Ok(ledger)
    }

    /// All relayers tell the same of a sample of transfers.
    async fn agree(&self, ledger: &Ledger) -> eyre::Result<()> {
        for (direction, lane) in ledger.lanes.iter() {
            let step = lane.requests.len().div_ceil(SAMPLE_MAX).max(1);
            let ids = lane.requests.keys().rev().step_by(step);
            for id in ids.map(|nonce| self.world.lane(direction).transfer(*nonce)) {
                self.agreed(id).await?;
            }
        }
        Ok(())
    }

    /// All relayers' answer about a transfer, once they agree that its place is settled.
    ///
    /// # Errors
    /// If they do not, in time.
    pub async fn agreed(&self, id: TransferId) -> eyre::Result<Told> {
        let mut told = Vec::new();
        let agreed = eventually("all relayers tell the same", SETTLE_LIMIT, async || {
            told.clear();
            for relayer in &self.world.relayers {
                told.push(tell(relayer.transfer(id).await?));
            }
            let is_settled = |told: &Told| told.stage.is_settled();
            Ok(told.iter().all(|other| *other == told[0] && is_settled(other)))
        });
        agreed.await.wrap_err_with(|| format!("transfer {id}: {told:?}"))?;
        Ok(told[0])
    }

    /// Every relayer runs, none has panicked, and none has logged an error but those expected.
    ///
    /// # Errors
    /// With the first line that should not be there.
    pub fn check_relayers(&mut self, expected: &[&str]) -> eyre::Result<()> {
        for index in 0..self.world.relayers.len() {
            ensure!(self.world.relayers[index].is_running(), "relayer {index} has ended");
            for line in self.log(index).lines() {
                let is_expected = expected.iter().any(|text| line.contains(text));
                let is_fault = line.contains("panicked") || line.contains(" ERROR ");
                ensure!(!is_fault || is_expected, "relayer {index} logged: {line}");
            }
        }
        Ok(())
    }

    fn tails(&self) -> String {
        let tails = self.world.relayers.iter().map(|relayer| relayer.log_tail());
        tails.collect::<Vec<_>>().join("\n--\n")
    }
}

fn tell(transfer: Transfer) -> Told {
    let place = |place: Place| (place.chain_id, place.block, place.transaction);
    Told {
        stage: transfer.stage,
        source: transfer.source.map(place),
        destination: transfer.destination.map(place),
    }
}
