// Measures ONNX Runtime on the models and inputs that TestAgainstONNXRuntime of compute/plan hands over, and
// prints one line of JSON: for each case and number of threads, the quickest and the median run and the
// processor time of a run, in milliseconds, and the most memory that the process has held so far, in MiB.
//
//   node bench.mjs FOLDER [SECONDS]
//
// The folder holds CASE.onnx and CASE.json: [{name, type, shape, data}], data being base64 of the elements.
// Nothing is fetched at run time.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const ort = createRequire(import.meta.url)('onnxruntime-node');
const [folder, seconds = '2'] = process.argv.slice(2);
if (!folder) {
  console.error('usage: node bench.mjs FOLDER [SECONDS]');
  process.exit(2);
}

const arrays = { float32: Float32Array, int64: BigInt64Array, bool: Uint8Array, int32: Int32Array, uint8: Uint8Array, int8: Int8Array };

function readInputs(file) {
  const feeds = {};
  for (const { name, type, shape, data } of JSON.parse(fs.readFileSync(file))) {
    const raw = Buffer.from(data, 'base64');
    const bytes = raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length);
    feeds[name] = new ort.Tensor(type, new arrays[type](bytes), shape);
  }
  return feeds;
}

// The most memory held so far; that of getrusage counts what the parent held, too.
function peak() {
  return Number(/VmHWM:\s*(\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]) / 1024;
}

async function measure(file, feeds, threads) {
  const session = await ort.InferenceSession.create(file, { intraOpNumThreads: threads, interOpNumThreads: 1 });
  await session.run(feeds);
  await session.run(feeds);
  const times = [];
  const cpu = process.cpuUsage();
  const end = performance.now() + 1000 * Number(seconds);
  while (times.length < 5 || performance.now() < end) {
    const start = performance.now();
    await session.run(feeds);
    times.push(performance.now() - start);
  }
  const used = process.cpuUsage(cpu);
  times.sort((a, b) => a - b);
  await session.release();
  return { best: times[0], median: times[times.length >> 1], cpu: (used.user + used.system) / 1000 / times.length, rss: peak() };
}

const result = {};
for (const file of fs.readdirSync(folder).filter((f) => f.endsWith('.onnx')).sort()) {
  const name = file.replace(/\.onnx$/, '');
  const feeds = readInputs(path.join(folder, `${name}.json`));
  result[name] = {};
  for (const threads of [1, 2]) {
    result[name][threads] = await measure(path.join(folder, file), feeds, threads);
  }
}
console.log(JSON.stringify(result));
