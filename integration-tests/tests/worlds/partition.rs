//! Peers cannot reach each other: the destination chain carries their attestations.

use std::time::Duration;

use alloy::primitives::B256;
use alloy::providers::Provider;
use alloy::rpc::types::Filter;
use alloy::sol_types::SolEvent;
use eyre::ensure;
use twinspan_bridge::side::Side;
use twinspan_contracts::Bridge;
use twinspan_integration_tests::books::Ending;
use twinspan_integration_tests::live::{Live, PATIENCE, eventually};

const POSTED: &str = "twinspan_attestations_posted_total";

#[tokio::test(flavor = "multi_thread")]
async fn peers_cut_off_from_each_other_meet_on_chain() -> eyre::Result<()> {
    let mut live = Live::start("cut_off", |options| {
        options.cosign_timeout = Duration::from_secs(3);
        options.takeover = Duration::from_secs(1);
    })
    .await?;
    live.cut_all(true);
    live.load(18).await?;
    live.all_arrived().await?;
    ensure!(live.metric(POSTED).await > 0.0, "nothing was posted");
    for side in Side::BOTH {
        // The submitter adds its own, which need not be recorded.
        let signers = recorded(&live, side).await?;
        ensure!(signers >= 2, "the {side} chain holds attestations of {signers} relayers, want 2");
    }

    live.cut_all(false);
    // News on a lane make every relayer call every other.
    live.load(2).await?;
    eventually("every peer is back", PATIENCE, async || {
        Ok((0..4).all(|index| {
            let log = live.log(index);
            let failed = log.matches("peer fails, trying again").count();
            failed > 0 && failed == log.matches("peer is back").count()
        }))
    })
    .await?;
    live.all_arrived().await?;
    let posted = live.metric(POSTED).await;
    live.load(18).await?;
    live.close(Ending::default()).await?;
    let more = live.metric(POSTED).await - posted;
    ensure!(more == 0.0, "{more} attestations were posted though peers reach each other");
    Ok(())
}

/// How many relayers have recorded an attestation on a chain.
async fn recorded(live: &Live, side: Side) -> eyre::Result<usize> {
    let chain = &live.world.chains[side];
    let filter = Filter::new()
        .address(chain.bridge)
        .event_signature(Bridge::AttestationRecorded::SIGNATURE_HASH)
        .from_block(0);
    let logs = chain.provider.get_logs(&filter).await?;
    let signers = logs.iter().map(|log| {
        let event = Bridge::AttestationRecorded::decode_log(&log.inner)?;
        Ok(B256::left_padding_from(event.signer.as_slice()))
    });
    let signers: std::collections::BTreeSet<B256> = signers.collect::<eyre::Result<_>>()?;
    Ok(signers.len())
}
