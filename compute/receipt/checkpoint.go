package receipt

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/crypto/merkle"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// Stretches is how many a run's checkpoint has, and StretchesMax how many one may have.
const (
	Stretches    = 4
	StretchesMax = 16
)

const checkpointTag = "aiwork/checkpoint/1"

// A Cut lies behind an operator.
type Cut struct {
	After int         // operators before it, less one
	Live  []net.Value // what must be known to go on from there, ascending; weights are known anyway
}

// Chosen gives the cuts of a run's checkpoint (RECEIPT-2): those of so many stretches that the network's work pays for.
func Chosen(n *net.Net, stretches int, form func(v net.Value) Form) []Cut {
	cuts, most := Cuts(n, stretches, form), Work(n, form)/stepsOfByte
	for len(cuts) > 0 && Bytes(cuts, form) > most {
		worst := 0
		for i := range cuts {
			if Bytes(cuts[i:i+1], form) >= Bytes(cuts[worst:worst+1], form) {
				worst = i
			}
		}
		cuts = slices.Delete(cuts, worst, worst+1)
	}
	return cuts
}

// Cuts gives a cut of each stretch, whatever it costs. form tells what a value is, which follows from the shapes of the inputs.
// Behind the last operator there is none.
func Cuts(n *net.Net, stretches int, form func(v net.Value) Form) []Cut {
	ops := len(n.OpList)
	stretches = min(stretches, StretchesMax, ops-1)
	var out []Cut
	l := newLiveness(n)
	bytes := make([]int, max(ops-1, 0))
	for i := range bytes {
		for _, v := range l.after(i) {
			bytes[i] += form(v).Bytes()
		}
	}
	for s := range stretches {
		first, end := s*(ops-1)/stretches, (s+1)*(ops-1)/stretches
		best := first
		for i := first; i < end; i++ {
			if bytes[i] < bytes[best] {
				best = i
			}
		}
		out = append(out, Cut{best, l.after(best)})
	}
	return out
}

// A liveness knows where each value is made and last read.
type liveness struct {
	made, last []int // an operator; -1 before the first one, len(OpList) for what is put out
	weights    [2]net.Value
}

func newLiveness(n *net.Net) *liveness {
	l := &liveness{weights: [2]net.Value{net.Value(len(n.Inputs)), n.FirstOf(0)}}
	total := int(n.FirstOf(len(n.OpList)))
	l.made, l.last = make([]int, total), make([]int, total)
	for v := range l.made {
		l.made[v], l.last[v] = -1, -1
	}
	next := int(n.FirstOf(0))
	for i := range n.OpList {
		for _, v := range n.OpList[i].In {
			if v != net.None {
				l.last[v] = i
			}
		}
		for range n.OpList[i].Made() {
			l.made[next] = i
			next++
		}
	}
	for _, v := range n.Outputs {
		l.last[v] = len(n.OpList)
	}
	return l
}

// after lists what lives behind operator i.
func (l *liveness) after(i int) (list []net.Value) {
	for v := range l.made {
		isWeight := net.Value(v) >= l.weights[0] && net.Value(v) < l.weights[1]
		if !isWeight && l.made[v] <= i && l.last[v] > i {
			list = append(list, net.Value(v))
		}
	}
	return list
}

// A Checkpoint is an Observer that digests what lives at some cuts. It is for one run.
type Checkpoint struct {
	cuts    []Cut
	digests map[net.Value]net.Digest
	wanted  map[net.Value]bool
}

// NewCheckpoint digests at cuts.
func NewCheckpoint(cuts []Cut) *Checkpoint {
	c := &Checkpoint{cuts: cuts, digests: map[net.Value]net.Digest{}, wanted: map[net.Value]bool{}}
	for _, cut := range cuts {
		for _, v := range cut.Live {
			c.wanted[v] = true
		}
	}
	return c
}

// Observe implements Observer. Inputs are to be given too.
func (c *Checkpoint) Observe(v net.Value, t *tensor.Tensor) {
	if c.wanted[v] {
		c.digests[v] = lower.DigestOf(t)
	}
}

// Root is the checkpoint of a run that has ended: an entry for each cut, First being the operator before it.
func (c *Checkpoint) Root() chain.Hash {
	leaves := make([][]byte, len(c.cuts))
	for i, cut := range c.cuts {
		e := dispute.Entry{First: net.Value(cut.After)}
		for _, v := range cut.Live {
			e.Digests = append(e.Digests, c.digests[v])
		}
		leaves[i] = e.Encode()
	}
	return merkle.Root(checkpointTag, leaves)
}

// Bytes is the sum of what a checkpoint digests.
func Bytes(cuts []Cut, form func(v net.Value) Form) (n int) {
	var seen []net.Value
	for _, cut := range cuts {
		for _, v := range cut.Live {
			if !slices.Contains(seen, v) {
				seen = append(seen, v)
				n += form(v).Bytes()
			}
		}
	}
	return n
}

// OutputOf finds the operator that makes a value, and which of its outputs it is; not ok for inputs and weights.
func OutputOf(n *net.Net, v net.Value) (op, out int, ok bool) {
	first := n.FirstOf(0)
	if v < first {
		return 0, 0, false
	}
	for i := range n.OpList {
		next := first + net.Value(n.OpList[i].Made())
		if v < next {
			return i, int(v - first), true
		}
		first = next
	}
	return 0, 0, false
}
