//! Brings a store of an older schema to today's: numbered steps, all in one database transaction.
//!
//! A new schema is a new number in [`SCHEMA`] and a new step at the end of [`STEPS`]; one without the other does not
//! compile. A step has types of its own for the rows that it reads, those of the schema before. It writes rows of its
//! own schema. Once a later schema changes such a row, the step keeps a copy of the type that it wrote. A store that
//! the last twinspan wrote is kept in `tests/fixtures`, and must come through with every row.

mod to_3;

use redb::WriteTransaction;

use crate::StoreError;
use crate::rows::{DiskSchema, encode};
use crate::tables::{META, SCHEMA};

/// The oldest schema that is migrated. Those before are of bridges without a vault.
pub(crate) const OLDEST: u32 = 2;

type Step = fn(&WriteTransaction) -> Result<(), StoreError>;

/// The step at place `n` leads from schema [`OLDEST`]` + n` to the next one.
const STEPS: [Step; (SCHEMA - OLDEST) as usize] = [to_3::migrate];

/// Leads from schema `from`, which is neither older than [`OLDEST`] nor newer than [`SCHEMA`], to today's. Nothing is
/// changed unless `transaction` commits.
pub(crate) fn migrate(transaction: &WriteTransaction, from: u32) -> Result<(), StoreError> {
    for (step, reached) in STEPS.into_iter().zip(OLDEST + 1..).filter(|(_, to)| *to > from) {
        step(transaction)?;
        let schema = encode(&DiskSchema(reached))?;
        transaction.open_table(META)?.insert("schema", schema.as_slice())?;
        tracing::info!(schema = reached, "the store is migrated");
    }
    Ok(())
}
