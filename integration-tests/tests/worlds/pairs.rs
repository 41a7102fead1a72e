//! One process serves any number of bridge pairs, from one account on each chain or from several.

use std::fmt::Write as _;

use alloy::primitives::{Address, Bytes, U256};
use alloy::providers::Provider;
use alloy::sol_types::SolCall;
use eyre::{OptionExt, ensure, eyre};
use secrecy::SecretString;
use twinspan_bridge::side::Side;
use twinspan_chains::signer::keystore::create_keystore;
use twinspan_contracts::deploy::{
    HomeAsset, Pair, Site, TokenLimits, TokenMetadata, deploy_pair, link_token,
};
use twinspan_contracts::{BridgeToken, Vault};
use twinspan_devnet::relayer::PASSWORD;
use twinspan_devnet::{World, side_settings, test_signer};
use twinspan_integration_tests::books::Ending;
use twinspan_integration_tests::live::{Live, PATIENCE, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn two_pairs_in_one_process_do_not_mix() -> eyre::Result<()> {
    let mut live = Live::start("two_pairs", |_| {}).await?;
    let (pair, wrapped) = second_pair(&live.world).await?;
    ensure!(live.terminate_all().await.into_iter().all(|well| well), "a relayer did not end well");
    let password = SecretString::from(PASSWORD.to_owned());
    let mut accounts = Vec::new();
    for relayer in &live.world.relayers {
        // It pays for the second pair's handovers on the service chain, where gas is free.
        accounts.push(create_keystore(&relayer.folder.join("second.json"), &password)?);
        let mut text = std::fs::read_to_string(relayer.config())?;
        write!(
            text,
            "\n[pairs.second]\n\
             main = {{ chain = \"main\", bridge = \"{}\", start_block = {} }}\n\
             service = {{ chain = \"service\", bridge = \"{}\", start_block = {}, \
             submitter = {{ keystore = \"second.json\", password_file = \"password\" }} }}\n",
            pair.main.bridge, pair.main.block, pair.service.bridge, pair.service.block
        )?;
        std::fs::write(relayer.config(), text)?;
    }
    live.restart_all().await?;

    // Coins over the second pair, while the first is busy.
    let amount = U256::from(77_u64);
    let mut recipients = Vec::new();
    for _ in 0..10 {
        let recipient = live.traffic.fresh_recipient();
        let request = Vault::requestNativeCall { recipient, amount, data: Bytes::new() };
        let input = request.abi_encode();
        live.traffic.call(&live.world, Side::Main, pair.main.vault, input, amount).await?;
        recipients.push(recipient);
        live.load(3).await?;
    }
    let away = &live.world.chains[Side::Service].provider;
    let token = BridgeToken::new(wrapped, away);
    for recipient in recipients {
        eventually("the second pair pays", PATIENCE, async || {
            Ok(token.balanceOf(recipient).call().await? == amount)
        })
        .await?;
    }
    let supply = token.totalSupply().call().await?;
    ensure!(supply == amount * U256::from(10), "{supply} were minted for 770 locked");
    // A relayer may read the source after others have handed over.
    eventually("every relayer has all of the second pair", PATIENCE, async || {
        for relayer in &live.world.relayers {
            let status = relayer.status().await?;
            let second = status.pairs.iter().find(|pair| pair.name == "second");
            let second = second.ok_or_eyre("the second pair is not in the status")?;
            let linked = second.lanes[0].status.as_ref().map_or(0, |lane| lane.linked.count);
            if linked != 10 {
                return Ok(false);
            }
        }
        Ok(true)
    })
    .await?;
    let mut sent = [0, 0];
    for (relayer, second) in live.world.relayers.iter().zip(accounts) {
        let [main, service] =
            relayer.status().await?.chains.try_into().map_err(|_| eyre!("not two chains"))?;
        ensure!(main.accounts.len() == 1 && service.accounts.len() == 2, "{service:?}");
        for (sent, account) in sent.iter_mut().zip([relayer.submitter, second]) {
            *sent += away.get_transaction_count(account).await?;
        }
    }
    ensure!(sent[0] > 0 && sent[1] > 0, "one account has sent for both pairs: {sent:?}");
    live.close(Ending::default()).await?;
    live.world.stop().await;
    Ok(())
}

/// Another pair between the same chains, with the same relayers; and the main coin's representation.
async fn second_pair(world: &World) -> eyre::Result<(Pair, Address)> {
    let deployer = test_signer(0).address();
    let site =
        |side, gas_price| Site { provider: &world.chains[side].provider, deployer, gas_price };
    let (main, service) = (site(Side::Main, None), site(Side::Service, Some(0)));
    let members = world.relayers.iter().map(|relayer| relayer.address).collect();
    let settings = side_settings(world.options.threshold, members);
    let pair = deploy_pair(&main, &service, &settings, &settings).await?;
    let coin = HomeAsset::Native(TokenMetadata {
        name: "Second Coin".to_owned(),
        symbol: "SEC".to_owned(),
        decimals: 18,
    });
    let link = link_token(
        &main,
        pair.main.vault,
        &service,
        pair.service.vault,
        coin,
        U256::from(u128::MAX),
        TokenLimits::OPEN,
        TokenLimits::OPEN,
    );
    Ok((pair, link.await?.representation))
}
