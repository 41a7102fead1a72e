#!/usr/bin/env node
// Proves the properties in symbolic/ on the contracts' bytecode and prints what held. With --mutants, each property is
// also shown to fail on its mutant of the contracts: mutants/<property>.patch. `--only <regex>` picks properties.
// Resumes where it stopped: what ran as it should is in target/prove, until the contracts, the properties or the patch
// change.
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { Copy, contracts, fail, findProperties, here, option, prove, work } from "./lib.mjs";

function main() {
  const only = new RegExp(option("only") ?? ".");
  const properties = findProperties().filter(({ name }) => only.test(name));
  if (properties.length === 0) fail("no such property");
  requirePatches(properties);
  // The prover takes whatever artifacts lie there, those of an older build too.
  for (const left of ["out", "out-cache", "mutant"]) fs.rmSync(path.join(work, left), { recursive: true, force: true });
  fs.mkdirSync(work, { recursive: true });

  const ledger = new Ledger();
  const proven = proveByFile(properties, ledger);
  const caught = process.argv.includes("--mutants") ? proveMutants(properties, ledger) : new Map();
  printTable(properties, proven, caught);

  const broken = properties.filter(({ name }) => proven.get(name)?.verdict !== "holds");
  const missed = properties.filter(({ name }) => caught.size > 0 && caught.get(name)?.verdict !== "fails");
  console.log(`${properties.length - broken.length} of ${properties.length} properties hold`);
  if (caught.size > 0) console.log(`${properties.length - missed.length} of ${properties.length} mutants are caught`);
  if (broken.length > 0 || missed.length > 0) process.exit(1);
}

function requirePatches(properties) {
  const without = properties.filter(({ name }) => !fs.existsSync(patchOf(name)));
  if (without.length > 0) fail(`no mutant for ${without.map(({ name }) => name).join(", ")}`);
}

function patchOf(name) {
  return path.join(here, "mutants", `${name}.patch`);
}

/** What ran, by everything that it ran on. */
class Ledger {
  constructor() {
    this.at = path.join(work, "proofs.ndjson");
    this.base = createHash("sha256");
    for (const file of [...filesOf("src"), ...filesOf("prove/symbolic"), ...filesOf("test/support"), "prove/lib.mjs"]) {
      this.base.update(file).update(fs.readFileSync(path.join(contracts, file)));
    }
    const lines = fs.existsSync(this.at) ? fs.readFileSync(this.at, "utf8").split("\n").filter((line) => line !== "") : [];
    this.known = new Map(lines.map((line) => JSON.parse(line)));
  }

  key(name, patch = "") {
    return this.base.copy().update(name).update(patch).digest("hex").slice(0, 32);
  }

  get(key) {
    return this.known.get(key);
  }

  add(key, result) {
    this.known.set(key, result);
    fs.appendFileSync(this.at, `${JSON.stringify([key, result])}\n`);
  }
}

function filesOf(folder) {
  const entries = fs.readdirSync(path.join(contracts, folder), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => path.relative(contracts, path.join(entry.parentPath, entry.name))).sort();
}

/** The properties on the contracts as they are, those of one file at a time. */
function proveByFile(properties, ledger) {
  for (const file of new Set(properties.map((property) => property.file))) {
    const holds = ({ name }) => ledger.get(ledger.key(name))?.verdict === "holds";
    const rest = properties.filter((property) => property.file === file && !holds(property));
    if (rest.length === 0) continue;
    const results = prove(contracts, rest);
    for (const { name } of rest) ledger.add(ledger.key(name), results.get(name) ?? { verdict: "not found" });
    console.log(`${file}: ${rest.map(({ name }) => `${name} ${results.get(name)?.verdict}`).join(", ")}`);
  }
  return new Map(properties.map(({ name }) => [name, ledger.get(ledger.key(name))]));
}

/** Each property on its mutant. Mutants of one file follow each other, so that its neighbours are built once. */
function proveMutants(properties, ledger) {
  const copy = new Copy("mutant");
  const sorted = properties.map((property) => ({ property, file: mutated(property) }));
  sorted.sort((a, b) => a.file.localeCompare(b.file));
  const caught = new Map();
  for (const [index, { property }] of sorted.entries()) {
    const key = ledger.key(property.name, fs.readFileSync(patchOf(property.name)));
    if (ledger.get(key)?.verdict !== "fails") {
      copy.reset().plant(patchOf(property.name));
      ledger.add(key, prove(copy.root, [property], { first: true }).get(property.name) ?? { verdict: "not found" });
    }
    caught.set(property.name, ledger.get(key));
    console.log(`mutant ${index + 1}/${properties.length} ${property.name}: property ${ledger.get(key).verdict}`);
  }
  return caught;
}

/** The first file that a property's patch changes. */
function mutated({ name }) {
  return /^\+\+\+ (.*)$/m.exec(fs.readFileSync(patchOf(name), "utf8"))?.[1] ?? fail(`mutants/${name}.patch is empty`);
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

main();
