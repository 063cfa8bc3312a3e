package tile_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/compute/tile"
)

// Every operator of the table with attributes and shapes by chance, several tiles large, against the kernels to
// the bit. An operator that no case names, or none of whose runs was valid and covered, fails the test.

// A gen draws one node's attributes and inputs; nil inputs are left out.
type gen struct {
	*rand.Rand
	attrs []onnx.Attr
	in    []*tensor.Tensor
	outs  int
}

func (g *gen) n(low, high int) int     { return low + g.IntN(high-low+1) }
func (g *gen) chance(percent int) bool { return g.IntN(100) < percent }

func (g *gen) int(name string, v int) {
	g.attrs = append(g.attrs, onnx.Attr{Name: name, Kind: onnx.AttrInt, Int: int64(v)})
}

func (g *gen) ints(name string, v ...int) {
	a := onnx.Attr{Name: name, Kind: onnx.AttrInts}
	for _, x := range v {
		a.Ints = append(a.Ints, int64(x))
	}
	g.attrs = append(g.attrs, a)
}

func (g *gen) float(name string, v float32) {
	g.attrs = append(g.attrs, onnx.Attr{Name: name, Kind: onnx.AttrFloat, Float: v})
}

func (g *gen) text(name string, choice ...string) string {
	v := choice[g.IntN(len(choice))]
	g.attrs = append(g.attrs, onnx.Attr{Name: name, Kind: onnx.AttrText, Text: v})
	return v
}

// value is near zero mostly, and now and then at the ends of what there is.
func (g *gen) value() float32 {
	switch g.IntN(60) {
	case 0:
		return math.Float32frombits(g.Uint32())
	case 1:
		special := []float32{0, float32(math.Copysign(0, -1)), float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), 1e-40, 3e38}
		return special[g.IntN(len(special))]
	case 2:
		return float32(g.IntN(9) - 4)
	}
	return float32(g.NormFloat64() * 2)
}

func (g *gen) tensor(kind tensor.Type, shape ...int) *tensor.Tensor {
	t := tensor.New(kind, shape)
	switch kind {
	case tensor.Float32:
		for i := range t.Len() {
			tensor.Values[float32](t)[i] = g.value()
		}
	case tensor.Bool:
		for i := range t.Len() {
			tensor.Values[bool](t)[i] = g.chance(50)
		}
	case tensor.Int64:
		for i := range t.Len() {
			tensor.Values[int64](t)[i] = int64(g.Uint64()) >> g.IntN(64)
		}
	case tensor.Int32:
		for i := range t.Len() {
			tensor.Values[int32](t)[i] = int32(g.Uint32()) >> g.IntN(32)
		}
	case tensor.Uint64:
		for i := range t.Len() {
			tensor.Values[uint64](t)[i] = g.Uint64() >> g.IntN(64)
		}
	case tensor.Uint32:
		for i := range t.Len() {
			tensor.Values[uint32](t)[i] = g.Uint32() >> g.IntN(32)
		}
	case tensor.Int8:
		for i := range t.Len() {
			tensor.Values[int8](t)[i] = int8(g.Uint32())
		}
	case tensor.Uint8:
		for i := range t.Len() {
			tensor.Values[uint8](t)[i] = uint8(g.Uint32())
		}
	case tensor.Int16:
		for i := range t.Len() {
			tensor.Values[int16](t)[i] = int16(g.Uint32())
		}
	case tensor.Uint16:
		for i := range t.Len() {
			tensor.Values[uint16](t)[i] = uint16(g.Uint32())
		}
	}
	return t
}

func (g *gen) add(t ...*tensor.Tensor) { g.in = append(g.in, t...) }

func (g *gen) list(v ...int) *tensor.Tensor {
	out := make([]int64, len(v))
	for i, x := range v {
		out[i] = int64(x)
	}
	return tensor.Of([]int{len(v)}, out)
}

// shape has two hundred elements or so.
func (g *gen) shape(rank int) []int {
	s := make([]int, rank)
	for i := range s {
		s[i] = g.n(1, []int{300, 300, 18, 7, 5, 4, 3}[min(rank, 6)])
	}
	return s
}

// stretched drops leading dimensions and turns others into 1.
func (g *gen) stretched(shape []int) []int {
	out := slices.Clone(shape)
	if len(out) > 0 && g.chance(20) {
		out = out[g.IntN(len(out)):]
	}
	for i := range out {
		if g.chance(30) {
			out[i] = 1
		}
	}
	return out
}

func numbers() []tensor.Type {
	return []tensor.Type{
		tensor.Float32, tensor.Float32, tensor.Float32, tensor.Int64, tensor.Int32, tensor.Uint8, tensor.Int8, tensor.Uint16,
		tensor.Int16, tensor.Uint32, tensor.Uint64,
	}
}

func (g *gen) kind(list ...tensor.Type) tensor.Type { return list[g.IntN(len(list))] }

// model gives a file of one node over the drawn inputs, and those that are there.
func (g *gen) model(name string, opset int) (*onnx.Model, []*tensor.Tensor) {
	node := onnx.Node{Op: name, Attrs: g.attrs}
	m := &onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: int64(opset)}}, Graph: &onnx.Graph{}}
	var inputs []*tensor.Tensor
	for i, x := range g.in {
		if x == nil {
			node.Inputs = append(node.Inputs, "")
			continue
		}
		id := string(rune('a' + i))
		node.Inputs = append(node.Inputs, id)
		m.Graph.Inputs = append(m.Graph.Inputs, onnx.Value{Name: id, Type: x.Type()})
		inputs = append(inputs, x)
	}
	for i := range max(g.outs, 1) {
		id := string(rune('A' + i))
		node.Outputs = append(node.Outputs, id)
		m.Graph.Outputs = append(m.Graph.Outputs, onnx.Value{Name: id})
	}
	m.Graph.Nodes = []onnx.Node{node}
	return m, inputs
}

func mustRun(t testing.TB, name string, g *gen) *receipt.Trace {
	t.Helper()
	trace, err := runFile(g.model(name, 17))
	if err != nil {
		t.Fatal(err)
	}
	return trace
}

// runOne runs one node over inputs and checks it. valid is false if the node cannot run.
func runOne(t *testing.T, name string, opset int, g *gen, sum *tally) (valid, covered bool) {
	t.Helper()
	trace, err := runFile(g.model(name, opset))
	if err != nil || len(trace.Model.Net.OpList) == 0 {
		return false, false
	}
	covered, err = checkOp(trace, 0, sum)
	if err != nil {
		t.Errorf("%s of %d: %v, attributes %+v", name, opset, err, g.attrs)
	}
	return true, covered
}

func TestRandom(t *testing.T) {
	all := cases()
	for _, name := range slices.Compact(slices.Sorted(slices.Values(tile.Names()))) {
		make, ok := all[name]
		if !ok {
			// Lowering takes the three away; operators of language models are held against compute/lm by its tests.
			if name != "Identity" && name != "Dropout" && name != "Constant" && !strings.HasPrefix(name, "language.") {
				t.Errorf("no case for %s", name)
			}
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tries := 60
			if testing.Short() {
				tries = 15
			}
			var sum tally
			valid, covered := 0, 0
			for seed := range uint64(tries) {
				g := &gen{Rand: rand.New(rand.NewPCG(seed, 11))}
				opset := g.n(max(7, tile.Since(name)), max(21, tile.Since(name)))
				switch {
				case name == "Upsample":
					opset = g.n(7, 9)
				case g.chance(50):
					opset = max(13, tile.Since(name))
				}
				make(g, opset)
				v, c := runOne(t, name, opset, g, &sum)
				if t.Failed() {
					return
				}
				if v {
					valid++
				}
				if c {
					covered++
				}
			}
			if covered < tries/4 {
				t.Errorf("of %d runs %d were valid and %d covered: too few", tries, valid, covered)
			}
		})
	}
}
