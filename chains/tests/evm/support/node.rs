//! A small chain in memory behind one scripted node: blocks, a pool, receipts, and faults on demand.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alloy::consensus::{Transaction, TxEnvelope};
use alloy::eips::eip2718::Decodable2718;
use alloy::primitives::{Address, B256, Bytes, U64, U128, keccak256};
use alloy::rpc::json_rpc::RequestPacket;
use serde_json::{Value, json};
use tower::ServiceExt;
use twinspan_chains::rpc::RpcService;

use super::wire::{Answer, wire};

pub const CHAIN_ID: u64 = 77;

/// The balance of every account, in wei.
const BALANCE: u128 = 10_u128.pow(18);

/// The fate of the next transaction that the node is sent.
#[derive(Clone, Debug)]
pub enum SendFault {
    /// Says that it took it, and forgets it.
    Dropped,
    /// Takes it, and the answer is lost.
    AnswerLost,
    /// Takes it, and says that it knew it already.
    Duplicated,
    /// Refuses with this text.
    Refused(&'static str),
    /// The connection breaks before it arrives.
    Broken,
}

#[derive(Clone, Debug)]
struct Block {
    number: u64,
    hash: B256,
    parent: B256,
    transactions: Vec<Mined>,
}

#[derive(Clone, Debug)]
struct Mined {
    hash: B256,
    raw: Bytes,
    from: Address,
    to: Address,
    nonce: u64,
    input: Bytes,
}

#[derive(Debug)]
struct State {
    base_fee: Option<u128>,
    gas_price: u128,
    blocks: Vec<Block>,
    pool: BTreeMap<(Address, u64), Mined>,
    refusing: BTreeSet<Address>,
    faults: VecDeque<SendFault>,
    /// Every transaction that arrived, in order.
    arrived: Vec<Bytes>,
    calls: BTreeMap<String, usize>,
    forks: u64,
}

/// A handle to the chain.
#[derive(Clone, Debug)]
pub struct FakeNode(Arc<Mutex<State>>);

impl FakeNode {
    /// A chain with a base fee of 1 gwei.
    pub fn with_fees() -> Self {
        Self::new(Some(1_000_000_000), 2_000_000_000)
    }

    /// A chain on which gas costs nothing.
    pub fn without_fees() -> Self {
        Self::new(None, 0)
    }

    fn new(base_fee: Option<u128>, gas_price: u128) -> Self {
        let genesis =
            Block { number: 0, hash: keccak256("0"), parent: B256::ZERO, transactions: Vec::new() };
        Self(Arc::new(Mutex::new(State {
            base_fee,
            gas_price,
            blocks: vec![genesis],
            pool: BTreeMap::new(),
            refusing: BTreeSet::new(),
            faults: VecDeque::new(),
            arrived: Vec::new(),
            calls: BTreeMap::new(),
            forks: 0,
        })))
    }

    pub fn service(&self) -> RpcService {
        let state = Arc::clone(&self.0);
        wire(move |method, params| state.lock().expect("not poisoned").answer(method, params))
    }

    /// The same, where every block is said to have this base fee.
    pub fn service_with_base_fee(&self, base_fee: u128) -> RpcService {
        let state = Arc::clone(&self.0);
        wire(move |method, params| {
            let mut answer = state.lock().expect("not poisoned").answer(method, params);
            if let Answer::Result(block) = &mut answer
                && method == "eth_getBlockByNumber"
            {
                block["baseFeePerGas"] = json!(U128::from(base_fee));
            }
            answer
        })
    }

    /// The same, where every account is said to have made so many transactions.
    pub fn service_with_count(&self, count: u64) -> RpcService {
        let state = Arc::clone(&self.0);
        wire(move |method, params| {
            let answer = state.lock().expect("not poisoned").answer(method, params);
            if method == "eth_getTransactionCount" {
                return Answer::Result(json!(U64::from(count)));
            }
            answer
        })
    }

    /// The same, where the first transaction to come is held up on its way.
    pub fn service_slow_once(&self, hold_up: Duration) -> RpcService {
        let node = self.service();
        let held_up = Arc::new(AtomicBool::new(false));
        RpcService::new(tower::service_fn(move |packet: RequestPacket| {
            let is_sent = matches!(
                &packet,
                RequestPacket::Single(request) if request.method() == "eth_sendRawTransaction"
            );
            let wait = is_sent && !held_up.swap(true, Ordering::SeqCst);
            let node = node.clone();
            async move {
                if wait {
                    tokio::time::sleep(hold_up).await;
                }
                node.oneshot(packet).await
            }
        }))
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.0.lock().expect("not poisoned"))
    }

    /// The base fee from the next block on.
    pub fn set_base_fee(&self, base_fee: u128) {
        self.with(|state| state.base_fee = Some(base_fee));
    }

    /// Makes a block of whatever in the pool can be mined.
    pub fn mine(&self) {
        self.with(State::mine);
    }

    /// Makes a block of nothing.
    pub fn mine_empty(&self) {
        self.with(|state| state.append(Vec::new()));
    }

    /// Forgets the pool.
    pub fn empty_pool(&self) {
        self.with(|state| state.pool.clear());
    }

    /// Takes the newest `depth` blocks back and their transactions away, and makes as many empty blocks
    /// and one more.
    pub fn reorganise(&self, depth: usize) {
        self.with(|state| {
            let keep = state.blocks.len() - depth;
            state.blocks.truncate(keep);
            state.forks += 1;
            for _ in 0..=depth {
                state.append(Vec::new());
            }
        });
    }

    /// The newest block's number.
    pub fn height(&self) -> u64 {
        self.with(|state| state.blocks.len() as u64 - 1)
    }

    /// Faults of the next broadcasts, in order.
    pub fn next_sends(&self, faults: impl IntoIterator<Item = SendFault>) {
        self.with(|state| state.faults.extend(faults));
    }

    /// No faults any more.
    pub fn forgive(&self) {
        self.with(|state| state.faults.clear());
    }

    /// Calls to this contract revert from now on.
    pub fn refuse(&self, contract: Address) {
        self.with(|state| state.refusing.insert(contract));
    }

    /// Somebody else with the same key has a transaction mined.
    pub fn mine_foreign(&self, account: Address) {
        self.with(|state| {
            let nonce = state.count(account);
            state.pool.remove(&(account, nonce));
            let transaction = Mined {
                hash: keccak256(format!("foreign {nonce}")),
                raw: Bytes::new(),
                from: account,
                to: Address::ZERO,
                nonce,
                input: Bytes::new(),
            };
            state.append(vec![transaction]);
        });
    }

    /// Call data of the mined transactions to `contract`, in order.
    pub fn executed(&self, contract: Address) -> Vec<Bytes> {
        self.with(|state| {
            let mined = state.blocks.iter().flat_map(|block| &block.transactions);
            mined.filter(|mined| mined.to == contract).map(|mined| mined.input.clone()).collect()
        })
    }

    /// Every transaction that arrived, in order.
    pub fn arrived(&self) -> Vec<Bytes> {
        self.with(|state| state.arrived.clone())
    }

    /// Their account nonces.
    pub fn arrived_nonces(&self) -> Vec<u64> {
        let nonce = |raw: &Bytes| {
            TxEnvelope::decode_2718(&mut raw.as_ref()).expect("a transaction").nonce()
        };
        self.arrived().iter().map(nonce).collect()
    }

    pub fn calls(&self, method: &str) -> usize {
        self.with(|state| state.calls.get(method).copied().unwrap_or_default())
    }

    pub fn all_calls(&self) -> usize {
        self.with(|state| state.calls.values().sum())
    }

    pub fn pool_len(&self) -> usize {
        self.with(|state| state.pool.len())
    }
}

impl State {
    fn count(&self, account: Address) -> u64 {
        let mined = self.blocks.iter().flat_map(|block| &block.transactions);
        mined.filter(|mined| mined.from == account).count() as u64
    }

    fn pending_count(&self, account: Address) -> u64 {
        let mut count = self.count(account);
        while self.pool.contains_key(&(account, count)) {
            count += 1;
        }
        count
    }

    fn mine(&mut self) {
        let mut included = Vec::new();
        let accounts: BTreeSet<Address> = self.pool.keys().map(|(account, _)| *account).collect();
        for account in accounts {
            let mut nonce = self.count(account);
            while let Some(mined) = self.pool.remove(&(account, nonce)) {
                included.push(mined);
                nonce += 1;
            }
        }
        self.append(included);
    }

    fn append(&mut self, transactions: Vec<Mined>) {
        let parent = self.blocks.last().expect("there is a genesis block").hash;
        let number = self.blocks.len() as u64;
        let hash = keccak256(format!("{number} {} {parent}", self.forks));
        self.blocks.push(Block { number, hash, parent, transactions });
    }

    fn answer(&mut self, method: &str, params: &Value) -> Answer {
        *self.calls.entry(method.to_owned()).or_default() += 1;
        let result = match method {
            "eth_chainId" => json!(U64::from(CHAIN_ID)),
            "eth_blockNumber" => json!(U64::from(self.blocks.len() as u64 - 1)),
            "eth_gasPrice" => json!(U128::from(self.gas_price)),
            "eth_maxPriorityFeePerGas" => json!(U128::from(1_000_000_000_u64)),
            "eth_getBalance" => json!(U128::from(BALANCE)),
            "eth_getBlockByNumber" => self.block(&params[0]),
            "eth_getTransactionCount" => {
                let account = parse(&params[0]);
                json!(U64::from(match params[1].as_str() {
                    Some("pending") => self.pending_count(account),
                    _ => self.count(account),
                }))
            }
            "eth_getTransactionReceipt" => self.receipt(parse(&params[0])),
            "eth_call" => return Answer::Error(3, "execution reverted".to_owned()),
            "eth_sendRawTransaction" => return self.send(parse(&params[0])),
            _ => return Answer::Error(-32601, format!("no method {method}")),
        };
        Answer::Result(result)
    }

    fn block(&self, which: &Value) -> Value {
        let block = match which.as_str() {
            Some("latest") => self.blocks.last(),
            Some(_) => self.blocks.get(parse::<U64>(which).to::<usize>()),
            None => None,
        };
        let Some(block) = block else { return Value::Null };
        json!({
            "number": U64::from(block.number),
            "hash": block.hash,
            "parentHash": block.parent,
            "timestamp": U64::from(block.number),
            "gasLimit": U64::from(30_000_000),
            "baseFeePerGas": self.base_fee.map(U128::from),
        })
    }

    fn receipt(&self, hash: B256) -> Value {
        for block in &self.blocks {
            let Some(mined) = block.transactions.iter().find(|mined| mined.hash == hash) else {
                continue;
            };
            let status = u64::from(!self.refusing.contains(&mined.to));
            return json!({
                "transactionHash": hash,
                "blockHash": block.hash,
                "blockNumber": U64::from(block.number),
                "status": U64::from(status),
                "gasUsed": U64::from(50_000),
            });
        }
        Value::Null
    }

    fn send(&mut self, raw: Bytes) -> Answer {
        let fault = self.faults.pop_front();
        if matches!(fault, Some(SendFault::Broken)) {
            return Answer::Broken;
        }
        self.arrived.push(raw.clone());
        if let Some(SendFault::Refused(text)) = fault {
            return Answer::Error(-32000, text.to_owned());
        }
        let transaction = TxEnvelope::decode_2718(&mut raw.as_ref()).expect("a transaction");
        let hash = *transaction.tx_hash();
        if matches!(fault, Some(SendFault::Dropped)) {
            return Answer::Result(json!(hash));
        }
        let taken = self.take(&transaction, raw);
        match (taken, fault) {
            (Ok(()), Some(SendFault::AnswerLost)) => Answer::Silent,
            (Ok(()), Some(SendFault::Duplicated)) => {
                Answer::Error(-32000, "already known".to_owned())
            }
            (Ok(()), _) => Answer::Result(json!(hash)),
            (Err(text), _) => Answer::Error(-32000, text.to_owned()),
        }
    }

    /// As geth's pool decides.
    fn take(&mut self, transaction: &TxEnvelope, raw: Bytes) -> Result<(), &'static str> {
        let from = recovered(transaction);
        let nonce = transaction.nonce();
        let to = transaction.to().expect("no creation");
        if nonce < self.count(from) {
            return Err("nonce too low");
        }
        let most = transaction.max_fee_per_gas().saturating_mul(transaction.gas_limit().into());
        if most > BALANCE {
            return Err("insufficient funds for gas * price + value");
        }
        if self.base_fee.is_some_and(|fee| transaction.max_fee_per_gas() < fee) {
            return Err("transaction underpriced");
        }
        let hash = *transaction.tx_hash();
        if let Some(known) = self.pool.get(&(from, nonce)) {
            if known.hash == hash {
                return Err("already known");
            }
            let old = TxEnvelope::decode_2718(&mut known.raw.as_ref()).expect("a transaction");
            let pays_more = |new: u128, old: u128| new * 10 >= old * 11 && new > old;
            if !pays_more(transaction.max_fee_per_gas(), old.max_fee_per_gas()) {
                return Err("replacement transaction underpriced");
            }
        }
        let input = transaction.input().clone();
        self.pool.insert((from, nonce), Mined { hash, raw, from, to, nonce, input });
        Ok(())
    }
}

fn recovered(transaction: &TxEnvelope) -> Address {
    let hash = transaction.signature_hash();
    transaction.signature().recover_address_from_prehash(&hash).expect("signed")
}

fn parse<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).expect("a parameter of the method")
}
