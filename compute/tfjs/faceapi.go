package tfjs

import (
	"fmt"

	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// The networks of the npm package @vladmandic/face-api, whose manifests hold weights only.

// FaceDetector makes the detector "ssd_mobilenetv1". Its input is a picture of 512 × 512 with samples from
// -1 to 1; its outputs are, for each of 5118 anchors, four numbers that place a box (top, left, bottom,
// right as logarithms and distances), the logits of three classes, and the anchors themselves.
func FaceDetector(w *Weights) (*onnx.Model, error) {
	b := newBuilder(w)
	x := b.input("picture", 512, 512, 3)
	pointwise := func(x wire, name string, stride int) wire {
		y := b.conv(x, name+"/weights", name+"/convolution_bn_offset", strided(stride))
		return b.activate(y, "relu6")
	}
	const epsilon = 0.0010000000474974513
	x = pointwise(x, "MobilenetV1/Conv2d_0_pointwise", 2)
	var middle wire
	for i := 1; i <= 13; i++ {
		stride := 1
		if i == 2 || i == 4 || i == 6 || i == 12 {
			stride = 2
		}
		name := fmt.Sprintf("MobilenetV1/Conv2d_%d_", i)
		norm := name + "depthwise/BatchNorm/"
		x = b.depthwise(x, name+"depthwise/depthwise_weights", "", strided(stride))
		x = b.batchNorm(x, norm+"gamma", norm+"beta", norm+"moving_mean", norm+"moving_variance", epsilon)
		x = pointwise(b.activate(x, "relu6"), name+"pointwise", 1)
		if i == 11 {
			middle = x
		}
	}
	features := []wire{middle, x}
	for i := range 4 {
		x = pointwise(x, fmt.Sprintf("Prediction/Conv2d_%d_pointwise", 2*i), 1)
		x = pointwise(x, fmt.Sprintf("Prediction/Conv2d_%d_pointwise", 2*i+1), 2)
		features = append(features, x)
	}
	var places, classes []wire
	for i, f := range features {
		name := fmt.Sprintf("Prediction/BoxPredictor_%d/", i)
		places = append(places, b.rows(b.predict(f, name+"BoxEncodingPredictor"), 4))
		classes = append(classes, b.rows(b.predict(f, name+"ClassPredictor"), 3))
	}
	b.output(b.concat(places...))
	b.output(b.concat(classes...))
	b.output(b.add("Identity", []int{1, 5118, 4}, []string{b.turned("Output/extra_dim", []int{0, 1, 2}, nil)}))
	return b.finish(false) // the file has constants of the training's graph too
}

func strided(n int) window { return window{stride: [2]int{n, n}, same: true} }

func (b *builder) predict(x wire, name string) wire {
	return b.conv(x, name+"/weights", name+"/biases", strided(1))
}

// rows cuts a picture's channels into rows of so many numbers, pixel by pixel.
func (b *builder) rows(x wire, width int) wire {
	if b.err != nil {
		return wire{}
	}
	n := tensor.Count(x.shape)
	if n%width != 0 {
		return b.fail("%d numbers in rows of %d", n, width)
	}
	x = b.channelsLast(x)
	return b.add("Reshape", []int{1, n / width, width}, []string{x.name, b.list(1, n/width, width)})
}

// TinyFaceDetector makes the detector "tiny_face_detector" for pictures of size × size, a multiple of 32.
// Its input has samples (v - mean)/255; its output is [1, size/32, size/32, 25]: for each cell five anchors
// of place, size and score.
func TinyFaceDetector(w *Weights, size int) (*onnx.Model, error) {
	b := newBuilder(w)
	x := b.input("picture", size, size, 3)
	leaky := func(x wire) wire {
		return b.add("LeakyRelu", x.shape, []string{x.name}, float("alpha", 0.10000000149011612))
	}
	x = leaky(b.conv(x, "conv0/filters", "conv0/bias", window{}))
	for i := 1; i <= 5; i++ {
		x = b.pool("MaxPool", x, window{kernel: [2]int{2, 2}, stride: [2]int{2, 2}, same: true})
		name := fmt.Sprintf("conv%d/", i)
		x = b.depthwise(b.pad(x, 1, 1, 1, 1, 0), name+"depthwise_filter", "", window{})
		x = leaky(b.conv(x, name+"pointwise_filter", name+"bias", window{}))
	}
	x = b.pool("MaxPool", x, window{kernel: [2]int{2, 2}, same: true})
	x = b.conv(x, "conv8/filters", "conv8/bias", window{})
	b.output(b.channelsLast(x))
	return b.finish(true)
}

// FaceDescriptor makes the network "face_recognition", which gives 128 numbers of a face. Its input is a
// picture of 150 × 150 with samples (v - mean)/255.
func FaceDescriptor(w *Weights) (*onnx.Model, error) {
	b := newBuilder(w)
	x := b.input("picture", 150, 150, 3)
	x = b.activate(b.scaled(x, "conv32_down", window{stride: [2]int{2, 2}}), "relu")
	x = b.pool("MaxPool", x, window{kernel: [2]int{3, 3}, stride: [2]int{2, 2}})
	stages := []struct {
		width, blocks int
	}{{32, 3}, {64, 3}, {128, 2}, {256, 2}}
	for i, s := range stages {
		if i > 0 {
			x = b.residualDown(x, fmt.Sprintf("conv%d_down", s.width))
		}
		for j := 1; j <= s.blocks; j++ {
			x = b.residual(x, fmt.Sprintf("conv%d_%d", s.width, j))
		}
	}
	x = b.residualDown(x, "conv256_down_out")
	b.output(b.dense(b.globalPool(x), "fc", ""))
	return b.finish(true)
}

// scaled is a convolution whose channels are then scaled and shifted.
func (b *builder) scaled(x wire, name string, w window) wire {
	y := b.conv(x, name+"/conv/filters", name+"/conv/bias", w)
	if b.err != nil {
		return wire{}
	}
	y = b.by("Mul", y, b.vector(name+"/scale/weights", y.shape[1], true))
	return b.by("Add", y, b.vector(name+"/scale/biases", y.shape[1], true))
}

func (b *builder) residual(x wire, name string) wire {
	y := b.activate(b.scaled(x, name+"/conv1", strided(1)), "relu")
	y = b.scaled(y, name+"/conv2", strided(1))
	return b.activate(b.both("Add", y, x), "relu")
}

// residualDown halves the picture; where the two ways differ, zeros are added below, right and behind.
func (b *builder) residualDown(x wire, name string) wire {
	y := b.activate(b.scaled(x, name+"/conv1", window{stride: [2]int{2, 2}}), "relu")
	y = b.scaled(y, name+"/conv2", strided(1))
	short := b.pool("AveragePool", x, window{kernel: [2]int{2, 2}, stride: [2]int{2, 2}})
	if b.err != nil {
		return wire{}
	}
	if short.shape[2] != y.shape[2] || short.shape[3] != y.shape[3] {
		y = b.pad(y, 0, 0, 1, 1, 0)
	}
	if b.err == nil && short.shape[1] != y.shape[1] {
		short = b.pad(short, 0, 0, 0, 0, y.shape[1]-short.shape[1])
	}
	return b.activate(b.both("Add", short, y), "relu")
}

// FaceLandmarks makes the network "face_landmark_68", which gives x and y of 68 points of a face as parts
// of the picture's side. Its input is a picture of 112 × 112 with samples (v - mean)/255.
func FaceLandmarks(w *Weights) (*onnx.Model, error) {
	b := newBuilder(w)
	x := b.input("picture", 112, 112, 3)
	for i := range 4 {
		name := fmt.Sprintf("dense%d/", i)
		if i == 0 {
			x = b.conv(x, name+"conv0/filters", name+"conv0/bias", strided(2))
		} else {
			x = b.separable(x, name+"conv0", 2)
		}
		sum := b.activate(x, "relu")
		first, rest := sum, wire{}
		for j := 1; j <= 3; j++ { // each reads the sum of all before it
			x = b.separable(sum, fmt.Sprintf("%sconv%d", name, j), 1)
			if j == 1 {
				rest = x
			} else {
				rest = b.both("Add", rest, x)
			}
			sum = b.activate(b.both("Add", first, rest), "relu")
		}
		x = sum
	}
	x = b.pool("AveragePool", x, window{kernel: [2]int{7, 7}, stride: [2]int{2, 2}})
	b.output(b.dense(b.flatten(x), "fc/weights", "fc/bias"))
	return b.finish(true)
}

// separable is a depthwise convolution and one over the channels.
func (b *builder) separable(x wire, name string, stride int) wire {
	x = b.depthwise(x, name+"/depthwise_filter", "", strided(stride))
	return b.conv(x, name+"/pointwise_filter", name+"/bias", window{})
}
