package testnet_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/npy"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/requester"
)

// doubler is a model that gives twice what it takes.
func doubler(t *testing.T) *model.File {
	t.Helper()
	network := &onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: &onnx.Graph{
		Inputs:  []onnx.Value{{Name: "x", Type: tensor.Float32, Ranks: true, Shape: []onnx.Dim{{Size: -1}}}},
		Nodes:   []onnx.Node{{Op: "Add", Inputs: []string{"x", "x"}, Outputs: []string{"y"}}},
		Outputs: []onnx.Value{{Name: "y"}},
	}}
	l, err := lower.Lower(network, lower.Outside{Form: net.FormTensors})
	if err != nil {
		t.Fatal(err)
	}
	return &model.File{Name: "doubler", Licence: "Apache-2.0", Model: l}
}

// A model that nobody shipped, put into the folders of validators and worker, is ordered by a file of NumPy; one result is short and lies on
// chain, one is long and lies in a blob; both are paid and come out right.
func TestTensorJob(t *testing.T) {
	m := newMarket(t)
	file := doubler(t)
	for _, h := range m.homes() {
		if _, err := (model.Store{Dir: filepath.Join(h, "models")}).Put(file); err != nil {
			t.Fatal(err)
		}
	}
	m.run()
	var inputs []requester.Input
	var want []*tensor.Tensor
	for _, n := range []int{3, 1000} {
		x, y := make([]float32, n), make([]float32, n)
		for i := range x {
			x[i], y[i] = float32(i), float32(2*i)
		}
		path := filepath.Join(t.TempDir(), "x.npy")
		if err := os.WriteFile(path, npy.Encode(tensor.Of([]int{n}, x)), 0o644); err != nil {
			t.Fatal(err)
		}
		in, err := requester.ReadInput(path)
		if err != nil {
			t.Fatal(err)
		}
		inputs, want = append(inputs, in), append(want, tensor.Of([]int{n}, y))
	}
	m.model = file.Name
	id := m.order(inputs)
	m.doneOnce(id, 2)
	_, r := m.result(id)
	for i := range r.Items {
		o := r.Items[i].Output
		if o == nil || (o.Blob != nil) != (i == 1) {
			t.Fatalf("item %d: output %+v", i, o)
		}
		got, err := o.Fetch(t.Context(), m.node)
		if err != nil || len(got) != 1 || !bytes.Equal(got[0].Raw(), want[i].Raw()) {
			t.Errorf("item %d: got %v, %v", i, got, err)
		}
	}
	if _, err := requester.NewPlan(t.Context(), m.node, requester.Model{Name: "doubler", Input: "tensors", Output: "tensors"}, pictures(t, 1), requester.Terms{}); err == nil {
		t.Error("a picture is taken for a tensor")
	}
}
