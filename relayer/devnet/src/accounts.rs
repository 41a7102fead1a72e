//! The accounts that hold coins on both chains from the first block on. Everybody has their keys.

use alloy::signers::local::PrivateKeySigner;

/// Private keys of the accounts that the node's well-known test mnemonic gives coins to. Public. The first one deploys
/// and owns the contracts.
pub const TEST_KEYS: [&str; 4] = [
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    "7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
];

/// The signer of test account `index`.
///
/// # Panics
/// If there is no such account.
#[must_use]
pub fn test_signer(index: usize) -> PrivateKeySigner {
    TEST_KEYS[index].parse().expect("the well-known keys are keys")
}
