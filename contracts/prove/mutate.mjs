#!/usr/bin/env node
// Breaks the verifying and accounting code in small ways, one at a time, and runs the tests on each: what no test
// notices is printed. Resumes where it stopped: what ran is in target/prove/mutation.json, until the code changes.
// `--only <regex>` picks mutants by `file:line:operator`, `--shard i/n` every n-th, `--list` runs none, `--fresh` forgets.
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { Copy, contracts, fail, option, test, work } from "./lib.mjs";

/** The code, and the functions of it whose mutants count; all of them where none are named. */
const SCOPE = [
  ["src/libraries/RelayerSets.sol"],
  ["src/libraries/LaneHead.sol"],
  ["src/libraries/Attested.sol"],
  ["src/libraries/TransferLimits.sol"],
  ["src/Bridge.sol", /^(link|_link|deliver|_deliver|_hashForward|_require\w+|_handOver|_park|_tryPay|_reasonOf)$/],
  ["src/Bridge.sol", /^(releaseParkedTo|_signed|_release|returnParked|_unpark|holdParked|_setHeld|_entry|recoverLane)$/],
  ["src/Vault.sol", /^(onTransferReceived|requestBulk|_request\w*)$/],
  ["src/VaultCustody.sol"],
];
/** What a line becomes. Each operator makes at most one mutant of each place in it. */
const OPERATORS = [
  ["<= to <", /<=/g, "<"],
  [">= to >", />=(?!>)/g, ">"],
  ["< to <=", /(?<![<])<(?![<=])/g, "<="],
  ["> to >=", /(?<![>=])>(?![>=])/g, ">="],
  ["== to !=", /==/g, "!="],
  ["!= to ==", /!=/g, "=="],
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
  ["condition to true", /(?<=\bif \()((?:[^()]|\([^()]*\))*)(?=\) )/g, "true"],
  ["statement dropped", /^(?!\s*(return|if|for|\/\/|\}|uint|bytes|bool|address|mapping|emit|using|struct)\b)\s+[\w[(][^{}]*;$/g, ""],
  ["modifier dropped", /\b(nonReentrant|onlyOwner|onlyGuardianOrOwner|onlyVault)\b(?= |$)/g, ""],
];
/** Enough to notice, and soon over. */
const FAST = { FOUNDRY_FUZZ_RUNS: "8", FOUNDRY_INVARIANT_RUNS: "3", FOUNDRY_INVARIANT_DEPTH: "30" };
const LEDGER = path.join(work, "mutation.json");

main();

function main() {
  const [shard, shards] = (option("shard") ?? "0/1").split("/").map(Number);
  const only = new RegExp(option("only") ?? ".");
  const all = mutants();
  const chosen = all.filter(({ id }) => only.test(id)).filter((_, index) => index % shards === shard);
  console.log(`${all.length} mutants, ${chosen.length} of them chosen`);
  if (process.argv.includes("--list")) return chosen.forEach(({ id }) => console.log(id));

  const ledger = readLedger();
  const copy = new Copy("mutation");
  const intact = test(copy.reset().root, { env: FAST });
  if (!intact.built || intact.failed.length > 0) {
    fail(`without a mutant: ${intact.log ?? intact.failed.map(({ name }) => name).join(", ")}`);
  }
  for (const [index, mutant] of chosen.entries()) {
    if (ledger.results[mutant.id] === undefined) {
      ledger.results[mutant.id] = run(copy, mutant);
      fs.writeFileSync(LEDGER, JSON.stringify(ledger, null, 1));
    }
    console.log(`${index + 1}/${chosen.length} ${mutant.id}: ${ledger.results[mutant.id]}`);
  }
  report(chosen, ledger.results);
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
        within = /^ {4}function (\w+)/.exec(line)?.[1] ?? (/^ {4}\}/.test(line) ? "" : within);
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

function run(copy, { file, index, line }) {
  const at = path.join(copy.reset().root, file);
  const lines = fs.readFileSync(at, "utf8").split("\n");
  lines[index] = line;
  fs.writeFileSync(at, lines.join("\n"));
  const { built, failed } = test(copy.root, { args: ["--fail-fast"], env: FAST });
  if (!built) return "does not build";
  return failed.length > 0 ? `killed by ${failed[0].name}` : "survived";
}

/** What ran on this code. What ran on other code says nothing of it. */
function readLedger() {
  const files = [...new Set(SCOPE.map(([file]) => file))];
  const code = createHash("sha256");
  for (const file of files) code.update(fs.readFileSync(path.join(contracts, file)));
  const digest = code.digest("hex");
  if (fs.existsSync(LEDGER) && !process.argv.includes("--fresh")) {
    const known = JSON.parse(fs.readFileSync(LEDGER, "utf8"));
    if (known.code === digest) return known;
  }
  fs.mkdirSync(work, { recursive: true });
  return { code: digest, results: {} };
}

function report(chosen, results) {
  const of = (what) => chosen.filter(({ id }) => results[id].startsWith(what));
  const survivors = of("survived");
  for (const { id, line } of survivors) console.log(`survived  ${id}\n          ${line.trim()}`);
  console.log(`${of("killed").length} killed, ${survivors.length} survived, ${of("does not").length} do not build`);
}
