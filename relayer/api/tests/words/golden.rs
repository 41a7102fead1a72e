//! The words of the API, byte by byte: what other programs read does not change by accident.

use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use twinspan_api::ErrorCode;
use twinspan_api::chain::{ChainState, EndpointState};
use twinspan_api::lane::{Reason, Standing};
use twinspan_api::transfer::{AssetKind, ParkReason, Stage};

use crate::examples;

const ADVICE: &str = "\n\
    The words of the API have changed. Other programs read them, so first ask: is it compatible?\n\
    - A new field, or a new name of a list that has `Unknown`: yes.\n\
    - A field that is renamed, removed or of another type, or a name that is spelt otherwise: no. Keep the old one.\n\
    Then write the golden files anew, look at the difference, and tell of it in CHANGELOG.md:\n\
      TWINSPAN_GOLDEN=write cargo test -p twinspan-api --test words\n";

/// The answer `value` is written as the golden file has it, reads back, and is read with fields that are not known.
#[track_caller]
fn check<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(name: &str, value: &T) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.json"));
    let text = serde_json::to_string_pretty(value).expect("it is JSON") + "\n";
    if std::env::var_os("TWINSPAN_GOLDEN").is_some_and(|what| what == "write") {
        std::fs::write(&path, &text).expect("the golden file is written");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, golden, "{}{ADVICE}", path.display());
    assert_eq!(&serde_json::from_str::<T>(&golden).expect("it reads back"), value, "{name}");
    let mut newer: Value = serde_json::from_str(&golden).expect("it is JSON");
    add_unknown(&mut newer);
    let read: T = serde_json::from_value(newer).expect("what is not known is passed over");
    assert_eq!(&read, value, "{name}");
}

/// Adds a field to every object.
fn add_unknown(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(add_unknown);
            fields.insert("of_a_newer_relayer".to_owned(), json!({ "deep": [1] }));
        }
        Value::Array(values) => values.iter_mut().for_each(add_unknown),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn status() {
    check("status", &examples::status());
    check("status_starting", &examples::status_starting());
    check("readiness", &twinspan_api::health::Readiness { ready: true });
}

#[test]
fn transfers() {
    check("transfer_known", &examples::transfer_known());
    check("transfer_observed", &examples::transfer_observed());
    check("transfer_returned", &examples::transfer_returned());
    check("transfers", &examples::transfers());
}

#[test]
fn transactions_and_orders() {
    check("pending", &examples::pending());
    check("transactions", &examples::transactions());
    check("done", &examples::done());
}

#[test]
fn decisions() {
    check("lanes", &examples::lanes());
    check("resume", &examples::resume());
    check("decision", &examples::decision());
}

#[test]
fn errors() {
    check("errors", &examples::errors());
}

/// Every name of every closed list, and the HTTP status of every error.
#[test]
fn names() {
    let errors = ErrorCode::ALL.map(
        |code| json!({ "code": code, "status": code.status(), "retry_after": code.retry_after() }),
    );
    let names = json!({
        "asset_kind": AssetKind::ALL,
        "chain_state": ChainState::ALL,
        "endpoint_state": EndpointState::ALL,
        "error": errors,
        "hold": examples::holds(),
        "park_reason": ParkReason::ALL,
        "reason": Reason::ALL,
        "stage": Stage::ALL,
        "standing": Standing::ALL,
    });
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/names.json");
    let text = serde_json::to_string_pretty(&names).expect("it is JSON") + "\n";
    if std::env::var_os("TWINSPAN_GOLDEN").is_some_and(|what| what == "write") {
        std::fs::write(&path, &text).expect("the golden file is written");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, golden, "{}{ADVICE}", path.display());
}

#[test]
fn a_name_of_a_newer_relayer_is_read_as_unknown() {
    let newer = || json!("of_a_newer_relayer");
    assert_eq!(serde_json::from_value::<Reason>(newer()).ok(), Some(Reason::Unknown));
    assert_eq!(serde_json::from_value::<Standing>(newer()).ok(), Some(Standing::Unknown));
    assert_eq!(serde_json::from_value::<ChainState>(newer()).ok(), Some(ChainState::Unknown));
    assert_eq!(serde_json::from_value::<EndpointState>(newer()).ok(), Some(EndpointState::Unknown));
    assert_eq!(serde_json::from_value::<ErrorCode>(newer()).ok(), Some(ErrorCode::Unknown));
}
