package plan

import (
	"math/rand/v2"

	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Well-known networks, layer by layer as their authors describe them, with drawn weights: what a run costs
// does not depend on these.

// A network is such a model with an input.
type network struct {
	name   string
	model  *onnx.Model
	inputs []*tensor.Tensor
}

func networks() []network {
	return []network{resNet50(), mobileNet(), squeezeNet(), shuffleNet(), denseNet()}
}

// A draft is a sketch whose weights are drawn.
type draft struct {
	sketch
	m maker
}

func newDraft(seed uint64) *draft { return &draft{m: maker{rand.New(rand.NewPCG(seed, 5)), false}} }

// weights are small, so that values stay in bounds through many layers.
func (d *draft) weights(shape ...int) string {
	x := d.m.floats(shape...)
	v := tensor.Values[float32](x)
	fan := float32(len(v) / shape[0])
	for i := range v {
		v[i] *= 1.5 / (1 + fan/16)
	}
	return d.constant(x)
}

func (d *draft) conv(x string, in, out, size, stride, groups int) string {
	pad := size / 2
	return d.node("Conv", []string{x, d.weights(out, in/groups, size, size), d.constant(d.m.floats(out))},
		ints("kernel_shape", size, size), ints("strides", stride, stride), ints("pads", pad, pad, pad, pad), number("group", groups))
}

func (d *draft) norm(x string, n int) string {
	positive := d.m.floats(n)
	for i, v := range tensor.Values[float32](positive) {
		tensor.Values[float32](positive)[i] = v*v + 1
	}
	return d.node("BatchNormalization", []string{x, d.constant(d.m.floats(n)), d.constant(d.m.floats(n)), d.constant(d.m.floats(n)), d.constant(positive)})
}

func (d *draft) relu(x string) string { return d.node("Relu", []string{x}) }

func (d *draft) pool(op, x string, size, stride, pad int) string {
	return d.node(op, []string{x}, ints("kernel_shape", size, size), ints("strides", stride, stride), ints("pads", pad, pad, pad, pad))
}

// classes ends a network with a thousand of them.
func (d *draft) classes(x string, in int) string {
	x = d.node("Flatten", []string{d.node("GlobalAveragePool", []string{x})})
	return d.node("Gemm", []string{x, d.weights(1000, in), d.constant(d.m.floats(1000))}, number("transB", 1))
}

func (d *draft) network(name, out string) network {
	d.graph.Name = name
	d.graph.Outputs = []onnx.Value{{Name: out, Type: tensor.Float32, Ranks: true, Shape: []onnx.Dim{{Size: -1, Name: "a"}, {Size: -1, Name: "b"}}}}
	for i := range d.graph.Inputs {
		for j, n := range d.inputs[i].Shape() {
			d.graph.Inputs[i].Shape[j] = onnx.Dim{Size: int64(n)}
		}
	}
	return network{name, &onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: &d.graph}, d.inputs}
}

func resNet50() network {
	d := newDraft(50)
	x := d.pool("MaxPool", d.relu(d.norm(d.conv(d.input(wave(1, 3, 224, 224)), 3, 64, 7, 2, 1), 64)), 3, 2, 1)
	in := 64
	for stage, blocks := range []int{3, 4, 6, 3} {
		mid := 64 << stage
		for i := range blocks {
			stride := 1
			if i == 0 && stage > 0 {
				stride = 2
			}
			shortcut := x
			if i == 0 {
				shortcut = d.norm(d.conv(x, in, 4*mid, 1, stride, 1), 4*mid)
			}
			y := d.relu(d.norm(d.conv(x, in, mid, 1, 1, 1), mid))
			y = d.relu(d.norm(d.conv(y, mid, mid, 3, stride, 1), mid))
			y = d.norm(d.conv(y, mid, 4*mid, 1, 1, 1), 4*mid)
			x, in = d.relu(d.node("Add", []string{y, shortcut})), 4*mid
		}
	}
	return d.network("resnet50", d.classes(x, in))
}

// mobileNet is version 2 at width 1.
func mobileNet() network {
	d := newDraft(2)
	clip := func(x string) string {
		return d.node("Clip", []string{x, d.constant(tensor.Scalar(float32(0))), d.constant(tensor.Scalar(float32(6)))})
	}
	x, in := clip(d.conv(d.input(wave(1, 3, 224, 224)), 3, 32, 3, 2, 1)), 32
	for _, row := range [][4]int{{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}} {
		for i := range row[2] {
			stride := 1
			if i == 0 {
				stride = row[3]
			}
			y, wide := x, in*row[0]
			if row[0] > 1 {
				y = clip(d.conv(y, in, wide, 1, 1, 1))
			}
			y = d.conv(clip(d.conv(y, wide, wide, 3, stride, wide)), wide, row[1], 1, 1, 1)
			if stride == 1 && in == row[1] {
				y = d.node("Add", []string{x, y})
			}
			x, in = y, row[1]
		}
	}
	return d.network("mobilenet-v2", d.classes(clip(d.conv(x, in, 1280, 1, 1, 1)), 1280))
}

// squeezeNet is version 1.1.
func squeezeNet() network {
	d := newDraft(11)
	x := d.pool("MaxPool", d.relu(d.conv(d.input(wave(1, 3, 224, 224)), 3, 64, 3, 2, 1)), 3, 2, 0)
	in := 64
	for i, row := range [][2]int{{16, 64}, {16, 64}, {32, 128}, {32, 128}, {48, 192}, {48, 192}, {64, 256}, {64, 256}} {
		if i == 2 || i == 4 {
			x = d.pool("MaxPool", x, 3, 2, 0)
		}
		s := d.relu(d.conv(x, in, row[0], 1, 1, 1))
		x = d.node("Concat", []string{d.relu(d.conv(s, row[0], row[1], 1, 1, 1)), d.relu(d.conv(s, row[0], row[1], 3, 1, 1))}, number("axis", 1))
		in = 2 * row[1]
	}
	return d.network("squeezenet", d.classes(x, in))
}

// shuffleNet is version 1 in three groups.
func shuffleNet() network {
	d := newDraft(3)
	const groups = 3
	x := d.pool("MaxPool", d.relu(d.conv(d.input(wave(1, 3, 224, 224)), 3, 24, 3, 2, 1)), 3, 2, 1)
	in, size := 24, 56
	for stage, out := range []int{240, 480, 960} {
		for i := range []int{4, 8, 4}[stage] {
			stride, made, first := 1, out, groups
			if i == 0 {
				stride, made = 2, out-in
				if stage == 0 {
					first = 1
				}
			}
			mid := out / 4
			y := d.relu(d.norm(d.conv(x, in, mid, 1, 1, first), mid))
			y = d.shuffle(y, groups, mid, size)
			y = d.norm(d.conv(y, mid, mid, 3, stride, mid), mid)
			y = d.norm(d.conv(y, mid, made, 1, 1, groups), made)
			if stride == 2 {
				x = d.node("Concat", []string{d.pool("AveragePool", x, 3, 2, 1), y}, number("axis", 1))
				size /= 2
			} else {
				x = d.node("Add", []string{x, y})
			}
			x, in = d.relu(x), out
		}
	}
	return d.network("shufflenet", d.classes(x, in))
}

func (d *draft) shuffle(x string, groups, n, size int) string {
	shape := func(v ...int64) string { return d.constant(tensor.Of([]int{len(v)}, v)) }
	x = d.node("Reshape", []string{x, shape(1, int64(groups), int64(n/groups), int64(size), int64(size))})
	x = d.node("Transpose", []string{x}, ints("perm", 0, 2, 1, 3, 4))
	return d.node("Reshape", []string{x, shape(1, int64(n), int64(size), int64(size))})
}

// denseNet is the one of 121 layers.
func denseNet() network {
	d := newDraft(121)
	x := d.pool("MaxPool", d.relu(d.norm(d.conv(d.input(wave(1, 3, 224, 224)), 3, 64, 7, 2, 1), 64)), 3, 2, 1)
	in := 64
	for stage, layers := range []int{6, 12, 24, 16} {
		for range layers {
			y := d.conv(d.relu(d.norm(x, in)), in, 128, 1, 1, 1)
			y = d.conv(d.relu(d.norm(y, 128)), 128, 32, 3, 1, 1)
			x, in = d.node("Concat", []string{x, y}, number("axis", 1)), in+32
		}
		if stage < 3 {
			x, in = d.conv(d.relu(d.norm(x, in)), in, in/2, 1, 1, 1), in/2
			x = d.pool("AveragePool", x, 2, 2, 0)
		}
	}
	return d.network("densenet121", d.classes(d.relu(d.norm(x, in)), in))
}
