//! A store of an older schema opens with every row, or stays as it was.

use std::io;
use std::sync::{Arc, Mutex};

use crate::sample::{
    REASONS, SETTLED, attestations, decisions, deployment, incoming, lane, outgoing, request,
    settlements, transaction,
};
use crate::support::{beside, fixture};
use crate::transactions::{account, elsewhere, transactions};
use redb::{Database, ReadableDatabase, TableDefinition};
use twinspan_bridge::ids::{BlockNumber, BlockStamp, Count, Nonce};
use twinspan_bridge::observe::SettlementEvent;
use twinspan_store::{Fate, Memory, SCHEMA, StorageBackend, Store, Write};

/// Written by the last twinspan of schema 2, from the sample.
const SCHEMA_2: &str = "schema-2.redb.gz";

fn schema_of(memory: &Memory) -> u8 {
    let database = Database::builder().create_with_backend(memory.clone()).expect("opened");
    let transaction = database.begin_read().expect("begun");
    let meta = transaction.open_table(TableDefinition::<&str, &[u8]>::new("meta")).expect("meta");
    let row = meta.get("schema").expect("read").expect("a schema");
    // A small number is one byte of `postcard`.
    row.value()[0]
}

fn open(memory: &Memory) -> Store {
    Store::in_memory(memory, &deployment()).expect("opened").0
}

/// Every row of the sample is there, as far as schema 2 knew it.
fn is_the_sample(store: &Store) {
    let (reader, id, back) = (store.reader(), lane().id(), lane().reverse().id());
    assert!(reader.is_recovering().expect("read"));
    store.check(&deployment()).expect("of this deployment");
    assert_eq!(reader.lane(id).expect("read"), Some(outgoing()));
    assert_eq!(reader.lane(back).expect("read"), Some(incoming()));
    assert_eq!(reader.decisions(id).expect("read"), decisions());
    let above = reader.attestations_above(&lane(), Count::new(0), 99).expect("read");
    let mut want = attestations().split_off(1);
    want.sort_by_key(|it| (it.checkpoint.count(), it.checkpoint.epoch, it.signer));
    assert_eq!(above, want);
    assert_eq!(reader.transactions(account()).expect("read"), transactions());
    assert_eq!(reader.transactions(elsewhere()).expect("read"), transactions()[..1]);
    for nonce in 0..SETTLED {
        is_the_transfer(store, nonce);
    }
    assert_eq!(reader.request(id, Nonce::new(SETTLED)).expect("read"), None);
}

fn is_the_transfer(store: &Store, nonce: u64) {
    let (id, at) = (lane().id(), Nonce::new(nonce));
    let stored = store.reader().transfer(&lane(), at).expect("read").expect("linked");
    assert_eq!(stored.request, request(nonce));
    assert_eq!(stored.request.sourced.stamp, BlockStamp::default());
    assert_eq!((stored.batch, stored.certificate), (None, None));
    let found = store.reader().by_transaction(transaction(nonce), 9).expect("read");
    assert!(found.contains(&(id, at)));
    assert_eq!(found.len(), if nonce < 2 { 2 } else { 1 });

    let row = stored.settlement.expect("settled");
    let of_nonce = |event: &SettlementEvent| match event {
        SettlementEvent::HandedOver { nonce, .. } | SettlementEvent::Parked { nonce, .. } => {
            *nonce == at
        }
        SettlementEvent::BatchDelivered { .. }
        | SettlementEvent::Released { .. }
        | SettlementEvent::Returned { .. } => false,
    };
    let want = settlements().into_iter().find(|it| of_nonce(&it.event)).expect("in the sample");
    assert_eq!((row.block, row.transaction), (want.block, want.transaction));
    assert_eq!((row.block_hash, row.block_time), (None, None));
    match (want.event, row.fate) {
        (SettlementEvent::HandedOver { amount, .. }, Fate::HandedOver { amount: got }) => {
            assert_eq!(got, amount);
        }
        (SettlementEvent::Parked { reason, earliest, .. }, Fate::Parked { .. }) => {
            assert_eq!(row.fate, Fate::Parked { reason, earliest });
            let place = usize::try_from(nonce).expect("few") - 1;
            assert_eq!(reason, REASONS[place]);
        }
        (want, got) => panic!("nonce {nonce}: {got:?} for {want:?}"),
    }
    let end = row.resolution.map(|end| (end.returned_as, end.block, end.released_to));
    assert_eq!(
        end,
        match nonce {
            1 => Some((None, None, None)),
            2 => Some((Some(Nonce::new(40)), None, None)),
            _ => None,
        }
    );
}

#[test]
fn a_store_of_schema_2_opens_with_every_row() {
    let memory = Memory::with(fixture(SCHEMA_2));
    assert_eq!(schema_of(&memory), 2);
    is_the_sample(&open(&memory));
    assert_eq!(u32::from(schema_of(&memory)), SCHEMA);
    // Another time there is nothing left to do.
    is_the_sample(&open(&memory));
}

#[test]
fn a_store_of_schema_2_in_a_file_is_migrated_in_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("relayer.redb");
    std::fs::write(&path, fixture(SCHEMA_2)).expect("written");
    let (store, writer) = Store::open(&path, &deployment()).expect("opened");
    is_the_sample(&store);
    drop((store, writer));
    let bytes = std::fs::read(&path).expect("read");
    assert_eq!(u32::from(schema_of(&Memory::with(bytes))), SCHEMA);
}

#[test]
fn a_store_that_is_refused_is_not_migrated() {
    let memory = Memory::with(fixture(SCHEMA_2));
    let mut stranger = deployment();
    stranger.relayer = alloy_primitives::Address::ZERO;
    assert!(Store::in_memory(&memory, &stranger).is_err());
    assert_eq!(schema_of(&memory), 2);
}

#[tokio::test]
async fn leftovers_of_schema_2_are_gone() {
    let memory = Memory::with(fixture(SCHEMA_2));
    let (store, writer) = Store::in_memory(&memory, &deployment()).expect("opened");
    let (id, nonce) = (lane().id(), Nonce::new(SETTLED));
    // The index led to a request that was unlinked, and a rewritten destination had settled it.
    let found = store.reader().by_transaction(transaction(SETTLED), 9).expect("read");
    assert_eq!(found, []);
    let mut other = request(SETTLED);
    other.sourced.block = BlockNumber::new(999);
    let work = async {
        store.commit(vec![Write::Linked(id, vec![other])]).await.expect("stored");
        let stored = store.reader().transfer(&lane(), nonce).expect("read").expect("linked");
        assert_eq!(stored.settlement, None);
        drop(store);
    };
    beside(writer, work).await;
}

/// A disk that fails for good after some operations. Writes are on the disk once they are synced; of the others, any
/// may be.
#[derive(Clone, Debug)]
struct Failing(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    left: usize,
    synced: Vec<u8>,
    now: Vec<u8>,
    unsynced: Vec<(usize, Vec<u8>)>,
}

impl Failing {
    fn after(left: usize, bytes: Vec<u8>) -> Self {
        let now = bytes.clone();
        Self(Arc::new(Mutex::new(State { left, synced: bytes, now, unsynced: Vec::new() })))
    }

    fn change(&self, change: impl FnOnce(&mut State)) -> io::Result<()> {
        let mut state = self.0.lock().expect("held");
        let Some(left) = state.left.checked_sub(1) else {
            return Err(io::Error::other("the power is gone"));
        };
        state.left = left;
        change(&mut state);
        Ok(())
    }

    /// The disk after the crash, with those of the unsynced writes for which `reached` is true.
    fn remains(&self, reached: impl Fn(usize) -> bool) -> Memory {
        let state = self.0.lock().expect("held");
        let mut bytes = state.synced.clone();
        bytes.resize(state.now.len().max(bytes.len()), 0);
        for (place, (offset, data)) in state.unsynced.iter().enumerate() {
            if reached(place) {
                bytes[*offset..*offset + data.len()].copy_from_slice(data);
            }
        }
        Memory::with(bytes)
    }
}

impl StorageBackend for Failing {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().expect("held").now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).expect("small");
        out.copy_from_slice(&self.0.lock().expect("held").now[offset..offset + out.len()]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).expect("small");
        self.change(|state| state.now.resize(len, 0))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(|state| {
            state.synced.clone_from(&state.now);
            state.unsynced.clear();
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).expect("small");
        self.change(|state| {
            state.now[offset..offset + data.len()].copy_from_slice(data);
            state.unsynced.push((offset, data.to_vec()));
        })
    }
}

#[test]
fn a_crash_at_any_moment_of_a_migration_leaves_schema_2_or_3_whole() {
    let before = fixture(SCHEMA_2);
    let (mut survived, mut migrated) = (0, 0);
    for operations in 0.. {
        let disk = Failing::after(operations, before.clone());
        let opened = Store::over(disk.clone(), &deployment());
        let is_whole = opened.is_ok();
        drop(opened);
        for every in [0, 1, 2, 3] {
            let memory = disk.remains(|place| every != 0 && place % every == 0);
            match schema_of(&memory) {
                2 => survived += 1,
                3 => migrated += 1,
                other => panic!("schema {other} after {operations} operations"),
            }
            is_the_sample(&open(&memory));
        }
        if is_whole {
            break;
        }
    }
    assert!(survived > 0 && migrated > 0, "{survived} with schema 2, {migrated} with 3");
}
