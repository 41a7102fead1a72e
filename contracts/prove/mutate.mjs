#!/usr/bin/env node
// Breaks the verifying and accounting code in small ways, one at a time, and runs the tests on each: what no test
// notices is printed. Resumes where it stopped: what ran is in target/prove, until the code changes; what survived
// runs again, for there may be a test now. `--only <regex>` picks mutants by `file:line:operator`, `--shard i/n` every
// n-th (shards may run side by side), `--list` runs none.
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { Copy, contracts, fail, option, test, work } from "./lib.mjs";

/** The code, and the functions of it whose mutants count; all of them where none are named. */
const SCOPE = [
  ["src/libraries/Quorum.sol"],
  ["src/libraries/RelayerSets.sol"],
  ["src/libraries/LaneHead.sol"],
  ["src/libraries/Attested.sol"],
  ["src/libraries/TransferLimits.sol"],
  ["src/libraries/LaneUnits.sol"],
  ["src/types/Types.sol"],
  ["src/Bridge.sol", /^(link|_link|deliver|_deliver|_hashForward|_require\w+|_handOver|_park|_tryPay|_reasonOf)$/],
  ["src/Bridge.sol", /^(releaseParkedTo|_signed|_release|returnParked|_unpark|recoverLane|attest)$/],
  ["src/BridgeAdmin.sol", /^(holdParked|_setHeld|_entry|pause|_requireNotPaused)$/],
  ["src/Vault.sol", /^(onTransferReceived|requestBulk|_request\w*|quote|wouldPass)$/],
  ["src/VaultCustody.sol"],
];
/**
 * What a line becomes. Each operator makes at most one mutant of each place in it. A guard that always reverts, or a
 * condition turned round, is noticed by whatever passes there, and shows less than a condition that never holds.
 */
const OPERATORS = [
  ["<= to <", /<=/g, "<"],
  [">= to >", />=(?!>)/g, ">"],
  ["< to <=", /(?<![<])<(?![<=])/g, "<="],
  ["> to >=", /(?<![>=])>(?![>=])/g, ">="],
  ["== to !=", /(?<!\bif \(.*)==/g, "!="],
  ["!= to ==", /(?<!\bif \(.*)!=/g, "=="],
  ["&& to ||", /&&/g, "||"],
  ["|| to &&", /\|\|/g, "&&"],
  ["+ to -", /(?<=[\w)\]] )\+(?= )/g, "-"],
  ["- to +", /(?<=[\w)\]] )-(?= )/g, "+"],
  ["+= to -=", /\+=/g, "-="],
  ["-= to +=", /-=/g, "+="],
  ["* to /", /(?<=[\w)\]] )\*(?= )/g, "/"],
  ["1 to 2", /(?<=[ (])1(?=[ );,])/g, "2"],
  ["0 to 1", /(?<=[ (])0(?=[ );,])/g, "1"],
  ["condition to false", /(?<=\bif \()((?:[^()]|\([^()]*\))*)(?=\) )/g, "false"],
  ["condition to true", /(?<=\bif \()((?:[^()]|\([^()]*\))*)(?=\) (?!revert))/g, "true"],
  ["statement dropped", /^(?!\s*(return|if|for|\/\/|\}|uint|bytes|bool|address|mapping|emit|using|struct)\b)\s+[\w[(][^{}]*;$/g, ""],
  ["modifier dropped", /\b(nonReentrant|onlyOwner|onlyGuardianOrOwner|onlyVault)\b(?= |$)/g, ""],
];
/** Enough to notice, soon built and soon over. What survives this meets the tests as they are. */
const FAST = {
  without: "test/Gas*.t.sol",
  env: {
    ...{ FOUNDRY_PROFILE: "mutation", FOUNDRY_FUZZ_RUNS: "8" },
    ...{ FOUNDRY_INVARIANT_RUNS: "3", FOUNDRY_INVARIANT_DEPTH: "30" },
  },
};

function main() {
  const [shard, shards] = (option("shard") ?? "0/1").split("/").map(Number);
  const only = new RegExp(option("only") ?? ".");
  const all = mutants();
  const chosen = all.filter(({ id }) => only.test(id)).filter((_, index) => index % shards === shard);
  console.log(`${all.length} mutants, ${chosen.length} of them chosen`);
  if (process.argv.includes("--list")) return chosen.forEach(({ id }) => console.log(id));

  const ledger = ledgerOfThisCode();
  const results = readLedger(ledger);
  const fast = new Runs(`mutation-${shard}`, FAST);
  const whole = new Runs(`mutation-${shard}-whole`, {});
  for (const [index, mutant] of chosen.entries()) {
    if (!/^(killed|does not)/.test(results[mutant.id] ?? "")) {
      let result = fast.run(mutant);
      if (result === "survived") result = whole.run(mutant);
      results[mutant.id] = result;
      // A line is written at once, so that shards do not disturb each other.
      fs.appendFileSync(ledger, `${JSON.stringify([mutant.id, result])}\n`);
    }
    console.log(`${index + 1}/${chosen.length} ${mutant.id}: ${results[mutant.id]}`);
  }
  report(chosen, results);
}

/** Every mutant of the code in scope, in the order of its lines. */
function mutants() {
  const found = SCOPE.flatMap(([file, functions]) => {
    let within = "";
    let comment = false;
    return fs
      .readFileSync(path.join(contracts, file), "utf8")
      .split("\n")
      .flatMap((line, index) => {
        within = /^(?: {4})?function (\w+)/.exec(line)?.[1] ?? (/^(?: {4})?\}/.test(line) ? "" : within);
        comment = /^\s*(\/\/|\/?\*)/.test(line);
        if (comment || within === "" || (functions && !functions.test(within))) return [];
        return ofLine(file, index, line);
      });
  });
  return [...new Map(found.map((mutant) => [mutant.id, mutant])).values()];
}

function ofLine(file, index, line) {
  return OPERATORS.flatMap(([operator, pattern, becomes]) =>
    [...line.matchAll(pattern)].map((match, place) => ({
      id: `${file}:${index + 1}:${operator}${place > 0 ? ` (${place + 1})` : ""}`,
      ...{ file, index, line: line.slice(0, match.index) + becomes + line.slice(match.index + match[0].length) },
    })),
  );
}

/** Runs of the tests on one mutant after the other, built and run in one way. */
class Runs {
  constructor(name, how) {
    this.copy = new Copy(name);
    this.how = how;
  }

  run({ file, index, line }) {
    this.skipped ??= this.failingOnTheCodeAsItIs();
    const at = path.join(this.copy.reset().root, file);
    const lines = fs.readFileSync(at, "utf8").split("\n");
    lines[index] = line;
    fs.writeFileSync(at, lines.join("\n"));
    const skip = this.skipped.length > 0 ? ["--no-match-test", `^(${this.skipped.join("|")})\\(`] : [];
    const { built, failed } = test(this.copy.root, { args: ["--fail-fast", ...skip], ...this.how });
    if (!built) return "does not build";
    return failed.length > 0 ? `killed by ${failed[0].name}` : "survived";
  }

  /** Nothing fails as the contracts are deployed. Built in haste they cost more gas, which a test may notice. */
  failingOnTheCodeAsItIs() {
    const { built, failed, log } = test(this.copy.reset().root, this.how);
    const names = failed.map(({ name }) => name.replace(/\(.*$/, ""));
    if (!built || (this.how !== FAST && names.length > 0)) fail(`without a mutant: ${log ?? names.join(", ")}`);
    if (names.length > 0) console.log(`left to the second look, for their gas: ${names.join(", ")}`);
    return names;
  }
}

/** Where the results on this code are. What ran on other code says nothing of it. */
function ledgerOfThisCode() {
  const files = [...new Set(SCOPE.map(([file]) => file))];
  const code = createHash("sha256");
  for (const file of files) code.update(fs.readFileSync(path.join(contracts, file)));
  fs.mkdirSync(work, { recursive: true });
  return path.join(work, `mutation-${code.digest("hex").slice(0, 16)}.ndjson`);
}

function readLedger(at) {
  if (!fs.existsSync(at)) return {};
  const lines = fs.readFileSync(at, "utf8").split("\n").filter((line) => line !== "");
  return Object.fromEntries(lines.map((line) => JSON.parse(line)));
}

function report(chosen, results) {
  const of = (what) => chosen.filter(({ id }) => results[id].startsWith(what));
  const survivors = of("survived");
  for (const { id, line } of survivors) console.log(`survived  ${id}\n          ${line.trim()}`);
  console.log(`${of("killed").length} killed, ${survivors.length} survived, ${of("does not").length} do not build`);
}

main();
