//! The destination chain and its bridge.

use alloy_primitives::Address;
use twinspan_bridge::attest::Attestation;
use twinspan_bridge::batch::Batch;
use twinspan_bridge::lane_head::LanePosition;
use twinspan_bridge::relayer_set::RelayerSet;
use twinspan_bridge::request::Request;

use super::account::Sent;
use super::{lane, set};

/// The destination bridge, with the checks of the protocol in their order.
pub struct Destination {
    pub position: LanePosition,
    pub set: RelayerSet,
    pub handed: Vec<Request>,
    pub recorded: Vec<Attestation>,
    /// The executed transactions, each in a block of its own.
    blocks: Vec<Block>,
    /// How many of these blocks are final.
    final_blocks: usize,
}

/// A block, and what was before it.
struct Block {
    from: Option<usize>,
    sent: Sent,
    before: LanePosition,
    recorded: usize,
}

impl Destination {
    pub fn new() -> Self {
        Self {
            position: LanePosition::start(&lane()),
            set: set(1),
            handed: vec![],
            recorded: vec![],
            blocks: vec![],
            final_blocks: 0,
        }
    }

    /// Mines a transaction of relayer `from`, or of a stranger. Whether the contract accepts it.
    pub fn execute(&mut self, from: Option<usize>, sent: Sent) -> bool {
        let block = Block {
            from,
            sent: sent.clone(),
            before: self.position,
            recorded: self.recorded.len(),
        };
        self.blocks.push(block);
        match sent {
            Sent::Deliver(batch, _) => self.deliver(&batch),
            Sent::Attest(attestation, _) => {
                self.recorded.push(attestation);
                true
            }
        }
    }

    /// Makes the oldest blocks final that are not, up to `blocks` of them.
    pub fn finalise(&mut self, blocks: usize) {
        self.final_blocks = (self.final_blocks + blocks).min(self.blocks.len());
    }

    /// Where the lane stands in the last final block.
    pub fn settled(&self) -> LanePosition {
        self.blocks.get(self.final_blocks).map_or(self.position, |block| block.before)
    }

    /// Takes back up to `blocks` that are not final: the relayers' transactions, the newest first.
    pub fn take_back(&mut self, blocks: usize) -> Vec<(usize, Sent)> {
        let kept = self.blocks.len().saturating_sub(blocks).max(self.final_blocks);
        let mut taken = Vec::new();
        for block in self.blocks.split_off(kept).into_iter().rev() {
            self.position = block.before;
            self.recorded.truncate(block.recorded);
            taken.extend(block.from.map(|from| (from, block.sent)));
        }
        self.handed.truncate(usize::try_from(self.position.count.get()).unwrap());
        taken
    }

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
