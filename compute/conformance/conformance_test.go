package conformance

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

// ONNX's own tests, as Debian ships them, with the exact number of those that pass; and that a test which
// does not pass is never counted as if it had.

const debianFolder = "/usr/share/libonnx-testdata/data"

func TestDebianSuite(t *testing.T) {
	if _, err := os.Stat(debianFolder); err != nil {
		testutil.Skip(t, "the tests of ONNX are not installed: Debian package libonnx-testdata")
	}
	report, err := Run(debianFolder, program.DefaultLimits(), nil)
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]int{}
	for _, r := range report.Results {
		switch r.Outcome {
		case Failed:
			t.Errorf("%s: %s", r.Test, r.Reason)
		case Unsupported:
			reasons[r.Reason]++
		}
	}
	if want := (Counts{Passed: 806, Unsupported: 266}); report.Counts != want {
		t.Errorf("got %+v, want %+v", report.Counts, want)
	}
	// Every reason is a type, an old version, or an operator that docs/models.md says is not provided.
	want := map[string]int{
		"operator set 6": 122, "operator set 1": 11,
		"element type float64": 43, "element type float16": 12, "element type bfloat16": 6, "element type string": 18,
		"a sequence": 18, "an optional value": 6,
		"operator SequenceConstruct": 4, "operator SplitToSequence": 2, "operator SequenceEmpty": 1,
		"operator set ai.onnx.preview.training": 7, "operator ai.onnx.preview.training:Gradient": 2, "training": 4,
		"operator TfIdfVectorizer": 7, "operator RandomUniformLike": 1, "operator Bernoulli": 1, "operator Scan over batches": 1,
	}
	for reason, n := range reasons {
		if want[reason] != n {
			t.Errorf("%d tests are unsupported for %q, want %d", n, reason, want[reason])
		}
	}
}

// testFolder writes a test: x of the given floats, y = op(x), and what is expected.
func testFolder(t *testing.T, parent, name, op string, x, want []float32) string {
	t.Helper()
	m := &onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: &onnx.Graph{
		Inputs:  []onnx.Value{{Name: "x", Type: tensor.Float32}},
		Nodes:   []onnx.Node{{Op: op, Inputs: []string{"x"}, Outputs: []string{"y"}}},
		Outputs: []onnx.Value{{Name: "y"}},
	}}
	set := filepath.Join(parent, name, "test_data_set_0")
	if err := os.MkdirAll(set, 0o755); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{
		filepath.Join(parent, name, modelFile): onnx.EncodeModel(m),
		filepath.Join(set, "input_0.pb"):       onnx.EncodeTensor("x", tensor.Of([]int{len(x)}, x)),
		filepath.Join(set, "output_0.pb"):      onnx.EncodeTensor("y", tensor.Of([]int{len(want)}, want)),
	}
	for path, b := range files {
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return set
}

func TestOutcomes(t *testing.T) {
	root := t.TempDir()
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	one := []float32{1}
	testFolder(t, root, "a-exact", "Neg", []float32{1, -2, nan, inf}, []float32{-1, 2, nan, -inf})
	testFolder(t, root, "b-near", "Neg", []float32{1000, 1e-8}, []float32{-1000.9, 0})
	testFolder(t, root, "c-far", "Neg", []float32{1, 1000}, []float32{-1, -1001.1})
	testFolder(t, root, "d-zero", "Neg", []float32{1e-6}, []float32{0})
	testFolder(t, root, "e-nan", "Neg", one, []float32{nan})
	testFolder(t, root, "f-infinite", "Neg", []float32{-math.MaxFloat32}, []float32{inf})
	testFolder(t, root, "g-shape", "Neg", one, []float32{-1, -1})
	testFolder(t, root, "h-type", "IsNaN", one, []float32{0})
	testFolder(t, root, "i-unknown", "Nothing", one, one)
	if err := os.RemoveAll(testFolder(t, root, "j-no-data", "Neg", one, one)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(testFolder(t, root, "k-no-output", "Neg", one, one), "output_0.pb")); err != nil {
		t.Fatal(err)
	}
	bad := testFolder(t, root, "l-broken", "Neg", one, one)
	if err := os.WriteFile(filepath.Join(filepath.Dir(bad), modelFile), []byte{1, 2, 3}, 0o644); err != nil {
		t.Fatal(err)
	}
	var told []string
	report, err := Run(root, program.DefaultLimits(), func(r Result) { told = append(told, r.Test) })
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		outcome Outcome
		reason  string
	}{
		{Passed, ""},
		{Passed, ""},
		{Failed, "element 1 is -1000, want -1001.1"},
		{Failed, "element 0 is -1e-06, want 0"},
		{Failed, "element 0 is -1, want NaN"},
		{Failed, "element 0 is 3.4028235e+38, want +Inf"},
		{Failed, "shape [1], want [2]"},
		{Failed, "type bool, want float32"},
		{Unsupported, "operator Nothing"},
		{Failed, "no test_data_set_* beside the model"},
		{Failed, "output_0.pb"},
		{Failed, "model: "},
	}
	for i, r := range report.Results {
		if r.Outcome != want[i].outcome || !strings.Contains(r.Reason, want[i].reason) {
			t.Errorf("%s: got %s %q, want %s %q", r.Test, r.Outcome, r.Reason, want[i].outcome, want[i].reason)
		}
	}
	if got, want := report.Counts, (Counts{Passed: 2, Failed: 9, Unsupported: 1}); got != want || len(told) != 12 {
		t.Errorf("got %+v and %d told, want %+v and 12", got, len(told), want)
	}
	neg := report.ByOperator[slices.IndexFunc(report.ByOperator, func(t Tally) bool { return t.Operator == "Neg" })]
	if want := (Counts{Passed: 2, Failed: 7}); neg.Counts != want {
		t.Errorf("Neg: got %+v, want %+v", neg.Counts, want)
	}
}
