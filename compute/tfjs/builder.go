package tfjs

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// What models are written as.
const (
	opset = 17
	irOf  = 8
)

// A wire is a value of the model: [1, channels, height, width] or [1, features].
type wire struct {
	name  string
	shape []int
}

func (w wire) spatial() bool { return len(w.shape) == 4 }

// A builder appends operators to a model. After the first error it does nothing; finish gives it.
type builder struct {
	weights *Weights
	graph   *onnx.Graph
	given   map[string]bool // initializers
	serial  int
	err     error
}

func newBuilder(w *Weights) *builder {
	return &builder{weights: w, graph: &onnx.Graph{Name: "tfjs"}, given: map[string]bool{}}
}

// fail keeps the first error.
func (b *builder) fail(format string, args ...any) wire {
	if b.err == nil {
		b.err = fmt.Errorf(format, args...)
	}
	return wire{}
}

// finish gives the model. All says that each weight must have been used.
func (b *builder) finish(all bool) (*onnx.Model, error) {
	if b.err != nil {
		return nil, b.err
	}
	var unused []string
	for name, w := range b.weights.byName {
		if all && !w.used {
			unused = append(unused, name)
		}
	}
	if len(unused) > 0 {
		return nil, fmt.Errorf("%d weights are not used, one is %q", len(unused), slices.Min(unused))
	}
	return &onnx.Model{IR: irOf, Opsets: []onnx.Opset{{Version: opset}}, Graph: b.graph}, nil
}

// input declares the one input, of the sizes that a file gives as height, width, channels.
func (b *builder) input(name string, height, width, channels int) wire {
	shape := []int{1, channels, height, width}
	if len(b.graph.Inputs) > 0 {
		return b.fail("more than one input")
	}
	for _, d := range shape {
		if d < 1 {
			return b.fail("input %q: size %d×%d×%d, want it given", name, height, width, channels)
		}
	}
	if err := tensor.CheckShape(shape); err != nil {
		return b.fail("input %q: %v", name, err)
	}
	v := onnx.Value{Name: name, Type: tensor.Float32, Ranks: true}
	for _, d := range shape {
		v.Shape = append(v.Shape, onnx.Dim{Size: int64(d)})
	}
	b.graph.Inputs = append(b.graph.Inputs, v)
	return wire{name, shape}
}

// output declares an output.
func (b *builder) output(w wire) {
	if b.err == nil {
		b.graph.Outputs = append(b.graph.Outputs, onnx.Value{Name: w.name, Type: tensor.Float32})
	}
}

// add appends a node; inputs are names.
func (b *builder) add(op string, shape []int, inputs []string, attrs ...onnx.Attr) wire {
	if b.err != nil {
		return wire{}
	}
	if err := tensor.CheckShape(shape); err != nil {
		return b.fail("%s: %v", op, err)
	}
	if len(b.graph.Nodes) >= onnx.NodesMax {
		return b.fail("more than %d operators", onnx.NodesMax)
	}
	out := "v" + strconv.Itoa(b.serial)
	b.serial++
	b.graph.Nodes = append(b.graph.Nodes, onnx.Node{Op: op, Name: out, Inputs: inputs, Outputs: []string{out}, Attrs: attrs})
	return wire{out, shape}
}

func ints(name string, v ...int) onnx.Attr {
	a := onnx.Attr{Name: name, Kind: onnx.AttrInts}
	for _, n := range v {
		a.Ints = append(a.Ints, int64(n))
	}
	return a
}

func whole(name string, v int) onnx.Attr {
	return onnx.Attr{Name: name, Kind: onnx.AttrInt, Int: int64(v)}
}

func float(name string, v float32) onnx.Attr {
	return onnx.Attr{Name: name, Kind: onnx.AttrFloat, Float: v}
}

// constant gives an initializer by name, which make makes the first time.
func (b *builder) constant(name string, make func() *tensor.Tensor) string {
	if b.err == nil && !b.given[name] {
		if t := make(); b.err == nil {
			b.given[name] = true
			b.graph.Initializers = append(b.graph.Initializers, onnx.Initializer{Name: name, Tensor: t})
		}
	}
	return name
}

func (b *builder) scalar(v float32) string {
	return b.constant("scalar "+strconv.FormatFloat(float64(v), 'g', -1, 32), func() *tensor.Tensor { return tensor.Scalar(v) })
}

// list gives a constant list of whole numbers.
func (b *builder) list(v ...int) string {
	return b.constant(fmt.Sprint("list ", v), func() *tensor.Tensor {
		wide := make([]int64, len(v))
		for i, n := range v {
			wide[i] = int64(n)
		}
		return tensor.Of([]int{len(v)}, wide)
	})
}

// take finds a weight and marks it used. Rank -1 stands for any.
func (b *builder) take(name string, rank int) *weight {
	w := b.weights.byName[name]
	switch {
	case b.err != nil:
	case w == nil:
		b.fail("no weight %q", name)
	case rank >= 0 && len(w.shape) != rank:
		b.fail("weight %q: shape %v, want %d dimensions", name, w.shape, rank)
	default:
		w.used = true
		return w
	}
	return nil
}

// turned gives a weight with its dimensions in another order, then under another shape (nil: as it is).
func (b *builder) turned(name string, order, shape []int) string {
	label := fmt.Sprint(name, " ", order, shape)
	return b.constant(label, func() *tensor.Tensor {
		w := b.take(name, len(order))
		if w == nil {
			return nil
		}
		v, err := w.values()
		if err != nil {
			b.fail("weight %q: %v", name, err)
			return nil
		}
		strides, to, by := tensor.Strides(w.shape), []int{}, []int{}
		for _, d := range order {
			to, by = append(to, w.shape[d]), append(by, strides[d])
		}
		out := tensor.New(tensor.Float32, to)
		out.Pick(tensor.Of(w.shape, v), tensor.Offsets(to, by, 0))
		if shape == nil {
			return out
		}
		return out.View(shape)
	})
}

// vector gives a weight of one number per channel, which must be as many; spread gives it as
// [channels, 1, 1], to be added to or multiplied with pictures.
func (b *builder) vector(name string, channels int, spread bool) string {
	w := b.take(name, 1)
	if w == nil {
		return ""
	}
	if w.shape[0] != channels {
		b.fail("weight %q: %d elements, want %d", name, w.shape[0], channels)
		return ""
	}
	if spread {
		return b.turned(name, []int{0}, []int{channels, 1, 1})
	}
	return b.turned(name, []int{0}, nil)
}
