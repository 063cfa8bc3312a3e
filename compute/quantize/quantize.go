package quantize

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

const (
	levels     = 255 // steps of a range of bytes
	weightMax  = 127
	biasMax    = 1 << 30 // so that a sum of products and its bias stay in 32 bits
	floatsOnly = 1       // ONNX's number of float32
)

// ErrNothing says that a model has no product that could be made exact.
var ErrNothing = errors.New("the model has no convolution and no product by constants, so nothing would become int8")

// Model gives the model in bytes; the ranges of activations follow from the examples, each of which is a list of inputs.
func Model(ctx context.Context, m *lower.Model, examples [][]*tensor.Tensor, method Method) (*lower.Model, error) {
	if len(examples) == 0 {
		return nil, errors.New("no examples to find ranges from")
	}
	g, err := networkOf(m)
	if err != nil {
		return nil, err
	}
	if err := g.raiseToBytes(); err != nil {
		return nil, err
	}
	g.fold()
	s := g.survey()
	if len(s.needed) == 0 {
		return nil, ErrNothing
	}
	found, err := g.measure(ctx, s.needed, examples)
	if err != nil {
		return nil, err
	}
	w := &writer{survey: s, schemes: s.schemes(found, method), bytes: map[string]string{}, floats: map[string]bool{}}
	w.nodes()
	return g.lowered(m)
}

// A scheme says which number a byte stands for: (byte - zero)·scale.
type scheme struct {
	scale               float32
	zero                uint8
	scaleName, zeroName string
}

// schemes gives each group of values its range.
func (s *survey) schemes(found map[string]*histogram, method Method) map[string]*scheme {
	ends := map[string]bounds{}
	for _, name := range s.needed {
		low, high := found[name].ends(method)
		root := s.root(name)
		if b, ok := s.clamps[name]; ok {
			low, high = max(low, b.low), min(high, b.high)
		}
		all := ends[root]
		ends[root] = bounds{min(all.low, low), max(all.high, high)}
	}
	out := map[string]*scheme{}
	for _, name := range s.needed {
		root := s.root(name)
		if out[root] != nil {
			continue
		}
		c := schemeOf(ends[root])
		c.scaleName = s.constant("scale", tensor.Scalar(c.scale))
		c.zeroName = s.constant("zero", tensor.Scalar(c.zero))
		out[root] = c
	}
	return out
}

func schemeOf(b bounds) *scheme {
	scale := float32((b.high - b.low) / levels)
	if !(scale >= math.SmallestNonzeroFloat32*(1<<23)) || math.IsInf(float64(scale), 0) { // nothing but zeros, or nothing that is finite
		return &scheme{scale: 1}
	}
	return &scheme{scale: scale, zero: uint8(min(max(math.RoundToEven(-b.low/float64(scale)), 0), levels))}
}

// A writer writes the nodes of the model in bytes.
type writer struct {
	*survey
	schemes map[string]*scheme // by the root of a group
	out     []onnx.Node
	bytes   map[string]string // the bytes of a value, where they are made
	floats  map[string]bool   // values in bytes that were made floats again
}

func (w *writer) scheme(name string) *scheme { return w.schemes[w.root(name)] }

func (w *writer) add(op string, inputs []string, output string, attrs ...onnx.Attr) string {
	w.out = append(w.out, onnx.Node{Op: op, Inputs: inputs, Outputs: []string{output}, Attrs: attrs})
	return output
}

// byteOf gives a value in bytes.
func (w *writer) byteOf(name string) string {
	if have, ok := w.bytes[name]; ok {
		return have
	}
	c := w.scheme(name)
	w.bytes[name] = w.add("QuantizeLinear", []string{w.floatOf(name), c.scaleName, c.zeroName}, w.fresh("bytes"))
	return w.bytes[name]
}

// floatOf gives a value in floats, by its own name.
func (w *writer) floatOf(name string) string {
	if w.inBytes(name) && !w.floats[name] {
		w.floats[name] = true
		w.dequantize(name, name)
	}
	return name
}

func (w *writer) dequantize(name, output string) string {
	c := w.scheme(name)
	return w.add("DequantizeLinear", []string{w.bytes[name], c.scaleName, c.zeroName}, output)
}

func (w *writer) nodes() {
	for i := range w.model.Graph.Nodes {
		n := &w.model.Graph.Nodes[i]
		switch w.roles[i] {
		case roleConv:
			w.conv(n, w.face[i])
		case roleProduct:
			w.product(n)
		case roleSum:
			w.sum(n, w.face[i])
		case roleMove:
			w.move(n, w.face[i])
		case roleFloat:
			w.plain(n)
		}
	}
	for _, v := range w.model.Graph.Outputs {
		w.floatOf(v.Name)
	}
	w.model.Graph.Nodes = w.out
	w.index()
}

// plain keeps a node, whose inputs must be floats.
func (w *writer) plain(n *onnx.Node) {
	for _, name := range n.Inputs {
		w.floatOf(name)
	}
	for name := range w.inBodies {
		if _, made := w.bytes[name]; made && len(n.Attrs) > 0 {
			w.floatOf(name)
		}
	}
	w.out = append(w.out, *n)
}

// sum is an Add between bytes.
func (w *writer) sum(n *onnx.Node, face string) {
	var in []string
	for _, name := range n.Inputs {
		in = append(in, w.dequantize(name, w.fresh("float")))
	}
	c := w.scheme(face)
	sum := w.add("Add", in, w.fresh("sum"))
	w.bytes[face] = w.add("QuantizeLinear", []string{sum, c.scaleName, c.zeroName}, w.fresh("bytes"))
}

// move keeps a node, on bytes.
func (w *writer) move(n *onnx.Node, face string) {
	in := slices.Clone(n.Inputs)
	for i := range w.moved(n) {
		in[i] = w.bytes[in[i]]
	}
	if n.Op == "Pad" {
		in = append(in[:2:2], w.scheme(face).zeroName)
		in = append(in, n.Inputs[min(3, len(n.Inputs)):]...)
	}
	w.bytes[face] = w.add(n.Op, in, w.fresh("bytes"), n.Attrs...)
}

func (w *writer) conv(n *onnx.Node, face string) {
	x, y := w.scheme(n.Inputs[0]), w.scheme(face)
	t, weights := w.network.floats(n, 1)
	outs := t.Shape()[0]
	var bias []float32
	if len(n.Inputs) > 2 {
		_, bias = w.network.floats(n, 2)
	}
	scales, bytes, zero := quantizeRows(weights, outs, bias, x.scale, w.grid(n.Inputs[1], weights, outs))
	in := []string{
		w.byteOf(n.Inputs[0]), x.scaleName, x.zeroName,
		w.constant("w", tensor.Of(t.Shape(), bytes)), w.constant("scales", asTensor(scales)), w.constant("zero", tensor.Scalar(zero)),
		y.scaleName, y.zeroName,
	}
	if bias != nil {
		in = append(in, w.constant("bias", asTensor(quantizeBias(bias, scales, x.scale))))
	}
	w.bytes[face] = w.add("QLinearConv", in, w.fresh("bytes"), n.Attrs...)
}

// product is a product by constants, whose result is floats at once.
func (w *writer) product(n *onnx.Node) {
	x := w.scheme(n.Inputs[0])
	weights, rows, columns, bias := w.matrix(n)
	weights = turned(weights, rows, columns)
	scales, bytes, zero := quantizeRows(weights, columns, bias, x.scale, gridOf(weights, columns))
	right := make([]int8, len(bytes))
	for i := range columns {
		for j := range rows {
			right[j*columns+i] = bytes[i*rows+j]
		}
	}
	in := []string{w.byteOf(n.Inputs[0]), w.constant("w", tensor.Of([]int{rows, columns}, right)), x.zeroName}
	if zero != 0 {
		in = append(in, w.constant("zero", tensor.Scalar(zero)))
	}
	sums := w.add("MatMulInteger", in, w.fresh("sums"))
	if bias != nil {
		sums = w.add("Add", []string{sums, w.constant("bias", asTensor(quantizeBias(bias, scales, x.scale)))}, w.fresh("sums"))
	}
	for i := range scales {
		scales[i] = float32(scales[i] * x.scale)
	}
	numbers := w.add("Cast", []string{sums}, w.fresh("float"), onnx.Attr{Name: "to", Kind: onnx.AttrInt, Int: floatsOnly})
	w.add("Mul", []string{numbers, w.constant("scales", asTensor(scales))}, n.Outputs[0])
}

// quantizeRows gives each of so many rows of weights a scale, and bytes, with the zero point of all. A row whose bias would not fit
// otherwise has a larger scale.
func quantizeRows(weights []float32, rows int, bias []float32, scaleX float32, g *grid) (scales []float32, bytes []int8, zero int8) {
	if !g.fits() {
		g = nil
	}
	if g != nil {
		zero = int8(g.zero)
	}
	each := len(weights) / rows
	bytes = make([]int8, len(weights))
	for r := range rows {
		row := weights[r*each:][:each]
		scale := g.scale(r, row)
		if bias != nil {
			scale = max(scale, float32(math.Abs(float64(bias[r]))/float64(scaleX)/biasMax))
		}
		if scale < math.SmallestNonzeroFloat32*(1<<23) {
			scale = 1
		}
		scales = append(scales, scale)
		for i, v := range row {
			bytes[r*each+i] = int8(min(max(math.RoundToEven(float64(v/scale))+float64(zero), byteMin), weightMax))
		}
	}
	return scales, bytes, zero
}

func quantizeBias(bias, scales []float32, scaleX float32) []int32 {
	out := make([]int32, len(bias))
	for i, b := range bias {
		out[i] = int32(min(max(math.RoundToEven(float64(b)/(float64(scales[i])*float64(scaleX))), -biasMax), biasMax))
	}
	return out
}
