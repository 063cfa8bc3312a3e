package tile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/compute/tile"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

const debianFolder = "/usr/share/libonnx-testdata/data"

// Every operator of every one of ONNX's own tests that is covered, tile by tile, against the kernels.
func TestDebianSuite(t *testing.T) {
	if _, err := os.Stat(debianFolder); err != nil {
		testutil.Skip(t, "the tests of ONNX are not installed: Debian package libonnx-testdata")
	}
	folders, err := filepath.Glob(filepath.Join(debianFolder, "*/*/model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	var sum tally
	covered, missed := map[string]int{}, map[string]int{}
	for _, path := range folders {
		trace, err := runFolder(filepath.Dir(path))
		if err != nil {
			continue // compute/conformance says which and why
		}
		for i := range trace.Model.Net.OpList {
			name := trace.Model.Net.OpList[i].Name
			ok, err := checkOp(trace, i, &sum)
			if err != nil {
				t.Errorf("%s: operator %d %s: %v", filepath.Base(filepath.Dir(path)), i, name, err)
			}
			if ok {
				covered[name]++
			} else {
				missed[name]++
			}
		}
	}
	operators := 0
	for name, n := range covered {
		operators += n
		delete(missed, name)
	}
	t.Logf("%d operators of %d kinds, %+v", operators, len(covered), sum)
	var list []string
	for name, n := range missed {
		if tile.Covers(name, 23) && name != "Dropout" { // one with a mask is left to the committee
			t.Errorf("%s is in the table, but none of %d uses is covered", name, n)
		}
		list = append(list, fmt.Sprint(name, " ", n))
	}
	slices.Sort(list)
	t.Log("not covered: ", list)
}

func runFolder(folder string) (*receipt.Trace, error) {
	file, err := os.ReadFile(filepath.Join(folder, "model.onnx"))
	if err != nil {
		return nil, err
	}
	m, err := onnx.DecodeModel(file)
	if err != nil {
		return nil, err
	}
	var inputs []*tensor.Tensor
	for i := range m.Graph.Inputs {
		b, err := os.ReadFile(filepath.Join(folder, "test_data_set_0", fmt.Sprintf("input_%d.pb", i)))
		if err != nil {
			break
		}
		x, err := onnx.DecodeTensor(b)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, x)
	}
	return runFile(m, inputs)
}
