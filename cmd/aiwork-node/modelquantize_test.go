package main

// A small network is made int8 from tensors in files; the report is about what was held out, and the result is written in either form
// for other runtimes. What is no int8 model is refused, and so are files that do not fit.

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/npy"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

func smallNetwork(t *testing.T, folder string) (model string) {
	t.Helper()
	numbers := func(shape ...int) *tensor.Tensor {
		x := tensor.New(tensor.Float32, shape)
		wave(tensor.Values[float32](x))
		return x
	}
	g := &onnx.Graph{
		Inputs:       []onnx.Value{{Name: "x", Type: tensor.Float32, Ranks: true, Shape: []onnx.Dim{{Size: 1}, {Size: 3}, {Size: 16}, {Size: 16}}}},
		Initializers: []onnx.Initializer{{Name: "w", Tensor: numbers(5, 3, 3, 3)}, {Name: "b", Tensor: numbers(5)}},
		Nodes: []onnx.Node{
			{Op: "Conv", Inputs: []string{"x", "w", "b"}, Outputs: []string{"c"}},
			{Op: "Relu", Inputs: []string{"c"}, Outputs: []string{"r"}},
			{Op: "GlobalAveragePool", Inputs: []string{"r"}, Outputs: []string{"p"}},
			{Op: "Flatten", Inputs: []string{"p"}, Outputs: []string{"y"}},
		},
		Outputs: []onnx.Value{{Name: "y"}},
	}
	model = filepath.Join(folder, "small.onnx")
	file := onnx.EncodeModel(&onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: g})
	for i := range 6 {
		x := numbers(1, 3, 16, 16)
		for j := range tensor.Values[float32](x) {
			tensor.Values[float32](x)[j] *= float32(i+j%3) / 4
		}
		writeFile(t, filepath.Join(folder, "examples", fmt.Sprintf("%d.npy", i)), npy.Encode(x))
	}
	writeFile(t, model, file)
	return model
}

func writeFile(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestModelQuantize(t *testing.T) {
	folder := t.TempDir()
	network := smallNetwork(t, folder)
	store, examples := filepath.Join(folder, "models"), filepath.Join(folder, "examples")
	report := string(output(t, "model", "quantize", network, "--models", store, "--calibration", examples, "--name", "tiny", "--json"))
	for _, want := range []string{`"name": "tiny"`, `"examples": 4`, `"heldOut": 2`, `"rows": 2`, `"agree": 2`} {
		if !strings.Contains(report, want) {
			t.Errorf("no %s in %s", want, report)
		}
	}
	for form, op := range map[string]string{"qlinear": "QLinearConv", "qdq": "DequantizeLinear"} {
		out := filepath.Join(folder, form+".onnx")
		output(t, "model", "export", "tiny", out, "--models", store, "--form", form)
		if text := string(output(t, "model", "inspect", out)); !strings.Contains(text, op) {
			t.Errorf("--form %s: %s", form, text)
		}
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"export", "tiny", "x.onnx", "--models", store, "--form", "float"}, "another model"},
		{[]string{"export", "tiny", "x.onnx", "--models", store, "--form", "best"}, "--form best"},
		{[]string{"export", network, "x.onnx", "--form", "qdq"}, "model quantize"},
		{[]string{"quantize", network, "--calibration", filepath.Join(folder, "none")}, "none"},
		{[]string{"quantize", network, "--calibration", network}, ".npy"},
		{[]string{"quantize", "--calibration", examples}, "a MODEL"},
	} {
		err := try(t, append([]string{"model"}, c.args...)...)
		if exitCode(err) != exitUsage || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want one with %q", c.args, err, c.want)
		}
	}
}
