//! The only place that knows the database: one file, one writer, group commits.
//!
//! Commits are two-phase and durable when they return. Several owners commit through one writer,
//! which puts what waits into one database transaction: one `fsync` for all of it.

mod read;
mod tables;
mod transactions;
mod write;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{Database, ReadableDatabase};
use tokio::sync::{mpsc, oneshot};

pub use read::{Reader, StoredTransfer};
pub use tables::{DecisionRow, Deployment, Fate, LaneRow, Resolution, SCHEMA, SettlementRow};
pub use transactions::AccountStore;
pub use write::{Write, Writer};

/// Commits that wait for the writer at most; whoever comes then waits for a place.
const QUEUE_MAX: usize = 256;

/// What can go wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened or created.
    #[error("store {}: {problem}; {remedy}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The database failed under us.
    #[error("store: {0}")]
    Database(#[source] Box<redb::Error>),
    /// A row is not what this version writes.
    #[error("store: a row of table `{table}` does not read back: {problem}")]
    Row {
        /// Which table.
        table: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// S6: this relayer has attested another head there.
    #[error("refused to store a second attestation of ours at count {count} with another head")]
    AlreadyAttested {
        /// Where.
        count: u64,
    },
    /// The writer has stopped.
    #[error("store: the writer has stopped")]
    Closed,
}

/// Memory that the database may keep pages in: what it has by default would be a gigabyte.
const CACHE_BYTES: usize = 64 * 1024 * 1024;

impl StoreError {
    fn row(table: &'static str, problem: impl ToString) -> Self {
        Self::Row { table, problem: problem.to_string() }
    }
}

impl<E: Into<redb::Error>> From<E> for StoreError {
    fn from(error: E) -> Self {
        Self::Database(Box::new(error.into()))
    }
}

/// A handle on the store: reads at once, commits through the writer.
#[derive(Clone, Debug)]
pub struct Store {
    path: Arc<Path>,
    reader: Reader,
    commits: mpsc::Sender<Commit>,
}

/// Writes that stand or fall together.
#[derive(Debug)]
struct Commit {
    writes: Vec<Write>,
    done: oneshot::Sender<Result<(), StoreError>>,
}

impl Store {
    /// Opens the file, or creates it in a temporary file that is renamed once it is whole.
    ///
    /// # Errors
    /// [`StoreError::Open`] for a file that is damaged, in use, of a newer schema or of another
    /// deployment, with what to do.
    pub fn open(path: &Path, deployment: &Deployment) -> Result<(Self, Writer), StoreError> {
        if !path.exists() {
            create(path).map_err(|error| open_error(path, &error, "check the folder"))?;
        }
        let database = builder().open(path).map_err(|error| {
            let remedy = if matches!(error, redb::DatabaseError::DatabaseAlreadyOpen) {
                "stop the other twinspan that uses it"
            } else {
                "restore it from a backup, or delete it: a relayer rebuilds its store"
            };
            open_error(path, &error, remedy)
        })?;
        let database = Arc::new(database);
        let reader = Reader::new(Arc::clone(&database));
        check_schema(path, &reader)?;
        let (commits, queue) = mpsc::channel(QUEUE_MAX);
        let writer = Writer::new(database, queue, deployment.relayer);
        let store = Self { path: path.into(), reader, commits };
        store.check(deployment)?;
        writer.prepare(deployment)?;
        Ok((store, writer))
    }

    /// Whether the store may serve `deployment`.
    ///
    /// # Errors
    /// [`StoreError::Open`] if it belongs to another relayer, or a pair to other bridges.
    pub fn check(&self, deployment: &Deployment) -> Result<(), StoreError> {
        check_deployment(&self.path, &self.reader, deployment)
    }

    /// Reads, without waiting for writes.
    #[must_use]
    pub const fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Stores `writes` in one durable commit.
    ///
    /// # Errors
    /// [`StoreError`]; then none of `writes` is stored.
    pub async fn commit(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        if writes.is_empty() {
            return Ok(());
        }
        let (done, stored) = oneshot::channel();
        let commit = Commit { writes, done };
        self.commits.send(commit).await.map_err(|_| StoreError::Closed)?;
        stored.await.map_err(|_| StoreError::Closed)?
    }
}

/// A crash during the very first commit can leave a file that does not open: it never has the name
/// that is looked for.
fn create(path: &Path) -> Result<(), redb::Error> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder)?;
    }
    let unfinished = path.with_extension("unfinished");
    let _ = std::fs::remove_file(&unfinished);
    let database = builder().create(&unfinished)?;
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    write::create_tables(&transaction)?;
    transaction.commit()?;
    drop(database);
    File::open(&unfinished)?.sync_all()?;
    std::fs::rename(&unfinished, path)?;
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(())
}

fn builder() -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

fn open_error(path: &Path, problem: &impl ToString, remedy: &'static str) -> StoreError {
    StoreError::Open { path: path.to_owned(), problem: problem.to_string(), remedy }
}

fn check_schema(path: &Path, reader: &Reader) -> Result<(), StoreError> {
    let schema = reader.schema().map_err(|error| {
        open_error(path, &error, "this is no store of twinspan: name another path")
    })?;
    if schema > SCHEMA {
        let problem = format!("schema {schema} is newer than {SCHEMA}, the newest known here");
        return Err(open_error(path, &problem, "run the twinspan that wrote it, or a newer one"));
    }
    if schema < SCHEMA {
        let problem = format!(
            "schema {schema} is of bridges without a vault, which this twinspan cannot serve"
        );
        let remedy = "name another path: the store is built anew from the chains and the peers";
        return Err(open_error(path, &problem, remedy));
    }
    Ok(())
}

fn check_deployment(path: &Path, reader: &Reader, want: &Deployment) -> Result<(), StoreError> {
    let Some(got) = reader.deployment()? else { return Ok(()) };
    let remedy = "name another store path, or correct the configuration";
    if got.relayer != want.relayer {
        let problem = format!("it belongs to relayer {}, not {}", got.relayer, want.relayer);
        return Err(open_error(path, &problem, remedy));
    }
    for (name, main, service) in &got.pairs {
        let same_name = want.pairs.iter().find(|(wanted, ..)| wanted == name);
        let Some((_, want_main, want_service)) = same_name else { continue };
        if (main, service) != (want_main, want_service) {
            let problem = format!(
                "pair `{name}` is {main} and {service} there, \
                 {want_main} and {want_service} in the configuration"
            );
            return Err(open_error(path, &problem, remedy));
        }
    }
    Ok(())
}

/// A point in time that all reads of one answer come from.
fn begin_read(database: &Database) -> Result<redb::ReadTransaction, StoreError> {
    Ok(database.begin_read()?)
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, B256};
    use twinspan_bridge::attest::AttestationKey;
    use twinspan_bridge::digest::Checkpoint;
    use twinspan_bridge::ids::{BlockNumber, BridgeAt, ChainId, Count, Epoch, Lane};
    use twinspan_bridge::lane_head::LanePosition;

    use super::*;

    fn key() -> AttestationKey {
        AttestationKey::from_bytes([7; 32]).expect("a key")
    }

    fn bridge(n: u8) -> BridgeAt {
        BridgeAt { chain_id: ChainId::new(n.into()), address: Address::repeat_byte(n) }
    }

    fn deployment(service: u8) -> Deployment {
        let pairs = vec![("pair".to_owned(), bridge(1), bridge(service))];
        Deployment { relayer: key().address(), pairs }
    }

    fn attestation(head: u8) -> Write {
        let lane = Lane { source: bridge(1), destination: bridge(2) };
        let position = LanePosition { count: Count::new(64), head: B256::repeat_byte(head) };
        let checkpoint = Checkpoint { lane, epoch: Epoch::new(1), position };
        Write::Attestation(*key().sign(checkpoint).get())
    }

    fn refusal(path: &Path, deployment: &Deployment) -> String {
        match Store::open(path, deployment) {
            Ok(_) => panic!("the store was opened"),
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_second_attestation_with_another_head_is_refused_at_the_disk() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("relayer.redb");
        let (store, writer) = Store::open(&path, &deployment(2)).expect("opened");
        assert!(store.reader().is_recovering().expect("read"));
        let writing = writer.run();
        let asking = async {
            store.commit(vec![attestation(1)]).await.expect("the first");
            store.commit(vec![attestation(1)]).await.expect("the same again");
            let lane = LaneRow {
                linked: LanePosition { count: Count::new(1), head: B256::ZERO },
                linked_block: BlockNumber::new(9),
                term: None,
                settled: LanePosition { count: Count::new(1), head: B256::ZERO },
                conflict: None,
            };
            let id = Lane { source: bridge(1), destination: bridge(2) }.id();
            let both = vec![Write::Lane(id, lane), attestation(2)];
            let refused = store.commit(both).await.expect_err("another head");
            assert!(matches!(refused, StoreError::AlreadyAttested { count: 64 }));
            // What stood beside it is not stored either.
            assert_eq!(store.reader().lane(id).expect("read"), None);
            store.commit(vec![Write::Recovered]).await.expect("recovered");
            assert!(!store.reader().is_recovering().expect("read"));
            drop(store);
        };
        let (written, ()) = tokio::join!(writing, asking);
        written.expect("the writer ends well");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_store_in_use_of_another_deployment_or_a_newer_schema_is_refused_with_a_remedy() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("relayer.redb");
        let opened = Store::open(&path, &deployment(2)).expect("opened");
        assert!(refusal(&path, &deployment(2)).contains("stop the other twinspan"));
        drop(opened);
        assert!(refusal(&path, &deployment(3)).contains("pair `pair` is"));
        let stranger = Deployment { relayer: Address::ZERO, ..deployment(2) };
        assert!(refusal(&path, &stranger).contains("it belongs to relayer"));
        let database = Database::open(&path).expect("opened");
        let transaction = database.begin_write().expect("begun");
        let newer = postcard::to_stdvec(&(SCHEMA + 1)).expect("encoded");
        transaction
            .open_table(tables::META)
            .expect("a table")
            .insert("schema", newer.as_slice())
            .expect("inserted");
        transaction.commit().expect("committed");
        drop(database);
        assert!(refusal(&path, &deployment(2)).contains("is newer than"));
    }

    #[test]
    fn a_file_that_is_no_store_is_refused_and_an_unfinished_one_is_made_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("relayer.redb");
        std::fs::write(path.with_extension("unfinished"), b"torn").expect("written");
        drop(Store::open(&path, &deployment(2)).expect("opened"));
        std::fs::write(&path, b"not a database").expect("written");
        assert!(refusal(&path, &deployment(2)).contains("restore it from a backup, or delete it"));
    }
}
