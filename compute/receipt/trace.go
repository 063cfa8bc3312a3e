package receipt

import (
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// An Observer is told of every value that an operator has made, in order. It must not keep the tensor unless it knows
// that the executor does not use its memory again.
type Observer interface {
	Observe(v net.Value, t *tensor.Tensor)
}

// A Trace holds all tensors of a run by the numbers of their values.
type Trace struct {
	Model  *lower.Model
	Values []*tensor.Tensor
	digest []net.Digest
}

// Run runs a model on inputs and keeps every value. Others may be told of each value that an operator makes, before it is read.
func Run(m *lower.Model, inputs []*tensor.Tensor, limits program.Limits, others ...Observer) (*Trace, error) {
	file, err := m.ONNX()
	if err != nil {
		return nil, err
	}
	p, err := program.Compile(file)
	if err != nil {
		return nil, err
	}
	t := newTrace(m, inputs)
	if _, err := p.RunObserved(inputs, limits, observed(m.Net, append(others, t)...)); err != nil {
		return nil, err
	}
	if len(t.Values) != int(m.Net.FirstOf(len(m.Net.OpList))) {
		return nil, fmt.Errorf("the run made %d values, want %d", len(t.Values), m.Net.FirstOf(len(m.Net.OpList)))
	}
	return t, nil
}

func newTrace(m *lower.Model, inputs []*tensor.Tensor) *Trace {
	t := &Trace{Model: m}
	t.Values = append(t.Values, inputs...)
	t.Values = append(t.Values, m.Weights...)
	return t
}

// Observe implements Observer.
func (t *Trace) Observe(v net.Value, x *tensor.Tensor) {
	if int(v) == len(t.Values) {
		t.Values = append(t.Values, x)
	}
}

// observed tells observers of what a program's nodes make: they are a network's operators.
func observed(n *net.Net, list ...Observer) func(node int, outs []*tensor.Tensor) {
	next := n.FirstOf(0)
	return func(_ int, outs []*tensor.Tensor) {
		for _, t := range outs {
			for _, o := range list {
				o.Observe(next, t)
			}
			next++
		}
	}
}

// DigestOf gives the digest of a value; each is computed once.
func (t *Trace) DigestOf(v net.Value) net.Digest {
	if t.digest == nil {
		t.digest = make([]net.Digest, len(t.Values))
	}
	if t.digest[v].Type == 0 {
		t.digest[v] = lower.DigestOf(t.Values[v])
	}
	return t.digest[v]
}

// Entries lists what a full receipt is the root of.
func (t *Trace) Entries() []dispute.Entry {
	n := t.Model.Net
	out := make([]dispute.Entry, 1+len(n.OpList))
	for v := range n.Inputs {
		out[0].Digests = append(out[0].Digests, t.DigestOf(net.Value(v)))
	}
	first := n.FirstOf(0)
	for i := range n.OpList {
		e := &out[1+i]
		e.First = first
		for range n.OpList[i].Made() {
			e.Digests = append(e.Digests, t.DigestOf(first))
			first++
		}
	}
	return out
}

// Digests gives those of some values.
func (t *Trace) Digests(list []net.Value) (out []net.Digest) {
	for _, v := range list {
		out = append(out, t.DigestOf(v))
	}
	return out
}

// Root is the full receipt.
func (t *Trace) Root() chain.Hash { return dispute.ReceiptRoot(t.Entries()) }

// Clone gives a trace of the same values, for Set.
func (t *Trace) Clone() *Trace {
	return &Trace{Model: t.Model, Values: slices.Clone(t.Values), digest: slices.Clone(t.digest)}
}

// Set replaces a value, as somebody would who lies about it; nothing behind it is computed again.
func (t *Trace) Set(v net.Value, x *tensor.Tensor) {
	t.Values[v] = x
	if t.digest != nil {
		t.digest[v] = net.Digest{}
	}
}
