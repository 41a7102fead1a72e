#!/usr/bin/env node
// Runs slither on src/ and compares its findings with those that slither.md answers: a new one fails, and so does an
// answer to one that is gone.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const contracts = path.dirname(here);
const repository = path.dirname(contracts);
const venv = path.join(repository, "target", "prove-venv", "bin");
// Of its own: slither reads every build-info there is, and takes those of other builds amiss.
const OUT = "../target/prove/slither-out";

main();

function main() {
  fs.rmSync(path.join(contracts, OUT), { recursive: true, force: true });
  run("forge", ["build", "--force", "--build-info", "src"]);
  const found = findings();
  const answered = answers();
  const fresh = [...found.keys()].filter((key) => !answered.has(key));
  const gone = [...answered].filter((key) => !found.has(key));
  for (const key of fresh) console.error(`no answer in slither.md: ${key}\n  ${found.get(key)}`);
  for (const key of gone) console.error(`answered in slither.md and no longer found: ${key}`);
  if (fresh.length > 0 || gone.length > 0) process.exit(1);
  console.log(`slither: ${found.size} findings, each answered`);
}

/** What it says, by detector and place. A place is named without lines, so that it outlives edits above it. */
function findings() {
  const args = [".", "--ignore-compile", "--foundry-out-directory", OUT, "--filter-paths", "node_modules"];
  const text = run("slither", [...args, "--json", "-"], { allowed: [0, 255] });
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

/** The rows of slither.md: | detector | place | answer |. */
function answers() {
  const lines = fs.readFileSync(path.join(here, "slither.md"), "utf8").split("\n");
  const rows = lines.filter((line) => line.startsWith("| `")).map((line) => line.split("|").map((cell) => cell.trim()));
  const bare = (cell) => cell.replaceAll("`", "");
  return new Set(rows.map(([, detector, at]) => `${bare(detector)} | ${bare(at)}`));
}

/** Runs a tool on the contracts and returns what it says. No FOUNDRY_* of the caller's. */
function run(tool, args, { allowed = [0] } = {}) {
  const own = Object.entries(process.env).filter(([key]) => !/^(FOUNDRY|DAPP)_/.test(key));
  const env = {
    ...Object.fromEntries(own),
    PATH: [venv, path.join(repository, "node_modules", ".bin"), process.env.PATH].join(path.delimiter),
    FOUNDRY_OUT: OUT,
    FOUNDRY_CACHE_PATH: "../target/prove/slither-cache",
  };
  const done = spawnSync(tool, args, { cwd: contracts, env, encoding: "utf8", maxBuffer: 1 << 28 });
  if (!allowed.includes(done.status)) fail(`${tool} ended with ${done.status}\n${done.stdout}\n${done.stderr}`);
  return done.stdout;
}

function fail(reason) {
  console.error(reason);
  process.exit(1);
}
