package tile

import (
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/soft"
)

// An operand of a call, its dimensions as ints.
type operand struct {
	kind  net.Type
	shape []int
}

func (o operand) len() int { return count(o.shape) }

// A call is a task on its way to a plan.
type call struct {
	opset  int
	op     *net.Op
	in     []operand
	out    int
	attrs  *attrs
	params Source
}

// has says whether an input is there.
func (c *call) has(i int) bool { return i < len(c.in) && c.in[i].kind != 0 }

// want checks that inputs are there, of one type each; 0 is any.
func (c *call) want(kinds ...net.Type) bool {
	for i, k := range kinds {
		if !c.has(i) || k != 0 && c.in[i].kind != k {
			return false
		}
	}
	return true
}

// list gives the elements of a parameter; nil where it is left out.
func (c *call) list(port int) ([]int64, error) {
	if !c.has(port) {
		return nil, nil
	}
	o := c.in[port]
	if o.len() > net.TileLen || len(o.shape) > 1 {
		return nil, FaultUnsupported
	}
	out := make([]int64, o.len())
	for i := range out {
		v, ok := c.params.Element(port, i)
		if !ok {
			return nil, FaultParameter
		}
		out[i] = int64(v)
	}
	return out, nil
}

// An attrs reads attributes and remembers which were read.
type attrs struct {
	list []net.Attr
	read [net.AttrsMax]bool
	bad  bool
}

func (a *attrs) find(name string, kind net.Kind) *net.Attr {
	for i := range a.list {
		if a.list[i].Name != name || i >= len(a.read) {
			continue
		}
		a.read[i] = true
		if a.list[i].Kind == kind {
			return &a.list[i]
		}
		a.bad = true
	}
	return nil
}

func (a *attrs) has(name string) bool {
	for i := range a.list {
		if a.list[i].Name == name {
			return true
		}
	}
	return false
}

func (a *attrs) unread() bool {
	for i := range a.list {
		if i >= len(a.read) || !a.read[i] {
			return true
		}
	}
	return false
}

func (a *attrs) int(name string, otherwise int64) int64 {
	if f := a.find(name, net.KindInt); f != nil {
		return f.Int
	}
	return otherwise
}

func (a *attrs) flag(name string, otherwise bool) bool {
	n := int64(0)
	if otherwise {
		n = 1
	}
	return a.int(name, n) != 0
}

func (a *attrs) float(name string, otherwise soft.F32) soft.F32 {
	if f := a.find(name, net.KindFloat); f != nil {
		return soft.F32(f.Float)
	}
	return otherwise
}

// text is one of some; another is not understood.
func (a *attrs) text(name, otherwise string, others ...string) string {
	f := a.find(name, net.KindText)
	if f == nil || f.Text == otherwise {
		return otherwise
	}
	for _, o := range others {
		if f.Text == o {
			return o
		}
	}
	a.bad = true
	return otherwise
}

// ints is nil where the attribute is left out.
func (a *attrs) ints(name string) []int64 {
	f := a.find(name, net.KindInts)
	switch {
	case f == nil:
		return nil
	case f.Ints == nil:
		return []int64{}
	}
	return f.Ints
}
