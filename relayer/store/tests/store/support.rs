//! Shared by the tests: kept stores, and a writer beside the work.

use std::io::Read;
use std::path::Path;

use crate::sample;
use twinspan_store::{Deployment, Memory, Store, StoreError, Write, Writer};

/// A store's file from the fixtures.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    let packed = std::fs::read(path).expect("the fixture");
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).expect("unpacked");
    bytes
}

/// A store in memory of the sample's deployment.
pub(crate) fn in_memory(memory: &Memory) -> (Store, Writer) {
    Store::in_memory(memory, &sample::deployment()).expect("opened")
}

/// Runs the writer beside `work`, which drops the store when it is done.
pub(crate) async fn beside<T>(writer: Writer, work: impl Future<Output = T>) -> T {
    let (written, result) = tokio::join!(writer.run(), work);
    written.expect("the writer ends well");
    result
}

/// Commits once to the store on this disk.
pub(crate) async fn commit(memory: &Memory, writes: Vec<Write>) -> Result<(), StoreError> {
    let (store, writer) = in_memory(memory);
    beside(writer, async move { store.commit(writes).await }).await
}

/// Why the store is refused.
pub(crate) fn refusal(path: &Path, deployment: &Deployment) -> String {
    match Store::open(path, deployment) {
        Ok(_) => panic!("the store was opened"),
        Err(error) => error.to_string(),
    }
}
