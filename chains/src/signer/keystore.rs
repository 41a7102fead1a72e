//! Key files: encrypted JSON of the Web3 Secret Storage format, version 3.

use std::fs;
use std::io;
use std::path::Path;

use alloy::primitives::Address;
use alloy::signers::k256::elliptic_curve::rand_core::OsRng;
use alloy::signers::k256::elliptic_curve::zeroize::Zeroize;
use alloy::signers::local::{LocalSignerError, PrivateKeySigner};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use serde_json::Value;

/// A private key: wiped from memory when dropped, and never shown.
pub type SecretBytes = SecretBox<[u8; 32]>;

/// Largest key file that is read, in bytes; a real one has about 500.
const FILE_BYTES_MAX: u64 = 64 * 1024;
/// Largest scrypt cost that is computed: 2^20 with r = 8 takes 1 GiB and some seconds.
const SCRYPT_N_MAX: u64 = 1 << 20;
/// Largest number of PBKDF2 rounds that is computed.
const PBKDF2_ROUNDS_MAX: u64 = 10_000_000;

/// Why a key file gives no key, or cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    /// The file cannot be read.
    #[error("cannot be read")]
    Unreadable(#[source] io::Error),
    /// The password is not the one that it was made with.
    #[error("the password is wrong")]
    WrongPassword,
    /// The file is no key file that we accept.
    #[error("is no version 3 key file: {0}")]
    NotAKeystore(&'static str),
    /// The file exists already.
    #[error("exists already")]
    Exists,
    /// The file cannot be written.
    #[error("cannot be written")]
    Unwritable(#[source] io::Error),
}

/// Decrypts the key in a key file. Takes about a tenth of a second and more for costly ones; blocks.
///
/// # Errors
/// [`KeystoreError`].
pub fn load_keystore(path: &Path, password: &SecretString) -> Result<SecretBytes, KeystoreError> {
    let size = fs::metadata(path).map_err(KeystoreError::Unreadable)?.len();
    if size > FILE_BYTES_MAX {
        return Err(KeystoreError::NotAKeystore("too large"));
    }
    let text = fs::read_to_string(path).map_err(KeystoreError::Unreadable)?;
    let json: Value =
        serde_json::from_str(&text).map_err(|_| KeystoreError::NotAKeystore("not JSON"))?;
    check_shape(&json)?;
    let signer =
        PrivateKeySigner::decrypt_keystore(path, password.expose_secret()).map_err(|error| {
            match error {
                // The shape was checked, so that a mismatch of the checksum is all that is left.
                LocalSignerError::EthKeystoreError(_) => KeystoreError::WrongPassword,
                LocalSignerError::IoError(error) => KeystoreError::Unreadable(error),
                LocalSignerError::EcdsaError(_) | LocalSignerError::HexError(_) => {
                    KeystoreError::NotAKeystore("holds no key")
                }
            }
        })?;
    Ok(secret_of(&signer))
}

/// Makes a new random key and its file, which only its owner may read. An existing file is never
/// replaced. The key's address.
///
/// # Errors
/// [`KeystoreError`].
pub fn create_keystore(path: &Path, password: &SecretString) -> Result<Address, KeystoreError> {
    let signer = PrivateKeySigner::random_with(&mut OsRng);
    store_keystore(path, &secret_of(&signer), password)
}

/// Makes the file of a given key. As [`create_keystore`] otherwise.
///
/// # Errors
/// [`KeystoreError`].
pub fn store_keystore(
    path: &Path,
    secret: &SecretBytes,
    password: &SecretString,
) -> Result<Address, KeystoreError> {
    let signer = PrivateKeySigner::from_slice(secret.expose_secret())
        .map_err(|_| KeystoreError::NotAKeystore("holds no key"))?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or_else(|| Path::new("."));
    // Written in a directory that nobody else may enter, then linked to its place, which fails if
    // something is there.
    let private = tempfile::tempdir_in(parent).map_err(KeystoreError::Unwritable)?;
    let password = password.expose_secret();
    let secret = secret.expose_secret();
    PrivateKeySigner::encrypt_keystore(private.path(), &mut OsRng, secret, password, Some("key"))
        .map_err(|error| KeystoreError::Unwritable(io::Error::other(error)))?;
    let made = private.path().join("key");
    restrict(&made).map_err(KeystoreError::Unwritable)?;
    fs::File::open(&made).and_then(|file| file.sync_all()).map_err(KeystoreError::Unwritable)?;
    fs::hard_link(&made, path).map_err(|error| {
        let exists = error.kind() == io::ErrorKind::AlreadyExists;
        if exists { KeystoreError::Exists } else { KeystoreError::Unwritable(error) }
    })?;
    Ok(signer.address())
}

fn restrict(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

fn secret_of(signer: &PrivateKeySigner) -> SecretBytes {
    let mut bytes = signer.to_bytes();
    let secret = SecretBox::new(Box::new(bytes.0));
    bytes.0.zeroize();
    secret
}

/// Refuses what the decrypting library would panic at, or compute for ages.
fn check_shape(json: &Value) -> Result<(), KeystoreError> {
    let refused = |what| Err(KeystoreError::NotAKeystore(what));
    if json["version"] != 3 {
        return refused("the version is not 3");
    }
    let crypto = &json["crypto"];
    if crypto["cipher"] != "aes-128-ctr" {
        return refused("the cipher is not aes-128-ctr");
    }
    let hex_len = |value: &Value| value.as_str().map(|text| text.trim_start_matches("0x").len());
    if hex_len(&crypto["cipherparams"]["iv"]) != Some(32)
        || hex_len(&crypto["ciphertext"]) != Some(64)
        || hex_len(&crypto["mac"]) != Some(64)
    {
        return refused("a field has the wrong length");
    }
    let params = &crypto["kdfparams"];
    let number = |name: &str| params[name].as_u64().unwrap_or(0);
    if number("dklen") != 32 {
        return refused("the derived key has not 32 bytes");
    }
    let cost_is_sane = match crypto["kdf"].as_str() {
        Some("scrypt") => {
            let n = number("n");
            n.is_power_of_two()
                && (2..=SCRYPT_N_MAX).contains(&n)
                && (1..=32).contains(&number("r"))
                && (1..=16).contains(&number("p"))
        }
        Some("pbkdf2") => (1..=PBKDF2_ROUNDS_MAX).contains(&number("c")),
        _ => return refused("the key derivation is neither scrypt nor pbkdf2"),
    };
    if cost_is_sane { Ok(()) } else { refused("the key derivation's cost is out of bounds") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> SecretString {
        SecretString::from(text.to_owned())
    }

    #[test]
    fn a_key_comes_back_with_its_password_only() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("relayer.json");
        let address = create_keystore(&path, &password("right")).expect("made");
        let secret = load_keystore(&path, &password("right")).expect("loaded");
        let signer = PrivateKeySigner::from_slice(secret.expose_secret()).expect("a key");
        assert_eq!(signer.address(), address);
        let wrong = load_keystore(&path, &password("wrong"));
        assert!(matches!(wrong, Err(KeystoreError::WrongPassword)));
        assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 1, "nothing is left over");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("key.json");
        create_keystore(&path, &password("p")).expect("made");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_key_file_is_never_replaced() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("key.json");
        create_keystore(&path, &password("p")).expect("made");
        let before = fs::read(&path).expect("read");
        assert!(matches!(create_keystore(&path, &password("p")), Err(KeystoreError::Exists)));
        assert_eq!(fs::read(&path).expect("read"), before);
    }

    #[test]
    fn what_is_no_key_file_is_refused_without_a_panic() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("key.json");
        create_keystore(&path, &password("p")).expect("made");
        let good: Value = serde_json::from_slice(&fs::read(&path).expect("read")).expect("JSON");
        let broken = |change: &dyn Fn(&mut Value)| {
            let mut json = good.clone();
            change(&mut json);
            fs::write(&path, json.to_string()).expect("written");
            load_keystore(&path, &password("p"))
        };
        let cases: [&dyn Fn(&mut Value); 6] = [
            &|json| json["version"] = 4.into(),
            &|json| json["crypto"]["kdfparams"]["dklen"] = 8.into(),
            &|json| json["crypto"]["kdfparams"]["n"] = (1_u64 << 40).into(),
            &|json| json["crypto"]["cipherparams"]["iv"] = "00".into(),
            &|json| json["crypto"]["ciphertext"] = "".into(),
            &|json| *json = Value::Null,
        ];
        for change in cases {
            assert!(matches!(broken(change), Err(KeystoreError::NotAKeystore(_))));
        }
        let missing = load_keystore(&dir.path().join("absent"), &password("p"));
        assert!(matches!(missing, Err(KeystoreError::Unreadable(_))));
    }
}
