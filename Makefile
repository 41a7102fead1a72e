# Everything starts here. `make demo` and `make test` install what they need but Rust and Node.js.

.PHONY: help demo devnet test test-nodes rust reorganisations chaos campaign bench contracts artifacts prove audit fmt lint

NPM := node_modules/.package-lock.json
PROVERS := target/prove-venv/.installed
DENY := target/tools/bin/cargo-deny

# One selection of packages and features for all tests: another one would build the dependencies once more. `twinspan
# devnet` is a feature, which no release build has.
ALL := --workspace --features twinspan-cli/devnet

# npm brings forge for Linux on x86-64; elsewhere the one on the path is used.
FORGE = $(or $(wildcard $(CURDIR)/node_modules/.bin/forge),forge)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(NPM) ## Two nodes, four relayers, 400 transfers; one relayer is killed, one is cut off
	@cargo build --quiet $(ALL) --bin twinspan
	@target/debug/twinspan devnet --service old --folder target/demo --transfers 400 \
		--report target/demo/report.json

devnet: $(NPM) ## Leave such a world running, and print what to try
	@cargo build --quiet $(ALL) --bin twinspan
	@target/debug/twinspan devnet --keep

test: lint contracts rust ## Everything that a change must pass

# With the devnet and without.
lint: ## Formatting and lints of the Rust code, warnings refused
	cargo fmt --all --check
	cargo clippy $(ALL) --all-targets -- -D warnings
	cargo clippy --workspace --all-targets -- -D warnings

# Rust tests: the core first, then whole worlds of real nodes and relayers that are killed and cut off. Three side by
# side: they mostly wait for blocks.
rust: $(NPM) ## All Rust tests
	cargo build $(ALL) --all-targets
	cargo test $(ALL) -- --test-threads 3

# Every way alone, and two hundred pairs of ways. `test` tries some of them.
chaos: $(NPM) ## Endpoints that fail and lie in every way
	cargo build $(ALL) --all-targets
	TWINSPAN_CHAOS_LONG=1 cargo test $(ALL) --test worlds -- chaos:: --nocapture --test-threads 1

# Two hundred of every depth above finality, and twenty below; `test` tries some of each.
reorganisations: $(NPM) ## Chains that take back blocks, above and below finality
	cargo build $(ALL) --all-targets
	TWINSPAN_REORGANISATIONS=200 TWINSPAN_REORGANISATIONS_BELOW=20 \
		cargo test $(ALL) --test worlds -- reorganisation_campaign:: --nocapture --test-threads 1

# Builds what it can get and says what it cannot.
test-nodes: $(NPM) ## Transfers between nodes of go-ethereum and of Kaia (needs Go)
	integration-tests/nodes.sh target/nodes
	cargo build $(ALL) --all-targets
	TWINSPAN_NODES=$(CURDIR)/target/nodes cargo test $(ALL) --test worlds -- nodes:: --nocapture --test-threads 1

# Thirty runs of a thousand batches each; `test` runs one.
campaign: ## An account's transactions under faults, crashes and reorganisations by chance
	TWINSPAN_CAMPAIGN_SEED=100 TWINSPAN_CAMPAIGN_RUNS=30 cargo test $(ALL) --test evm -- campaign:: --nocapture

contracts: $(NPM) ## All tests of the contracts, their formatting and their artifacts
	cd contracts && $(FORGE) fmt --check
	cd contracts && $(FORGE) test
	node contracts/script/build-artifacts.mjs --check

artifacts: $(NPM) ## Compile the contracts and write their checked-in artifacts
	node contracts/script/build-artifacts.mjs

# Apart from `test`: the mutation run alone takes hours. See contracts/prove/README.md.
prove: $(NPM) $(PROVERS) ## Prove the contracts' bytecode, plant past robberies, mutate the rest (hours)
	node contracts/prove/prove.mjs --mutants
	node contracts/prove/slither.mjs
	node contracts/prove/incidents.mjs
	node contracts/prove/mutate.mjs
	cd contracts && FOUNDRY_PROFILE=long ../node_modules/.bin/forge test --match-contract PairInvariants
	@echo "proven: every property, each with its mutant caught; every finding of slither answered; every incident caught; the long campaign"

bench: $(NPM) ## Measure throughput, latency and memory
	cargo build --release -p twinspan-cli -p twinspan-integration-tests
	target/release/twinspan-bench

# Apart from `test`, which builds no tool. ADVISORY_DB: the RustSec database, a folder or a .tar.gz of it.
audit: $(DENY) ## Licences, duplicates, sources and advisories of all dependencies (ADVISORY_DB=path)
	@ADVISORY_DB="$(ADVISORY_DB)" .ci/audit

$(DENY):
	cargo install --quiet --locked cargo-deny --root target/tools

$(NPM): package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

$(PROVERS): contracts/prove/requirements.txt
	python3 -m venv target/prove-venv
	target/prove-venv/bin/pip install --quiet --requirement $<
	@touch $@

fmt: ## Format everything
	cargo fmt --all
	cd contracts && $(FORGE) fmt
