// Writes the golden files of tasks on pictures: what nsfwjs and face-api themselves say of whole
// photographs, in the wasm backend of tfjs, from the very pixels that our decoder sees.
//
//   npm ci --prefix tools/golden --ignore-scripts
//   go test ./compute/vision/safety -run TestGolden -dump "$PWD/pixels"
//   node tools/golden/tasks.mjs safety pixels compute/vision/safety/testdata/golden.json
//   go test ./compute/vision/face -run TestGolden -dump "$PWD/faces"
//   node tools/golden/tasks.mjs faces faces compute/vision/face/testdata/golden.json
//
// The folder holds NAME.rgb files: width and height as little-endian u32, then three bytes a pixel. Nothing is fetched at run time.
import fs from 'node:fs';
import path from 'node:path';
import { start, readPixels, versions } from './tfjs.mjs';

const [task, pixels, out] = process.argv.slice(2);
if (!['safety', 'faces'].includes(task) || !out) {
  console.error('usage: node tasks.mjs safety|faces PIXELS_FOLDER OUT.json');
  process.exit(2);
}
const { tf, faceapi, safety } = await start();

async function judge(image) {
  const networks = {
    mobilenet_v2: await safety('MobileNetV2'),
    mobilenet_v2_mid: await safety('MobileNetV2Mid', { type: 'graph' }),
    inception_v3: await safety('InceptionV3', { size: 299 }),
  };
  const verdicts = {};
  for (const [name, network] of Object.entries(networks)) {
    const classes = await network.classify(image, 5);
    classes.sort((a, b) => (a.className < b.className ? -1 : 1));
    verdicts[name] = classes.map((c) => c.probability);
  }
  return verdicts;
}

async function faces(image) {
  const edges = (box) => [box.left, box.top, box.right, box.bottom];
  const place = ({ box, score }) => ({ box: edges(box), score });
  const found = await faceapi.detectAllFaces(image, new faceapi.SsdMobilenetv1Options({ minConfidence: 0.5 })).withFaceLandmarks().withFaceDescriptors();
  const tiny = await faceapi.nets.tinyFaceDetector.locateFaces(image, { inputSize: 416, scoreThreshold: 0.5 });
  const list = found.map((f) => ({ ...place(f.detection), aligned: edges(f.landmarks.align(null, { useDlibAlignment: true })), descriptor: Array.from(f.descriptor) }));
  return { faces: list, tiny: tiny.map(place) };
}

const photos = {};
for (const file of fs.readdirSync(pixels).filter((f) => f.endsWith('.rgb')).sort()) {
  const image = readPixels(tf, path.join(pixels, file));
  photos[file.replace(/\.rgb$/, '')] = await (task === 'safety' ? judge : faces)(image);
  image.dispose();
}
const short = (key, value) => (typeof value === 'number' ? Number(value.toPrecision(7)) : value);
fs.writeFileSync(out, JSON.stringify({ backend: tf.getBackend(), versions, photos }, short, 1).replace(/\[[^\][{]*\]/g, (list) => list.replace(/\s+/g, ' ')) + '\n');
console.log(`${Object.keys(photos).length} photographs, backend ${tf.getBackend()}`);
