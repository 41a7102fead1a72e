//! Four machines on one lane, a source, a destination and a network between them, all in one thread.
//!
//! A relayer's step is what the service does: feed the inputs, answer `Sign` at once, commit the
//! records with the state, then perform the other effects one by one. A crash may come before the
//! commit or after any effect; what was not committed or performed is gone.

#![allow(unreachable_pub, missing_docs)]

use std::collections::BTreeMap;
use std::time::Duration;

use alloy_primitives::{Address, B256, U256, keccak256};
use twinspan_bridge::attest::{Attestation, AttestationKey, Verified};
use twinspan_bridge::batch::Batch;
use twinspan_bridge::digest::Checkpoint;
use twinspan_bridge::effect::{Alarm, Conflict, Effect, Input, Purpose, Record};
use twinspan_bridge::finality::Final;
use twinspan_bridge::ids::{BlockNumber, BlockRef, BridgeAt, ChainId, Count, Epoch, Lane, Nonce};
use twinspan_bridge::lane_head::{LanePosition, Linked, link};
use twinspan_bridge::machine::{LaneMachine, LinkedRequest, Params, Snapshot};
use twinspan_bridge::relayer_set::RelayerSet;
use twinspan_bridge::request::{AssetKind, Request, SourcedRequest};
use twinspan_bridge::schedule::{Term, term_start};

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

/// The source chain: final blocks of requests.
#[derive(Default)]
pub struct Source {
    pub blocks: Vec<Vec<Request>>,
    /// Distinguishes the branches of a reorganisation.
    pub salt: u8,
}

impl Source {
    pub fn requests(&self) -> impl Iterator<Item = &Request> {
        self.blocks.iter().flatten()
    }

    pub fn mine(&mut self, requests: usize) {
        let first = self.requests().count();
        let salt = self.salt;
        let block = (first..first + requests).map(|nonce| Request {
            nonce: Nonce::new(nonce as u64),
            kind: AssetKind::Erc20,
            sender: Address::repeat_byte(7),
            recipient: Address::left_padding_from(&[salt, (nonce % 251) as u8, 1]),
            token: Address::repeat_byte(8),
            counterpart_token: Address::repeat_byte(9),
            amount: U256::from(nonce + 1),
            // Every seventh carries one, of many lengths.
            payload: vec![1; if nonce % 7 == 0 { nonce % 400 } else { 0 }].into(),
        });
        self.blocks.push(block.collect());
    }

    pub fn height(&self) -> u64 {
        self.blocks.len() as u64
    }

    /// The contract's own position after block `height` (block n holds `blocks[n - 1]`).
    pub fn position(&self, height: u64) -> LanePosition {
        let blocks = self.blocks.iter().take(usize::try_from(height).unwrap());
        blocks.flatten().fold(LanePosition::start(&lane()), |at, r| at.link(r.hash()))
    }

    fn read(&self, after: u64, to: u64) -> Vec<SourcedRequest> {
        let mut head = self.position(after).head;
        let mut read = Vec::new();
        for number in after + 1..=to {
            for request in &self.blocks[usize::try_from(number - 1).unwrap()] {
                head = link(head, request.hash());
                read.push(SourcedRequest {
                    request: request.clone(),
                    block: BlockNumber::new(number),
                    transaction: request.hash(),
                    emitted_head: head,
                });
            }
        }
        read
    }
}

/// The destination bridge, with the checks of the protocol in their order.
pub struct Destination {
    pub position: LanePosition,
    pub set: RelayerSet,
    pub handed: Vec<Request>,
    pub recorded: Vec<Attestation>,
}

impl Destination {
    fn deliver(&mut self, batch: &Batch) -> bool {
        if batch.requests.is_empty() || batch.first() != self.position.count.next_nonce() {
            return false;
        }
        let mut at = self.position;
        for request in &batch.requests {
            if request.nonce != at.count.next_nonce() {
                return false;
            }
            at = at.link(request.hash());
        }
        let end = at;
        for hash in &batch.tail {
            at = at.link(*hash);
        }
        let checkpoint = batch.certificate.checkpoint();
        if checkpoint.position != at || checkpoint.epoch != self.set.epoch() {
            return false;
        }
        let mut last = Address::ZERO;
        for (signer, signature) in batch.certificate.signatures() {
            let recovered = signature.recover(checkpoint.digest());
            if recovered != Ok(*signer) || *signer <= last || !self.set.contains(*signer) {
                return false;
            }
            last = *signer;
        }
        if batch.certificate.signatures().len() < usize::from(self.set.threshold()) {
            return false;
        }
        self.handed.extend(batch.requests.iter().cloned());
        self.position = end;
        true
    }
}

/// What a relayer's store holds: the only thing that survives a crash.
#[derive(Clone)]
struct Disk {
    linked: LanePosition,
    block: u64,
    term: Option<Term>,
    settled: LanePosition,
    requests: Vec<LinkedRequest>,
    attestations: Vec<Attestation>,
    conflict: Option<Conflict>,
}

impl Disk {
    fn empty() -> Self {
        let start = LanePosition::start(&lane());
        Self {
            linked: start,
            block: 0,
            term: None,
            settled: start,
            requests: vec![],
            attestations: vec![],
            conflict: None,
        }
    }

    fn snapshot(&self) -> Snapshot {
        let above = |count: Count| count > self.settled.count;
        Snapshot {
            linked: self.linked,
            linked_block: BlockNumber::new(self.block),
            term: self.term,
            settled: self.settled,
            requests: self.requests.iter().filter(|r| above(r.after.count)).cloned().collect(),
            attestations: self
                .attestations
                .iter()
                .filter(|a| above(a.checkpoint.count()))
                .map(|a| a.verify().expect("only verified attestations are stored"))
                .collect::<Vec<Verified>>(),
            conflict: self.conflict,
        }
    }

    fn apply(&mut self, record: &Record) {
        match record {
            Record::Attestation(attestation) => self.attestations.push(*attestation),
            Record::Conflict(conflict) => self.conflict = *conflict,
        }
    }
}

pub struct Relayer {
    pub key: AttestationKey,
    disk: Disk,
    pub machine: LaneMachine,
}

/// When a relayer dies during a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    Never,
    BeforeCommit,
    AfterEffects(usize),
}

pub struct World {
    pub now: Duration,
    pub source: Source,
    pub destination: Destination,
    pub relayers: Vec<Relayer>,
    /// Attestations on their way: to whom, what.
    pub network: Vec<(usize, Attestation)>,
    /// Transactions on their way to the destination.
    pub pool: Vec<(usize, Sent)>,
    /// Pairs that cannot talk to each other.
    pub cut: Vec<(usize, usize)>,
    pub alarms: Vec<(usize, Alarm)>,
    /// S6: every head that a relayer ever let out of the house.
    released: BTreeMap<(usize, u64, u64), B256>,
}

#[derive(Clone)]
pub enum Sent {
    Deliver(Batch),
    Attest(Attestation),
}

impl World {
    pub fn new() -> Self {
        let mut world = Self {
            now: Duration::from_secs(1),
            source: Source::default(),
            destination: Destination {
                position: LanePosition::start(&lane()),
                set: set(1),
                handed: vec![],
                recorded: vec![],
            },
            relayers: vec![],
            network: vec![],
            pool: vec![],
            cut: vec![],
            alarms: vec![],
            released: BTreeMap::new(),
        };
        for relayer in 0..RELAYERS {
            let machine = LaneMachine::restore(params(relayer, false), Disk::empty().snapshot());
            world.relayers.push(Relayer { key: key(relayer), disk: Disk::empty(), machine });
            world.boot(relayer, Death::Never);
        }
        world
    }

    /// Starts the process again from what its disk holds.
    pub fn restart(&mut self, relayer: usize) {
        let disk = &self.relayers[relayer].disk;
        let recovering = disk.block == 0;
        let machine = LaneMachine::restore(params(relayer, recovering), disk.snapshot());
        self.relayers[relayer].machine = machine;
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
        let machine = LaneMachine::restore(params(relayer, false), disk.snapshot());
        self.relayers[relayer].machine = machine;
        self.boot(relayer, Death::Never);
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
        let position = self.destination.position;
        let input =
            Input::DestinationAdvanced { newest: position, settled: position, paused: false };
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
        let (mut records, mut effects) = (vec![], vec![]);
        while let Some(input) = inputs.pop() {
            self.relayers[relayer].machine.handle(self.now, input);
            while let Some(effect) = self.relayers[relayer].machine.poll_effect() {
                match effect {
                    Effect::Sign(checkpoint) => {
                        inputs.push(Input::Signed(self.relayers[relayer].key.sign(checkpoint)));
                    }
                    Effect::Record(record) => records.push(record),
                    Effect::Alarm(alarm) => self.alarms.push((relayer, alarm)),
                    other => effects.push(other),
                }
            }
        }
        if death == Death::BeforeCommit {
            return self.restart(relayer);
        }
        let Relayer { disk, machine, .. } = &mut self.relayers[relayer];
        if let Some((linked, block)) = observed.filter(|_| machine.linked() != from) {
            disk.requests.extend(LinkedRequest::rows(&linked));
            disk.block = block.get();
        }
        for record in &records {
            disk.apply(record);
        }
        disk.linked = machine.linked();
        disk.block = machine.linked_block().get();
        disk.term = machine.term();
        disk.settled = machine.settled();
        for (done, effect) in effects.into_iter().enumerate() {
            if death == Death::AfterEffects(done) {
                return self.restart(relayer);
            }
            self.perform(relayer, effect);
        }
    }

    fn perform(&mut self, relayer: usize, effect: Effect) {
        match effect {
            Effect::Exchange(attestations) => {
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
            Effect::Submit { batch, .. } => self.pool.push((relayer, Sent::Deliver(batch))),
            Effect::PostAttestation { attestation, .. } => {
                self.release(relayer, &attestation);
                self.pool.push((relayer, Sent::Attest(attestation)));
            }
            Effect::Sign(_) | Effect::Record(_) | Effect::Alarm(_) => unreachable!("done before"),
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

    /// Mines transaction `at` of the pool.
    pub fn land(&mut self, at: usize, tell: bool) {
        if self.pool.is_empty() {
            return;
        }
        let (from, sent) = self.pool.swap_remove(at % self.pool.len());
        let (purpose, accepted) = match sent {
            Sent::Deliver(batch) => {
                let (first, end) = (Count::new(batch.first().get()), batch.end());
                (Purpose::Deliver { first, end }, self.destination.deliver(&batch))
            }
            Sent::Attest(attestation) => {
                self.destination.recorded.push(attestation);
                (Purpose::Attest { count: attestation.checkpoint.count() }, true)
            }
        };
        self.check_destination();
        if tell {
            self.step(from, Input::TransactionResolved { purpose, accepted }, Death::Never);
        }
    }

    /// S1–S3: what was handed over is a prefix of what was requested, each once, in order.
    pub fn check_destination(&self) {
        let requested: Vec<&Request> = self.source.requests().collect();
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
            while !self.network.is_empty() {
                self.receive(0, Death::Never);
            }
            while !self.pool.is_empty() {
                self.land(0, true);
            }
            // Anti-entropy: what a peer misses it pulls.
            for relayer in 0..self.relayers.len() {
                let own: Vec<Attestation> =
                    self.relayers[relayer].machine.own_attestations().copied().collect();
                if !own.is_empty() {
                    self.perform(relayer, Effect::Exchange(own));
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
        batch_max: 100,
        recovering,
    }
}
