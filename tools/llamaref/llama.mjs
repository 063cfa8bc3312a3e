// Runs llama.cpp, by node-llama-cpp, on one model. Called by main.go:
//
//   node llama.mjs MODEL THREADS TOKENS.json
//
// TOKENS.json holds {prefill: [...], decode: n}. Prints one line of JSON: processor seconds and wall seconds of a pass
// over the prefill and of decoding n tokens greedily after it, and those tokens. Nothing is fetched at run time.
import fs from 'node:fs';
import { getLlama, LlamaLogLevel } from 'node-llama-cpp';

const [modelPath, threads, tokensPath] = process.argv.slice(2);
const { prefill, decode } = JSON.parse(fs.readFileSync(tokensPath));

const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, maxThreads: Number(threads), logLevel: LlamaLogLevel.error, progressLogs: false });
const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
const context = await model.createContext({ contextSize: prefill.length + decode + 8, batchSize: 512, threads: Number(threads) });
const sequence = context.getSequence();

const cpu = () => { const u = process.cpuUsage(); return (u.user + u.system) / 1e6; };
async function timed(f) {
  const [c, w] = [cpu(), performance.now()];
  const value = await f();
  return { cpu: cpu() - c, wall: (performance.now() - w) / 1000, value };
}

async function greedy(first, n) {
  const out = [];
  for await (const token of sequence.evaluate(first, { temperature: 0, yieldEogToken: true })) {
    out.push(token);
    if (out.length === n) break;
  }
  return out;
}

await greedy(prefill, 2); // pages everything in
await sequence.clearHistory();
const pre = await timed(() => sequence.evaluateWithoutGeneratingNewTokens(prefill.slice(0, -1)));
const dec = await timed(() => greedy(prefill.slice(-1), decode));
console.log(JSON.stringify({ prefill: pre.cpu, prefillWall: pre.wall, decode: dec.cpu, decodeWall: dec.wall, tokens: dec.value }));
process.exit(0);
