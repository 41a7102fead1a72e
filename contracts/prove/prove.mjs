#!/usr/bin/env node
// Proves the properties in symbolic/ on the bridge's bytecode and prints what held. With --mutants, each property is
// also shown to fail on its mutant of the contracts: mutants/<property>.patch. `--only <regex>` picks properties.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const contracts = path.dirname(here);
const repository = path.dirname(contracts);
const work = path.join(repository, "target", "prove");
const halmosBin = path.join(repository, "target", "prove-venv", "bin", "halmos");
const nodeModules = fs.realpathSync(path.join(repository, "node_modules"));

// Where SymbolicBridge.sol looks for the bridge's bytecode, seen from the contracts that are proven.
const OUT = "../target/prove/out";
// More rounds than any loop makes here. A loop cut short would leave a part of the input unproven: it is a failure.
const LOOP_MAX = 70;
const ASSERTION_TIMEOUT = "300s";
// One property, with its build. The slowest takes about a minute.
const TIMEOUT_MS = 20 * 60 * 1000;
// halmos's verdicts by its exit codes; anything else is neither a proof nor a counterexample.
const VERDICTS = ["holds", "fails", "times out", "gets stuck", "never ends well", "breaks the prover"];

const only = process.argv.includes("--only") ? new RegExp(process.argv[process.argv.indexOf("--only") + 1]) : /./;

main();

function main() {
  const properties = findProperties().filter(({ name }) => only.test(name));
  if (properties.length === 0) fail("no such property");
  if (!fs.existsSync(halmosBin)) fail("halmos is not installed: `make target/prove-venv/.installed`");
  requirePatches(properties);
  // The prover takes whatever artifacts lie there, those of an older build too.
  for (const left of ["out", "cache", "mutant"]) fs.rmSync(path.join(work, left), { recursive: true, force: true });
  fs.mkdirSync(work, { recursive: true });

  const proven = prove(contracts, properties);
  const caught = process.argv.includes("--mutants") ? proveMutants(properties) : new Map();
  printTable(properties, proven, caught);

  const broken = properties.filter(({ name }) => proven.get(name)?.verdict !== "holds");
  const missed = properties.filter(({ name }) => caught.size > 0 && caught.get(name)?.verdict !== "fails");
  console.log(`${properties.length - broken.length} of ${properties.length} properties hold`);
  if (caught.size > 0) console.log(`${properties.length - missed.length} of ${properties.length} mutants are caught`);
  if (broken.length > 0 || missed.length > 0) process.exit(1);
}

/** Every check_ function, with the contract it stands in. */
function findProperties() {
  const folder = path.join(here, "symbolic");
  const files = fs.readdirSync(folder).filter((file) => file.endsWith(".t.sol"));
  return files.sort().flatMap((file) => {
    const source = fs.readFileSync(path.join(folder, file), "utf8");
    return [...source.matchAll(/function check_(\w+)/g)].map(([, name]) => ({ name, file }));
  });
}

function requirePatches(properties) {
  const without = properties.filter(({ name }) => !fs.existsSync(patchOf(name)));
  if (without.length > 0) fail(`no mutant for ${without.map(({ name }) => name).join(", ")}`);
}

function patchOf(name) {
  return path.join(here, "mutants", `${name}.patch`);
}

/** Runs the prover on the contracts at `root`; verdict, seconds and paths by property. */
function prove(root, properties) {
  const report = path.join(work, "halmos.json");
  fs.rmSync(report, { force: true });
  const names = properties.map(({ name }) => name).join("|");
  const files = [...new Set(properties.map(({ file }) => file.replace(".t.sol", "Proofs")))].join("|");
  const done = spawnSync(
    halmosBin,
    [
      ...["--root", root, "--forge-build-out", OUT, "--match-contract", `^(${files})$`],
      ...["--match-test", `^check_(${names})\\(`, "--loop", String(LOOP_MAX)],
      // Exact: a branch that cannot be taken is never walked.
      ...["--solver-timeout-branching", "0", "--solver-timeout-assertion", ASSERTION_TIMEOUT],
      ...["--json-output", report, "--no-status"],
    ],
    { cwd: root, env: environment(), encoding: "utf8", timeout: TIMEOUT_MS, maxBuffer: 1 << 28 },
  );
  const log = `${done.stdout}\n${done.stderr}`;
  fs.writeFileSync(path.join(work, "halmos.log"), log);
  const results = fs.existsSync(report)
    ? Object.values(JSON.parse(fs.readFileSync(report, "utf8")).test_results).flat()
    : [];
  // No verdict at all is no verdict on the contracts: the build or the prover is at fault.
  if (results.length < properties.length) {
    fail(`the prover ran ${results.length} of ${properties.length} properties\n${log.split("\n").slice(-30).join("\n")}`);
  }
  return new Map(results.map((result) => [result.name.replace(/^check_|\(.*$/g, ""), judge(result)]));
}

function judge({ exitcode, time, num_paths, num_bounded_loops }) {
  const cut = exitcode === 0 && num_bounded_loops !== 0;
  const seconds = Array.isArray(time) ? time[0] : time;
  return { verdict: cut ? "cuts a loop short" : (VERDICTS[exitcode] ?? "unknown"), seconds, paths: num_paths?.[0] };
}

/** No FOUNDRY_* of the caller's, and forge from the packages: everything is built from what is checked in. */
function environment() {
  const own = Object.entries(process.env).filter(([key]) => !/^(FOUNDRY|DAPP)_/.test(key));
  return {
    ...Object.fromEntries(own),
    PATH: `${path.join(nodeModules, ".bin")}${path.delimiter}${process.env.PATH}`,
    FOUNDRY_OUT: OUT,
    FOUNDRY_CACHE_PATH: "../target/prove/cache",
    FOUNDRY_TEST: "prove/symbolic",
    FOUNDRY_LINT_LINT_ON_BUILD: "false",
  };
}

/** Each property on its mutant, in one copy of the contracts whose builds feed on each other. */
function proveMutants(properties) {
  const copy = path.join(work, "mutant");
  const root = path.join(copy, "contracts");
  fs.mkdirSync(root, { recursive: true });
  link(nodeModules, path.join(copy, "node_modules"));
  link("../node_modules", path.join(root, "node_modules"));
  const caught = new Map();
  for (const [index, property] of properties.entries()) {
    for (const part of ["src", "test", "prove", "script", "foundry.toml"]) {
      fs.rmSync(path.join(root, part), { recursive: true, force: true });
      fs.cpSync(path.join(contracts, part), path.join(root, part), { recursive: true });
    }
    const patched = spawnSync("patch", ["-p1", "--fuzz=0", "-i", patchOf(property.name)], { cwd: root });
    if (patched.status !== 0) fail(`mutants/${property.name}.patch does not apply:\n${patched.stdout}`);
    const result = prove(root, [property]).get(property.name) ?? { verdict: "not found" };
    caught.set(property.name, result);
    console.log(`mutant ${index + 1}/${properties.length} ${property.name}: property ${result.verdict}`);
  }
  return caught;
}

function link(target, at) {
  fs.rmSync(at, { force: true });
  fs.symlinkSync(target, at);
}

function printTable(properties, proven, caught) {
  const width = Math.max(...properties.map(({ name }) => name.length));
  console.log(`${"property".padEnd(width)}  ${"verdict".padEnd(17)}  seconds  paths  mutant`);
  for (const { name } of properties) {
    const { verdict = "not found", seconds = 0, paths = 0 } = proven.get(name) ?? {};
    const mutant = caught.has(name) ? (caught.get(name).verdict === "fails" ? "caught" : "MISSED") : "–";
    const figures = `${(seconds ?? 0).toFixed(1).padStart(7)}  ${String(paths ?? "").padStart(5)}`;
    console.log(`${name.padEnd(width)}  ${verdict.padEnd(17)}  ${figures}  ${mutant}`);
  }
}

function fail(reason) {
  console.error(reason);
  process.exit(1);
}
