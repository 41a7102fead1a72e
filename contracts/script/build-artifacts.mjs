#!/usr/bin/env node
// Writes contracts/artifacts/*.json (what Rust deploys and binds to) from a forge build.
// With --check it writes nothing and fails when the checked-in files differ.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const contracts = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const artifacts = path.join(contracts, "artifacts");
const names = [
  ...["Bridge", "Vault", "BridgeToken", "BridgeNFT", "BridgeMultiToken", "Timelock"],
  ...["TestToken", "TestNFT", "TestMultiToken", "RequestBatcher", "Refuser", "HandoverLog"],
];
const check = process.argv.includes("--check");

// The forge that npm brought, or the one on the path.
const local = path.join(contracts, "..", "node_modules", ".bin", "forge");
const forge = fs.existsSync(local) ? local : "forge";

// No FOUNDRY_* of the caller's may change what is built.
const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !/^(FOUNDRY|DAPP)_/.test(key)));
execFileSync(forge, ["build", "src", "test/support"], { cwd: contracts, env, stdio: ["ignore", 2, 2] });

const stale = [];
fs.mkdirSync(artifacts, { recursive: true });
for (const name of names) {
  const built = JSON.parse(fs.readFileSync(path.join(contracts, "out", `${name}.sol`, `${name}.json`), "utf8"));
  const { compiler, settings } = built.metadata;
  const artifact = {
    contractName: name,
    compiler: compiler.version,
    settings: {
      evmVersion: settings.evmVersion,
      optimizer: settings.optimizer,
      viaIR: settings.viaIR ?? false,
    },
    abi: built.abi,
    bytecode: built.bytecode.object,
  };
  const text = `${JSON.stringify(artifact, null, 2)}\n`;
  const file = path.join(artifacts, `${name}.json`);
  if (fs.existsSync(file) && fs.readFileSync(file, "utf8") === text) continue;
  stale.push(`${name}.json`);
  if (!check) fs.writeFileSync(file, text);
}

if (check && stale.length > 0) {
  console.error(`out of date: ${stale.join(", ")}; run node contracts/script/build-artifacts.mjs`);
  process.exit(1);
}
console.log(stale.length === 0 ? "artifacts are up to date" : `wrote ${stale.join(", ")}`);
