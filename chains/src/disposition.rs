//! How severe an error is: what it demands of its caller.

/// The caller's next step after an error. Only errors that decide something have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// Try again later; the cause is expected to pass by itself.
    Wait,
    /// Ask somebody else for a while: an endpoint tells what is not true, or stands on another fork.
    Quarantine,
    /// Stop until a human has corrected it.
    Halt,
}
