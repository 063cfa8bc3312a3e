// Writes the content-safety model that ships in the binary, from the npm package nsfwjs 4.3.0: the Keras
// topology of its mobilenet_v2 and the 8-bit steps of its weights, taken over as they are. The file format
// is that of compute/model (docs/protocol/aiw-1.md). It knows the layers of MobileNetV2 and refuses any
// other. The same package gives the same file.
//
//   npm ci --prefix tools/golden
//   node tools/convert-nsfwjs/convert.cjs tools/golden/node_modules/nsfwjs OUT.aiwm
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const crypto = require('node:crypto');

const CLASSES = ['Drawing', 'Hentai', 'Neutral', 'Porn', 'Sexy'];
const KIND = {
  conv: 1, depthwise: 2, batchNorm: 3, relu: 4, relu6: 5, add: 6, zeroPad: 7, averagePool: 8, dense: 9, softmax: 10,
};

function need(condition, text) {
  if (!condition) throw new Error(text);
}

// ---- reading the package

function read(folder) {
  const { version } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json')));
  need(version === '4.3.0', `nsfwjs ${version} found, want 4.3.0`);
  const models = path.resolve(folder, 'dist/models/mobilenet_v2');
  const { modelTopology, weightsManifest } = require(path.join(models, 'model.min.js'));
  const shards = weightsManifest.flatMap((group) => group.paths).map((name) => {
    const shard = require(path.join(models, `${name}.min.js`));
    return Buffer.from(typeof shard === 'string' ? shard : shard.default, 'base64');
  });
  return {
    layers: modelTopology.model_config.config.layers,
    weights: cut(weightsManifest.flatMap((group) => group.weights), Buffer.concat(shards)),
    licence: fs.readFileSync(path.join(folder, 'LICENSE'), 'utf8'),
  };
}

function cut(manifest, raw) {
  const weights = new Map();
  let at = 0;
  for (const { name, shape, quantization } of manifest) {
    need(quantization && quantization.dtype === 'uint8', `weight ${name} is not 8-bit`);
    const size = shape.reduce((a, b) => a * b, 1);
    weights.set(name, { shape, quantization, steps: raw.subarray(at, at + size) });
    at += size;
  }
  need(at === raw.length, `weights of ${raw.length} bytes, want ${at}`);
  return weights;
}

// ---- from layers to operators

function lower({ layers, weights }) {
  const ops = [];
  const tensors = [];
  const values = new Map(); // layer -> value
  const padding = new Map(); // layer that only pads -> [top, bottom, left, right]

  const inputs = (layer) => {
    need(layer.inbound_nodes.length === 1, 'wants one node');
    return layer.inbound_nodes[0].map(([name]) => {
      need(values.has(name), `reads unknown layer ${name}`);
      return values.get(name);
    });
  };
  const push = (layer, op, ...names) => {
    const params = names.map((name) => {
      const key = `${layer.config.name}/${name}`;
      const weight = weights.get(key);
      need(weight, `no weight ${key}`);
      weights.delete(key);
      // The fourth dimension of a depthwise kernel is the multiplier, one.
      return op.kind === KIND.depthwise ? { ...weight, shape: weight.shape.slice(0, 3) } : weight;
    });
    tensors.push(...params);
    ops.push({ ...op, inputs: inputs(layer), params: params.length });
    values.set(layer.config.name, ops.length);
  };
  const conv = (layer, kind, name) => {
    const c = layer.config;
    need(!c.use_bias && c.activation === 'linear' && c.dilation_rate.every((d) => d === 1), 'unexpected options');
    need(kind === KIND.conv || c.depth_multiplier === 1, 'depth multiplier');
    const before = padding.get(layer.inbound_nodes[0][0][0]);
    let pads = before || [0, 0, 0, 0];
    if (c.padding === 'same') {
      need(!before && c.strides.every((s) => s === 1), 'padding twice, or with a stride');
      const [top, left] = c.kernel_size.map((k) => (k - 1) >> 1);
      pads = [top, c.kernel_size[0] - 1 - top, left, c.kernel_size[1] - 1 - left];
    }
    push(layer, { kind, window: [...c.kernel_size, ...c.strides, ...pads] }, name);
  };
  const alias = (layer) => values.set(layer.config.name, inputs(layer)[0]);

  const rules = {
    InputLayer: (l) => values.set(l.config.name, 0),
    ZeroPadding2D: (l) => {
      padding.set(l.config.name, l.config.padding.flat());
      alias(l);
    },
    Dropout: alias, // for training only
    Flatten: alias, // what is pooled over all pixels is flat already
    Conv2D: (l) => conv(l, KIND.conv, 'kernel'),
    DepthwiseConv2D: (l) => conv(l, KIND.depthwise, 'depthwise_kernel'),
    BatchNormalization: (l) => push(l, { kind: KIND.batchNorm, epsilon: l.config.epsilon },
      'gamma', 'beta', 'moving_mean', 'moving_variance'),
    ReLU: (l) => {
      need(l.config.max_value === 6, 'maximum is not 6');
      push(l, { kind: KIND.relu6 });
    },
    Add: (l) => push(l, { kind: KIND.add }),
    AveragePooling2D: (l) => {
      need(l.config.pool_size.every((n) => n === 7), 'not over the 7×7 pixels that are left');
      push(l, { kind: KIND.averagePool });
    },
    Dense: (l) => {
      push(l, { kind: KIND.dense }, 'kernel', 'bias');
      const kind = { relu: KIND.relu, softmax: KIND.softmax }[l.config.activation];
      need(kind, `activation ${l.config.activation}`);
      ops.push({ kind, inputs: [values.get(l.config.name)], params: 0 });
      values.set(l.config.name, ops.length);
    },
  };
  for (const layer of layers) {
    need(rules[layer.class_name], `layer ${layer.config.name}: no operator for ${layer.class_name}`);
    rules[layer.class_name](layer);
  }
  need(weights.size === 0, `${weights.size} weights are not used`);
  return { ops, tensors };
}

// ---- writing the file: little-endian, counts and texts with a u32 before them

class Writer {
  parts = [];
  bytes(b) { this.parts.push(Buffer.from(b)); }
  u32(...numbers) {
    for (const n of numbers) {
      const b = Buffer.alloc(4);
      b.writeUInt32LE(n);
      this.parts.push(b);
    }
  }
  f32(v) {
    const b = Buffer.alloc(4);
    b.writeFloatLE(v);
    this.parts.push(b);
  }
  text(s) {
    const b = Buffer.from(s, 'utf8');
    this.u32(b.length);
    this.parts.push(b);
  }
}

function write({ ops, tensors }, licence) {
  const w = new Writer();
  w.bytes('AIWMODEL');
  w.u32(1);
  w.text('content-safety');
  w.text('mobilenet_v2 of the npm package nsfwjs 4.3.0 by Infinite Red, Inc.');
  w.text(licence);
  w.u32(224, 224, CLASSES.length);
  CLASSES.forEach((c) => w.text(c));
  w.u32(ops.length);
  for (const op of ops) {
    w.bytes([op.kind, op.inputs.length, op.params]);
    w.u32(...op.inputs, ...(op.window || []));
    if (op.epsilon) w.f32(op.epsilon);
  }
  w.u32(tensors.length);
  for (const { shape, quantization, steps } of tensors) {
    w.bytes([2, shape.length]);
    w.u32(...shape);
    w.f32(quantization.scale);
    w.f32(quantization.min);
    w.bytes(steps);
  }
  return Buffer.concat(w.parts);
}

function main([folder, out]) {
  if (!folder || !out) {
    console.error('usage: node convert.cjs NSFWJS_FOLDER OUT.aiwm');
    process.exit(2);
  }
  const model = read(folder);
  const file = write(lower(model), model.licence);
  fs.writeFileSync(out, file);
  const tag = Buffer.from('aiwork/model/1');
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(tag.length));
  console.log('0x' + crypto.createHash('sha256').update(length).update(tag).update(file).digest('hex'));
}

main(process.argv.slice(2));
