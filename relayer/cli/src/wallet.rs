//! Keys and nodes that a one-shot command is given on its command line.

use std::path::PathBuf;

use alloy::network::EthereumWallet;
use alloy::primitives::Address;
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::transports::http::reqwest::Url;
use clap::Args;
use eyre::{WrapErr, eyre};
use secrecy::{ExposeSecret, SecretString};
use twinspan_chains::signer::keystore::load_keystore;
use twinspan_chains::signer::{LocalKey, Signer};
use twinspan_relayer::config::PasswordSource;
use twinspan_relayer::keys::read_password;

use super::Failure;

/// Where a password is found. Never on the command line itself: others can read that.
#[derive(Debug, Args)]
pub(super) struct PasswordArgs {
    /// A file whose first line is the keystore's password
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// An environment variable that holds it
    #[arg(long, value_name = "NAME", conflicts_with = "password_file")]
    password_env: Option<String>,
}

impl PasswordArgs {
    pub(super) fn read(&self) -> eyre::Result<SecretString> {
        let source = match (&self.password_file, &self.password_env) {
            (Some(file), _) => PasswordSource::File(file.clone()),
            (None, Some(name)) => PasswordSource::Environment(name.clone()),
            (None, None) => {
                return Err(eyre!("no password: give --password-file or --password-env"));
            }
        };
        let password = read_password(&source)
            .map_err(|problem| eyre!("no password in {}: {problem}", source.place()))?;
        if password.expose_secret().is_empty() {
            return Err(eyre!("the password in {} is empty", source.place()));
        }
        Ok(password)
    }
}

/// A keystore and its password.
#[derive(Debug, Args)]
pub(super) struct WalletArgs {
    /// The keystore v3 file of the account that pays and sends
    #[arg(long, value_name = "FILE")]
    keystore: PathBuf,
    #[command(flatten)]
    password: PasswordArgs,
}

impl WalletArgs {
    pub(super) fn open(&self) -> Result<LocalKey, Failure> {
        let password = self.password.read().map_err(Failure::Configuration)?;
        let secret = load_keystore(&self.keystore, &password).map_err(|error| {
            Failure::Configuration(eyre!("keystore {} {error}", self.keystore.display()))
        })?;
        LocalKey::new(&secret).map_err(|error| Failure::Configuration(error.into()))
    }
}

/// A node that signs for the wallet, and whether its chain takes a gas price of zero.
pub(super) struct Connection {
    pub(super) provider: DynProvider,
    pub(super) chain_id: u64,
    pub(super) account: Address,
    pub(super) gas_price: Option<u128>,
}

/// Connects a node over HTTP for `signer`.
pub(super) async fn connect(url: &Url, signer: &LocalKey) -> Result<Connection, Failure> {
    let wallet = EthereumWallet::new(signer.as_alloy().clone());
    let provider = ProviderBuilder::new().wallet(wallet).connect_http(url.clone()).erased();
    let shown = twinspan_chains::shown_origin(url);
    let reached = async {
        let chain_id = provider.get_chain_id().await?;
        let price = provider.get_gas_price().await?;
        eyre::Ok((chain_id, price))
    };
    let (chain_id, price) = reached
        .await
        .wrap_err_with(|| format!("node {shown} does not answer"))
        .map_err(Failure::Unreachable)?;
    let gas_price = (price == 0).then_some(0);
    Ok(Connection { provider, chain_id, account: signer.address(), gas_price })
}
