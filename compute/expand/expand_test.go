package expand_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/aiwork/aiwork-node/compute/expand"
	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/compute/tile"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

// Every composite operator of ONNX's own tests, and recurrent networks by chance with all their attributes, against what compute/operator
// and compute/program make of them, to the bit (EXPAND-1); every operator of an expansion written down by itself is the one among all, and is covered.

var limits = program.Limits{Bytes: 1 << 30, Steps: 1 << 34}

// check expands an operator of a traced run, and what within it is composite.
func check(t *testing.T, name string, run *receipt.Trace, at, depth int) {
	t.Helper()
	n := run.Model.Net
	op := &n.OpList[at]
	var in []*tensor.Tensor
	for _, v := range op.In {
		if v == net.None {
			in = append(in, nil)
			continue
		}
		in = append(in, run.Values[v])
	}
	trace, x, err := receipt.Expand(n.Opset, op, in, limits)
	if err != nil {
		t.Errorf("%s: %s: %v", name, op.Name, err)
		return
	}
	v := n.FirstOf(at)
	for i, out := range x.Outs {
		got, want := trace.DigestOf(out), run.DigestOf(v+net.Value(i))
		if string(got.Encode()) != string(want.Encode()) {
			t.Errorf("%s: %s, output %d: got %v, want %v", name, op.Name, i, got, want)
		}
	}
	if len(x.Outs) != op.Made() {
		t.Errorf("%s: %s: %d outputs, want %d", name, op.Name, len(x.Outs), op.Made())
	}
	first := net.Value(x.Operands)
	for i := range trace.Model.Net.OpList {
		inner := &trace.Model.Net.OpList[i]
		if i < 40 || i%7 == 0 || i+20 > x.Ops {
			alone, from := x.Op(i)
			if string(alone.Encode()) != string(inner.Encode()) || from != first {
				t.Fatalf("%s: %s: operator %d by itself is another", name, op.Name, i)
			}
		}
		first += net.Value(inner.Made())
		if _, err := net.DecodeOp(inner.Encode()); err != nil {
			t.Errorf("%s: %s: operator %d %s: %v", name, op.Name, i, inner.Name, err)
		}
		switch {
		case expand.Covers(inner.Name) && depth < net.NestingMax:
			check(t, name+" within "+op.Name, trace, i, depth+1)
		case !tile.Covers(inner.Name, x.Opset):
			t.Logf("%s: %s has %s, which is not covered", name, op.Name, inner.Name)
		}
	}
}

func TestDebianSuite(t *testing.T) {
	const folder = "/usr/share/libonnx-testdata/data"
	if _, err := os.Stat(folder); err != nil {
		testutil.Skip(t, "the tests of ONNX are not installed: Debian package libonnx-testdata")
	}
	paths, err := filepath.Glob(filepath.Join(folder, "*/*/model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, path := range paths {
		m, inputs := read(filepath.Dir(path))
		if m == nil {
			continue
		}
		l, err := lower.Lower(m, lower.Outside{Form: net.FormTensors})
		if err != nil || !composite(l.Net) {
			continue
		}
		run, err := receipt.Run(l, inputs, limits)
		if err != nil {
			continue // compute/conformance says which and why
		}
		for i := range l.Net.OpList {
			if op := l.Net.OpList[i].Name; expand.Covers(op) {
				seen[op]++
				check(t, filepath.Base(filepath.Dir(path)), run, i, 0)
			}
		}
	}
	for _, op := range []string{"If", "Loop", "Scan", "RNN", "GRU", "LSTM"} {
		if seen[op] == 0 {
			t.Errorf("no test of %s", op)
		}
	}
	t.Log(seen)
}

func composite(n *net.Net) bool {
	for i := range n.OpList {
		if expand.Covers(n.OpList[i].Name) {
			return true
		}
	}
	return false
}

// read reads a test of the suite; nil if it is out of reach.
func read(folder string) (*onnx.Model, []*tensor.Tensor) {
	file, err := os.ReadFile(filepath.Join(folder, "model.onnx"))
	if err != nil {
		return nil, nil
	}
	m, err := onnx.DecodeModel(file)
	if err != nil {
		return nil, nil
	}
	var inputs []*tensor.Tensor
	for i := range m.Graph.Inputs {
		b, err := os.ReadFile(filepath.Join(folder, "test_data_set_0", fmt.Sprintf("input_%d.pb", i)))
		if err != nil {
			break
		}
		x, err := onnx.DecodeTensor(b)
		if err != nil {
			return nil, nil
		}
		inputs = append(inputs, x)
	}
	return m, inputs
}

// A drawer draws recurrent networks.
type drawer struct{ *rand.Rand }

func (r drawer) floats(shape ...int) *tensor.Tensor {
	x := tensor.New(tensor.Float32, shape)
	for i := range tensor.Values[float32](x) {
		v := float32(r.NormFloat64())
		switch r.IntN(40) {
		case 0:
			v = 0
		case 1:
			v = float32(math.Copysign(0, -1))
		case 2:
			v *= 1e30
		}
		tensor.Values[float32](x)[i] = v
	}
	if r.IntN(30) == 0 {
		tensor.Values[float32](x)[0] = float32(math.NaN())
	}
	return x
}

func (r drawer) chance(of int) bool { return r.IntN(of) == 0 }

// network draws an operator with its operands.
func (r drawer) network() (op string, attrs []onnx.Attr, in []*tensor.Tensor) {
	op = []string{"RNN", "GRU", "LSTM"}[r.IntN(3)]
	gates := map[string]int{"RNN": 1, "GRU": 3, "LSTM": 4}[op]
	times, batch, size, hidden, d := 1+r.IntN(6), 1+r.IntN(4), 1+r.IntN(9), 1+r.IntN(9), 1
	if r.chance(20) {
		times, size = 70, 300
	}
	number := func(name string, v int) {
		attrs = append(attrs, onnx.Attr{Name: name, Kind: onnx.AttrInt, Int: int64(v)})
	}
	number("hidden_size", hidden)
	switch r.IntN(4) {
	case 0:
		d = 2
		attrs = append(attrs, onnx.Attr{Name: "direction", Kind: onnx.AttrText, Text: "bidirectional"})
	case 1:
		attrs = append(attrs, onnx.Attr{Name: "direction", Kind: onnx.AttrText, Text: "reverse"})
	}
	turned := r.chance(4)
	if turned {
		number("layout", 1)
	}
	if r.chance(3) {
		attrs = append(attrs, onnx.Attr{Name: "clip", Kind: onnx.AttrFloat, Float: 1.5})
	}
	if r.chance(3) {
		list := []string{"Sigmoid", "Tanh", "Relu", "Softplus", "Softsign", "Affine", "ScaledTanh"}
		a := onnx.Attr{Name: "activations", Kind: onnx.AttrTexts}
		for range d * map[int]int{1: 1, 3: 2, 4: 3}[gates] {
			a.Texts = append(a.Texts, list[r.IntN(len(list))])
		}
		attrs = append(attrs, a, onnx.Attr{Name: "activation_alpha", Kind: onnx.AttrFloats, Floats: []float32{0.5, 2, 0.25}},
			onnx.Attr{Name: "activation_beta", Kind: onnx.AttrFloats, Floats: []float32{0.5, -1, 0.25, 3}})
	}
	if gates == 3 && r.chance(2) {
		number("linear_before_reset", 1)
	}
	if gates == 4 && r.chance(4) {
		number("input_forget", 1)
	}
	in = r.operands(gates, times, batch, size, hidden, d, turned)
	return op, attrs, in
}

func (r drawer) operands(gates, times, batch, size, hidden, d int, turned bool) []*tensor.Tensor {
	in := []*tensor.Tensor{r.floats(times, batch, size), r.floats(d, gates*hidden, size), r.floats(d, gates*hidden, hidden), nil, nil, nil}
	if gates == 4 {
		in = append(in, nil, nil)
	}
	state := []int{d, batch, hidden}
	if turned {
		in[0], state = r.floats(batch, times, size), []int{batch, d, hidden}
	}
	if r.chance(2) {
		in[3] = r.floats(d, 2*gates*hidden)
	}
	if r.chance(3) {
		in[4] = tensor.New(tensor.Int32, []int{batch})
		for i := range batch {
			tensor.Values[int32](in[4])[i] = int32(r.IntN(times + 1))
		}
	}
	if r.chance(2) {
		in[5] = r.floats(state...)
	}
	if gates == 4 && r.chance(2) {
		in[6] = r.floats(state...)
	}
	if gates == 4 && r.chance(3) {
		in[7] = r.floats(d, 3*hidden)
	}
	return in
}

// runOf runs a single operator, all of whose outputs are wanted.
func runOf(t *testing.T, op string, attrs []onnx.Attr, in []*tensor.Tensor) *receipt.Trace {
	t.Helper()
	g := &onnx.Graph{}
	node := onnx.Node{Op: op, Attrs: attrs}
	var given []*tensor.Tensor
	for i, x := range in {
		if x == nil {
			node.Inputs = append(node.Inputs, "")
			continue
		}
		name := fmt.Sprint("i", i)
		g.Inputs = append(g.Inputs, onnx.Value{Name: name, Type: x.Type()})
		node.Inputs, given = append(node.Inputs, name), append(given, x)
	}
	outs := 2
	if op == "LSTM" {
		outs = 3
	}
	for i := range outs {
		name := fmt.Sprint("o", i)
		node.Outputs = append(node.Outputs, name)
		g.Outputs = append(g.Outputs, onnx.Value{Name: name})
	}
	g.Nodes = []onnx.Node{node}
	l, err := lower.Lower(&onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: 14}}, Graph: g}, lower.Outside{Form: net.FormTensors})
	if err != nil {
		t.Fatal(err)
	}
	run, err := receipt.Run(l, given, limits)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func TestRecurrentByChance(t *testing.T) {
	rounds := 120
	if testing.Short() {
		rounds = 40
	}
	for seed := range rounds {
		r := drawer{rand.New(rand.NewPCG(uint64(seed), 11))}
		op, attrs, in := r.network()
		check(t, fmt.Sprintf("seed %d", seed), runOf(t, op, attrs, in), 0, 0)
		if t.Failed() {
			t.Fatalf("seed %d: %s %+v", seed, op, attrs)
		}
	}
}
