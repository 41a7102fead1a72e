//! Four machines on one lane, a source, a destination and a network between them, all in one thread.
//!
//! A relayer's step is what the service does: feed the inputs, answer `Sign` at once, commit the
//! records with the state, then act, one action after the other. A crash may come before the
//! commit or after any action; what was not committed or performed is gone. Each relayer's transactions go
//! out in the order of its account nonces, and survive its crashes.

#![allow(unreachable_pub, missing_docs, dead_code, clippy::wildcard_enum_match_arm)]

mod account;
mod destination;
mod disk;
mod source;
mod traffic;

use std::collections::BTreeMap;
use std::time::Duration;

use alloy_primitives::{Address, B256, keccak256};
use twinspan_bridge::attest::Attestation;
use twinspan_bridge::checkpoint::Checkpoint;
use twinspan_bridge::finality::Final;
use twinspan_bridge::ids::{BlockNumber, BlockRef, BridgeAt, ChainId, Epoch, Lane};
use twinspan_bridge::io::{Action, Alarm, Input, Output};
use twinspan_bridge::key::AttestationKey;
use twinspan_bridge::lane_head::{LanePosition, Linked};
use twinspan_bridge::machine::{LaneMachine, Params, RUNS_MAX};
use twinspan_bridge::relayer_set::RelayerSet;
use twinspan_bridge::request::Request;
use twinspan_bridge::schedule::{Term, term_start};

use account::Account;
pub use account::Sent;
use destination::Destination;
use disk::Disk;
use source::Source;

pub const RELAYERS: usize = 4;
pub const TERM_BLOCKS: u64 = 8;
pub const TAKEOVER: Duration = Duration::from_secs(3);
pub const COSIGN_TIMEOUT: Duration = Duration::from_secs(10);

pub fn lane() -> Lane {
    let at = |n: u8| BridgeAt {
        chain_id: ChainId::new(1_000 + u64::from(n)),
        address: Address::repeat_byte(n),
    };
    Lane { source: at(1), destination: at(2) }
}

pub fn key(relayer: usize) -> AttestationKey {
    AttestationKey::from_bytes([u8::try_from(relayer + 1).unwrap(); 32]).unwrap()
}

pub fn set(epoch: u64) -> RelayerSet {
    let members = (0..RELAYERS).map(|relayer| key(relayer).address()).collect();
    RelayerSet::new(Epoch::new(epoch), 3, members).unwrap()
}

pub struct Relayer {
    pub key: AttestationKey,
    disk: Disk,
    pub account: Account,
    pub machine: LaneMachine,
}

/// When a relayer learns how its transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tell {
    Now,
    Later,
}

/// When a relayer dies during a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    Never,
    BeforeCommit,
    AfterActions(usize),
}

pub struct World {
    pub now: Duration,
    pub source: Source,
    pub destination: Destination,
    pub relayers: Vec<Relayer>,
    /// Attestations on their way: to whom, what.
    pub network: Vec<(usize, Attestation)>,
    /// Pairs that cannot talk to each other.
    pub cut: Vec<(usize, usize)>,
    pub alarms: Vec<(usize, Alarm)>,
    /// Relayers' transactions that the destination refused.
    pub reverted: usize,
    /// The relayer whose key is somewhere else, if any, and what it was asked to sign and has not answered.
    pub slow_signer: Option<usize>,
    pub unsigned: Vec<Checkpoint>,
    /// S6: every head that a relayer ever let out of the house.
    released: BTreeMap<(usize, u64, u64), B256>,
}

impl World {
    pub fn new() -> Self {
        let mut world = Self {
            now: Duration::from_secs(1),
            source: Source::default(),
            destination: Destination::new(),
            relayers: vec![],
            network: vec![],
            cut: vec![],
            alarms: vec![],
            reverted: 0,
            slow_signer: None,
            unsigned: vec![],
            released: BTreeMap::new(),
        };
        for relayer in 0..RELAYERS {
            let machine = LaneMachine::restore(params(relayer, false), Disk::empty().snapshot());
            let (disk, account) = (Disk::empty(), Account::default());
            world.relayers.push(Relayer { key: key(relayer), disk, account, machine });
            world.boot(relayer, Death::Never);
        }
        world
    }

    /// Answers what the slow signer was asked, `at` first. Whether there was anything.
    pub fn sign_late(&mut self, at: usize) -> bool {
        let Some(relayer) = self.slow_signer.filter(|_| !self.unsigned.is_empty()) else {
            return false;
        };
        let checkpoint = self.unsigned.swap_remove(at % self.unsigned.len());
        let signed = self.relayers[relayer].key.sign(checkpoint);
        self.step(relayer, Input::Signed(signed), Death::Never);
        true
    }

    /// Starts the process again from what its disk holds.
    pub fn restart(&mut self, relayer: usize) {
        if self.slow_signer == Some(relayer) {
            self.unsigned.clear();
        }
        let disk = &self.relayers[relayer].disk;
        let recovering = disk.block == 0;
        let machine = LaneMachine::restore(params(relayer, recovering), disk.snapshot());
        self.relayers[relayer].machine = machine;
        self.relayers[relayer].account.forget();
        self.boot(relayer, Death::Never);
        if recovering {
            self.ask_peers(relayer);
        }
    }

    /// The chain is not the one that was linked: unlinks it and reads it anew, as the service does.
    pub fn unlink(&mut self, relayer: usize) {
        let disk = &mut self.relayers[relayer].disk;
        disk.requests.clear();
        disk.linked = LanePosition::start(&lane());
        disk.block = 0;
        let snapshot = disk.snapshot();
        let set = self.relayers[relayer].machine.relayer_set().cloned();
        self.relayers[relayer].machine.restart(snapshot, set);
        self.relayers[relayer].account.forget();
        self.step(relayer, Input::Tick, Death::Never);
    }

    /// Loses the disk, and starts again from nothing.
    pub fn wipe(&mut self, relayer: usize) {
        self.relayers[relayer].disk = Disk::empty();
        self.restart(relayer);
    }

    /// Pulls what the peers hold of this relayer and of each other, itself included.
    pub fn ask_peers(&mut self, relayer: usize) {
        let held: Vec<Attestation> = (0..RELAYERS)
            .filter(|peer| *peer != relayer)
            .flat_map(|peer| self.relayers[peer].disk.attestations.clone())
            .collect();
        for attestation in held {
            self.step(relayer, Input::PeerAttested { attestation, recorded: false }, Death::Never);
        }
        self.step(relayer, Input::Recovered, Death::Never);
    }

    fn boot(&mut self, relayer: usize, death: Death) {
        let set = self.destination.set.clone();
        self.step(relayer, Input::RelayerSetRead(set), death);
    }

    /// Reads the source up to `blocks` further blocks.
    pub fn observe(&mut self, relayer: usize, blocks: u64, death: Death) {
        let at = self.relayers[relayer].machine.linked_block().get();
        let to = (at + blocks).min(self.source.height());
        if to == at {
            return;
        }
        let requests = self.source.read(at, to);
        let from = self.relayers[relayer].machine.linked();
        let Ok(linked) = Linked::check(from, requests, self.source.position(to)) else { return };
        let start = term_start(BlockNumber::new(to), TERM_BLOCKS);
        let term = Term { start, start_hash: keccak256(start.get().to_be_bytes()) };
        let linked = Final::check(linked, BlockNumber::new(to), BlockNumber::new(to)).unwrap();
        let to = BlockRef { number: BlockNumber::new(to), hash: B256::ZERO };
        self.step(relayer, Input::RequestsObserved { linked, to, term }, death);
    }

    /// Reads the destination.
    pub fn look(&mut self, relayer: usize, death: Death) {
        let (newest, settled) = (self.destination.position, self.destination.settled());
        let input = Input::DestinationAdvanced { newest, settled, paused: false };
        self.step(relayer, input, death);
        for attestation in self.destination.recorded.clone() {
            self.step(relayer, Input::PeerAttested { attestation, recorded: true }, death);
        }
    }

    /// One step of one relayer, as the service does it.
    pub fn step(&mut self, relayer: usize, input: Input, death: Death) {
        let observed = match &input {
            Input::RequestsObserved { linked, to, .. } => Some((linked.get().clone(), to.number)),
            _ => None,
        };
        let from = self.relayers[relayer].machine.linked();
        let mut inputs = vec![input];
        let (mut records, mut actions) = (vec![], vec![]);
        while let Some(input) = inputs.pop() {
            self.relayers[relayer].machine.handle(self.now, input);
            while let Some(output) = self.relayers[relayer].machine.poll_output() {
                match output {
                    Output::Sign(checkpoint) if self.slow_signer == Some(relayer) => {
                        self.unsigned.push(checkpoint);
                    }
                    Output::Sign(checkpoint) => {
                        inputs.push(Input::Signed(self.relayers[relayer].key.sign(checkpoint)));
                    }
                    Output::Record(record) => records.push(record),
                    Output::Act(Action::Alarm(alarm)) => self.alarms.push((relayer, alarm)),
                    Output::Act(action) => actions.push(action),
                }
            }
        }
        let in_flight = self.relayers[relayer].machine.status().in_flight;
        assert!(in_flight <= RUNS_MAX, "L3: {in_flight} runs in flight");
        if death == Death::BeforeCommit {
            return self.restart(relayer);
        }
        let Relayer { disk, machine, .. } = &mut self.relayers[relayer];
        if let Some((linked, block)) = observed.filter(|_| machine.linked() != from) {
            disk.requests.extend(linked.into_requests());
            disk.block = block.get();
        }
        for record in &records {
            disk.apply(record);
        }
        disk.linked = machine.linked();
        disk.block = machine.linked_block().get();
        disk.term = machine.term();
        disk.settled = machine.settled();
        for (done, action) in actions.into_iter().enumerate() {
            if death == Death::AfterActions(done) {
                return self.restart(relayer);
            }
            self.perform(relayer, action);
        }
    }

    fn perform(&mut self, relayer: usize, action: Action) {
        match action {
            Action::Exchange(attestations) => {
                for attestation in attestations {
                    self.release(relayer, &attestation);
                    for peer in (0..RELAYERS).filter(|peer| *peer != relayer) {
                        let pair = (relayer.min(peer), relayer.max(peer));
                        if !self.cut.contains(&pair) {
                            self.network.push((peer, attestation));
                        }
                    }
                }
            }
            Action::Submit { batch, attempt } => {
                self.relayers[relayer].account.submit(Sent::Deliver(batch, attempt));
            }
            Action::PostAttestation { attestation, attempt } => {
                self.release(relayer, &attestation);
                self.relayers[relayer].account.submit(Sent::Attest(attestation, attempt));
            }
            Action::Alarm(_) => unreachable!("done before"),
        }
    }

    fn release(&mut self, relayer: usize, attestation: &Attestation) {
        assert_eq!(attestation.signer, self.relayers[relayer].key.address());
        let Checkpoint { epoch, position, .. } = attestation.checkpoint;
        let key = (relayer, epoch.get(), position.count.get());
        let head = *self.released.entry(key).or_insert(position.head);
        assert_eq!(head, position.head, "S6: relayer {relayer} released two heads at {key:?}");
    }

    /// Delivers message `at` of the network.
    pub fn receive(&mut self, at: usize, death: Death) {
        if self.network.is_empty() {
            return;
        }
        let (to, attestation) = self.network.swap_remove(at % self.network.len());
        self.step(to, Input::PeerAttested { attestation, recorded: false }, death);
    }

    /// S1–S3: what was handed over is a prefix of what was requested, each once, in order.
    pub fn check_destination(&self) {
        let requested: Vec<&Request> = self.source.requests().collect();
        let counted = self.destination.position.count.get();
        assert_eq!(counted, self.destination.handed.len() as u64, "each is handed over once");
        assert!(
            self.destination.handed.len() <= requested.len(),
            "more handed over than requested"
        );
        for (handed, requested) in self.destination.handed.iter().zip(requested) {
            assert_eq!(handed, requested);
        }
    }

    /// Faults stop. Within a bounded time everything requested must be handed over.
    pub fn settle(&mut self) {
        for _ in 0..200 {
            self.now += Duration::from_secs(1);
            for relayer in 0..self.relayers.len() {
                self.observe(relayer, u64::MAX / 2, Death::Never);
                self.look(relayer, Death::Never);
                self.step(relayer, Input::Tick, Death::Never);
            }
            while self.sign_late(0) {}
            while !self.network.is_empty() {
                self.receive(0, Death::Never);
            }
            while self.land(0, Tell::Now) {}
            for relayer in 0..self.relayers.len() {
                while self.tell(relayer) {}
            }
            self.destination.finalise(usize::MAX / 2);
            // Anti-entropy: what a peer misses it pulls.
            for relayer in 0..self.relayers.len() {
                let own: Vec<Attestation> =
                    self.relayers[relayer].machine.own_attestations().copied().collect();
                if !own.is_empty() {
                    self.perform(relayer, Action::Exchange(own));
                }
            }
            if self.destination.handed.len() == self.source.requests().count() {
                return;
            }
        }
        let states: Vec<_> = self.relayers.iter().map(|r| r.machine.status()).collect();
        panic!(
            "L1: {} of {} handed over after 200 s without faults: {states:#?}",
            self.destination.handed.len(),
            self.source.requests().count()
        );
    }
}

pub fn params(relayer: usize, recovering: bool) -> Params {
    Params {
        lane: lane(),
        me: key(relayer).address(),
        takeover: TAKEOVER,
        cosign_timeout: COSIGN_TIMEOUT,
        batch_max: 40,
        recovering,
    }
}
