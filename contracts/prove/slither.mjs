#!/usr/bin/env node
// Runs slither on src/ and compares its findings with those that slither.md answers: a new one fails, and so does an
// answer to one that is gone. The same for gates.md and the functions that change a contract's state.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { contracts, environment, fail, here, venv } from "./lib.mjs";

// Of its own: slither reads every build-info there is, and takes those of other builds amiss.
const OUT = "../target/prove/slither-out";
const DEPLOYED = ["Bridge", "Vault", "BridgeToken", "BridgeNFT", "BridgeMultiToken"];

if (process.argv[1] === fileURLToPath(import.meta.url)) main();

function main() {
  const found = findings(contracts);
  const open = gates(contracts, OUT);
  const faults = [
    ...compare([...found.keys()], answers("slither.md"), "slither.md"),
    ...compare(open, answers("gates.md"), "gates.md"),
  ];
  for (const fault of faults) console.error(`${fault}\n  ${found.get(fault.split(": ")[1]) ?? ""}`.trimEnd());
  if (faults.length > 0) process.exit(1);
  console.log(`slither: ${found.size} findings, each answered; ${open.length} functions change state, each known`);
}

/** What slither says of the contracts at `root` that slither.md does not answer. */
export function freshFindings(root) {
  const answered = answers("slither.md");
  return [...findings(root).keys()].filter((key) => !answered.has(key));
}

/** The functions of the contracts built in `out`, seen from `root`, that gates.md does not know. */
export function freshGates(root, out) {
  const known = answers("gates.md");
  return gates(root, out).filter((key) => !known.has(key));
}

function compare(keys, answered, table) {
  return [
    ...keys.filter((key) => !answered.has(key)).map((key) => `no row in ${table}: ${key}`),
    ...[...answered].filter((key) => !keys.includes(key)).map((key) => `a row in ${table} and no longer there: ${key}`),
  ];
}

/** What it says, by detector and place. A place is named without lines, so that it outlives edits above it. */
function findings(root) {
  fs.rmSync(path.join(root, OUT), { recursive: true, force: true });
  run(root, "forge", ["build", "--force", "--build-info", "src"]);
  const args = [".", "--ignore-compile", "--foundry-out-directory", OUT, "--filter-paths", "node_modules"];
  const text = run(root, "slither", [...args, "--json", "-"], { allowed: [0, 255] });
  const report = JSON.parse(text);
  if (!report.success) fail(`slither: ${report.error}`);
  const detected = report.results.detectors ?? [];
  return new Map(detected.map((one) => [`${one.check} | ${place(one.elements[0])}`, one.description.split("\n")[0]]));
}

function place(element) {
  const names = [];
  for (let at = element; at !== undefined; at = at.type_specific_fields?.parent) names.unshift(at.name);
  return names.join(".");
}

/** The functions by which anything of a deployed contract changes. */
function gates(root, out) {
  return DEPLOYED.flatMap((name) => {
    const { abi } = JSON.parse(fs.readFileSync(path.join(root, out, `${name}.sol`, `${name}.json`), "utf8"));
    const open = abi.filter(({ type, stateMutability }) => type !== "constructor" && /payable$/.test(stateMutability));
    return [...new Set(open.map((one) => `${name} | ${one.name ?? one.type}`))].sort();
  });
}

/** The first two cells of a table's rows. */
function answers(table) {
  const lines = fs.readFileSync(path.join(here, table), "utf8").split("\n");
  const rows = lines.filter((line) => line.startsWith("| `")).map((line) => line.split("|").map((cell) => cell.trim()));
  const bare = (cell) => cell.replaceAll("`", "");
  return new Set(rows.map(([, first, second]) => `${bare(first)} | ${bare(second)}`));
}

/** Runs a tool on the contracts at `root` and returns what it says. */
function run(root, tool, args, { allowed = [0] } = {}) {
  const env = environment("test", OUT);
  env.PATH = `${venv}${path.delimiter}${env.PATH}`;
  const done = spawnSync(tool, args, { cwd: root, env, encoding: "utf8", maxBuffer: 1 << 28 });
  if (!allowed.includes(done.status)) fail(`${tool} ended with ${done.status}\n${done.stdout}\n${done.stderr}`);
  return done.stdout;
}
