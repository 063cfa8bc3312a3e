package plan

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Convolutions and products of many shapes, with odd sizes, on values of all kinds, against the definitions.

// A maker draws models.
type maker struct {
	*rand.Rand
	wild bool // NaN, infinities, -0 and subnormals among the values
}

func (m maker) floats(shape ...int) *tensor.Tensor {
	x := tensor.New(tensor.Float32, shape)
	v := tensor.Values[float32](x)
	for i := range v {
		v[i] = float32(m.NormFloat64())
		if m.wild && m.IntN(40) == 0 {
			strange := []uint32{0x7fc00000, 0x7f800000, 0xff800000, 1 << 31, 1, 0x807fffff, 0x00800000, 0x7f7fffff}
			v[i] = math.Float32frombits(strange[m.IntN(len(strange))])
		}
	}
	return x
}

func ints(name string, v ...int) onnx.Attr {
	a := onnx.Attr{Name: name, Kind: onnx.AttrInts}
	for _, n := range v {
		a.Ints = append(a.Ints, int64(n))
	}
	return a
}

func number(name string, v int) onnx.Attr {
	return onnx.Attr{Name: name, Kind: onnx.AttrInt, Int: int64(v)}
}

// A sketch is a model that is being drawn: each node reads earlier values.
type sketch struct {
	graph  onnx.Graph
	inputs []*tensor.Tensor
}

func (s *sketch) input(x *tensor.Tensor) string {
	name := fmt.Sprintf("in%d", len(s.inputs))
	v := onnx.Value{Name: name, Type: x.Type(), Ranks: true}
	for range x.Shape() {
		v.Shape = append(v.Shape, onnx.Dim{Size: -1})
	}
	s.graph.Inputs = append(s.graph.Inputs, v)
	s.inputs = append(s.inputs, x)
	return name
}

func (s *sketch) constant(x *tensor.Tensor) string {
	name := fmt.Sprintf("const%d", len(s.graph.Initializers))
	s.graph.Initializers = append(s.graph.Initializers, onnx.Initializer{Name: name, Tensor: x})
	return name
}

func (s *sketch) node(op string, in []string, attrs ...onnx.Attr) string {
	name := fmt.Sprintf("v%d", len(s.graph.Nodes))
	s.graph.Nodes = append(s.graph.Nodes, onnx.Node{Op: op, Name: name, Inputs: in, Outputs: []string{name}, Attrs: attrs})
	return name
}

func (s *sketch) compile(t testing.TB, outputs ...string) *program.Program {
	t.Helper()
	s.graph.Outputs = nil
	for _, name := range outputs {
		s.graph.Outputs = append(s.graph.Outputs, onnx.Value{Name: name})
	}
	p, err := program.Compile(&onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: &s.graph})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// window draws the geometry of a convolution.
func (m maker) window(spatial int) (kernels, strides, dilations, pads []int) {
	for range spatial {
		kernels = append(kernels, 1+m.IntN(4))
		strides = append(strides, 1+m.IntN(3))
		dilations = append(dilations, 1+m.IntN(2))
		pads = append(pads, m.IntN(3))
	}
	for range spatial {
		pads = append(pads, m.IntN(3))
	}
	return kernels, strides, dilations, pads
}

// convolution draws a Conv or ConvTranspose of some kind, and says what it is.
func (m maker) convolution(s *sketch, op string) (out, label string) {
	spatial := 1 + m.IntN(3)
	kernels, strides, dilations, pads := m.window(spatial)
	groups, each, outs := 1, 1+m.IntN(20), 1+m.IntN(20)
	switch m.IntN(4) {
	case 0:
		groups, each, outs = 2+m.IntN(5), 1, 1+m.IntN(2) // depthwise
	case 1:
		groups = 1 + m.IntN(3)
	case 2:
		each, outs = 30+m.IntN(60), 10+m.IntN(90) // several segments and blocks
	}
	shape := []int{1 + m.IntN(2), groups * each}
	for i := range spatial {
		shape = append(shape, (kernels[i]-1)*dilations[i]+1+m.IntN(24/spatial))
	}
	if each == 1 && m.IntN(2) == 0 { // as networks have them, and wide
		for i := range spatial {
			pads[i], pads[i+spatial] = (kernels[i]-1)/2*dilations[i], (kernels[i]-1)/2*dilations[i]
			strides[i] = 1 + strides[i]%2
		}
		shape[len(shape)-1] += m.IntN(150)
	}
	weights := append([]int{groups * outs, each}, kernels...)
	if op == "ConvTranspose" {
		weights = append([]int{groups * each, outs}, kernels...)
		for i := range spatial { // no more padding than the kernel reaches
			pads[i] = min(pads[i], (kernels[i]-1)*dilations[i]/2)
			pads[i+spatial] = min(pads[i+spatial], (kernels[i]-1)*dilations[i]/2)
		}
	}
	x := s.input(m.floats(shape...))
	if op == "Conv" && m.IntN(4) == 0 {
		x = m.border(s, x, shape)
	}
	in := []string{x, s.constant(maker{m.Rand, m.wild && m.IntN(4) == 0}.floats(weights...))}
	if m.IntN(2) == 0 {
		in = append(in, s.constant(maker{m.Rand, false}.floats(groups*outs)))
	}
	attrs := []onnx.Attr{number("group", groups), ints("strides", strides...), ints("dilations", dilations...), ints("pads", pads...)}
	if other := ""; m.IntN(2) == 0 {
		if m.IntN(2) == 0 {
			other = s.node(op, in, attrs...)
		}
		out = m.ends(s, s.node(op, in, attrs...), other, groups*outs)
	} else {
		out = s.node(op, in, attrs...)
	}
	return out, fmt.Sprintf("%s of %v by %v, groups %d, strides %v, dilations %v, pads %v", op, shape, weights, groups, strides, dilations, pads)
}

// border puts a Pad before a convolution, mostly one of zeros around the spatial dimensions, and changes the shape.
func (m maker) border(s *sketch, x string, shape []int) string {
	pads := tensor.New(tensor.Int64, []int{2 * len(shape)})
	v := tensor.Values[int64](pads)
	for i := range shape[2:] {
		v[2+i], v[len(shape)+2+i] = int64(m.IntN(3)), int64(m.IntN(3))
		shape[2+i] += int(v[2+i] + v[len(shape)+2+i])
	}
	in := []string{x, s.constant(pads)}
	switch m.IntN(4) {
	case 0:
		in = append(in, s.constant(tensor.Scalar([]float32{0, 1, float32(math.Copysign(0, -1))}[m.IntN(3)])))
	case 1:
		s.node("Relu", []string{s.node("Pad", in)}) // another reader of the same, or of nothing
	}
	return s.node("Pad", in)
}

// ends draws what often follows a convolution: some of a normalisation, a sum with another value, and a clamp.
func (m maker) ends(s *sketch, x, other string, channels int) string {
	if m.IntN(4) > 0 {
		positive := maker{m.Rand, false}.floats(channels)
		for i, v := range tensor.Values[float32](positive) {
			tensor.Values[float32](positive)[i] = v*v + 1
		}
		x = s.node("BatchNormalization", []string{x, s.constant(m.floats(channels)), s.constant(m.floats(channels)), s.constant(m.floats(channels)), s.constant(positive)})
	}
	if other != "" {
		x = s.node("Add", []string{x, other})
	}
	if m.IntN(2) == 0 {
		x = s.node("Clip", []string{x, s.constant(tensor.Scalar(float32(m.IntN(3) - 1))), s.constant(tensor.Scalar(float32(2)))})
	}
	return x
}

func someOptions(m maker) []Options {
	list := options()
	i := m.IntN(len(list) + 3) // mostly the quick path
	return list[min(i, len(list)-1):][:1]
}

func TestConvolutionsEqualTheirDefinition(t *testing.T) {
	for seed := range uint64(300) {
		m := maker{rand.New(rand.NewPCG(seed, 1)), seed%2 == 0}
		s := &sketch{}
		op := "Conv"
		if seed%5 == 4 {
			op = "ConvTranspose"
		}
		out, label := m.convolution(s, op)
		if m.IntN(2) == 0 {
			out = s.node("Relu", []string{out})
		}
		ways := someOptions(m)
		if s.inputs[0].Len()*s.graph.Initializers[0].Tensor.Len() > 1<<18 { // too much for plain Go
			ways[0].Path = kernel.Best()
		}
		checkEqual(t, fmt.Sprintf("seed %d: %s", seed, label), s.compile(t, out), s.inputs, ways)
	}
}
