//! `docs/contracts.md` names everything that a caller can meet.

use std::path::Path;

use serde_json::Value;

#[test]
fn every_function_event_and_error_is_in_the_documentation() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    let text = std::fs::read_to_string(root.join("docs/contracts.md")).expect("the documentation");
    let mut missing = Vec::new();
    for contract in ["Vault", "Bridge"] {
        let artifact = root.join(format!("contracts/artifacts/{contract}.json"));
        let artifact = std::fs::read_to_string(artifact).expect("the artifact");
        let artifact: Value = serde_json::from_str(&artifact).expect("JSON");
        let entries = artifact["abi"].as_array().expect("a list");
        assert!(entries.len() > 50, "an ABI that is not there proves nothing");
        for entry in entries.iter().filter_map(|entry| entry["name"].as_str()) {
            let named = |c: char| !c.is_ascii_alphanumeric() && c != '_';
            if !text.split(named).any(|word| word == entry) {
                missing.push(format!("{contract}.{entry}"));
            }
        }
    }
    assert!(missing.is_empty(), "not in docs/contracts.md: {missing:?}");
}
