// Completes tests in the form of ONNX: for each folder with a model.onnx, runs ONNX Runtime on the inputs of
// every test_data_set_* and writes its outputs beside them. How the models and inputs are made stands in
// compute/conformance/newer_test.go. Nothing is fetched at run time.
//
//   node tools/onnxref/outputs.mjs FOLDER
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const ort = createRequire(import.meta.url)('onnxruntime-node');
const [folder] = process.argv.slice(2);
if (!folder) {
  console.error('usage: node outputs.mjs FOLDER');
  process.exit(2);
}

const kinds = {
  1: ['float32', Float32Array], 2: ['uint8', Uint8Array], 3: ['int8', Int8Array], 6: ['int32', Int32Array],
  7: ['int64', BigInt64Array], 9: ['bool', Uint8Array],
};
const numberOf = (name) => Number(Object.keys(kinds).find((k) => kinds[k][0] === name));

// The fields of a TensorProto that our own writer uses: dims, type, raw data.
function decode(b) {
  let at = 0;
  const varint = () => {
    let v = 0n, shift = 0n;
    for (;;) {
      const c = b[at++];
      v |= BigInt(c & 127) << shift;
      if (c < 128) return Number(v);
      shift += 7n;
    }
  };
  const dims = [];
  let kind = 0, raw = Buffer.alloc(0);
  while (at < b.length) {
    const key = varint();
    if (key === 1 << 3) dims.push(varint());
    else if (key === 2 << 3) kind = varint();
    else {
      const n = varint();
      if (key >> 3 === 9) raw = b.subarray(at, at + n);
      at += n;
    }
  }
  const [name, Type] = kinds[kind];
  const copy = new Uint8Array(raw).buffer;
  return new ort.Tensor(name, new Type(copy), dims);
}

function encode(t) {
  const out = [];
  const varint = (v) => {
    for (; v > 127; v = Math.floor(v / 128)) out.push(v % 128 | 128);
    out.push(v);
  };
  for (const d of t.dims) (out.push(1 << 3), varint(d));
  out.push(2 << 3);
  varint(numberOf(t.type));
  out.push(9 << 3 | 2);
  const raw = Buffer.from(t.data.buffer, t.data.byteOffset, t.data.byteLength);
  varint(raw.length);
  return Buffer.concat([Buffer.from(out), raw]);
}

let refused = 0;
for (const name of fs.readdirSync(folder).sort()) {
  try {
    const session = await ort.InferenceSession.create(path.join(folder, name, 'model.onnx'), { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 });
    const set = path.join(folder, name, 'test_data_set_0');
    const feeds = {};
    session.inputNames.forEach((input, i) => (feeds[input] = decode(fs.readFileSync(path.join(set, `input_${i}.pb`)))));
    const outputs = await session.run(feeds);
    session.outputNames.forEach((output, i) => fs.writeFileSync(path.join(set, `output_${i}.pb`), encode(outputs[output])));
  } catch (e) {
    refused++;
    console.error(`${name}: ${String(e.message).slice(0, 200)}`);
  }
}
process.exit(refused ? 1 : 0);
