//! A chain: blocks, a pool, accounts' nonces, and the bridges that live on it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alloy::consensus::{Header, Transaction, TxEnvelope};
use alloy::eips::eip2718::Decodable2718;
use alloy::primitives::{Address, B256, Bytes, LogData, keccak256};
use twinspan_bridge::ids::{BridgeAt, ChainId};
use twinspan_chains::rpc::RpcService;

use super::bridge::SimBridge;
use super::proof::WorldState;
use super::rpc;

/// Base fee, in wei.
pub(super) const FEE: u64 = 1_000_000_000;

/// Gas that a block holds.
const GAS_LIMIT: u64 = 30_000_000;

/// A handle to a chain.
#[derive(Clone, Debug)]
pub struct SimChain(Arc<Mutex<State>>);

#[derive(Debug)]
pub(super) struct State {
    pub(super) chain_id: u64,
    pub(super) blocks: Vec<Block>,
    bridges: BTreeMap<Address, SimBridge>,
    pool: BTreeMap<(Address, u64), Pooled>,
    /// Events that belong to the next block and to no transaction that was sent here.
    asked: Vec<(Address, LogData)>,
    nonces: BTreeMap<Address, u64>,
}

/// A block, and the bridges after it.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) header: Header,
    pub(super) hash: B256,
    /// By the contract that emitted them, each with its place in the block.
    pub(super) logs: BTreeMap<Address, Vec<(usize, Log)>>,
    pub(super) mined: BTreeMap<B256, Mined>,
    pub(super) world: Arc<WorldState>,
}

/// A transaction in a block.
#[derive(Clone, Debug)]
pub(super) struct Mined {
    pub(super) to: Address,
    pub(super) input: Bytes,
    pub(super) accepted: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Log {
    pub(super) data: LogData,
    pub(super) transaction: B256,
}

#[derive(Clone, Debug)]
struct Pooled {
    hash: B256,
    to: Address,
    input: Bytes,
}

impl SimChain {
    /// A chain with those bridges and one block, of that Unix time in seconds; each block is a second later.
    #[must_use]
    pub fn new(chain_id: ChainId, born_at: u64, bridges: BTreeMap<Address, SimBridge>) -> Self {
        let chain_id = chain_id.get();
        let world = Arc::new(WorldState::new(bridges.clone()));
        let header = Header {
            timestamp: born_at,
            gas_limit: GAS_LIMIT,
            base_fee_per_gas: Some(FEE),
            extra_data: chain_id.to_be_bytes().into(),
            state_root: world.root(),
            ..Header::default()
        };
        let genesis = Block {
            hash: header.hash_slow(),
            header,
            logs: BTreeMap::new(),
            mined: BTreeMap::new(),
            world,
        };
        Self(Arc::new(Mutex::new(State {
            chain_id,
            blocks: vec![genesis],
            bridges,
            pool: BTreeMap::new(),
            asked: Vec::new(),
            nonces: BTreeMap::new(),
        })))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A node of this chain.
    #[must_use]
    pub fn node(&self) -> RpcService {
        rpc::node(self.clone())
    }

    /// Asks a bridge for a transfer, in the next block.
    ///
    /// # Panics
    /// If there is no such bridge.
    pub fn request(&self, bridge: BridgeAt, recipient: Address, amount: u64) {
        let mut state = self.state();
        let contract = state.bridges.get_mut(&bridge.address).expect("a bridge of this chain");
        let event = contract.request(recipient, amount);
        state.asked.push((bridge.address, event));
    }

    /// A bridge as it stands after the newest block.
    ///
    /// # Panics
    /// If there is no such bridge.
    #[must_use]
    pub fn bridge(&self, bridge: BridgeAt) -> SimBridge {
        let state = self.state();
        let newest = state.blocks.last().expect("there is a first block");
        newest.world.bridges()[&bridge.address].clone()
    }

    /// The transaction of the newest event of a bridge.
    #[must_use]
    pub fn last_transaction(&self, bridge: BridgeAt) -> Option<B256> {
        let state = self.state();
        let logs = state.blocks.iter().rev().find_map(|block| block.logs.get(&bridge.address))?;
        logs.last().map(|(_, log)| log.transaction)
    }

    /// Takes the newest `blocks` blocks back, with all that they did to the bridges.
    ///
    /// # Panics
    /// If there are no blocks before them.
    pub fn take_back(&self, blocks: usize) {
        let mut state = self.state();
        let left = state.blocks.len().checked_sub(blocks).filter(|left| *left > 0);
        state.blocks.truncate(left.expect("a block is left"));
        state.bridges = state.newest().world.bridges().clone();
    }

    /// Makes the next block of what is in the pool.
    pub fn mine(&self) {
        self.state().mine();
    }
}

impl State {
    pub(super) fn newest(&self) -> &Block {
        self.blocks.last().expect("there is a first block")
    }

    pub(super) fn count(&self, account: Address) -> u64 {
        self.nonces.get(&account).copied().unwrap_or(0)
    }

    pub(super) fn pending_count(&self, account: Address) -> u64 {
        let mut count = self.count(account);
        while self.pool.contains_key(&(account, count)) {
            count += 1;
        }
        count
    }

    fn mine(&mut self) {
        let number = self.blocks.len() as u64;
        let mut logs = Vec::new();
        for (n, (address, data)) in std::mem::take(&mut self.asked).into_iter().enumerate() {
            let transaction = keccak256(format!("{} {number} {n}", self.chain_id));
            logs.push((address, Log { data, transaction }));
        }
        let mut mined = BTreeMap::new();
        let accounts: BTreeSet<Address> = self.pool.keys().map(|(account, _)| *account).collect();
        for account in accounts {
            let mut nonce = self.count(account);
            while let Some(Pooled { hash, to, input }) = self.pool.remove(&(account, nonce)) {
                let contract = self.bridges.get_mut(&to);
                let events = contract.and_then(|contract| contract.execute(account, &input));
                mined.insert(hash, Mined { to, input, accepted: events.is_some() });
                let log = |data| (to, Log { data, transaction: hash });
                logs.extend(events.into_iter().flatten().map(log));
                nonce += 1;
            }
            self.nonces.insert(account, nonce);
        }
        let newest = self.newest();
        let world = if logs.is_empty() {
            Arc::clone(&newest.world)
        } else {
            Arc::new(WorldState::new(self.bridges.clone()))
        };
        let header = Header {
            number,
            parent_hash: newest.hash,
            timestamp: newest.header.timestamp + 1,
            state_root: world.root(),
            ..newest.header.clone()
        };
        let mut placed: BTreeMap<Address, Vec<(usize, Log)>> = BTreeMap::new();
        for (place, (address, log)) in logs.into_iter().enumerate() {
            placed.entry(address).or_default().push((place, log));
        }
        let hash = header.hash_slow();
        self.blocks.push(Block { hash, header, logs: placed, mined, world });
    }

    /// Takes a transaction into the pool.
    pub(super) fn take(&mut self, raw: &Bytes) -> Result<B256, &'static str> {
        let transaction = TxEnvelope::decode_2718(&mut raw.as_ref())
            .map_err(|_| "transaction does not decode")?;
        let digest = transaction.signature_hash();
        let from = transaction.signature().recover_address_from_prehash(&digest);
        let from = from.map_err(|_| "invalid sender")?;
        let (nonce, hash) = (transaction.nonce(), *transaction.tx_hash());
        if nonce < self.count(from) {
            return Err("nonce too low");
        }
        let to = transaction.to().ok_or("no creation here")?;
        let input = transaction.input().clone();
        match self.pool.insert((from, nonce), Pooled { hash, to, input }) {
            Some(known) if known.hash == hash => Err("already known"),
            Some(_) | None => Ok(hash),
        }
    }
}
