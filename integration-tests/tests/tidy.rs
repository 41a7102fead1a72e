//! Holds the tree to the invariants of the code that a compiler does not see.
#![allow(missing_docs)]

use std::path::{Path, PathBuf};

/// Lines of a source file, at most: one noun a file. Clippy counts those of a function.
const LINES_MAX: usize = 450;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust source of `folder`, with its path from the root and its text without test modules.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the tree") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source");
                let text = text.split("\n#[cfg(test)]").next().unwrap_or_default().to_owned();
                let name = path.strip_prefix(root()).expect("below the root").display().to_string();
                found.push((name, text));
            }
        }
    }
    assert!(!found.is_empty(), "{folder} holds no source");
    found.sort();
    found
}

/// Lines of code (not comments) that contain one of `words`, outside the files named in `allowed`.
fn offences(folders: &[&str], words: &[&str], allowed: &[&str]) -> Vec<String> {
    let mut offences = Vec::new();
    for (name, text) in folders.iter().flat_map(|folder| sources(folder)) {
        if allowed.iter().any(|allowed| name.starts_with(allowed)) {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let is_comment = line.trim_start().starts_with("//");
            if !is_comment && words.iter().any(|word| line.contains(word)) {
                offences.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    offences
}

fn forbid(what: &str, folders: &[&str], words: &[&str], allowed: &[&str]) {
    let offences = offences(folders, words, allowed);
    assert!(offences.is_empty(), "{what}:\n{}", offences.join("\n"));
}

#[test]
fn only_the_store_knows_the_database() {
    let folders = ["bridge", "chains", "contracts/bindings", "relayer", "integration-tests/src"];
    let words = ["redb::", "use redb"];
    forbid("redb outside relayer/store", &folders, &words, &["relayer/store"]);
    let manifests = [
        "bridge",
        "contracts",
        "chains",
        "relayer",
        "relayer/cli",
        "relayer/devnet",
        "relayer/supervise",
        "integration-tests",
    ];
    for manifest in manifests {
        let path = root().join(manifest).join("Cargo.toml");
        let text = std::fs::read_to_string(path).expect("a manifest");
        assert!(!text.contains("redb"), "{manifest}/Cargo.toml names redb");
    }
}

#[test]
fn only_supervise_spawns() {
    forbid(
        "a task is spawned outside relayer/supervise",
        &["chains/src", "relayer", "integration-tests/src"],
        &["tokio::spawn", "spawn_blocking", "task::spawn", "thread::spawn", "JoinSet"],
        // The store's writer waits for the disk on a thread of its own, and for that thread.
        &["relayer/supervise", "relayer/store/src/write.rs", "chains/src/rpc/driven.rs"],
    );
}

#[test]
fn the_core_has_no_clock_no_input_or_output_and_no_randomness() {
    let words =
        ["tokio", "std::fs", "std::net", "Instant::now", "SystemTime", "rand::", "thread_rng"];
    forbid("the core reaches out", &["bridge/src"], &words, &[]);
}

#[test]
fn nothing_iterates_over_hash_maps_where_order_can_be_seen() {
    forbid(
        "a hash map where order can be seen",
        &["bridge/src", "relayer", "integration-tests/src"],
        &["HashMap", "HashSet"],
        &[],
    );
}

#[test]
fn the_relayer_names_no_json_rpc_method() {
    forbid("raw JSON-RPC", &["bridge/src", "relayer"], &["\"eth_", "\"net_"], &[]);
}

#[test]
fn only_classify_reads_error_text() {
    forbid(
        "a decision on an error's text",
        &["bridge/src", "chains/src", "relayer"],
        &["message.contains(", "to_string().contains(", "message.starts_with("],
        &["chains/src/rpc/classify.rs", "relayer/store/tests"],
    );
}

#[test]
fn what_operators_run_knows_no_test_world() {
    forbid(
        "the publicly known keys of test worlds are within reach of a release build",
        &["bridge/src", "chains/src", "relayer", "contracts/bindings"],
        &["twinspan_devnet", "TEST_KEYS", "ac0974bec39a17e3"],
        &[
            "relayer/devnet",
            "contracts/bindings/tests",
            // Behind the feature.
            "relayer/cli/src/main.rs",
            "relayer/cli/src/failure.rs",
        ],
    );
}

#[test]
fn every_file_opens_with_what_it_does_and_stays_within_bounds() {
    let folders = [
        "bridge/src",
        "chains/src",
        "relayer",
        "contracts/bindings",
        "integration-tests/src",
        "integration-tests/tests",
    ];
    for (name, text) in folders.iter().flat_map(|folder| sources(folder)) {
        assert!(text.starts_with("//! "), "{name} does not say what it is for");
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{name} has {lines} lines: more than one noun?");
    }
}
