package device

import (
	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/program"
)

// A Program is a model on a unit. Its weights are copied to the device when they are first needed, and stay there until Close.
type Program struct {
	unit    *Unit
	model   *lower.Model
	inputs  []onnx.Value
	weights []*value
	steps   []step
	first   int // the number of the first value that an operator makes
	values  int // how many there are
	free    [][]net.Value
	kept    map[net.Value]bool // outputs
}

// A step is an operator.
type step struct {
	op    *net.Op
	attrs []onnx.Attr
	run   opFunc                      // nil: it is compute/operator's
	made  []net.Value                 // the numbers of its outputs, net.None where one is not made
	host  map[string]*program.Program // that operator alone, by the types of its inputs
}

// Load checks a model, as program.Compile does, and prepares it for the unit.
func (u *Unit) Load(m *lower.Model) (*Program, error) {
	file, err := m.ONNX()
	if err != nil {
		return nil, err
	}
	checked, err := program.Compile(file)
	if err != nil {
		return nil, err
	}
	n := m.Net
	p := &Program{unit: u, model: m, inputs: checked.Inputs, first: len(n.Inputs) + len(n.WeightList), kept: map[net.Value]bool{}}
	for _, t := range m.Weights {
		v := hostValue(t)
		v.kept = true
		p.weights = append(p.weights, v)
	}
	table := operators()
	next := net.Value(p.first)
	for i := range n.OpList {
		op := &n.OpList[i]
		s := step{op: op, attrs: file.Graph.Nodes[i].Attrs, run: table[op.Name], host: map[string]*program.Program{}}
		for _, there := range op.Outs {
			v := net.None
			if there {
				v = next
				next++
			}
			s.made = append(s.made, v)
		}
		p.steps = append(p.steps, s)
	}
	p.values = int(next)
	p.plan()
	return p, nil
}

// plan says after which step each value's memory may go.
func (p *Program) plan() {
	last := make([]int, p.values)
	for v := range last {
		last[v] = -1
	}
	for i := range p.steps {
		for _, v := range p.steps[i].made {
			if v != net.None {
				last[v] = i
			}
		}
		for _, v := range p.steps[i].op.In {
			if v != net.None {
				last[v] = i
			}
		}
	}
	for _, v := range p.model.Net.Outputs {
		p.kept[v] = true
	}
	p.free = make([][]net.Value, len(p.steps))
	for v, i := range last {
		if i >= 0 && !p.kept[net.Value(v)] {
			p.free[i] = append(p.free[i], net.Value(v))
		}
	}
}

// Close gives the weights' memory back.
func (p *Program) Close() {
	for _, v := range p.weights {
		if v.block != nil {
			p.unit.heap.give(v.block)
			v.block = nil
		}
	}
}

// alone gives the program of one step's operator for inputs of some types: what runs where the device has nothing.
func (p *Program) alone(s *step, in []*value) (*program.Program, error) {
	var types []byte
	one := &net.Net{Head: net.Head{Opset: p.model.Net.Opset, Form: net.FormTensors, Ops: 1}}
	op := *s.op
	op.In = nil
	for _, v := range in {
		if v == nil {
			op.In = append(op.In, net.None)
			types = append(types, 0)
			continue
		}
		op.In = append(op.In, net.Value(len(one.Inputs)))
		one.Inputs = append(one.Inputs, net.Port{Type: net.Type(onnx.NumberOf(v.kind))})
		types = append(types, byte(v.kind))
	}
	key := string(types)
	if known, ok := s.host[key]; ok {
		return known, nil
	}
	for i := range op.Made() {
		one.Outputs = append(one.Outputs, net.Value(len(one.Inputs)+i))
	}
	one.OpList = []net.Op{op}
	file, err := (&lower.Model{Net: one}).ONNX()
	if err != nil {
		return nil, err
	}
	made, err := program.Compile(file)
	if err != nil {
		return nil, err
	}
	s.host[key] = made
	return made, nil
}
