//! Opens keystores with the passwords that the configuration points to.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use twinspan_bridge::attest::AttestationKey;
use twinspan_chains::signer::TransactionSigner;
use twinspan_chains::signer::keystore::{KeystoreError, SecretBytes, load_keystore};

use crate::config::{KeySource, PasswordSource};

/// A key that cannot be used, with where to look.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// No password.
    #[error("{use_of} key: no password in {place}: {problem}")]
    Password {
        /// What the key is for.
        use_of: &'static str,
        /// Where it was looked for.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// No key.
    #[error("{use_of} key: keystore {} {problem} (password from {place})", path.display())]
    Keystore {
        /// What the key is for.
        use_of: &'static str,
        /// The file.
        path: PathBuf,
        /// Where the password came from.
        place: String,
        /// What is wrong.
        #[source]
        problem: KeystoreError,
    },
    /// The file holds 32 bytes that are no key.
    #[error("{use_of} key: keystore {} holds no secp256k1 key", path.display())]
    NotAKey {
        /// What the key is for.
        use_of: &'static str,
        /// The file.
        path: PathBuf,
    },
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

fn open(use_of: &'static str, source: &KeySource) -> Result<SecretBytes, KeyError> {
    let place = source.password.place();
    let password = read_password(&source.password).map_err(|problem| KeyError::Password {
        use_of,
        place: place.clone(),
        problem,
    })?;
    load_keystore(&source.keystore, &password).map_err(|problem| KeyError::Keystore {
        use_of,
        path: source.keystore.clone(),
        place,
        problem,
    })
}

/// The key that attests.
///
/// # Errors
/// [`KeyError`].
pub fn attestation_key(source: &KeySource) -> Result<AttestationKey, KeyError> {
    let secret = open("attestation", source)?;
    let path = source.keystore.clone();
    AttestationKey::from_bytes(*secret.expose_secret())
        .map_err(|_| KeyError::NotAKey { use_of: "attestation", path })
}

/// The key that pays gas.
///
/// # Errors
/// [`KeyError`].
pub fn submitter_key(source: &KeySource) -> Result<TransactionSigner, KeyError> {
    let secret = open("submitter", source)?;
    let path = source.keystore.clone();
    TransactionSigner::new(&secret).map_err(|_| KeyError::NotAKey { use_of: "submitter", path })
}
