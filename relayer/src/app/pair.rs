//! Starts one bridge pair: its engine, its observers and its way to a remote signer.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use twinspan_bridge::abstain::Reason;
use twinspan_bridge::ids::{Lane, LaneId};
use twinspan_bridge::machine::Params;
use twinspan_bridge::observe::Milestone;
use twinspan_bridge::side::{Direction, PerDirection, PerSide, Side};
use twinspan_chains::evm::calls::requests_within;

use super::AppError;
use super::start::{Accounts, EndParts, PairParts, Parts};
use crate::engine::{INBOX_MAX, LaneEngine, LaneSetup, Message, Outbox, Signing, Submitter};
use crate::keys::Attester;
use crate::lanes::LaneEntry;
use crate::metrics;
use crate::peers::abstentions::Abstentions;
use crate::pipeline::attest::{ASKED_MAX, RemoteAttester};
use crate::pipeline::observe::{Memory, Observer};
use crate::pipeline::read_ahead::ReadAhead;
use crate::status::PairReport;
use twinspan_supervise::Supervisor;

/// Signatures of a certificate that room is left for in a batch's gas.
const SIGNATURES_ASSUMED: usize = 16;

/// A pair that runs.
pub(super) struct Started {
    /// Its lanes, for whoever asks about them.
    pub(super) entries: [(LaneId, LaneEntry); 2],
    /// Its engine's report.
    pub(super) report: watch::Receiver<PairReport>,
}

/// Why each side cannot be read now, if so.
type Troubles = PerSide<watch::Sender<Option<Reason>>>;

/// One pair while it is put together.
struct Starting<'a> {
    parts: &'a Parts,
    name: &'a str,
    pair: &'a PairParts,
    inbox: mpsc::Sender<Message>,
}

/// Starts the pair's tasks.
///
/// # Errors
/// [`AppError`] if its lanes do not read back.
pub(super) fn start(
    parts: &Parts,
    (name, pair): (&str, &PairParts),
    supervisor: &mut Supervisor,
    outbox: &Outbox,
    accounts: &mut Accounts,
) -> Result<Started, AppError> {
    let (inbox, messages) = mpsc::channel(INBOX_MAX);
    let starting = Starting { parts, name, pair, inbox };
    let (engine, report) = LaneEngine::restore(
        name.to_owned(),
        PerDirection::from_fn(|direction| starting.lane_setup(direction, accounts)),
        starting.signing(supervisor),
        (parts.store.clone(), parts.clock.clone()),
        messages,
        outbox.clone(),
    )?;
    let troubles = Troubles::from_fn(|_| watch::Sender::new(None));
    starting.observers(supervisor, engine.cursors(), &report, &troubles);
    for (side, end) in pair.ends.iter() {
        if let Some(account) = accounts.get_mut(&end.account()) {
            let inbox = (side.incoming(), starting.inbox.clone());
            account.lanes.insert(end.bridge.address, inbox);
        }
    }
    supervisor.spawn(format!("{name}/engine"), engine.run(supervisor.token()));
    let entries = Direction::BOTH.map(|lane| starting.entry(lane, &report, &troubles));
    Ok(Started { entries, report })
}

impl Starting<'_> {
    fn ends(&self, direction: Direction) -> (&EndParts, &EndParts) {
        (&self.pair.ends[direction.source()], &self.pair.ends[direction.destination()])
    }

    fn lane(&self, direction: Direction) -> Lane {
        let (from, to) = self.ends(direction);
        Lane { source: from.bridge, destination: to.bridge }
    }

    fn lane_setup(&self, direction: Direction, accounts: &Accounts) -> LaneSetup {
        let (lane, (from, to)) = (self.lane(direction), self.ends(direction));
        let name = format!("{}/{}→{}", self.name, from.chain, to.chain);
        metrics::init_lane(&name);
        let gas_max = to.transaction_gas_max;
        let submitter = Submitter::new(
            self.parts.chains[&to.chain].clone(),
            gas_max,
            to.bridge.address,
            (lane.id(), name.clone()),
            accounts[&to.account()].handle.clone(),
        );
        let params = Params {
            lane,
            me: self.parts.key.address(),
            takeover: self.pair.takeover,
            cosign_timeout: self.pair.cosign_timeout,
            // A set has at most 64 members; most have few, and a batch that is too long shrinks.
            batch_max: self.pair.batch_max.min(requests_within(gas_max, SIGNATURES_ASSUMED)),
            recovering: self.parts.recovery_timeout.is_some() && !self.parts.peers.is_empty(),
        };
        LaneSetup { params, name, start_block: from.start_block, submitter }
    }

    /// How the pair's checkpoints are signed; the task that asks a remote signer.
    fn signing(&self, supervisor: &mut Supervisor) -> Signing {
        let signer = match &self.parts.key {
            Attester::Here(key) => return Signing::Here(Arc::clone(key)),
            Attester::Elsewhere(signer) => Arc::clone(signer),
        };
        let (asks, asked) = mpsc::channel(ASKED_MAX);
        let (pair, engine) = (self.name.to_owned(), self.inbox.clone());
        let task = format!("{pair}/attest");
        let clock = self.parts.clock.clone();
        let attester = RemoteAttester { signer, pair, asked, engine, clock };
        supervisor.spawn(task, attester.run(supervisor.token()));
        Signing::Elsewhere { asks, waiting: VecDeque::new() }
    }

    /// Reads both sides.
    fn observers(
        &self,
        supervisor: &mut Supervisor,
        cursors: PerSide<Milestone>,
        report: &watch::Receiver<PairReport>,
        troubles: &Troubles,
    ) {
        for side in Side::BOTH {
            let end = &self.pair.ends[side];
            let (chain, bridge) = (self.parts.chains[&end.chain].clone(), end.bridge.address);
            let observer = Observer {
                side,
                name: format!("{}/{}", self.name, end.chain),
                reads: ReadAhead::new(chain.clone(), bridge),
                chain,
                bridge,
                term_blocks: self.pair.term_blocks,
                cursor: cursors[side],
                engine: self.inbox.clone(),
                report: report.clone(),
                memory: Memory::default(),
                clock: self.parts.clock.clone(),
                trouble: troubles[side].clone(),
            };
            let task = format!("{}/observe", observer.name);
            supervisor.spawn(task, observer.run(supervisor.token()));
        }
    }

    fn entry(
        &self,
        direction: Direction,
        report: &watch::Receiver<PairReport>,
        troubles: &Troubles,
    ) -> (LaneId, LaneEntry) {
        let (lane, source) = (self.lane(direction), direction.source());
        let entry = LaneEntry {
            lane,
            direction,
            engine: self.inbox.clone(),
            report: report.clone(),
            source: self.parts.chains[&self.pair.ends[source].chain].clone(),
            trouble: troubles[source].subscribe(),
            abstentions: Arc::new(Abstentions::new(self.parts.clock.clone())),
        };
        (lane.id(), entry)
    }
}
