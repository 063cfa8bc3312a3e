package device

import (
	"bytes"
	"context"
	"fmt"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Model gives a question as a model.
func (k Known) Model() (*lower.Model, error) {
	n := onnx.Node{Op: k.Op, Attrs: k.Attrs}
	g := &onnx.Graph{}
	for i, t := range k.Inputs {
		name := ""
		if t != nil {
			name = fmt.Sprintf("x%d", i)
			g.Inputs = append(g.Inputs, onnx.Value{Name: name, Type: t.Type()})
		}
		n.Inputs = append(n.Inputs, name)
	}
	for i := range k.Outs {
		name := fmt.Sprintf("y%d", i)
		n.Outputs = append(n.Outputs, name)
		g.Outputs = append(g.Outputs, onnx.Value{Name: name})
	}
	g.Nodes = []onnx.Node{n}
	version := int64(k.Opset)
	if version == 0 {
		version = knownOpset
	}
	return lower.Lower(&onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: version}}, Graph: g}, lower.Outside{Form: net.FormTensors})
}

// given lists the inputs that are there.
func (k Known) given() (list []*tensor.Tensor) {
	for _, t := range k.Inputs {
		if t != nil {
			list = append(list, t)
		}
	}
	return list
}

// Answer gives what compute/operator says.
func (k Known) Answer() ([]*tensor.Tensor, error) {
	m, err := k.Model()
	if err != nil {
		return nil, err
	}
	file, err := m.ONNX()
	if err != nil {
		return nil, err
	}
	p, err := program.Compile(file)
	if err != nil {
		return nil, err
	}
	return p.Run(k.given(), program.DefaultLimits())
}

// SelfTest asks the device the questions and compares bytes. It says what was wrong first; NotRun with what kept it from being asked.
func (u *Unit) SelfTest() (Outcome, string) {
	for _, k := range Questions() {
		if outcome, why := u.ask(k); outcome != Validated {
			return outcome, fmt.Sprintf("%s: %s", k.Op, why)
		}
	}
	return Validated, ""
}

// ask asks one question. Nothing may be left to the processor.
func (u *Unit) ask(k Known) (Outcome, string) {
	want, err := k.Answer()
	if err != nil {
		return NotRun, err.Error()
	}
	got, stats, err := u.answer(k)
	if err != nil {
		return NotRun, err.Error()
	}
	if stats.HostOps > 0 {
		return NotRun, "the device left it to the processor"
	}
	for i := range want {
		if why := differ(got[i], want[i]); why != "" {
			return Mismatch, why
		}
	}
	return Validated, ""
}

func (u *Unit) answer(k Known) ([]*tensor.Tensor, Stats, error) {
	m, err := k.Model()
	if err != nil {
		return nil, Stats{}, err
	}
	p, err := u.Load(m)
	if err != nil {
		return nil, Stats{}, err
	}
	defer p.Close()
	before := u.eager
	u.eager = true
	defer func() { u.eager = before }()
	return p.Run(context.Background(), k.given(), program.DefaultLimits())
}

// differ says where two tensors do.
func differ(got, want *tensor.Tensor) string {
	a, b := got.Raw(), want.Raw()
	if got.Type() != want.Type() || fmt.Sprint(got.Shape()) != fmt.Sprint(want.Shape()) {
		return fmt.Sprintf("%v%v, want %v%v", got.Type(), got.Shape(), want.Type(), want.Shape())
	}
	size, wrong, first := want.Type().Size(), 0, -1
	for i := 0; i < len(b); i += size {
		if !bytes.Equal(a[i:i+size], b[i:i+size]) {
			if wrong++; first < 0 {
				first = i / size
			}
		}
	}
	if wrong == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d elements differ, the first is element %d: %x, want %x", wrong, want.Len(), first, a[first*size:][:size], b[first*size:][:size])
}
