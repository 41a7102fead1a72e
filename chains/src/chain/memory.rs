//! Keeps the memories of a chain that the modules above have, for as long as it is connected.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// One memory of each type that is asked for; as many as there are modules that remember something. A chain keeps
/// them without knowing what they are.
#[derive(Debug, Default)]
pub(crate) struct Memories(Mutex<BTreeMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl Memories {
    /// The memory of that type, empty at first.
    pub(crate) fn of<T: Any + Default + Send + Sync>(&self) -> Arc<T> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let memory = kept.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default()));
        // Each is filed under its own type.
        Arc::clone(memory).downcast().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn there_is_one_memory_of_each_type() {
        let memories = Memories::default();
        memories.of::<AtomicU64>().store(7, Ordering::Relaxed);
        assert_eq!(memories.of::<AtomicU64>().load(Ordering::Relaxed), 7);
        assert!(memories.of::<Mutex<Vec<u8>>>().lock().expect("not poisoned").is_empty());
    }
}
