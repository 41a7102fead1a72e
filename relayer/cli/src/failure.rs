//! Why a command failed, and the exit code that says so.

use twinspan_api::client::ClientError;

/// Why a command failed, by its exit code.
#[derive(Debug)]
pub(crate) enum Failure {
    /// 1.
    Failed(eyre::Report),
    /// 2.
    Configuration(eyre::Report),
    /// 3.
    Unreachable(eyre::Report),
    /// 4.
    Refused(eyre::Report),
}

impl From<eyre::Report> for Failure {
    fn from(report: eyre::Report) -> Self {
        Self::Failed(report)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Unreachable { .. } | ClientError::Foreign { .. } => {
                Self::Unreachable(error.into())
            }
            ClientError::NoClient(_) | ClientError::Refused { .. } => Self::Failed(error.into()),
        }
    }
}

#[cfg(feature = "devnet")]
impl From<twinspan_devnet::CommandError> for Failure {
    fn from(error: twinspan_devnet::CommandError) -> Self {
        match error {
            twinspan_devnet::CommandError::Usage(report) => Self::Configuration(report),
            twinspan_devnet::CommandError::Failed(report) => Self::Failed(report),
        }
    }
}

impl Failure {
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Configuration(_) => 2,
            Self::Unreachable(_) => 3,
            Self::Refused(_) => 4,
        }
    }

    const fn report(&self) -> &eyre::Report {
        match self {
            Self::Failed(report)
            | Self::Configuration(report)
            | Self::Unreachable(report)
            | Self::Refused(report) => report,
        }
    }
}

/// The error and its causes in one line, each once: many libraries repeat the cause in the error.
impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::new();
        for cause in self.report().chain() {
            let cause = cause.to_string();
            if text.is_empty() {
                text = cause;
            } else if !text.contains(&cause) {
                text = format!("{text}: {cause}");
            }
        }
        f.write_str(&text)
    }
}
