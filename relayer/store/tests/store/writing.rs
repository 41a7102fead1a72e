//! Writes that are committed stay, together or not at all, whatever runtime the writer is on.

use std::time::Duration;

use crate::sample::{
    SETTLED, attestation, deployment, incoming, lane, member, outgoing, request, settlements,
    transaction, writes,
};
use crate::support::{beside, commit, in_memory};
use alloy_primitives::{Address, B256};
use twinspan_bridge::checkpoint::Checkpoint;
use twinspan_bridge::ids::{Count, Epoch, Nonce};
use twinspan_bridge::lane_head::LanePosition;
use twinspan_bridge::observe::SettlementEvent;
use twinspan_store::{BatchRow, CertificateRow, Memory, Store, StoreError, StoredTransfer, Write};

fn forged(count: u64) -> Write {
    let position = LanePosition { count: Count::new(count), head: B256::ZERO };
    let checkpoint = Checkpoint { lane: lane(), epoch: Epoch::new(1), position };
    Write::Attestation(*member(7).sign(checkpoint).get())
}

fn transfer(store: &Store, nonce: u64) -> Option<StoredTransfer> {
    store.reader().transfer(&lane(), Nonce::new(nonce)).expect("read")
}

fn certificate() -> CertificateRow {
    CertificateRow {
        epoch: Epoch::new(1),
        count: Count::new(12),
        head: B256::repeat_byte(0x12),
        signers: vec![member(7).address(), member(8).address()],
    }
}

async fn one_refused_commit_takes_no_neighbours(store: Store) {
    store.commit(vec![Write::Attestation(attestation(7, 1, 64))]).await.expect("the first");
    store.commit(vec![Write::Attestation(attestation(7, 1, 64))]).await.expect("the same again");
    let (id, back) = (lane().id(), lane().reverse().id());
    // They wait for the writer at the same time, and so come to it as one group.
    let (refused, stored) = tokio::join!(
        store.commit(vec![Write::Lane(id, outgoing()), forged(64)]),
        store.commit(vec![Write::Lane(back, incoming())]),
    );
    assert!(matches!(refused, Err(StoreError::AlreadyAttested { count: 64 })));
    stored.expect("the neighbour");
    assert_eq!(store.reader().lane(id).expect("read"), None);
    assert_eq!(store.reader().lane(back).expect("read"), Some(incoming()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_attestation_with_another_head_is_refused_at_the_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("relayer.redb");
    let (store, writer) = Store::open(&path, &deployment()).expect("opened");
    beside(writer, one_refused_commit_takes_no_neighbours(store)).await;
}

#[tokio::test]
async fn the_writer_of_a_file_works_on_a_runtime_with_one_thread() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("relayer.redb");
    let (store, writer) = Store::open(&path, &deployment()).expect("opened");
    beside(writer, one_refused_commit_takes_no_neighbours(store)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_writer_in_memory_works_on_a_runtime_with_several_threads() {
    let (store, writer) = in_memory(&Memory::new());
    beside(writer, one_refused_commit_takes_no_neighbours(store)).await;
}

#[tokio::test(start_paused = true)]
async fn paused_time_does_not_move_while_a_commit_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("relayer.redb");
    let file = Store::open(&path, &deployment()).expect("opened");
    for (store, writer) in [file, in_memory(&Memory::new())] {
        let begun = tokio::time::Instant::now();
        let work = async move {
            for _ in 0..20 {
                let commit = store.commit(vec![Write::Lane(lane().id(), outgoing())]);
                let in_time = tokio::time::timeout(Duration::from_millis(1), commit).await;
                in_time.expect("no time passes").expect("stored");
            }
        };
        beside(writer, work).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}

#[tokio::test]
async fn a_group_that_is_being_written_is_written_though_the_writer_is_dropped() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("relayer.redb");
    let (store, writer) = Store::open(&path, &deployment()).expect("opened");
    let mut writing = Box::pin(writer.run());
    let commit = store.commit(vec![Write::Recovered]);
    tokio::pin!(commit);
    assert!(polled_once(&mut commit).await.is_none());
    assert!(polled_once(&mut writing).await.is_none());
    drop(writing);
    commit.await.expect("stored");
    assert!(!store.reader().is_recovering().expect("read"));
    assert!(matches!(store.commit(vec![Write::Recovered]).await, Err(StoreError::Closed)));
}

/// The output, if one poll is enough for it.
async fn polled_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        let polled = std::pin::Pin::new(&mut *future).poll(context);
        std::task::Poll::Ready(match polled {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn all_is_there_when_the_store_is_opened_again() {
    let memory = Memory::new();
    commit(&memory, writes()).await.expect("stored");
    let (store, _writer) = in_memory(&memory);
    assert!(store.reader().is_recovering().expect("read"));
    let transfer = transfer(&store, 3).expect("linked");
    assert_eq!(transfer.request, request(3));
    let batch = BatchRow {
        first: Nonce::new(0),
        count: Count::new(SETTLED),
        head: B256::repeat_byte(0x18),
        submitter: Address::repeat_byte(0x55),
    };
    assert_eq!(transfer.batch, Some(batch));
    let ended = self::transfer(&store, 1).and_then(|transfer| transfer.settlement);
    let ended = ended.and_then(|row| row.resolution).expect("released");
    assert_eq!(ended.block.map(|block| block.get()), Some(720));
}

#[tokio::test]
async fn a_request_that_is_unlinked_is_no_longer_found_by_its_transaction() {
    let memory = Memory::new();
    let id = lane().id();
    let mut moved = request(2);
    moved.sourced.transaction = B256::repeat_byte(0x99);
    let writes = vec![
        Write::Linked(id, (0..4).map(request).collect()),
        Write::Unlinked(id, Count::new(1)),
        Write::Linked(id, vec![request(1), request(2)]),
        Write::Linked(id, vec![moved.clone()]),
    ];
    commit(&memory, writes).await.expect("stored");
    let (store, _writer) = in_memory(&memory);
    let found = |transaction| store.reader().by_transaction(transaction, 9).expect("read");
    assert_eq!(found(transaction(0)), [(id, Nonce::new(0)), (id, Nonce::new(1))]);
    assert_eq!(found(transaction(2)), []);
    assert_eq!(found(moved.sourced.transaction), [(id, Nonce::new(2))]);
    assert_eq!(found(transaction(3)), []);
    assert_eq!(store.reader().request(id, Nonce::new(3)).expect("read"), None);
}

#[tokio::test]
async fn settlements_of_a_rewritten_destination_go_with_their_batch_and_certificate() {
    let memory = Memory::new();
    let id = lane().id();
    let paid = Nonce::new(0)..Nonce::new(SETTLED);
    let nothing = Nonce::new(5)..Nonce::new(5);
    let other = CertificateRow { epoch: Epoch::new(9), ..certificate() };
    let writes = vec![
        Write::Linked(id, (0..9).map(request).collect()),
        Write::Settled(id, settlements()),
        Write::Certificate(id, paid, certificate()),
        Write::Certificate(id, nothing, other),
    ];
    commit(&memory, writes).await.expect("stored");
    {
        let (store, _writer) = in_memory(&memory);
        for nonce in 0..SETTLED {
            let transfer = transfer(&store, nonce).expect("linked");
            assert_eq!(transfer.certificate, Some(certificate()), "{nonce}");
            assert!(transfer.settlement.is_some() && transfer.batch.is_some(), "{nonce}");
        }
        let single = transfer(&store, SETTLED).expect("linked");
        assert_eq!((single.batch, single.certificate), (None, None));
    }
    commit(&memory, vec![Write::Unsettled(id, Count::new(SETTLED))]).await.expect("stored");
    {
        let (store, _writer) = in_memory(&memory);
        assert_eq!(transfer(&store, SETTLED).expect("linked").settlement, None);
        assert!(transfer(&store, 7).expect("linked").certificate.is_some());
    }
    commit(&memory, vec![Write::Unsettled(id, Count::new(3))]).await.expect("stored");
    let (store, _writer) = in_memory(&memory);
    let kept = transfer(&store, 2).expect("linked");
    assert!(kept.settlement.is_some() && kept.batch.is_none() && kept.certificate.is_none());
    assert_eq!(transfer(&store, 3).expect("linked").settlement, None);
}

#[tokio::test]
async fn a_request_before_a_batch_does_not_belong_to_it() {
    let memory = Memory::new();
    let id = lane().id();
    let mut later = settlements();
    for settlement in &mut later {
        if let SettlementEvent::BatchDelivered { first, .. } = &mut settlement.event {
            *first = Nonce::new(4);
        }
    }
    let writes = vec![
        Write::Linked(id, (0..8).map(request).collect()),
        Write::Settled(id, later),
        Write::Certificate(id, Nonce::new(4)..Nonce::new(SETTLED), certificate()),
    ];
    commit(&memory, writes).await.expect("stored");
    let (store, _writer) = in_memory(&memory);
    let has = |nonce| {
        let transfer = transfer(&store, nonce).expect("linked");
        (transfer.batch.is_some(), transfer.certificate.is_some())
    };
    assert_eq!((has(3), has(4), has(7)), ((false, false), (true, true), (true, true)));
}

#[tokio::test]
async fn no_number_that_is_asked_for_is_too_large() {
    let memory = Memory::new();
    let id = lane().id();
    let last = Count::new(u64::MAX);
    let all = vec![Write::Unlinked(id, last), Write::Unsettled(id, last)];
    commit(&memory, all).await.expect("stored");
    let (store, _writer) = in_memory(&memory);
    assert_eq!(transfer(&store, u64::MAX), None);
    assert_eq!(store.reader().attestations_above(&lane(), last, 9).expect("read"), []);
}
