#!/usr/bin/env node
// The solc executable that foundry.toml names: answers `--version` and `--standard-json`, nothing else.
import fs from "node:fs";
import { createRequire } from "node:module";

const solc = createRequire(import.meta.url)("solc");

// A pipe takes 64 KiB at a time and may answer EAGAIN: write until everything is out.
function write(text) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += fs.writeSync(1, bytes, at);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

if (process.argv.includes("--version")) {
  write(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}\n`);
} else if (process.argv.includes("--standard-json")) {
  write(solc.compile(fs.readFileSync(0, "utf8")));
} else {
  process.stderr.write("solc.mjs: expected --version or --standard-json\n");
  process.exit(2);
}
