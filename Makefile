# Everything starts here. `make demo` and `make test` install what they need but Rust and Node.js.

.PHONY: demo devnet test test-nodes rust reorganisations chaos campaign bench contracts artifacts prove fmt lint

NPM := node_modules/.package-lock.json
PROVERS := target/prove-venv/.installed

# One selection of packages and features for all tests: another one would build the dependencies once more. `twinspan
# devnet` is a feature, which no release build has.
ALL := --workspace --features twinspan-cli/devnet

# npm brings forge for Linux on x86-64; elsewhere the one on the path is used.
FORGE = $(or $(wildcard $(CURDIR)/node_modules/.bin/forge),forge)

demo: $(NPM)
	@cargo build --quiet -p twinspan-cli --features devnet
	@target/debug/twinspan devnet --service old --folder target/demo --transfers 400 \
		--report target/demo/report.json

devnet: $(NPM)
	@cargo build --quiet -p twinspan-cli --features devnet
	@target/debug/twinspan devnet --keep

test: lint contracts rust

# Formatting and lints, warnings refused; with the devnet and without.
lint:
	cargo fmt --all --check
	cargo clippy $(ALL) --all-targets -- -D warnings
	cargo clippy --workspace --all-targets -- -D warnings

# Rust tests: the core first, then whole worlds of real nodes and relayers that are killed and cut off.
rust: $(NPM)
	cargo build $(ALL) --all-targets
	cargo test $(ALL) -- --test-threads 1

# Endpoints that fail and lie: every way alone, and two hundred pairs of ways. `test` tries some of them.
chaos: $(NPM)
	cargo build $(ALL) --all-targets
	TWINSPAN_CHAOS_LONG=1 cargo test $(ALL) --test chaos -- --nocapture --test-threads 1

# Two hundred reorganisations of every depth above finality, and twenty below; `test` tries some of each.
reorganisations: $(NPM)
	cargo build $(ALL) --all-targets
	TWINSPAN_REORGANISATIONS=200 TWINSPAN_REORGANISATIONS_BELOW=20 \
		cargo test $(ALL) --test reorganisation_campaign -- --nocapture --test-threads 1

# Transfers between nodes of other makes. Builds what it can get and says what it cannot.
test-nodes: $(NPM)
	integration-tests/nodes.sh target/nodes
	cargo build $(ALL) --all-targets
	TWINSPAN_NODES=$(CURDIR)/target/nodes cargo test $(ALL) --test nodes -- --nocapture --test-threads 1

# Thirty thousand batches of the transaction engine under faults, crashes and reorganisations by chance; `test` runs one.
campaign:
	TWINSPAN_CAMPAIGN_SEED=100 TWINSPAN_CAMPAIGN_RUNS=30 cargo test $(ALL) --test campaign -- --nocapture

contracts: $(NPM)
	cd contracts && $(FORGE) fmt --check
	cd contracts && $(FORGE) test
	node contracts/script/build-artifacts.mjs --check

artifacts: $(NPM)
	node contracts/script/build-artifacts.mjs

# Proofs of the contracts, apart from `test`: they take hours, the mutation run most of them. See
# contracts/prove/README.md.
prove: $(NPM) $(PROVERS)
	node contracts/prove/prove.mjs --mutants
	node contracts/prove/slither.mjs
	node contracts/prove/incidents.mjs
	node contracts/prove/mutate.mjs
	cd contracts && FOUNDRY_PROFILE=long ../node_modules/.bin/forge test --match-contract PairInvariants
	@echo "proven: every property, each with its mutant caught; every finding of slither answered; every incident caught; the long campaign"

bench: $(NPM)
	cargo build --release -p twinspan-cli -p twinspan-integration-tests
	target/release/twinspan-bench

$(NPM): package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

$(PROVERS): contracts/prove/requirements.txt
	python3 -m venv target/prove-venv
	target/prove-venv/bin/pip install --quiet --requirement $<
	@touch $@

fmt:
	cargo fmt --all
	cd contracts && $(FORGE) fmt
