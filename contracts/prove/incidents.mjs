#!/usr/bin/env node
// Plants the faults by which bridges were robbed in a copy of the contracts, one at a time, and prints which layers
// catch each. Fewer than two is a failure. `--only <regex>` picks faults, `--quick` leaves slither out.
import fs from "node:fs";
import path from "node:path";
import { Copy, TEST_OUT, fail, findProperties, here, option, prove, test } from "./lib.mjs";
import { freshFindings, freshGates } from "./slither.mjs";

/** What happened, the patch that makes it happen here, and the property that says it cannot. */
const INCIDENTS = [
  ["Ronin, Harmony, Orbit: keys stolen, and no limit", "keys-stolen-no-limit", "large_amounts_wait"],
  ["Ronin 2024: the threshold left at zero", "threshold-zero", "too_few_signatures_never_pass"],
  ["Nomad: the zero value trusted", "zero-value-trusted", "only_the_parked_request_is_released_or_returned"],
  ["Poly, Socket: a way out without a gate", "value-path-without-gate", "only_a_serving_or_draining_bridge_pays"],
  ["Qubit: a token without code", "token-without-code", "a_token_without_code_moves_nothing"],
  ["Meter: one path skips the transfer", "one-path-skips-the-transfer", "what_arrived_is_really_there"],
  ["pNetwork: look-alike events", "anyone-links-a-request", "only_the_vault_links_requests"],
  ["THORChain: the call's value trusted", "coin-value-trusted", "a_bulk_takes_the_coin_of_all_its_orders"],
  ["Gravity: a set changed at once", "set-change-without-delay-or-bound", "a_schedule_waits"],
  ["Map: the retry path hashed otherwise", "retry-path-hashed-otherwise", "only_the_parked_request_is_released_or_returned"],
  ["BNB: leftovers accepted", "leftovers-in-a-batch", "payloads_are_those_that_the_requests_name"],
  ["Hyperbridge: bounds missing", "payload-says-more-than-the-amount", "payloads_are_those_that_the_requests_name"],
  ["Wormhole: left uninitialised", "left-uninitialised", "no_stranger_governs"],
];
/** Short, with the seed of foundry.toml: a layer that needs luck catches nothing. */
const SHORT = { FOUNDRY_INVARIANT_RUNS: "8", FOUNDRY_INVARIANT_DEPTH: "40", FOUNDRY_FUZZ_RUNS: "32" };
const LAYERS = ["unit", "fuzz", "invariant", "symbolic", "slither", "gates"];
const LAYERS_MIN = 2;

main();

function main() {
  const only = new RegExp(option("only") ?? ".");
  const chosen = INCIDENTS.filter(([, fault]) => only.test(fault));
  if (chosen.length === 0) fail("no such incident");
  requireAll();
  const copy = new Copy("incident");
  const intact = test(copy.reset().root, { env: SHORT });
  if (!intact.built) fail(`the tests do not build:\n${intact.log}`);
  if (intact.failed.length > 0) {
    fail(`without a fault these fail already: ${intact.failed.map(({ name }) => name).join(", ")}`);
  }
  console.log(`${intact.ran} tests pass without a fault`);
  const rows = chosen.map(([what, fault, property]) => plant(copy, what, fault, property));
  printTable(rows);
  if (rows.some(({ caught }) => caught.length < LAYERS_MIN)) process.exit(1);
}

/** Each incident has its patch, and each patch its incident. */
function requireAll() {
  const folder = path.join(here, "incidents");
  const patches = fs.readdirSync(folder).map((file) => file.replace(/\.patch$/, ""));
  const named = INCIDENTS.map(([, fault]) => fault);
  const without = [...named.filter((one) => !patches.includes(one)), ...patches.filter((one) => !named.includes(one))];
  if (without.length > 0) fail(`patch without incident, or incident without patch: ${without.join(", ")}`);
}

function plant(copy, what, fault, property) {
  copy.reset().plant(path.join(here, "incidents", `${fault}.patch`));
  const { built, failed, ran, log } = test(copy.root, { env: SHORT });
  if (!built) fail(`${fault} does not build:\n${log}`);
  const caught = new Map(["unit", "fuzz", "invariant"].map((kind) => [kind, failed.filter((one) => one.kind === kind)]));
  const { name, file } = findProperties().find(({ name }) => name === property);
  const { verdict } = prove(copy.root, [{ name, file }], { first: true }).get(name);
  const hits = {
    ...Object.fromEntries([...caught].map(([kind, tests]) => [kind, tests.map((one) => one.name)])),
    symbolic: verdict === "fails" ? [property] : [],
    slither: process.argv.includes("--quick") ? [] : freshFindings(copy.root),
    gates: freshGates(copy.root, TEST_OUT),
  };
  const row = { what, fault, hits, ran, caught: LAYERS.filter((layer) => hits[layer].length > 0) };
  console.log(describe(row));
  return row;
}

function describe({ what, fault, hits, caught }) {
  const lines = caught.map((layer) => `    ${layer}: ${hits[layer].length}, as ${hits[layer][0]}`);
  return [`${what} (${fault}): ${caught.length < LAYERS_MIN ? "MISSED" : "caught"}`, ...lines].join("\n");
}

function printTable(rows) {
  const width = Math.max(...rows.map(({ what }) => what.length));
  console.log(`${"what happened".padEnd(width)}  ${LAYERS.join("  ")}`);
  for (const { what, hits } of rows) {
    const cells = LAYERS.map((layer) => String(hits[layer].length || "–").padStart(layer.length));
    console.log(`${what.padEnd(width)}  ${cells.join("  ")}`);
  }
  const short = rows.filter(({ caught }) => caught.length < LAYERS_MIN);
  console.log(`${rows.length - short.length} of ${rows.length} faults are caught by ${LAYERS_MIN} layers or more`);
}
