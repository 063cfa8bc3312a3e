package dispute_test

import (
	"fmt"
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
	"github.com/aiwork/aiwork-node/compute/receipt/receipttest"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/compute/tile"
	"github.com/aiwork/aiwork-node/internal/testutil"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

const (
	debianFolder = "/usr/share/libonnx-testdata/data"
	perOperator  = 3
)

// For every operator of ONNX's own tests: one bit of what it makes is false, once at the defender and once at the
// challenger. The liar loses within the bound, or the operator is not covered and nothing is decided.
func TestEveryOperator(t *testing.T) {
	if _, err := os.Stat(debianFolder); err != nil {
		testutil.Skip(t, "the tests of ONNX are not installed: Debian package libonnx-testdata")
	}
	folders, err := filepath.Glob(filepath.Join(debianFolder, "*/*/model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	seen, decided, open := map[string]int{}, map[string]int{}, map[string]int{}
	for i, path := range folders {
		run := reduced(filepath.Dir(path))
		if run == nil {
			continue
		}
		n := run.Model.Net
		r := rand.New(rand.NewPCG(uint64(i), 17))
		for op := range n.OpList {
			name, v := n.OpList[op].Name, n.FirstOf(op)
			if seen[name] >= perOperator || run.Values[v].Len() == 0 {
				continue
			}
			seen[name]++
			if disputed(t, filepath.Base(filepath.Dir(path)), run, v, r) {
				decided[name]++
			} else {
				open[name]++
			}
		}
	}
	for name := range open {
		if (tile.Covers(name, 23) || expand.Covers(name)) && decided[name] == 0 && name != "Dropout" { // that with a mask is not
			t.Errorf("%s is covered, and no dispute about it was decided", name)
		}
	}
	if len(decided) < 80 {
		t.Errorf("disputes about %d operators were decided, want 80 at least", len(decided))
	}
	t.Logf("decided: %d operators; left open: %v", len(decided), open)
}

// disputed plays a dispute about a value from both sides and reports whether it was decided.
func disputed(t *testing.T, name string, run *receipt.Trace, v net.Value, r *rand.Rand) bool {
	t.Helper()
	liar := receipttest.Lie(run, v, r)
	var verdicts [2]dispute.Verdict
	for _, honest := range []dispute.Side{dispute.Defender, dispute.Challenger} {
		defence, attack := run, liar
		if honest == dispute.Challenger {
			defence, attack = liar, run
		}
		d, w := settle(t, defence, attack, honest)
		if got, want := int(d.Rounds), w.rounds(len(run.Model.Net.OpList)); got > want {
			t.Errorf("%s: %d rounds, want %d at most", name, got, want)
		}
		verdicts[honest] = d.Verdict
	}
	switch verdicts {
	case [2]dispute.Verdict{dispute.Stands, dispute.Wrong}:
		return true
	case [2]dispute.Verdict{dispute.Undecided, dispute.Undecided}:
		return false
	}
	t.Errorf("%s, value %d: got %v", name, v, verdicts)
	return false
}

// reduced runs a model of the suite whose first output is brought down to one number; nil if it does not run.
func reduced(folder string) *receipt.Trace {
	file, err := os.ReadFile(filepath.Join(folder, "model.onnx"))
	if err != nil {
		return nil
	}
	m, err := onnx.DecodeModel(file)
	if err != nil || len(m.Graph.Outputs) == 0 {
		return nil
	}
	var inputs []*tensor.Tensor
	for i := range m.Graph.Inputs {
		b, err := os.ReadFile(filepath.Join(folder, "test_data_set_0", fmt.Sprintf("input_%d.pb", i)))
		if err != nil {
			break
		}
		x, err := onnx.DecodeTensor(b)
		if err != nil {
			return nil
		}
		inputs = append(inputs, x)
	}
	m.Graph.Initializers = append(m.Graph.Initializers, onnx.Initializer{Name: "flat?", Tensor: tensor.Of([]int{1}, []int64{-1})})
	m.Graph.Nodes = append(m.Graph.Nodes,
		onnx.Node{Op: "Reshape", Inputs: []string{m.Graph.Outputs[0].Name, "flat?"}, Outputs: []string{"row?"}},
		onnx.Node{Op: "Cast", Inputs: []string{"row?"}, Outputs: []string{"float?"}, Attrs: []onnx.Attr{{Name: "to", Kind: onnx.AttrInt, Int: 1}}},
		onnx.Node{Op: "ReduceMax", Inputs: []string{"float?"}, Outputs: []string{"most?"}})
	m.Graph.Outputs = []onnx.Value{{Name: "most?"}}
	l, err := lower.Lower(m, lower.Outside{Form: net.FormTensors})
	if err != nil || len(l.Net.Inputs) == 0 || len(l.Net.Inputs) > net.PortsMax {
		return nil
	}
	run, err := receipt.Run(l, inputs, program.Limits{Bytes: 1 << 28, Steps: 1 << 30})
	if err != nil {
		return nil
	}
	return run
}
