//! Opens the keys that the configuration names: keystores with their passwords, and remote signers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use alloy::primitives::Address;
use secrecy::{ExposeSecret, SecretString};
use twinspan_bridge::key::AttestationKey;
use twinspan_bridge::side::PerSide;
use twinspan_chains::signer::keystore::{KeystoreError, SecretBytes, load_keystore};
use twinspan_chains::signer::{
    LocalKey, RemoteFault, RemoteKey, RemoteProblem, RemoteSigner, Signer, TransactionSigner,
};

use crate::config::{Config, End, KeySource, Keystore, PasswordSource};

/// A key that cannot be used, with where to look.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// No password.
    #[error("{use_of} key: no password in {place}: {problem}")]
    Password {
        /// The key's purpose.
        use_of: &'static str,
        /// Where it was looked for.
        place: String,
        /// The fault.
        problem: String,
    },
    /// No key.
    #[error("{use_of} key: keystore {} {problem} (password from {place})", path.display())]
    Keystore {
        /// The key's purpose.
        use_of: &'static str,
        /// The file.
        path: PathBuf,
        /// Where the password came from.
        place: String,
        /// The fault.
        #[source]
        problem: KeystoreError,
    },
    /// The file holds 32 bytes that are no key.
    #[error("{use_of} key: keystore {} holds no secp256k1 key", path.display())]
    NotAKey {
        /// The key's purpose.
        use_of: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A remote signer gives no signature.
    #[error("{use_of} key: {fault}")]
    Remote {
        /// The key's purpose.
        use_of: &'static str,
        /// Where and why.
        #[source]
        fault: RemoteFault,
    },
}

impl KeyError {
    /// Whether it may pass by itself: the signer is not reached.
    #[must_use]
    pub const fn passes(&self) -> bool {
        match self {
            Self::Remote { fault, .. } => {
                matches!(fault.problem, RemoteProblem::Unreachable(_) | RemoteProblem::Timeout(_))
            }
            Self::Password { .. } | Self::Keystore { .. } | Self::NotAKey { .. } => false,
        }
    }
}

/// The key that attests: in this process, or somewhere else.
#[derive(Clone, Debug)]
pub enum Attester {
    /// Signs at once.
    Here(Arc<AttestationKey>),
    /// Is asked.
    Elsewhere(Arc<dyn Signer>),
}

impl Attester {
    /// The address that attests.
    #[must_use]
    pub fn address(&self) -> Address {
        match self {
            Self::Here(key) => key.address(),
            Self::Elsewhere(signer) => signer.address(),
        }
    }
}

/// The first line of the file, or the variable.
///
/// # Errors
/// A text that says what is wrong with the place.
pub fn read_password(source: &PasswordSource) -> Result<SecretString, String> {
    let text = match source {
        PasswordSource::File(path) => {
            std::fs::read_to_string(path).map_err(|error| error.to_string())?
        }
        PasswordSource::Environment(name) => {
            std::env::var(name).map_err(|error| error.to_string())?
        }
    };
    Ok(SecretString::from(text.lines().next().unwrap_or_default().to_owned()))
}

fn open(use_of: &'static str, source: &Keystore) -> Result<SecretBytes, KeyError> {
    let place = source.password.place();
    let password = read_password(&source.password).map_err(|problem| KeyError::Password {
        use_of,
        place: place.clone(),
        problem,
    })?;
    load_keystore(&source.path, &password).map_err(|problem| KeyError::Keystore {
        use_of,
        path: source.path.clone(),
        place,
        problem,
    })
}

async fn connect(use_of: &'static str, key: &RemoteKey) -> Result<RemoteSigner, KeyError> {
    RemoteSigner::connect(key).await.map_err(|fault| KeyError::Remote { use_of, fault })
}

/// The key that attests. If it is somewhere else, whoever keeps it is asked whether it is there.
///
/// # Errors
/// [`KeyError`].
pub async fn attester(source: &KeySource) -> Result<Attester, KeyError> {
    let use_of = "attestation";
    match source {
        KeySource::Keystore(keystore) => {
            let secret = open(use_of, keystore)?;
            let path = keystore.path.clone();
            AttestationKey::from_bytes(*secret.expose_secret())
                .map(|key| Attester::Here(Arc::new(key)))
                .map_err(|_| KeyError::NotAKey { use_of, path })
        }
        KeySource::Remote(key) => Ok(Attester::Elsewhere(Arc::new(connect(use_of, key).await?))),
    }
}

/// The keys that pay gas, by pair and side. Each is opened once.
///
/// # Errors
/// [`KeyError`].
pub async fn submitters(config: &Config) -> Result<Submitters, KeyError> {
    let mut opened: Vec<(&KeySource, TransactionSigner)> = Vec::new();
    let mut submitters = Submitters::new();
    for (name, pair) in &config.pairs {
        for source in pair.ends.values().map(|end| &end.submitter) {
            if !opened.iter().any(|(known, _)| *known == source) {
                opened.push((source, submitter(source).await?));
            }
        }
        let of = |end: &End| opened.iter().find(|(known, _)| **known == end.submitter);
        let signers = PerSide::try_from_fn(|side| {
            of(&pair.ends[side]).map(|(_, signer)| signer.clone()).ok_or(())
        });
        if let Ok(signers) = signers {
            submitters.insert(name.clone(), signers);
        }
    }
    Ok(submitters)
}

/// The keys that pay gas, by pair.
pub type Submitters = BTreeMap<String, PerSide<TransactionSigner>>;

async fn submitter(source: &KeySource) -> Result<TransactionSigner, KeyError> {
    let use_of = "submitter";
    match source {
        KeySource::Keystore(keystore) => {
            let secret = open(use_of, keystore)?;
            let path = keystore.path.clone();
            LocalKey::new(&secret)
                .map(TransactionSigner::new)
                .map_err(|_| KeyError::NotAKey { use_of, path })
        }
        KeySource::Remote(key) => Ok(TransactionSigner::new(connect(use_of, key).await?)),
    }
}
