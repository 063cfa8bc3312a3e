package conformance

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/plan"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

const (
	modelFile = "model.onnx"
	dataSets  = "test_data_set_*"

	relativeMax = 1e-3
	absoluteMax = 1e-7
)

// runTest runs the test in a folder.
func runTest(folder string, limits program.Limits) Result {
	r := Result{Outcome: Passed}
	err := runModel(folder, limits, &r)
	if err == nil {
		return r
	}
	r.Outcome, r.Reason = Failed, err.Error()
	if u, ok := onnx.IsUnsupported(err); ok {
		r.Outcome, r.Reason = Unsupported, u.What
	}
	return r
}

func runModel(folder string, limits program.Limits, r *Result) error {
	file, err := os.ReadFile(filepath.Join(folder, modelFile))
	if err != nil {
		return err
	}
	if s, err := onnx.SurveyModel(file); err == nil {
		r.Operators = s.Operators
		for _, o := range s.Opsets {
			if o.Domain == "" {
				r.Opset = int(o.Version)
			}
		}
	}
	model, err := onnx.DecodeModel(file)
	if err != nil {
		return err
	}
	p, err := program.Compile(model)
	if err != nil {
		return err
	}
	sets, err := filepath.Glob(filepath.Join(folder, dataSets))
	if err != nil {
		return err
	}
	if len(sets) == 0 {
		return fmt.Errorf("no %s beside the model", dataSets)
	}
	slices.Sort(sets)
	fast, err := plan.New(p, plan.Default())
	if err != nil {
		return err
	}
	defer fast.Close()
	for _, set := range sets {
		if err := runSet(set, p, fast, limits); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(set), err)
		}
	}
	return nil
}

// runSet runs the model by the definitions and by a plan, which must agree in every bit.
func runSet(folder string, p *program.Program, fast *plan.Runner, limits program.Limits) error {
	inputs, err := tensors(folder, "input", len(p.Inputs))
	if err != nil {
		return err
	}
	want, err := tensors(folder, "output", len(p.Outputs))
	if err != nil {
		return err
	}
	got, err := p.Run(inputs, limits)
	if err != nil {
		return err
	}
	for i := range want {
		if err := compare(got[i], want[i]); err != nil {
			return fmt.Errorf("output %d %q: %w", i, p.Outputs[i], err)
		}
	}
	planned, err := fast.Run(context.Background(), inputs, limits)
	if err != nil {
		return fmt.Errorf("by a plan: %w", err)
	}
	for i := range got {
		if !bytes.Equal(canonical(planned[i]), canonical(got[i])) {
			return fmt.Errorf("output %d %q: a plan gives other bits than the definitions", i, p.Outputs[i])
		}
	}
	return nil
}

// canonical gives a tensor as it is hashed: one NaN stands for all.
func canonical(t *tensor.Tensor) []byte {
	if t.Type() == tensor.Float32 {
		v := slices.Clone(tensor.Values[float32](t))
		for i, x := range v {
			v[i] = kernel.Canonical(x)
		}
		t = tensor.Of(t.Shape(), v)
	}
	return onnx.EncodeTensor("", t)
}

// tensors reads the files kind_0.pb, kind_1.pb, ...
func tensors(folder, kind string, n int) ([]*tensor.Tensor, error) {
	list := make([]*tensor.Tensor, n)
	for i := range list {
		name := fmt.Sprintf("%s_%d.pb", kind, i)
		file, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return nil, err
		}
		if list[i], err = onnx.DecodeTensor(file); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return list, nil
}

// compare says how got differs from want, if it does by more than is allowed.
func compare(got, want *tensor.Tensor) error {
	if got.Type() != want.Type() {
		return fmt.Errorf("type %v, want %v", got.Type(), want.Type())
	}
	if !slices.Equal(got.Shape(), want.Shape()) {
		return fmt.Errorf("shape %v, want %v", got.Shape(), want.Shape())
	}
	switch got.Type() {
	case tensor.Float32:
		return compareFloats(tensor.Values[float32](got), tensor.Values[float32](want))
	case tensor.Bool:
		return compareExact(tensor.Values[bool](got), tensor.Values[bool](want))
	}
	return compareExact(got.Ints(), want.Ints())
}

func compareExact[E comparable](got, want []E) error {
	for i, w := range want {
		if got[i] != w {
			return fmt.Errorf("element %d is %v, want %v", i, got[i], w)
		}
	}
	return nil
}

func compareFloats(got, want []float32) error {
	for i := range want {
		g, w := float64(got[i]), float64(want[i])
		switch {
		case g == w || g != g && w != w:
		case math.IsInf(w, 0) || !(math.Abs(g-w) <= absoluteMax+float64(relativeMax*math.Abs(w))):
			return fmt.Errorf("element %d is %v, want %v", i, got[i], want[i])
		}
	}
	return nil
}
