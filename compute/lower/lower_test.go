package lower

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

// What makes no difference to the result makes none to the id, and what does makes one; the lowered form of every model of ONNX's
// tests computes the same bits and lowers to itself; any file gives an error or such a form.

func op(name string, in, out []string, attrs ...onnx.Attr) onnx.Node {
	return onnx.Node{Op: name, Inputs: in, Outputs: out, Attrs: attrs}
}

func names(list ...string) []string { return list }

func vector(v ...float32) *tensor.Tensor { return tensor.Of([]int{len(v)}, v) }

// plain is y = (x + w) * u, its weights being initializers.
func plain() *onnx.Model {
	return &onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: &onnx.Graph{
		Inputs:       []onnx.Value{{Name: "x", Type: tensor.Float32, Ranks: true, Shape: []onnx.Dim{{Size: -1, Name: "n"}}}},
		Initializers: []onnx.Initializer{{Name: "w", Tensor: vector(1)}, {Name: "u", Tensor: vector(2)}},
		Nodes:        []onnx.Node{op("Add", names("x", "w"), names("s")), op("Mul", names("s", "u"), names("y"))},
		Outputs:      []onnx.Value{{Name: "y"}},
	}}
}

func idOf(t *testing.T, m *onnx.Model) (*Model, [32]byte) {
	t.Helper()
	l, err := Lower(m, Outside{Form: net.FormTensors})
	if err != nil {
		t.Fatal(err)
	}
	return l, l.Net.ID()
}

func TestWhatMakesNoDifference(t *testing.T) {
	_, want := idOf(t, plain())
	for name, change := range map[string]func(g *onnx.Graph){
		"order of weights": func(g *onnx.Graph) { slices.Reverse(g.Initializers) },
		"names": func(g *onnx.Graph) {
			g.Inputs[0].Name, g.Nodes[0].Inputs[0], g.Nodes[0].Name, g.Name = "z", "z", "first", "other"
			g.Inputs[0].Shape[0].Name = "length"
		},
		"weight listed as input": func(g *onnx.Graph) { g.Inputs = append(g.Inputs, onnx.Value{Name: "w", Type: tensor.Float32}) },
		"constant": func(g *onnx.Graph) {
			c := op("Constant", nil, names("u"), onnx.Attr{Name: "value_floats", Kind: onnx.AttrFloats, Floats: []float32{2}})
			g.Initializers, g.Nodes = g.Initializers[:1], append([]onnx.Node{c}, g.Nodes...)
		},
		"identity": func(g *onnx.Graph) {
			g.Nodes[1].Inputs[0] = "t"
			g.Nodes = slices.Insert(g.Nodes, 1, op("Identity", names("s"), names("t")))
		},
		"dropout": func(g *onnx.Graph) {
			g.Nodes[1].Inputs[0] = "t"
			g.Nodes = slices.Insert(g.Nodes, 1, op("Dropout", names("s"), names("t")))
		},
		"what nobody reads": func(g *onnx.Graph) {
			g.Initializers = append([]onnx.Initializer{{Name: "more", Tensor: vector(9)}}, g.Initializers...)
			g.Nodes = append(g.Nodes, op("Neg", names("more"), names("void")))
		},
		"a weight twice": func(g *onnx.Graph) {
			g.Initializers = append(g.Initializers, onnx.Initializer{Name: "again", Tensor: vector(2)})
			g.Nodes[1].Inputs[1] = "again"
		},
		"an input left out at the end": func(g *onnx.Graph) { g.Nodes[0].Inputs = names("x", "w", "") },
	} {
		m := plain()
		change(m.Graph)
		if _, got := idOf(t, m); got != want {
			t.Errorf("%s: another id", name)
		}
	}
}

func TestWhatMakesOne(t *testing.T) {
	_, first := idOf(t, plain())
	seen := map[[32]byte]string{first: "the plain model"}
	for name, change := range map[string]func(m *onnx.Model){
		"weight":    func(m *onnx.Model) { m.Graph.Initializers[0].Tensor = vector(3) },
		"operator":  func(m *onnx.Model) { m.Graph.Nodes[0].Op = "Sub" },
		"operands":  func(m *onnx.Model) { slices.Reverse(m.Graph.Nodes[0].Inputs) },
		"opset":     func(m *onnx.Model) { m.Opsets[0].Version = 18 },
		"shape":     func(m *onnx.Model) { m.Graph.Inputs[0].Shape[0] = onnx.Dim{Size: 4} },
		"attribute": func(m *onnx.Model) { m.Graph.Nodes[0].Attrs = []onnx.Attr{{Name: "a", Kind: onnx.AttrInt}} },
		"output":    func(m *onnx.Model) { m.Graph.Outputs[0].Name = "s" },
		"a weight of another sign of zero": func(m *onnx.Model) {
			m.Graph.Initializers[0].Tensor = vector(float32(negativeZero()))
		},
		"a weight of zero": func(m *onnx.Model) { m.Graph.Initializers[0].Tensor = vector(0) },
	} {
		m := plain()
		change(m)
		_, id := idOf(t, m)
		if other, known := seen[id]; known {
			t.Errorf("%s has the id of %s", name, other)
		}
		seen[id] = name
	}
}

func negativeZero() float32 {
	zero := float32(0)
	return -zero
}

// A body may read from two graphs further out, weights too; and a loop carries and collects.
func TestBodies(t *testing.T) {
	leaf := &onnx.Graph{
		Initializers: []onnx.Initializer{{Name: "k", Tensor: vector(5)}},
		Nodes:        []onnx.Node{op("Add", names("x", "k"), names("p")), op("Add", names("p", "a"), names("q"))},
		Outputs:      []onnx.Value{{Name: "q"}},
	}
	other := &onnx.Graph{Outputs: []onnx.Value{{Name: "x"}}}
	loop := &onnx.Graph{
		Inputs: []onnx.Value{{Name: "i"}, {Name: "go"}, {Name: "a"}},
		Nodes: []onnx.Node{op("If", names("go"), names("b"),
			onnx.Attr{Name: "then_branch", Kind: onnx.AttrGraph, Graph: leaf},
			onnx.Attr{Name: "else_branch", Kind: onnx.AttrGraph, Graph: other})},
		Outputs: []onnx.Value{{Name: "go"}, {Name: "b"}, {Name: "b"}},
	}
	m := &onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: &onnx.Graph{
		Inputs:       []onnx.Value{{Name: "x", Type: tensor.Float32}},
		Initializers: []onnx.Initializer{{Name: "n", Tensor: tensor.Scalar(int64(3))}},
		Nodes: []onnx.Node{op("Loop", names("n", "", "x"), names("last", "all"),
			onnx.Attr{Name: "body", Kind: onnx.AttrGraph, Graph: loop})},
		Outputs: []onnx.Value{{Name: "all"}, {Name: "last"}, {Name: "x"}},
	}}
	same(t, m, []*tensor.Tensor{vector(1, 2)})
	l, _ := idOf(t, m)
	if got := len(l.Net.OpList[0].In); got != 3+2 {
		t.Errorf("%d inputs of the loop, want 3 and the captured x and 5", got)
	}
}

// same checks that a model and its lowered form compute the same, and that the latter lowers to itself.
func same(t *testing.T, m *onnx.Model, inputs []*tensor.Tensor) {
	t.Helper()
	l, id := idOf(t, m)
	raised, err := l.ONNX()
	if err != nil {
		t.Fatal(err)
	}
	file := onnx.EncodeModel(raised)
	again, err := onnx.DecodeModel(file)
	if err != nil {
		t.Fatal(err)
	}
	second, id2 := idOf(t, again)
	if id2 != id {
		t.Error("lowered again it has another id")
	}
	if third, err := second.ONNX(); err != nil || !bytes.Equal(onnx.EncodeModel(third), file) {
		t.Errorf("raised again it is another file: %v", err)
	}
	want, errWant := run(m, inputs)
	got, errGot := run(again, inputs)
	if (errWant == nil) != (errGot == nil) || len(got) != len(want) {
		t.Fatalf("got %d outputs and %v, want %d and %v", len(got), errGot, len(want), errWant)
	}
	for i := range want {
		if !slices.Equal(got[i].Shape(), want[i].Shape()) || !bytes.Equal(got[i].Raw(), want[i].Raw()) {
			t.Errorf("output %d differs", i)
		}
	}
}

func run(m *onnx.Model, inputs []*tensor.Tensor) ([]*tensor.Tensor, error) {
	p, err := program.Compile(m)
	if err != nil {
		return nil, err
	}
	return p.Run(inputs, program.DefaultLimits())
}

const debianFolder = "/usr/share/libonnx-testdata/data"

// All of ONNX's tests that compile; four of them then meet what is not supported.
func TestDebianSuite(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a thousand models")
	}
	if _, err := os.Stat(debianFolder); err != nil {
		testutil.Skip(t, "the tests of ONNX are not installed: Debian package libonnx-testdata")
	}
	ran := 0
	err := filepath.WalkDir(debianFolder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.Name() != "model.onnx" {
			return err
		}
		file, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		m, err := onnx.DecodeModel(file)
		if err != nil {
			return nil // not supported, as compute/conformance counts
		}
		if _, err := program.Compile(m); err != nil {
			return nil
		}
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			same(t, m, inputsOf(t, filepath.Dir(path), m))
		})
		ran++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := 810; ran != want {
		t.Errorf("%d models, want %d", ran, want)
	}
}

func inputsOf(t *testing.T, folder string, m *onnx.Model) (list []*tensor.Tensor) {
	files, err := filepath.Glob(filepath.Join(folder, "test_data_set_0", "input_*.pb"))
	if err != nil {
		t.Fatal(err)
	}
	for range files {
		path := filepath.Join(folder, "test_data_set_0", "input_"+string(rune('0'+len(list)))+".pb")
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		x, err := onnx.DecodeTensor(file)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, x)
	}
	return list
}

func FuzzLower(f *testing.F) {
	f.Add(onnx.EncodeModel(plain()))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := onnx.DecodeModel(b)
		if err != nil {
			return
		}
		l, err := Lower(m, Outside{Form: net.FormTensors})
		if err != nil {
			return
		}
		raised, err := l.ONNX()
		if err != nil {
			t.Fatalf("lowered, but not raised: %v", err)
		}
		again, err := onnx.DecodeModel(onnx.EncodeModel(raised))
		if err != nil {
			t.Fatalf("raised, but not read: %v", err)
		}
		l2, err := Lower(again, Outside{Form: net.FormTensors})
		if err != nil || l2.Net.ID() != l.Net.ID() {
			t.Fatalf("lowered again it has another id: %v", err)
		}
	})
}
