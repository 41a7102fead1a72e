# Everything starts here. `make demo` and `make test` install what they need but Rust and Node.js.

.PHONY: demo devnet test fast live bench contracts artifacts fmt lint

NPM := node_modules/.package-lock.json

# npm brings forge for Linux on x86-64; elsewhere the one on the path is used.
FORGE = $(or $(wildcard $(CURDIR)/node_modules/.bin/forge),forge)

demo: $(NPM)
	@cargo build --quiet -p twinspan-relayer
	@target/debug/twinspan devnet --folder target/demo --transfers 400 --report target/demo/report.json

devnet: $(NPM)
	@cargo build --quiet -p twinspan-relayer
	@target/debug/twinspan devnet --keep

test: lint contracts fast live

# Formatting and lints, warnings refused.
lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

# Rust tests without nodes, and those of single crates with them.
fast: $(NPM)
	cargo test --workspace --exclude twinspan-integration-tests

# Whole worlds: real nodes, relayers as processes, killed and cut off.
live: $(NPM)
	cargo build -p twinspan-relayer
	cargo test -p twinspan-integration-tests -- --test-threads 1

contracts: $(NPM)
	cd contracts && $(FORGE) fmt --check
	cd contracts && $(FORGE) test
	node contracts/script/build-artifacts.mjs --check

artifacts: $(NPM)
	node contracts/script/build-artifacts.mjs

bench: $(NPM)
	cargo build --release -p twinspan-relayer -p twinspan-integration-tests
	target/release/twinspan-bench

$(NPM): package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

fmt:
	cargo fmt --all
	cd contracts && $(FORGE) fmt
