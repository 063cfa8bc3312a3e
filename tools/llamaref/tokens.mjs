// Prints, as JSON, the tokens that llama.cpp makes of each text of a list. Called by main.go:
//
//   node tokens.mjs MODEL TEXTS.json
import fs from 'node:fs';
import { getLlama, LlamaLogLevel } from 'node-llama-cpp';

const [modelPath, textsPath] = process.argv.slice(2);
const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, logLevel: LlamaLogLevel.error, progressLogs: false });
const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
const tokens = JSON.parse(fs.readFileSync(textsPath)).map((t) => model.tokenize(t, false));
process.stdout.write(JSON.stringify(tokens), () => process.exit(0)); // a pipe takes long output bit by bit
