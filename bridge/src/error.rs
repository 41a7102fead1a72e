//! How severe an error is, and so what to do about it.

/// The reaction that an error demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// Nothing: it concerns only the input that caused it.
    Ignore,
    /// Try again later; the cause is expected to pass by itself.
    Wait,
    /// Stop listening to whoever caused it, for a while.
    Quarantine,
    /// Stop what depends on it, durably, until a human decides.
    Halt,
}
