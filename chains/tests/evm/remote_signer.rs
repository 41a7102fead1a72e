//! Keys that a Web3Signer keeps: what it signs is checked, and what it fails at waits.
#![allow(clippy::wildcard_enum_match_arm)]
#![expect(clippy::disallowed_methods, reason = "a test starts what it watches, and ends with it")]

use std::sync::Arc;
use std::time::Duration;

use crate::support;
use crate::support::node::{CHAIN_ID, FakeNode};
use crate::support::web3signer::{Behaviour, Web3Signer};
use alloy::primitives::{Address, B256, Bytes, Signature};
use secrecy::SecretBox;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use twinspan_bridge::checkpoint::Checkpoint;
use twinspan_bridge::ids::{BridgeAt, ChainId, Count, Epoch, Lane};
use twinspan_bridge::key::AttestationKey;
use twinspan_bridge::lane_head::LanePosition;
use twinspan_chains::EvmChain;
use twinspan_chains::signer::{
    LocalKey, RemoteKey, RemoteProblem, RemoteSigner, Signer, SignerError, TransactionSigner,
    attest,
};
use twinspan_chains::transactions::{Account, Command, Intent, IntentId, MemoryStore, Outcome};

const SECRET: [u8; 32] = [7; 32];

fn local() -> LocalKey {
    LocalKey::new(&SecretBox::new(Box::new(SECRET))).expect("a key")
}

fn checkpoint() -> Checkpoint {
    let at =
        |n: u8| BridgeAt { chain_id: ChainId::new(n.into()), address: Address::repeat_byte(n) };
    Checkpoint {
        lane: Lane { source: at(1), destination: at(2) },
        epoch: Epoch::new(3),
        position: LanePosition { count: Count::new(64), head: B256::repeat_byte(9) },
    }
}

/// The outcome of a request to sign, with a server that behaves so.
async fn signed(behaviour: Behaviour) -> Result<Signature, RemoteProblem> {
    let server = Web3Signer::start(SECRET).await;
    let signer = RemoteSigner::connect(&server.remote_key()).await.expect("connects");
    server.behave(behaviour);
    let signed = signer.sign(b"a pre-image").await;
    signed.map_err(|error| {
        let shown = format!("{error} {error:?} {signer:?} {:?}", server.remote_key());
        assert!(!shown.contains("secret"), "the password is shown in {shown}");
        assert!(shown.contains("127.0.0.1"), "the place is not shown in {shown}");
        match error {
            SignerError::Remote(fault) => fault.problem,
            SignerError::Key => panic!("a fault of the remote signer is told as such"),
        }
    })
}

async fn refused(key: &RemoteKey) -> RemoteProblem {
    let fault = RemoteSigner::connect(key).await.expect_err("refused");
    assert!(!fault.to_string().contains("secret"), "{fault}");
    fault.problem
}

#[tokio::test]
async fn a_remote_key_signs_what_the_same_key_signs_here() {
    let wanted = local().sign(b"a pre-image").await.expect("signs");
    for behaviour in [Behaviour::Good, Behaviour::HighS, Behaviour::PlainParity] {
        let signature = signed(behaviour).await.expect("signed");
        assert_eq!(
            signature, wanted,
            "{behaviour:?}: with a low s and the parity that goes with it"
        );
    }
}

#[tokio::test]
async fn an_attestation_by_a_remote_key_is_the_one_that_its_key_makes() {
    let server = Web3Signer::start(SECRET).await;
    let signer = RemoteSigner::connect(&server.remote_key()).await.expect("connects");
    let attestation = attest(&signer, checkpoint()).await.expect("signed");
    let key = AttestationKey::from_bytes(SECRET).expect("a key");
    assert_eq!(attestation, key.sign(checkpoint()));
    server.behave(Behaviour::OtherData);
    assert!(attest(&signer, checkpoint()).await.is_err());
}

#[tokio::test]
async fn credentials_are_sent_and_the_urls_own_path_is_kept() {
    let server = Web3Signer::start(SECRET).await;
    RemoteSigner::connect(&server.remote_key()).await.expect("connects");
    let heads = server.heads();
    assert_eq!(heads.len(), 2, "whether it runs, and which keys it has");
    // "relayer:secret" in base 64.
    assert!(heads.iter().all(|head| head.contains("Basic cmVsYXllcjpzZWNyZXQ=")), "{heads:?}");
}

#[tokio::test]
async fn what_no_true_signer_answers_is_refused() {
    let (other, want) = (signed(Behaviour::OtherKey).await, local().address());
    assert!(
        matches!(other, Err(RemoteProblem::OtherKey { got, want: w }) if got != w && w == want)
    );
    let other = signed(Behaviour::OtherData).await;
    assert!(matches!(other, Err(RemoteProblem::OtherKey { .. })), "{other:?}");
    assert_eq!(signed(Behaviour::Garbage).await, Err(RemoteProblem::Malformed("signature")));
    assert!(matches!(signed(Behaviour::Giant).await, Err(RemoteProblem::TooLarge(_))));
    assert!(matches!(signed(Behaviour::Slow).await, Err(RemoteProblem::Timeout(_))));
    assert_eq!(signed(Behaviour::Redirect).await, Err(RemoteProblem::Refused(307)));
    assert_eq!(signed(Behaviour::Status(500)).await, Err(RemoteProblem::Refused(500)));
    assert_eq!(signed(Behaviour::Status(401)).await, Err(RemoteProblem::Forbidden(401)));
    assert!(matches!(
        signed(Behaviour::Status(404)).await,
        Err(RemoteProblem::KeyAbsent { address, .. }) if address == want
    ));
}

#[tokio::test]
async fn a_signer_without_the_key_or_without_an_answer_is_told_at_the_start() {
    let server = Web3Signer::start(SECRET).await;
    let address = Address::repeat_byte(5);
    let absent = refused(&RemoteKey { address, ..server.remote_key() }).await;
    assert_eq!(absent, RemoteProblem::KeyAbsent { address, offered: 2 });
    let mut elsewhere = server.remote_key();
    elsewhere.url.set_path("/elsewhere");
    assert_eq!(refused(&elsewhere).await, RemoteProblem::Refused(404));
    let mut down = server.remote_key();
    down.url.set_port(Some(9)).expect("a port");
    assert!(matches!(refused(&down).await, RemoteProblem::Unreachable(_)));
}

#[tokio::test]
async fn a_transaction_waits_for_its_remote_signature_and_then_goes_out_in_order() {
    let node = FakeNode::without_fees();
    let chain =
        EvmChain::connect_over(support::config(CHAIN_ID, 1), vec![node.service()]).await.unwrap();
    let server = Web3Signer::start(SECRET).await;
    let signer = RemoteSigner::connect(&server.remote_key()).await.expect("connects");
    server.behave(Behaviour::Status(500));
    let store = Arc::new(MemoryStore::default());
    let (told, mut outcomes) = mpsc::channel(16);
    let (account, handle) = Account::new(chain, TransactionSigner::new(signer), store, told);
    let cancel = CancellationToken::new();
    let running = tokio::spawn(account.run(cancel.clone()));
    let intent = |n: u8| Intent {
        since: None,
        id: IntentId(B256::repeat_byte(n)),
        to: Address::repeat_byte(0xb1),
        input: Bytes::from(vec![n; 100_000]),
        gas_limit: 10_000_000,
        label: format!("batch {n}"),
    };
    for n in 0..=3 {
        handle.submit(intent(n)).await.expect("taken");
    }
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(node.arrived().is_empty(), "nothing goes out without a signature");
    assert!(!running.is_finished(), "and nothing stops");
    let unsigned = handle.snapshot().pending;
    assert_eq!(unsigned[0].waits_for.as_deref(), Some("the signer"));
    handle.command(unsigned[0].nonce, Command::Drop).await.expect("dropped");
    let waited = tokio::time::timeout(Duration::from_secs(20), outcomes.recv()).await;
    let cancelled = waited.expect("in time").expect("the account runs");
    assert_eq!(cancelled.id, intent(0).id);
    assert!(
        matches!(&cancelled.outcome, Outcome::Abandoned { reason } if reason == "dropped by the operator")
    );
    server.behave(Behaviour::Good);
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(node.arrived_nonces(), [0, 1, 2]);
    node.mine();
    for n in 1..=3 {
        let waited = tokio::time::timeout(Duration::from_secs(20), outcomes.recv()).await;
        let resolved = waited.expect("in time").expect("the account runs");
        assert_eq!(resolved.id, intent(n).id);
        assert!(matches!(resolved.outcome, Outcome::Mined { .. }), "{resolved:?}");
    }
    cancel.cancel();
    running.await.expect("no panic").expect("no fault");
}
