//! Deploys a bridge pair and its vaults, links tokens across it, and hands it to an owner behind a timelock.
//!
//! Each bridge names the other in its constructor, so both addresses are predicted from the deployers' account
//! nonces (CREATE). A deployer's account must send nothing else meanwhile; what comes out is verified.

mod error;
mod ownership;
mod pair;
mod site;
mod test_assets;
mod token;

pub use error::DeployError;
pub use ownership::{Ownership, hand_over};
pub use pair::{End, Pair, SideSettings, deploy_pair};
pub use site::Site;
pub use test_assets::{deploy_test_multi_token, deploy_test_nft, deploy_test_token};
pub use token::{
    HomeAsset, LinkedToken, TokenLimits, TokenMetadata, config, deploy_bridge_token, link_token,
    read_metadata, register_token,
};
