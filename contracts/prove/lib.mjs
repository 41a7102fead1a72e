// Shared by the scripts here: the properties, copies of the contracts to plant faults in, and runs of the prover and
// of forge on them.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const here = path.dirname(fileURLToPath(import.meta.url));
export const contracts = path.dirname(here);
export const repository = path.dirname(contracts);
export const work = path.join(repository, "target", "prove");
export const venv = path.join(repository, "target", "prove-venv", "bin");
const nodeModules = fs.realpathSync(path.join(repository, "node_modules"));

// Where SymbolicBridge.sol looks for the bytecode, seen from the contracts that are proven.
const OUT = "../target/prove/out";
/** Where the tests' build of a copy lies, seen from the copy. */
export const TEST_OUT = "../target/test-out";
// More rounds than any loop makes here. A loop cut short would leave a part of the input unproven: it is a failure.
const LOOP_MAX = 70;
const ASSERTION_TIMEOUT = "300s";
// One property, or one run of the tests, with its build. The slowest property takes some minutes.
const TIMEOUT_MS = 20 * 60 * 1000;
// halmos's verdicts by its exit codes; anything else is neither a proof nor a counterexample.
const VERDICTS = ["holds", "fails", "times out", "gets stuck", "never ends well", "breaks the prover"];

/** The value behind `--name` on the command line. */
export function option(name) {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
}

export function fail(reason) {
  console.error(reason);
  process.exit(1);
}

/** Every check_ function, with the file it stands in. */
export function findProperties() {
  const folder = path.join(here, "symbolic");
  const files = fs.readdirSync(folder).filter((file) => file.endsWith(".t.sol"));
  return files.sort().flatMap((file) => {
    const source = fs.readFileSync(path.join(folder, file), "utf8");
    return [...source.matchAll(/function check_(\w+)/g)].map(([, name]) => ({ name, file }));
  });
}

/**
 * Runs the prover on the contracts at `root`; verdict, seconds and paths by property. `first`: the first counterexample
 * will do.
 */
export function prove(root, properties, { first = false } = {}) {
  if (!fs.existsSync(path.join(venv, "halmos"))) fail("halmos is not installed: `make target/prove-venv/.installed`");
  const report = path.join(root, "..", "halmos.json");
  fs.rmSync(report, { force: true });
  const names = properties.map(({ name }) => name).join("|");
  const files = [...new Set(properties.map(({ file }) => file.replace(".t.sol", "Proofs")))].join("|");
  const done = spawnSync(
    path.join(venv, "halmos"),
    [
      ...["--root", root, "--forge-build-out", OUT, "--match-contract", `^(${files})$`],
      ...["--match-test", `^check_(${names})\\(`, "--loop", String(LOOP_MAX)],
      // Exact: a branch that cannot be taken is never walked.
      ...["--solver-timeout-branching", "0", "--solver-timeout-assertion", ASSERTION_TIMEOUT],
      ...["--json-output", report, "--no-status", ...(first ? ["--early-exit"] : [])],
    ],
    {
      ...{ cwd: root, env: environment("prove/symbolic", OUT), encoding: "utf8", maxBuffer: 1 << 28 },
      ...{ timeout: TIMEOUT_MS * properties.length, killSignal: "SIGKILL" },
    },
  );
  const log = `${done.stdout}\n${done.stderr}`;
  const results = fs.existsSync(report)
    ? Object.values(JSON.parse(fs.readFileSync(report, "utf8")).test_results).flat()
    : [];
  fs.rmSync(report, { force: true });
  // No verdict at all is no verdict on the contracts: the build or the prover is at fault.
  if (results.length < properties.length) {
    fail(`the prover ran ${results.length} of ${properties.length} properties\n${tail(log)}`);
  }
  return new Map(results.map((result) => [result.name.replace(/^check_|\(.*$/g, ""), judge(result)]));
}

function judge({ exitcode, time, num_paths, num_bounded_loops }) {
  const cut = exitcode === 0 && num_bounded_loops !== 0;
  const seconds = Array.isArray(time) ? time[0] : time;
  return { verdict: cut ? "cuts a loop short" : (VERDICTS[exitcode] ?? "unknown"), seconds, paths: num_paths?.[0] };
}

/**
 * Runs the forge tests at `root`; what fails, by kind (unit, fuzz, invariant), or how the build broke. Gas figures are
 * left out (`without`): a fault that costs gas would be caught by its price, and not for what it does.
 */
export function test(root, { args = [], env = {}, without = "test/Gas.t.sol" } = {}) {
  const done = spawnSync(
    "forge",
    ["test", "--json", "--no-match-path", without, ...args],
    {
      cwd: root,
      env: { ...environment("test", TEST_OUT), FORGE_SNAPSHOT_CHECK: "false", ...env },
      encoding: "utf8",
      timeout: TIMEOUT_MS,
      maxBuffer: 1 << 28,
    },
  );
  // A fault that never ends is noticed by whoever waits for it.
  if (done.error?.code === "ETIMEDOUT") return { built: true, failed: [{ name: "time", kind: "unit" }], ran: 0 };
  const json = done.stdout.split("\n").find((line) => line.startsWith("{"));
  if (json === undefined) return { built: false, failed: [], ran: 0, log: tail(`${done.stdout}\n${done.stderr}`) };
  const results = Object.entries(JSON.parse(json)).flatMap(([suite, { test_results }]) =>
    Object.entries(test_results).map(([name, result]) => ({ suite: suite.split(":")[1], name, ...result })),
  );
  const failed = results
    .filter(({ status }) => status === "Failure")
    .map(({ suite, name, kind }) => ({ suite, name, kind: Object.keys(kind)[0].toLowerCase() }));
  return { built: true, failed, ran: results.length };
}

/** No FOUNDRY_* of the caller's, and forge from the packages: everything is built from what is checked in. */
export function environment(tests, out) {
  const own = Object.entries(process.env).filter(([key]) => !/^(FOUNDRY|DAPP)_/.test(key));
  return {
    ...Object.fromEntries(own),
    PATH: `${path.join(nodeModules, ".bin")}${path.delimiter}${process.env.PATH}`,
    FOUNDRY_OUT: out,
    FOUNDRY_CACHE_PATH: `${out}-cache`,
    FOUNDRY_TEST: tests,
    FOUNDRY_LINT_LINT_ON_BUILD: "false",
  };
}

/** A copy of the contracts to plant faults in, one after the other; its builds feed on each other. */
export class Copy {
  constructor(name) {
    this.folder = path.join(work, name);
    this.root = path.join(this.folder, "contracts");
    fs.mkdirSync(this.root, { recursive: true });
    link(nodeModules, path.join(this.folder, "node_modules"));
    link("../node_modules", path.join(this.root, "node_modules"));
  }

  /** As the contracts are checked in here, with nothing planted. */
  reset() {
    for (const part of ["src", "test", "prove", "script", "vectors", "snapshots", "foundry.toml"]) {
      fs.rmSync(path.join(this.root, part), { recursive: true, force: true });
      fs.cpSync(path.join(contracts, part), path.join(this.root, part), { recursive: true });
    }
    return this;
  }

  /** Plants the fault of a patch, which must apply to the letter. */
  plant(patch) {
    const done = spawnSync("patch", ["-p1", "--fuzz=0", "-i", patch], { cwd: this.root, encoding: "utf8" });
    if (done.status !== 0) fail(`${path.relative(here, patch)} does not apply:\n${done.stdout}`);
    return this;
  }
}

function link(target, at) {
  fs.rmSync(at, { force: true });
  fs.symlinkSync(target, at);
}

function tail(log) {
  return log.split("\n").slice(-30).join("\n");
}
