//! A store opens for whom it belongs to, and is refused with a remedy otherwise.

use crate::sample::{bridge, deployment};
use crate::support::{commit, fixture, in_memory, refusal};
use alloy_primitives::Address;
use twinspan_store::{Deployment, Memory, Store, Write};

/// The first pair leads to another bridge.
fn elsewhere() -> Deployment {
    let mut elsewhere = deployment();
    elsewhere.pairs[0].2 = bridge(9);
    elsewhere
}

#[test]
fn a_store_in_use_or_of_another_deployment_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("relayer.redb");
    let opened = Store::open(&path, &deployment()).expect("opened");
    assert!(refusal(&path, &deployment()).contains("stop the other twinspan"));
    assert!(opened.0.check(&elsewhere()).is_err());
    drop(opened);
    assert!(refusal(&path, &elsewhere()).contains("pair `first` is"));
    let stranger = Deployment { relayer: Address::ZERO, ..deployment() };
    assert!(refusal(&path, &stranger).contains("it belongs to relayer"));
}

#[test]
fn a_schema_that_is_newer_or_too_old_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("relayer.redb");
    for (name, words) in [("schema-1000.redb.gz", "newer than"), ("schema-1.redb.gz", "a vault")] {
        std::fs::write(&path, fixture(name)).expect("written");
        let refused = refusal(&path, &deployment());
        assert!(refused.contains(words), "{refused}");
    }
}

#[test]
fn a_file_that_is_no_store_is_refused_and_an_unfinished_one_is_made_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("new").join("relayer.redb");
    std::fs::create_dir(folder.path().join("new")).expect("made");
    std::fs::write(path.with_extension("unfinished"), b"torn").expect("written");
    drop(Store::open(&path, &deployment()).expect("opened"));
    assert!(!path.with_extension("unfinished").exists());
    std::fs::write(&path, b"not a database").expect("written");
    assert!(refusal(&path, &deployment()).contains("restore it from a backup, or delete it"));
    let foreign = redb::Database::create(folder.path().join("foreign.redb")).expect("made");
    drop(foreign);
    let refused = refusal(&folder.path().join("foreign.redb"), &deployment());
    assert!(refused.contains("this is no store of twinspan"), "{refused}");
}

#[tokio::test]
async fn a_store_remembers_every_pair_that_it_has_served() {
    let memory = Memory::new();
    let mut less = deployment();
    let gone = less.pairs.remove(1);
    drop(in_memory(&memory));
    drop(Store::in_memory(&memory, &less).expect("opened"));
    let mut moved = less.clone();
    moved.pairs.push((gone.0, bridge(9), bridge(8)));
    let refused = Store::in_memory(&memory, &moved).expect_err("another bridge");
    assert!(refused.to_string().contains("pair `second` is"), "{refused}");
    let mut more = less;
    more.pairs.push(("third".to_owned(), bridge(9), bridge(8)));
    commit(&memory, vec![Write::Deployment(more)]).await.expect("stored");
    let mut moved = deployment();
    moved.pairs.push(("third".to_owned(), bridge(1), bridge(8)));
    assert!(Store::in_memory(&memory, &moved).is_err());
}
