//! The relayer's memory: one database, one writer, group commits. Nobody else knows the database.
//!
//! # Tables
//!
//! Keys are fixed-width and big-endian; values are `postcard` of this crate's own row types.
//!
//! | table | key | value |
//! |---|---|---|
//! | `meta` | `"schema"` | the [`SCHEMA`] |
//! | `meta` | `"deployment"` | the [`Deployment`] that the store belongs to, with every pair it has served |
//! | `meta` | `"recovering"` | empty; there from the store's making until peers have told what this relayer attested |
//! | `lanes` | lane id | [`LaneRow`]: how far it has come, the cursor, the conflict |
//! | `requests` | lane id ‖ nonce | a linked request, its block's hash and time |
//! | `by_transaction` | source transaction | lane id ‖ nonce of each linked request that it made |
//! | `settlements` | lane id ‖ nonce | [`SettlementRow`]: paid or parked, and the end of a parked one |
//! | `batches` | lane id ‖ count after it | [`BatchRow`]: the requests that one transaction handed over |
//! | `certificates` | lane id ‖ count after the batch | [`CertificateRow`]: the proof that the batch was paid on |
//! | `attestations` | lane id ‖ count ‖ epoch ‖ signer | head and signature |
//! | `decisions` | lane id ‖ Unix time in milliseconds | [`DecisionRow`]: a human's decision and its evidence |
//! | `transactions` | chain id ‖ account ‖ account nonce | [`TransactionRow`]: the signed bytes and how far they are |
//!
//! # What holds
//!
//! * A commit is durable when it returns, and two-phase: a torn write never looks whole. Its writes stand or fall
//!   together.
//! * Commits that wait share one database transaction, and so one `fsync`. One that is refused takes none of the
//!   others with it.
//! * S6 is kept at the disk: a second attestation of ours at one count and epoch with another head is refused.
//! * A store of an older schema is migrated when it is opened, as a whole or not at all. One of a newer schema, of
//!   another relayer or of other bridges is refused with what to do, and not changed.
//!
//! # Example
//!
//! ```
//! use twinspan_store::{Deployment, Memory, Store, Write};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let (store, writer) = Store::in_memory(&Memory::new(), &Deployment::default())?;
//! assert!(store.reader().is_recovering()?);
//! let work = async move {
//!     store.commit(vec![Write::Recovered]).await?;
//!     assert!(!store.reader().is_recovering()?);
//!     // The writer ends when nobody can commit any more.
//!     Ok(())
//! };
//! tokio::try_join!(writer.run(), work)?;
//! # Ok::<_, twinspan_store::StoreError>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod apply;
#[cfg(test)]
mod golden;
mod memory;
mod migrate;
mod read;
mod rows;
mod tables;
mod write;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{Database, WriteTransaction};
use tokio::sync::{mpsc, oneshot};

use self::apply::{create_tables, deployed, deployment_in};
use self::migrate::OLDEST;
use self::rows::{DiskSchema, decode};
use self::tables::META;
use self::write::{Waiting, begin_write};

pub use memory::Memory;
pub use read::{Reader, StoredTransfer};
pub use redb::StorageBackend;
pub use rows::{
    Account, BatchRow, BlockRow, CertificateRow, DecisionRow, Deployment, Fate, FeesRow, IntentRow,
    LaneRow, OutcomeRow, Resolution, SettlementRow, SiblingRow, StateRow, TransactionRow,
};
pub use tables::SCHEMA;
pub use write::{Write, Writer};

/// Commits that wait for the writer, at most. The next one waits for a place.
const QUEUE_MAX: usize = 256;

/// Memory that the database may keep pages in: its default would be a gigabyte.
const CACHE_BYTES: usize = 64 * 1024 * 1024;

/// A fault of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be opened or created.
    #[error("store {}: {problem}; {remedy}", path.display())]
    Open {
        /// The file; a word in brackets where there is none.
        path: PathBuf,
        /// The fault.
        problem: String,
        /// The remedy.
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
        /// The fault.
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

impl StoreError {
    fn row(table: &'static str, problem: impl ToString) -> Self {
        Self::Row { table, problem: problem.to_string() }
    }

    fn open(path: &Path, problem: &impl ToString, remedy: &'static str) -> Self {
        Self::Open { path: path.to_owned(), problem: problem.to_string(), remedy }
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
    /// Opens the file and locks it, or creates it in a temporary file that is renamed once it is whole. A store of an
    /// older schema is migrated.
    ///
    /// # Errors
    /// [`StoreError::Open`] for a file that is damaged, in use, of a newer schema or of another
    /// deployment, with what to do.
    pub fn open(path: &Path, deployment: &Deployment) -> Result<(Self, Writer), StoreError> {
        if !path.exists() {
            create(path).map_err(|error| StoreError::open(path, &error, "check the folder"))?;
        }
        let database = builder().open(path).map_err(|error| {
            let remedy = if matches!(error, redb::DatabaseError::DatabaseAlreadyOpen) {
                "stop the other twinspan that uses it"
            } else {
                "restore it from a backup, or delete it: a relayer rebuilds its store"
            };
            StoreError::open(path, &error, remedy)
        })?;
        Self::start(database, path, Waiting::Aside, deployment)
    }

    /// Opens the store on a disk in memory, or makes one there if the disk is empty: for tests and simulation.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn in_memory(
        memory: &Memory,
        deployment: &Deployment,
    ) -> Result<(Self, Writer), StoreError> {
        Self::over(memory.clone(), deployment)
    }

    /// Opens the store on any storage, or makes one there if that is empty. The writer does not leave its task for
    /// it: the storage answers at once, as it is meant for tests and simulation.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn over(
        backend: impl StorageBackend,
        deployment: &Deployment,
    ) -> Result<(Self, Writer), StoreError> {
        let path = Path::new("(not a file)");
        let database = builder().create_with_backend(backend)?;
        let transaction = begin_write(&database)?;
        let is_empty = transaction.list_tables()?.next().is_none();
        if is_empty {
            create_tables(&transaction)?;
            transaction.commit()?;
        } else {
            transaction.abort()?;
        }
        Self::start(database, path, Waiting::Inline, deployment)
    }

    fn start(
        database: Database,
        path: &Path,
        waiting: Waiting,
        deployment: &Deployment,
    ) -> Result<(Self, Writer), StoreError> {
        prepare(&database, path, deployment)?;
        let database = Arc::new(database);
        let reader = Reader::new(Arc::clone(&database));
        let (commits, queue) = mpsc::channel(QUEUE_MAX);
        let writer = Writer::new(database, deployment.relayer, waiting, queue);
        Ok((Self { path: path.into(), reader, commits }, writer))
    }

    /// Whether the store may serve `deployment`.
    ///
    /// # Errors
    /// [`StoreError::Open`] if it belongs to another relayer, or a pair to other bridges.
    pub fn check(&self, deployment: &Deployment) -> Result<(), StoreError> {
        check_deployment(&self.path, self.reader.deployment()?, deployment)
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
    create_tables(&transaction)?;
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

/// Migrates what is older, and notes the deployment: all of it in one commit, or none if the store is refused.
fn prepare(database: &Database, path: &Path, deployment: &Deployment) -> Result<(), StoreError> {
    let transaction = begin_write(database)?;
    let schema = schema_in(&transaction).map_err(|error| {
        StoreError::open(path, &error, "this is no store of twinspan: name another path")
    })?;
    check_schema(path, schema)?;
    migrate::migrate(&transaction, schema)?;
    let known = deployment_in(&transaction.open_table(META)?)?;
    check_deployment(path, known, deployment)?;
    deployed(&transaction, deployment)?;
    Ok(transaction.commit()?)
}

fn schema_in(transaction: &WriteTransaction) -> Result<u32, StoreError> {
    let table = transaction.open_table(META)?;
    let Some(row) = redb::ReadableTable::get(&table, "schema")? else {
        return Err(StoreError::row("meta", "no schema version"));
    };
    let DiskSchema(schema) = decode(row.value())?;
    Ok(schema)
}

fn check_schema(path: &Path, schema: u32) -> Result<(), StoreError> {
    if schema > SCHEMA {
        let problem = format!("schema {schema} is newer than {SCHEMA}, the newest known here");
        let remedy = "run the twinspan that wrote it, or a newer one";
        return Err(StoreError::open(path, &problem, remedy));
    }
    if schema < OLDEST {
        let problem = format!(
            "schema {schema} is of bridges without a vault, which this twinspan cannot serve"
        );
        let remedy = "name another path: the store is built anew from the chains and the peers";
        return Err(StoreError::open(path, &problem, remedy));
    }
    Ok(())
}

fn check_deployment(
    path: &Path,
    known: Option<Deployment>,
    wanted: &Deployment,
) -> Result<(), StoreError> {
    let problem = known.and_then(|known| known.objection(wanted));
    let remedy = "name another store path, or correct the configuration";
    problem.map_or(Ok(()), |problem| Err(StoreError::open(path, &problem, remedy)))
}
