//! Pins the bytes of every row and key: they are what lies on the disks of relayers.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;

use alloy_primitives::{Address, B256, Bytes, U256, hex};
use twinspan_bridge::checkpoint::Checkpoint;
use twinspan_bridge::ids::{
    BlockNumber, BlockStamp, BridgeAt, ChainId, Count, Epoch, Lane, LaneId, Nonce,
};
use twinspan_bridge::io::Conflict;
use twinspan_bridge::key::AttestationKey;
use twinspan_bridge::lane_head::LanePosition;
use twinspan_bridge::lane_head::LinkedRequest;
use twinspan_bridge::observe::ParkReason;
use twinspan_bridge::request::{AssetKind, Request, SourcedRequest};
use twinspan_bridge::schedule::Term;

use crate::rows::*;
use crate::tables::*;

const GOLDEN: &str = "tests/golden/rows.txt";

/// Set to write the golden file anew.
const REGENERATE: &str = "TWINSPAN_GOLDEN";

/// Bytes by the name of the case.
#[derive(Default)]
struct Cases(BTreeMap<String, String>);

impl Cases {
    fn bytes(&mut self, name: impl Into<String>, bytes: &[u8]) {
        let before = self.0.insert(name.into(), hex::encode(bytes));
        assert_eq!(before, None, "two cases have one name");
    }

    /// A row, which must also read back.
    fn row<R: Row + PartialEq + Debug>(&mut self, name: impl Into<String>, row: R) {
        let bytes = encode(&row).expect("it encodes");
        assert_eq!(decode::<R>(&bytes).expect("it decodes"), row);
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(decode::<R>(&longer).is_err(), "a byte too many is taken");
        self.bytes(name, &bytes);
    }
}

#[test]
fn every_byte_on_disk_is_as_it_was() {
    let mut cases = Cases::default();
    keys(&mut cases);
    meta(&mut cases);
    lanes(&mut cases);
    requests(&mut cases);
    settlements(&mut cases);
    batches(&mut cases);
    attestations_and_decisions(&mut cases);
    transactions(&mut cases);

    let lines = cases.0.iter().map(|(name, bytes)| format!("{name} = {bytes}\n"));
    let got = format!("schema = {SCHEMA}\n{}", lines.collect::<String>());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(GOLDEN);
    if std::env::var_os(REGENERATE).is_some() {
        std::fs::write(&path, &got).expect("written");
    }
    let want = std::fs::read_to_string(&path).unwrap_or_default();
    let changed = want
        .lines()
        .filter(|line| !got.lines().any(|other| other == *line))
        .map(|line| format!("- {line}\n"));
    let new = got
        .lines()
        .filter(|line| !want.lines().any(|other| other == *line))
        .map(|line| format!("+ {line}\n"));
    let difference: String = changed.chain(new).collect();
    assert!(
        got == want,
        "this changes the bytes on relayers' disks ({GOLDEN}):\n{difference}\
         A case that is only new may be added. Where one has changed or gone, stores of today no longer read back: \
         add a migration in src/migrate and a new SCHEMA number. Then regenerate with\n    \
         {REGENERATE}=write cargo test -p twinspan-store --lib golden"
    );
}

fn word(n: u8) -> B256 {
    B256::repeat_byte(n)
}

fn address(n: u8) -> Address {
    Address::repeat_byte(n)
}

fn bridge(n: u8) -> BridgeAt {
    BridgeAt { chain_id: ChainId::new(u64::from(n) * 1_000), address: address(n) }
}

fn position(n: u8) -> LanePosition {
    LanePosition { count: Count::new(u64::from(n)), head: word(n) }
}

fn conflict() -> Conflict {
    Conflict {
        epoch: Epoch::new(3),
        highest_attested: Count::new(u64::MAX),
        linked: position(4),
        contract: position(5),
    }
}

fn keys(cases: &mut Cases) {
    let (lane, nonce) = (LaneId(word(1)), Nonce::new(0x0203));
    let (count, epoch) = (Count::new(0x0405), Epoch::new(0x0607));
    let account = Account { chain_id: ChainId::new(0x0809), address: address(9) };
    let key = request_key(lane, nonce);
    assert_eq!(request_of_key(&key), (lane, nonce));
    cases.bytes("key/request", &key);
    let key = batch_key(lane, count);
    assert_eq!(count_of_key(&key), count);
    cases.bytes("key/batch", &key);
    let key = attestation_key(lane, count, epoch, address(2));
    assert_eq!(attestation_of_key(&key), (count, epoch, address(2)));
    cases.bytes("key/attestation", &key);
    cases.bytes("key/decision", &decision_key(lane, 0x0a0b));
    cases.bytes("key/transaction", &transaction_key(account, 0x0c0d));
    let tables = [LANES.to_string(), REQUESTS.to_string(), SETTLEMENTS.to_string()];
    let more = [BATCHES.to_string(), CERTIFICATES.to_string(), ATTESTATIONS.to_string()];
    let last = [META.to_string(), TRANSACTIONS.to_string(), DECISIONS.to_string()];
    for name in tables.into_iter().chain(more).chain(last).chain([BY_TRANSACTION.to_string()]) {
        cases.bytes(format!("table/{name}"), name.as_bytes());
    }
}

fn meta(cases: &mut Cases) {
    cases.row("meta/schema", DiskSchema(300));
    let pairs = vec![("pair".to_owned(), bridge(1), bridge(2))];
    cases.row("meta/deployment", DiskDeployment::from(Deployment { relayer: address(7), pairs }));
    cases.row("meta/deployment/none", DiskDeployment::from(Deployment::default()));
}

fn lanes(cases: &mut Cases) {
    let lane = LaneRow {
        linked: position(1),
        linked_block: BlockNumber::new(1 << 40),
        term: None,
        settled: position(2),
        conflict: None,
    };
    cases.row("lane/bare", DiskLane::from(lane));
    let term = Some(Term { start: BlockNumber::new(64), start_hash: word(3) });
    cases.row("lane/full", DiskLane::from(LaneRow { term, conflict: Some(conflict()), ..lane }));
}

fn requests(cases: &mut Cases) {
    let request = |kind, payload: Vec<u8>| Request {
        nonce: Nonce::new(200),
        kind,
        sender: address(1),
        recipient: address(2),
        token: address(3),
        counterpart_token: address(4),
        amount: U256::from(0x1234),
        payload: Bytes::from(payload),
    };
    let linked = |request, ends_block| LinkedRequest {
        sourced: SourcedRequest {
            request,
            block: BlockNumber::new(70_000),
            stamp: BlockStamp::default(),
            transaction: word(5),
            emitted_head: word(6),
        },
        hash: word(7),
        after: position(201),
        ends_block,
    };
    let kinds = [
        ("native", AssetKind::Native),
        ("erc20", AssetKind::Erc20),
        ("erc721", AssetKind::Erc721),
        ("erc1155", AssetKind::Erc1155),
    ];
    for (name, kind) in kinds {
        let row = DiskRequest::from(&linked(request(kind, Vec::new()), false));
        cases.row(format!("request/{name}"), row);
    }
    let payload = linked(request(AssetKind::Erc721, vec![0xab; 130]), true);
    cases.row("request/payload", DiskRequest::from(&payload));
    let mut block = DiskRequest::from(&payload);
    (block.block_hash, block.block_time) = (Some(word(8)), Some(1_760_000_000));
    cases.row("request/block", block);
}

fn settlements(cases: &mut Cases) {
    let row = |fate| SettlementRow {
        fate,
        block: BlockNumber::new(70_000),
        block_hash: None,
        block_time: None,
        transaction: word(1),
        resolution: None,
    };
    let paid = row(Fate::HandedOver { amount: U256::MAX });
    cases.row("settlement/handed_over", DiskSettlement::from(paid));
    let known =
        SettlementRow { block_hash: Some(word(2)), block_time: Some(1_760_000_000), ..paid };
    cases.row("settlement/block", DiskSettlement::from(known));
    let reasons = [
        ("token_unavailable", ParkReason::TokenUnavailable),
        ("liquidity_short", ParkReason::LiquidityShort),
        ("rate_limited", ParkReason::RateLimited),
        ("delayed", ParkReason::Delayed),
        ("payout_failed", ParkReason::PayoutFailed),
        ("out_of_bounds", ParkReason::OutOfBounds),
        ("data_refused", ParkReason::DataRefused),
    ];
    for (name, reason) in reasons {
        let parked = row(Fate::Parked { reason, earliest: u64::MAX });
        cases.row(format!("settlement/parked/{name}"), DiskSettlement::from(parked));
    }
    let end = Resolution {
        returned_as: None,
        released_to: None,
        block: None,
        block_hash: None,
        block_time: None,
        transaction: word(3),
    };
    let released = Resolution {
        released_to: Some(address(4)),
        block: Some(BlockNumber::new(70_001)),
        block_hash: Some(word(5)),
        block_time: Some(1_760_000_001),
        ..end
    };
    let returned = Resolution { returned_as: Some(Nonce::new(9)), ..end };
    let parked = row(Fate::Parked { reason: ParkReason::Delayed, earliest: 0 });
    for (name, resolution) in [("bare", end), ("released", released), ("returned", returned)] {
        let row = SettlementRow { resolution: Some(resolution), ..parked };
        cases.row(format!("settlement/end/{name}"), DiskSettlement::from(row));
    }
}

fn batches(cases: &mut Cases) {
    cases.row("return", DiskReturn { of: 300 });
    cases.row("batch", DiskBatch { first: 300, head: word(1), submitter: address(2) });
    let certificate = CertificateRow {
        epoch: Epoch::new(1),
        count: Count::new(320),
        head: word(3),
        signers: vec![address(4), address(5)],
    };
    cases.row("certificate", DiskCertificate::new(Nonce::new(300), &certificate));
}

fn attestations_and_decisions(cases: &mut Cases) {
    let key = AttestationKey::from_bytes([7; 32]).expect("a key");
    let lane = Lane { source: bridge(1), destination: bridge(2) };
    let checkpoint = Checkpoint { lane, epoch: Epoch::new(1), position: position(64) };
    let attestation = *key.sign(checkpoint).get();
    cases.row("attestation", DiskAttestation::from(&attestation));
    let decision = DecisionRow {
        at: 1_760_000_000_123,
        reason: "rolled back: Ω".to_owned(),
        conflict: conflict(),
        voided: vec![attestation],
    };
    cases.row("decision", DiskDecision::from(&decision));
    let bare = DecisionRow { reason: String::new(), voided: Vec::new(), ..decision };
    cases.row("decision/bare", DiskDecision::from(&bare));
}

fn transactions(cases: &mut Cases) {
    let block = BlockRow { number: 9_000, hash: word(1) };
    let mined = OutcomeRow::Mined { transaction: word(2), block: 9_000, gas_used: 21_000 };
    let reverted = OutcomeRow::Reverted {
        transaction: word(3),
        block: 9_000,
        gas_used: 21_000,
        data: Bytes::from_static(&[0xde, 0xad]),
    };
    let abandoned = OutcomeRow::Abandoned { reason: "cancelled".to_owned() };
    let states = [
        ("pending", StateRow::Pending),
        ("included", StateRow::Included { block, outcome: mined.clone() }),
        ("settled/mined", StateRow::Settled { outcome: mined }),
        ("settled/reverted", StateRow::Settled { outcome: reverted }),
        ("settled/abandoned", StateRow::Settled { outcome: abandoned }),
        ("abandoned", StateRow::Abandoned { reason: "used by another".to_owned() }),
    ];
    let bare = TransactionRow {
        nonce: 5,
        intent: None,
        siblings: Vec::new(),
        state: StateRow::Pending,
        given_up: None,
        created_at: 1_760_000_000,
    };
    for (name, state) in states {
        cases.row(format!("transaction/{name}"), TransactionRow { state, ..bare.clone() });
    }
    let sibling = |fees, fills| SiblingRow {
        raw: Bytes::from_static(&[2, 0xf8]),
        hash: word(4),
        fees,
        fills,
    };
    let full = TransactionRow {
        intent: Some(IntentRow {
            id: word(5),
            to: address(6),
            input: Bytes::from_static(&[1, 2, 3, 4]),
            gas_limit: 1_000_000,
            label: "batch".to_owned(),
        }),
        siblings: vec![
            sibling(FeesRow::Dynamic { max_fee: u128::MAX, tip: 1 }, false),
            sibling(FeesRow::Legacy { gas_price: 1 << 70 }, true),
        ],
        given_up: Some("dropped".to_owned()),
        ..bare
    };
    cases.row("transaction/full", full);
}
