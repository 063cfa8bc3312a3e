package device

import (
	"context"
	"errors"
	"fmt"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Stats say what a run did.
type Stats struct {
	DeviceOps     int `json:"deviceOps"` // operators that ran on the device
	HostOps       int `json:"hostOps"`   // on the processor
	Views         int `json:"views"`     // that only gave a value another shape, or told its shape
	Launches      int `json:"launches"`
	Uploads       int `json:"uploads"`
	UploadBytes   int `json:"uploadBytes"`
	Downloads     int `json:"downloads"`
	DownloadBytes int `json:"downloadBytes"`
	PeakBytes     int `json:"peakBytes"` // of the device's memory

	Elsewhere map[string]int `json:"elsewhere,omitempty"` // operators that ran on the processor, by name
}

// A run is one use of a program.
type run struct {
	unit   *Unit
	p      *Program
	limits program.Limits
	values []*value
	stats  Stats
}

func (r *run) heap() *heap { return &r.unit.heap }

func (r *run) queue(l *Launch) error {
	r.stats.Launches++
	return r.unit.queue(l)
}

// Run computes the outputs from the inputs: the bits of program.Run, whatever ran where. Errors for which IsTrouble holds, a CeilingError, an
// operator.LimitError and those of ctx are about this machine; all others depend on the model and the inputs alone.
// limits.Bytes bounds what lies in the program's memory, limits.Steps each operator that runs there.
func (p *Program) Run(ctx context.Context, inputs []*tensor.Tensor, limits program.Limits) ([]*tensor.Tensor, Stats, error) {
	r := &run{unit: p.unit, p: p, limits: limits, values: make([]*value, p.values), stats: Stats{Elsewhere: map[string]int{}}}
	p.unit.heap.peak = p.unit.heap.used
	defer r.end()
	if err := r.begin(inputs); err != nil {
		return nil, r.stats, err
	}
	for i := range p.steps {
		if err := ctx.Err(); err != nil {
			return nil, r.stats, err
		}
		if err := r.step(i); err != nil {
			return nil, r.stats, fmt.Errorf("operator %d %s: %w", i, p.steps[i].op.Name, err)
		}
	}
	var outputs []*tensor.Tensor
	for _, v := range p.model.Net.Outputs {
		t, err := r.tensor(r.values[v])
		if err != nil {
			return nil, r.stats, err
		}
		outputs = append(outputs, t)
	}
	r.stats.PeakBytes = p.unit.heap.peak
	return outputs, r.stats, nil
}

// begin sets the values that no operator makes.
func (r *run) begin(inputs []*tensor.Tensor) error {
	if len(inputs) != len(r.p.inputs) {
		return fmt.Errorf("%d inputs, want %d", len(inputs), len(r.p.inputs))
	}
	for i, t := range inputs {
		if err := fits(t, r.p.inputs[i]); err != nil {
			return fmt.Errorf("input %d: %w", i, err)
		}
		r.values[i] = hostValue(t)
	}
	copy(r.values[len(inputs):], r.p.weights)
	return nil
}

// fits checks an input against what the model declares.
func fits(t *tensor.Tensor, want onnx.Value) error {
	if t.Type() != want.Type {
		return fmt.Errorf("type %v, want %v", t.Type(), want.Type)
	}
	if !want.Ranks {
		return nil
	}
	if t.Rank() != len(want.Shape) {
		return fmt.Errorf("shape %v, want %d dimensions", t.Shape(), len(want.Shape))
	}
	for i, d := range want.Shape {
		if d.Size >= 0 && d.Name == "" && int64(t.Shape()[i]) != d.Size {
			return fmt.Errorf("shape %v, want %d in dimension %d", t.Shape(), d.Size, i)
		}
	}
	return nil
}

// end gives back what the values hold.
func (r *run) end() {
	for _, v := range r.values {
		r.release(v)
	}
}

// step runs an operator, frees what nobody reads any more.
func (r *run) step(i int) error {
	s := &r.p.steps[i]
	in := make([]*value, len(s.op.In))
	for j, v := range s.op.In {
		if v != net.None {
			in[j] = r.values[v]
		}
	}
	outs, err := r.outputs(s, in)
	if err != nil {
		return err
	}
	for j, v := range outs {
		if j < len(s.made) && s.made[j] != net.None {
			r.values[s.made[j]] = v
		} else {
			r.release(v) // made, but not wanted
		}
	}
	for _, v := range r.p.free[i] {
		r.release(r.values[v])
		if int(v) >= r.p.first || int(v) < len(r.p.inputs) {
			r.values[v] = nil
		}
	}
	return nil
}

// outputs gives what an operator makes, by the device where that has it and it pays.
func (r *run) outputs(s *step, in []*value) ([]*value, error) {
	if s.run != nil && r.pays(in) {
		c := &call{run: r, attrs: s.attrs, in: in, outs: len(s.made)}
		outs, err := s.run(c)
		if err == nil {
			if outs = c.keep(outs); len(outs) >= len(s.made) {
				return outs, nil
			}
			c.drop(outs)
			err = errElsewhere
		} else {
			c.drop(nil)
		}
		if !errors.Is(err, errElsewhere) {
			return nil, err
		}
	}
	return r.elsewhere(s, in)
}

// keep frees what a call made for itself.
func (c *call) keep(outs []*value) []*value {
	for _, v := range c.made {
		wanted := false
		for _, o := range outs {
			wanted = wanted || o == v
		}
		if !wanted {
			c.release(v)
		}
	}
	c.made = nil
	if len(outs) > 0 {
		c.stats.DeviceOps++
	}
	return outs
}

// drop frees what a call made that came to nothing.
func (c *call) drop(outs []*value) {
	if outs != nil {
		c.stats.DeviceOps--
	}
	for _, v := range append(c.made, outs...) {
		c.release(v)
	}
	c.made = nil
}

// smallLen is the number of elements up to which tensors that lie in the program's memory are left there: shapes, axes, scalars.
const smallLen = 256

// pays says whether an operator's inputs are worth the device: one lies there, or is large.
func (r *run) pays(in []*value) bool {
	for _, v := range in {
		if v != nil && (r.unit.eager || v.block != nil && !v.kept || v.len() > smallLen) {
			return true
		}
	}
	return false
}

// elsewhere runs an operator on the processor.
func (r *run) elsewhere(s *step, in []*value) ([]*value, error) {
	alone, err := r.p.alone(s, in)
	if err != nil {
		return nil, err
	}
	var tensors []*tensor.Tensor
	for _, v := range in {
		if v == nil {
			continue
		}
		t, err := r.tensor(v)
		if err != nil {
			return nil, err
		}
		tensors = append(tensors, t)
	}
	left := r.limits
	left.Bytes -= r.hostBytes()
	if left.Bytes < 0 {
		return nil, &operator.LimitError{What: "memory"}
	}
	made, err := alone.Run(tensors, left)
	if err != nil {
		return nil, err
	}
	r.stats.HostOps++
	r.stats.Elsewhere[s.op.Name]++
	var outs []*value
	for _, there := range s.op.Outs {
		if !there {
			outs = append(outs, nil)
			continue
		}
		outs, made = append(outs, hostValue(made[0])), made[1:]
	}
	return outs, nil
}

// hostBytes counts what values hold in the program's memory; what several share counts for each.
func (r *run) hostBytes() (n int) {
	for _, v := range r.values {
		if v != nil && v.host != nil {
			n += v.host.Bytes()
		}
	}
	return n
}
