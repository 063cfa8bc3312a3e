package expand

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/tile"
	"github.com/aiwork/aiwork-node/internal/must"
)

// Limits of an expansion.
const (
	RoundsMax = 1 << 12 // of a Scan, or steps of a recurrent network
	LoopMax   = 1 << 10 // rounds of a Loop
	OpsMax    = 1 << 18 // operators
	batchMax  = net.TileLen
	sizeMax   = 1 << 20 // of a dimension of a recurrent network
)

// An Expansion is an operator understood as a network. It is read only.
type Expansion struct {
	Opset    uint16
	Operands int         // values before those that are made
	Ops      int         // operators
	Outs     []net.Value // the operator's outputs, those that it makes

	write func(s *scribe) []net.Value
}

// A maker understands one kind of operator.
type maker struct {
	name   string
	params []int // inputs whose elements decide
	make   func(c *call) (*Expansion, error)
}

func makers() []maker {
	return []maker{
		{"If", []int{0}, branch},
		{"Loop", []int{0, 1}, loop},
		{"Scan", nil, scan},
		{"RNN", []int{4}, recurrent},
		{"GRU", []int{4}, recurrent},
		{"LSTM", []int{4}, recurrent},
	}
}

// Covers says whether an operator is a composite one.
func Covers(name string) bool {
	return slices.ContainsFunc(makers(), func(m maker) bool { return m.name == name })
}

func find(t tile.Task) (m maker, err error) {
	if t.Op == nil || len(t.In) != len(t.Op.In) {
		return m, tile.FaultInvalid
	}
	for _, m := range makers() {
		if m.name == t.Op.Name {
			return m, nil
		}
	}
	return m, tile.FaultUnsupported
}

// Params lists the inputs whose elements Resolve needs: all of them have net.TileLen elements at most. The task's Out does not matter.
func Params(t tile.Task) (ports []int, err error) {
	m, err := find(t)
	if err != nil {
		return nil, err
	}
	for _, p := range m.params {
		if p >= len(t.In) || t.In[p].Type == 0 {
			continue
		}
		if net.Count(t.In[p].Shape) > net.TileLen {
			return nil, tile.FaultUnsupported
		}
		ports = append(ports, p)
	}
	return ports, nil
}

// Resolve understands a task. Its error is a tile.Fault.
func Resolve(t tile.Task, params tile.Source) (*Expansion, error) {
	m, err := find(t)
	if err != nil {
		return nil, err
	}
	for _, o := range t.In {
		if o.Type != 0 && o.Type.Size() == 0 || len(o.Shape) > net.RankMax {
			return nil, tile.FaultUnsupported
		}
	}
	x, err := m.make(&call{Task: t, params: params})
	if err != nil {
		return nil, err
	}
	if x.Opset == 0 {
		x.Opset = t.Opset
	}
	x.Operands = len(t.In)
	s := x.scribe()
	outs := x.write(s)
	if s.bad || s.ops > OpsMax || len(outs) < len(t.Op.Outs) {
		return nil, tile.FaultUnsupported
	}
	for i, there := range t.Op.Outs {
		if !there {
			continue
		}
		if outs[i] == net.None {
			return nil, tile.FaultInvalid
		}
		x.Outs = append(x.Outs, outs[i])
	}
	x.Ops = s.ops
	return x, nil
}

func (x *Expansion) scribe() *scribe {
	return &scribe{want: -1, next: net.Value(x.Operands), operands: x.Operands}
}

// Op gives operator i, which must be below Ops, and the number of the first value that it makes.
func (x *Expansion) Op(i int) (op net.Op, first net.Value) {
	must.Hold(i >= 0 && i < x.Ops, "expand: no such operator")
	s := x.scribe()
	s.want = i
	x.write(s)
	return s.op, s.first
}

// All gives all operators.
func (x *Expansion) All() []net.Op {
	s := x.scribe()
	s.all = make([]net.Op, 0, x.Ops)
	x.write(s)
	return s.all
}

// A call is a task on its way to an expansion.
type call struct {
	tile.Task
	params tile.Source
}

func (c *call) has(port int) bool { return port < len(c.In) && c.In[port].Type != 0 }

// number gives the single element of a parameter.
func (c *call) number(port int) (v int64, err error) {
	if net.Count(c.In[port].Shape) != 1 {
		return 0, tile.FaultInvalid
	}
	w, ok := c.params.Element(port, 0)
	if !ok {
		return 0, tile.FaultParameter
	}
	return int64(w), nil
}

// attr finds an attribute of a kind.
func (c *call) attr(name string, kind net.Kind) *net.Attr {
	for i := range c.Op.Attrs {
		if a := &c.Op.Attrs[i]; a.Name == name && a.Kind == kind {
			return a
		}
	}
	return nil
}

// only says whether the operator has no attributes but these, each of its kind.
func (c *call) only(kinds map[string]net.Kind) bool {
	for i := range c.Op.Attrs {
		if kinds[c.Op.Attrs[i].Name] != c.Op.Attrs[i].Kind {
			return false
		}
	}
	return true
}

func (c *call) int(name string, otherwise int64) int64 {
	if a := c.attr(name, net.KindInt); a != nil {
		return a.Int
	}
	return otherwise
}
