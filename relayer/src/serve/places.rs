//! Counts the connections and requests of each address.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Connections from one address, at most; of one behind a proxy: requests at once.
pub(super) const OF_ONE_MAX: usize = 128;

/// The places that are taken, by address.
#[derive(Clone, Debug, Default)]
pub(super) struct Places(Arc<Mutex<BTreeMap<IpAddr, usize>>>);

/// One of them. Given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place(Places, IpAddr);

impl Places {
    /// One for `from`; `None` if it has [`OF_ONE_MAX`].
    pub(super) fn take(&self, from: IpAddr) -> Option<Place> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_this = taken.entry(from).or_default();
        if *of_this == OF_ONE_MAX {
            return None;
        }
        *of_this += 1;
        Some(Place(self.clone(), from))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_this) = taken.get_mut(&self.1) {
            *of_this -= 1;
            if *of_this == 0 {
                taken.remove(&self.1);
            }
        }
    }
}
