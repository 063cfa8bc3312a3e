package program

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// What Compile refuses, what runs within which limits, and the graphs within If, Loop and Scan. That the
// operators compute what ONNX says is tested by compute/conformance.

func input(name string, kind tensor.Type, dims ...int64) onnx.Value {
	v := onnx.Value{Name: name, Type: kind, Ranks: true}
	for _, d := range dims {
		v.Shape = append(v.Shape, onnx.Dim{Size: d})
	}
	return v
}

func names(list ...string) []string { return list }

func op(name string, in, out []string, attrs ...onnx.Attr) onnx.Node {
	return onnx.Node{Op: name, Inputs: in, Outputs: out, Attrs: attrs}
}

func graphAttr(name string, g *onnx.Graph) onnx.Attr {
	return onnx.Attr{Name: name, Kind: onnx.AttrGraph, Graph: g}
}

func model(g *onnx.Graph) *onnx.Model {
	return &onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: g}
}

// chain is y = -(-(...x)), n times.
func chain(n int) *onnx.Model {
	g := &onnx.Graph{Inputs: []onnx.Value{input("x0", tensor.Float32, -1)}}
	for i := range n {
		g.Nodes = append(g.Nodes, op("Neg", names(step(i)), names(step(i+1))))
	}
	g.Outputs = []onnx.Value{{Name: step(n)}}
	return model(g)
}

func step(i int) string { return "x" + strings.Repeat("'", i) + map[bool]string{true: "0"}[i == 0] }

func compile(t testing.TB, m *onnx.Model) *Program {
	t.Helper()
	p, err := Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func floats(v ...float32) *tensor.Tensor { return tensor.Of([]int{len(v)}, v) }

// PROG-2: of a chain of any length two values live at once.
func TestMemoryFollowsLiveness(t *testing.T) {
	p := compile(t, chain(50))
	x := tensor.New(tensor.Float32, []int{1000})
	if _, err := p.Run([]*tensor.Tensor{x}, Limits{Bytes: 3 * 4000, Steps: 1 << 20}); err != nil {
		t.Errorf("three values: %v", err)
	}
	_, err := p.Run([]*tensor.Tensor{x}, Limits{Bytes: 4000 + 3999, Steps: 1 << 20})
	var limit *operator.LimitError
	if !errors.As(err, &limit) || limit.What != "memory" {
		t.Errorf("less than two values: got %v, want the limit of memory", err)
	}
	if _, err = p.Run([]*tensor.Tensor{x}, Limits{Bytes: 1 << 20, Steps: 50 * 1000}); !errors.As(err, &limit) || limit.What != "steps" {
		t.Errorf("few steps: got %v, want the limit of steps", err)
	}
}

// A run gives back all it took: what is missing at the end are the outputs at most.
func TestRunGivesMemoryBack(t *testing.T) {
	for name, m := range samples() {
		p := compile(t, m)
		r := &machine{budget: operator.Budget{Bytes: 1 << 24, Steps: 1 << 24}, uses: map[*tensor.Tensor]int{}}
		if _, err := r.run(p.graph, sampleInputs(p), nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if r.budget.Bytes != 1<<24 || len(r.uses) != 0 {
			t.Errorf("%s: %d bytes and %d tensors are still held", name, 1<<24-r.budget.Bytes, len(r.uses))
		}
	}
}

// A view keeps the elements that it shares alive, and does not count them twice.
func TestViewsAreCountedOnce(t *testing.T) {
	g := &onnx.Graph{
		Inputs:       []onnx.Value{input("x", tensor.Float32, -1)},
		Initializers: []onnx.Initializer{{Name: "shape", Tensor: tensor.Of([]int{2}, []int64{10, -1})}},
		Nodes: []onnx.Node{
			op("Neg", names("x"), names("y")),
			op("Reshape", names("y", "shape"), names("z")),
			op("Flatten", names("z"), names("u")),
			op("Neg", names("u"), names("v")),
		},
		Outputs: []onnx.Value{{Name: "z"}, {Name: "v"}},
	}
	p := compile(t, model(g))
	x := tensor.New(tensor.Float32, []int{1000})
	out, err := p.Run([]*tensor.Tensor{x}, Limits{Bytes: 2*4000 + 16 + 4000, Steps: 1 << 20})
	if err != nil || !slices.Equal(out[0].Shape(), []int{10, 100}) {
		t.Errorf("got %v, %v", out, err)
	}
}

// samples are models with control flow; each has inputs x of three floats, and of a flag and a number.
func samples() map[string]*onnx.Model {
	inputs := []onnx.Value{input("x", tensor.Float32, 3), input("c", tensor.Bool), input("n", tensor.Int64)}
	wrap := func(nodes ...onnx.Node) *onnx.Model {
		return model(&onnx.Graph{
			Inputs: inputs, Nodes: nodes, Outputs: []onnx.Value{{Name: "y"}},
			Initializers: []onnx.Initializer{{Name: "two", Tensor: tensor.Scalar(float32(2))}},
		})
	}
	branch := func(name, operator string) *onnx.Graph {
		return &onnx.Graph{
			Nodes:   []onnx.Node{op(operator, names("x", "two"), names(name))}, // both captured
			Outputs: []onnx.Value{{Name: name}},
		}
	}
	// The body doubles what is carried and collects it; within, an If that captures through two graphs.
	body := &onnx.Graph{
		Inputs: []onnx.Value{{Name: "i"}, {Name: "going"}, {Name: "a"}},
		Nodes: []onnx.Node{
			op("Mul", names("a", "two"), names("b")),
			op("If", names("c"), names("picked"), graphAttr("then_branch", branch("t", "Add")), graphAttr("else_branch", branch("e", "Sub"))),
			op("Add", names("b", "picked"), names("sum")),
			op("Identity", names("going"), names("on")),
		},
		Outputs: []onnx.Value{{Name: "on"}, {Name: "b"}, {Name: "sum"}},
	}
	scanBody := &onnx.Graph{
		Inputs:  []onnx.Value{{Name: "acc"}, {Name: "v"}},
		Nodes:   []onnx.Node{op("Add", names("acc", "v"), names("next")), op("Mul", names("next", "two"), names("twice"))},
		Outputs: []onnx.Value{{Name: "next"}, {Name: "twice"}},
	}
	return map[string]*onnx.Model{
		"if":   wrap(op("If", names("c"), names("y"), graphAttr("then_branch", branch("t", "Add")), graphAttr("else_branch", branch("e", "Sub")))),
		"loop": wrap(op("Loop", names("n", "", "x"), names("", "y"), graphAttr("body", body))),
		"scan": wrap(op("Scan", names("two", "x"), names("", "y"), graphAttr("body", scanBody), onnx.Attr{Name: "num_scan_inputs", Kind: onnx.AttrInt, Int: 1})),
	}
}

func sampleInputs(p *Program) []*tensor.Tensor {
	return []*tensor.Tensor{floats(1, 2, 3), tensor.Scalar(true), tensor.Scalar(int64(2))}[:len(p.Inputs)]
}

func TestControlFlow(t *testing.T) {
	want := map[string]*tensor.Tensor{
		"if":   floats(3, 4, 5),
		"loop": tensor.Of([]int{2, 3}, []float32{2 + 3, 4 + 4, 6 + 5, 4 + 3, 8 + 4, 12 + 5}),
		"scan": floats(6, 10, 16),
	}
	for name, m := range samples() {
		p := compile(t, m)
		out, err := p.Run(sampleInputs(p), DefaultLimits())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := out[0]; !slices.Equal(got.Shape(), want[name].Shape()) || !slices.Equal(tensor.Values[float32](got), tensor.Values[float32](want[name])) {
			t.Errorf("%s: got %v of %v, want %v", name, tensor.Values[float32](got), got.Shape(), tensor.Values[float32](want[name]))
		}
	}
	p := compile(t, samples()["if"])
	out, err := p.Run([]*tensor.Tensor{floats(1, 2, 3), tensor.Scalar(false), tensor.Scalar(int64(2))}, DefaultLimits())
	if err != nil || !slices.Equal(tensor.Values[float32](out[0]), []float32{-1, 0, 1}) {
		t.Errorf("else: got %v, %v", out, err)
	}
}

// An endless loop ends at the limit of steps.
func TestEndlessLoop(t *testing.T) {
	p := compile(t, samples()["loop"])
	_, err := p.Run([]*tensor.Tensor{floats(1, 2, 3), tensor.Scalar(true), tensor.Scalar(int64(1 << 62))}, Limits{Bytes: 1 << 22, Steps: 1 << 20})
	var limit *operator.LimitError
	if !errors.As(err, &limit) {
		t.Errorf("got %v, want a limit", err)
	}
}

func TestCompileRefuses(t *testing.T) {
	x := []onnx.Value{input("x", tensor.Float32, 3)}
	y := []onnx.Value{{Name: "y"}}
	with := func(nodes ...onnx.Node) *onnx.Model { return model(&onnx.Graph{Inputs: x, Nodes: nodes, Outputs: y}) }
	old := with(op("Neg", names("x"), names("y")))
	old.Opsets[0].Version = 6
	cases := []struct {
		name, want  string
		model       *onnx.Model
		unsupported bool
	}{
		{"old", "operator set 6 is not supported", old, true},
		{"no operator set", "no operator set", &onnx.Model{IR: 3, Graph: old.Graph}, false},
		{"unknown operator", `node 0 What "": operator What is not supported`, with(op("What", names("x"), names("y"))), true},
		{"other domain", "operator a:Neg is not supported", with(onnx.Node{Op: "Neg", Domain: "a", Inputs: names("x"), Outputs: names("y")}), true},
		{"removed", "operator Upsample of this version is not supported", with(op("Upsample", names("x"), names("y"))), true},
		{"not made", `"z" is used before it is made`, with(op("Neg", names("z"), names("y"))), false},
		{"twice", `"y" is made twice`, with(op("Neg", names("x"), names("y")), op("Abs", names("x"), names("y"))), false},
		{"no such output", `output: "y" is used before it is made`, with(op("Neg", names("x"), names("z"))), false},
		{"input missing", "input 1 is missing", with(op("Add", names("x"), names("y"))), false},
		{"too many inputs", "2 inputs, at most 1 are known", with(op("Neg", names("x", "x"), names("y"))), false},
		{"too many outputs", "2 outputs, at most 1 are known", with(op("Neg", names("x"), names("y", "z"))), false},
		{"attribute", `attribute "a" is not known`, with(op("Neg", names("x"), names("y"), onnx.Attr{Name: "a", Kind: onnx.AttrInt})), false},
		{"attribute kind", `attribute "axis" has kind 1, want 2`, with(op("Flatten", names("x"), names("y"), onnx.Attr{Name: "axis", Kind: onnx.AttrFloat})), false},
		{"attribute missing", `attribute "axis" is missing`, with(op("Concat", names("x"), names("y"))), false},
		{"types", "type bool beside float32", with(op("IsNaN", names("x"), names("b")), op("Add", names("x", "b"), names("y"))), false},
		{"type", "element type bool is not supported", with(op("IsNaN", names("x"), names("b")), op("Neg", names("b"), names("y"))), true},
		{"declared", "output \"y\": type float32, declared as int64", model(&onnx.Graph{
			Inputs: x, Nodes: []onnx.Node{op("Neg", names("x"), names("y"))}, Outputs: []onnx.Value{input("y", tensor.Int64)},
		}), false},
		{"branch missing", `attribute "then_branch" is missing`, with(op("IsNaN", names("x"), names("b")), op("If", names("b"), names("y"))), false},
	}
	for _, c := range cases {
		_, err := Compile(c.model)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.want)
			continue
		}
		if _, ok := onnx.IsUnsupported(err); ok != c.unsupported {
			t.Errorf("%s: unsupported is %v, want %v", c.name, ok, c.unsupported)
		}
	}
}

func TestRunRefusesOtherInputs(t *testing.T) {
	p := compile(t, samples()["if"])
	good := sampleInputs(p)
	cases := []struct {
		want   string
		inputs []*tensor.Tensor
	}{
		{"2 inputs, want 3", good[:2]},
		{`input "x": shape [4], want 3 in dimension 0`, []*tensor.Tensor{floats(1, 2, 3, 4), good[1], good[2]}},
		{`input "x": type bool, want float32`, []*tensor.Tensor{good[1], good[1], good[2]}},
		{`input "x": shape [], want 1 dimensions`, []*tensor.Tensor{tensor.Scalar(float32(1)), good[1], good[2]}},
	}
	for _, c := range cases {
		if _, err := p.Run(c.inputs, DefaultLimits()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want an error with %q", err, c.want)
		}
	}
}

// Whatever a file holds, it is refused or runs within its limits.
func FuzzRun(f *testing.F) {
	for _, m := range samples() {
		f.Add(onnx.EncodeModel(m))
	}
	f.Add(onnx.EncodeModel(chain(3)))
	conv := &onnx.Graph{
		Inputs: []onnx.Value{input("x", tensor.Float32, 1, 2, 4, 4)},
		Initializers: []onnx.Initializer{
			{Name: "w", Tensor: tensor.New(tensor.Float32, []int{3, 2, 3, 3})},
			{Name: "k", Tensor: tensor.Of([]int{1}, []int64{2})},
		},
		Nodes: []onnx.Node{
			op("Conv", names("x", "w"), names("a")), op("Relu", names("a"), names("b")),
			op("TopK", names("b", "k"), names("c", "i")), op("Softmax", names("c"), names("y")),
		},
		Outputs: []onnx.Value{{Name: "y"}, {Name: "i"}},
	}
	f.Add(onnx.EncodeModel(model(conv)))
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := onnx.DecodeModel(file)
		if err != nil {
			return
		}
		p, err := Compile(m)
		if err != nil {
			return
		}
		var inputs []*tensor.Tensor
		for _, v := range p.Inputs {
			var shape []int
			for _, d := range v.Shape {
				shape = append(shape, int(min(max(d.Size, 1), 8)))
			}
			if tensor.CheckShape(shape) != nil {
				return
			}
			inputs = append(inputs, tensor.New(v.Type, shape))
		}
		first, err := p.Run(inputs, Limits{Bytes: 1 << 20, Steps: 1 << 18})
		if err != nil {
			return
		}
		second, err := p.Run(inputs, Limits{Bytes: 1 << 20, Steps: 1 << 18})
		if err != nil {
			t.Fatalf("the second run: %v", err)
		}
		for i := range first {
			if !bytes.Equal(onnx.EncodeTensor("", first[i]), onnx.EncodeTensor("", second[i])) {
				t.Errorf("output %d differs in the second run", i)
			}
		}
	})
}
