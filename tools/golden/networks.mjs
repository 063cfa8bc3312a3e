// Writes the golden file of the networks that compute/tfjs imports: what nsfwjs and face-api themselves
// compute, in the wasm backend of tfjs, from the very pixels that our tests make.
//
//   go test ./compute/tfjs -run TestNetworks -dump "$PWD/pixels"
//   npm ci --prefix tools/golden --ignore-scripts
//   node tools/golden/networks.mjs pixels compute/tfjs/testdata/networks.json
//
// The folder holds PHOTO-NETWORK.rgb files: width and height as little-endian u32, then three bytes a
// pixel, of the size that the network reads, so that nothing is scaled here. Of each output every n-th
// element is kept, 256 at most. Nothing is fetched at run time.
import fs from 'node:fs';
import path from 'node:path';
import { start, readPixels, versions } from './tfjs.mjs';

const [pixels, out] = process.argv.slice(2);
if (!pixels || !out) {
  console.error('usage: node networks.mjs PIXELS_FOLDER OUT.json');
  process.exit(2);
}
const { tf, faceapi, safety } = await start();

const batch = (x) => tf.stack([tf.cast(x, 'float32')]);
const netInput = (x) => faceapi.toNetInput(x);
const networks = {
  mobilenet_v2: async (x) => [(await safety('MobileNetV2')).model.predict(batch(x).div(255))],
  mobilenet_v2_mid: async (x) => [(await safety('MobileNetV2Mid', { type: 'graph' })).model.predict(batch(x).div(255))],
  inception_v3: async (x) => [(await safety('InceptionV3', { size: 299 })).model.predict(batch(x).div(255))],
  detector: async (x) => {
    const { boxes, scores } = faceapi.nets.ssdMobilenetv1.forwardInput(await netInput(x));
    return [boxes[0], scores[0]];
  },
  tiny: async (x) => [await faceapi.nets.tinyFaceDetector.forward(x, x.shape[0])],
  landmarks: async (x) => [faceapi.nets.faceLandmark68Net.runNet(await netInput(x))],
  descriptor: async (x) => [await faceapi.nets.faceRecognitionNet.forward(x)],
};

const cases = {};
for (const file of fs.readdirSync(pixels).filter((f) => f.endsWith('.rgb')).sort()) {
  const name = file.replace(/\.rgb$/, '');
  const network = name.slice(name.indexOf('-') + 1);
  const image = readPixels(tf, path.join(pixels, file));
  cases[name] = (await networks[network](image)).map((t) => {
    const values = Array.from(t.dataSync());
    const every = Math.ceil(values.length / 256);
    return { length: values.length, every, values: values.filter((_, i) => i % every === 0) };
  });
}
fs.writeFileSync(out, JSON.stringify({ backend: tf.getBackend(), versions, cases }, null, 1).replace(/\[[^\][{]*\]/g, (list) => list.replace(/\s+/g, ' ')) + '\n');
console.log(`${Object.keys(cases).length} cases, backend ${tf.getBackend()}`);
