//! Whether a relayer is ready.

use serde::{Deserialize, Serialize};

/// `GET /readyz`, once every lane is read and none is halted. Before that the answer is an
/// [`ApiError`](crate::ApiError) of the code [`NotReady`](crate::ErrorCode::NotReady) that names the lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// Always so.
    pub ready: bool,
}
