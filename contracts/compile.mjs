// Compiles every Solidity file of this folder with the compiler that package-lock.json names, and writes
// build/NAME.json with abi, bytecode and deployedBytecode for each contract in it. The results are part of
// the repository, so that building and testing the node needs no compiler.
//
//   npm ci --ignore-scripts && node compile.mjs           writes what has changed
//   npm ci --ignore-scripts && node compile.mjs --check   writes nothing; exit 1 if build/ is not up to date

import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const root = dirname(fileURLToPath(import.meta.url));
const out = join(root, "build");
const check = process.argv.includes("--check");

// The metadata hash is left out of the code: it would change with every comment.
const settings = {
  evmVersion: "osaka",
  optimizer: { enabled: true, runs: 200 },
  metadata: { appendCBOR: false, bytecodeHash: "none" },
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
};

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return ["node_modules", "build"].includes(entry.name) ? [] : sources(path);
    return entry.name.endsWith(".sol") ? [path] : [];
  });
}

// resolve finds what a file imports: other files of this folder, and packages.
function resolve(path) {
  for (const base of [root, join(root, "node_modules")]) {
    const file = join(base, path);
    if (existsSync(file)) return { contents: readFileSync(file, "utf8") };
  }
  return { error: `${path}: not in contracts/ nor in node_modules/` };
}

function compile() {
  const own = Object.fromEntries(sources(root).sort().map((path) => [relative(root, path), { content: readFileSync(path, "utf8") }]));
  const input = { language: "Solidity", sources: own, settings };
  const answer = JSON.parse(solc.compile(JSON.stringify(input), { import: resolve }));
  const errors = (answer.errors ?? []).filter((e) => e.severity === "error");
  for (const e of answer.errors ?? []) console.error(e.formattedMessage);
  if (errors.length > 0) process.exit(1);
  const built = new Map();
  for (const path of Object.keys(own)) {
    for (const [name, c] of Object.entries(answer.contracts[path] ?? {})) {
      if (built.has(name)) throw new Error(`${path}: there is a second contract ${name}`);
      const { bytecode, deployedBytecode } = c.evm;
      const json = { source: path, abi: c.abi, bytecode: "0x" + bytecode.object, deployedBytecode: "0x" + deployedBytecode.object };
      built.set(name, JSON.stringify(json, null, 1) + "\n");
    }
  }
  return built;
}

const built = compile();
mkdirSync(out, { recursive: true });
let stale = 0;
for (const [name, text] of built) {
  const file = join(out, name + ".json");
  if (existsSync(file) && readFileSync(file, "utf8") === text) continue;
  stale++;
  if (check) console.error(`build/${name}.json is not what ${JSON.parse(text).source} compiles to`);
  else writeFileSync(file, text);
}
for (const file of readdirSync(out)) {
  if (built.has(file.replace(/\.json$/, ""))) continue;
  stale++;
  if (check) console.error(`build/${file} has no source`);
  else rmSync(join(out, file));
}
console.log(`${built.size} contracts, ${stale} ${check ? "stale: run node compile.mjs" : "written"}`);
process.exit(check && stale > 0 ? 1 : 0);
