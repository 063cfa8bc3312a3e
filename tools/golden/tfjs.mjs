// What the scripts beside it share: tfjs with its wasm backend, nsfwjs and face-api on top of it, from
// node_modules alone.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const versionOf = (name) => JSON.parse(fs.readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version;

export const versions = Object.fromEntries(
  ['nsfwjs', '@vladmandic/face-api', '@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm'].map((n) => [n, versionOf(n)]),
);

export async function start() {
  const tf = require('@tensorflow/tfjs');
  const wasm = require('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm')) + '/');
  await tf.setBackend('wasm');
  await tf.ready();
  const faceapi = require('@vladmandic/face-api/dist/face-api.node-wasm.js');
  const folder = path.resolve(path.dirname(require.resolve('@vladmandic/face-api/dist/face-api.node-wasm.js')), '../model');
  await faceapi.nets.ssdMobilenetv1.loadFromDisk(folder);
  await faceapi.nets.tinyFaceDetector.loadFromDisk(folder);
  await faceapi.nets.faceLandmark68Net.loadFromDisk(folder);
  await faceapi.nets.faceRecognitionNet.loadFromDisk(folder);
  const { load } = require('nsfwjs');
  const loaded = {};
  const safety = async (name, options) => (loaded[name] ??= await load(name, options));
  return { tf, faceapi, safety };
}

export function readPixels(tf, file) {
  const raw = fs.readFileSync(file);
  const [width, height] = [raw.readUInt32LE(0), raw.readUInt32LE(4)];
  return tf.tensor3d(new Int32Array(raw.subarray(8)), [height, width, 3], 'int32');
}
