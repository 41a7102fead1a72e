//! The source chain.

use alloy_primitives::{Address, U256};
use twinspan_bridge::ids::{BlockNumber, Nonce};
use twinspan_bridge::lane_head::{LanePosition, link};
use twinspan_bridge::request::{AssetKind, Request, SourcedRequest};

use super::lane;

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

    pub fn read(&self, after: u64, to: u64) -> Vec<SourcedRequest> {
        let mut head = self.position(after).head;
        let mut read = Vec::new();
        for number in after + 1..=to {
            for request in &self.blocks[usize::try_from(number - 1).unwrap()] {
                head = link(head, request.hash());
                read.push(SourcedRequest {
                    stamp: Default::default(),
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
