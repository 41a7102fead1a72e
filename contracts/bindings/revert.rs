//! Says in words what a contract meant by reverting.
/// .
pub fn explain_revert(_data: &[u8]) -> Option<String> { None }
