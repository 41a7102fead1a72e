#!/usr/bin/env node
// Proves the properties in symbolic/ on the contracts' bytecode and prints what held. With --mutants, each property is
// also shown to fail on its mutant of the contracts: mutants/<property>.patch. `--only <regex>` picks properties.
import fs from "node:fs";
import path from "node:path";
import { Copy, contracts, fail, findProperties, here, option, prove, work } from "./lib.mjs";

main();

function main() {
  const only = new RegExp(option("only") ?? ".");
  const properties = findProperties().filter(({ name }) => only.test(name));
  if (properties.length === 0) fail("no such property");
  requirePatches(properties);
  // The prover takes whatever artifacts lie there, those of an older build too.
  for (const left of ["out", "out-cache", "mutant"]) fs.rmSync(path.join(work, left), { recursive: true, force: true });
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

function requirePatches(properties) {
  const without = properties.filter(({ name }) => !fs.existsSync(patchOf(name)));
  if (without.length > 0) fail(`no mutant for ${without.map(({ name }) => name).join(", ")}`);
}

function patchOf(name) {
  return path.join(here, "mutants", `${name}.patch`);
}

/** Each property on its mutant. Mutants of one file follow each other, so that its neighbours are built once. */
function proveMutants(properties) {
  const copy = new Copy("mutant");
  const sorted = properties.map((property) => ({ property, file: mutated(property) }));
  sorted.sort((a, b) => a.file.localeCompare(b.file));
  const caught = new Map();
  for (const [index, { property }] of sorted.entries()) {
    copy.reset().plant(patchOf(property.name));
    const result = prove(copy.root, [property], { first: true }).get(property.name) ?? { verdict: "not found" };
    caught.set(property.name, result);
    console.log(`mutant ${index + 1}/${properties.length} ${property.name}: property ${result.verdict}`);
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
