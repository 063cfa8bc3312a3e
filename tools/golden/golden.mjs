// Writes the golden file of the content-safety model: for each photograph the class probabilities that
// nsfwjs itself computes, in the wasm backend of tfjs, from the very pixels that our decoder sees.
//
//   go test ./compute/engine -run TestGolden -dump "$PWD/pixels"
//   npm ci --prefix tools/golden --ignore-scripts
//   node tools/golden/golden.mjs pixels compute/engine/testdata/golden.json
//
// The folder holds NAME.rgb files: width and height as little-endian u32, then three bytes a pixel. The
// package's own class NSFWJS does the rest: scaling to 224×224, division by 255 and the network. Nothing
// is fetched at run time.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const [pixels, out] = process.argv.slice(2);
if (!pixels || !out) {
  console.error('usage: node golden.mjs PIXELS_FOLDER OUT.json');
  process.exit(2);
}

const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');
const { load } = require('nsfwjs');
const versionOf = (name) => JSON.parse(fs.readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version;

wasm.setWasmPaths(path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm')) + '/');
await tf.setBackend('wasm');
await tf.ready();
const model = await load('MobileNetV2');

const photos = {};
for (const file of fs.readdirSync(pixels).filter((f) => f.endsWith('.rgb')).sort()) {
  const raw = fs.readFileSync(path.join(pixels, file));
  const [width, height] = [raw.readUInt32LE(0), raw.readUInt32LE(4)];
  const image = tf.tensor3d(new Int32Array(raw.subarray(8)), [height, width, 3], 'int32');
  const classes = await model.classify(image, 5);
  image.dispose();
  classes.sort((a, b) => (a.className < b.className ? -1 : 1));
  photos[file.replace(/\.rgb$/, '')] = Object.fromEntries(classes.map((c) => [c.className, c.probability]));
}
const versions = Object.fromEntries(['nsfwjs', '@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm'].map((n) => [n, versionOf(n)]));
fs.writeFileSync(out, JSON.stringify({ backend: tf.getBackend(), versions, photos }, null, 2) + '\n');
console.log(`${Object.keys(photos).length} photographs, backend ${tf.getBackend()}`);
