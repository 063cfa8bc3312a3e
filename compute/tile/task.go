package tile

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
)

// Limits of a step and of what is understood.
const (
	WorkMax      = 1 << 15  // reads and positions of a step
	StepBytesMax = 56 << 10 // operands of a step with their proofs, as estimated

	elementsMax  = 1 << 28 // of a tensor
	proofBytes   = 512     // estimate for a tile that stands alone
	nextBytes    = 32      // for one beside another
	registersMax = 1 << 12
)

// An Operand is what is known of an input without its elements. Type 0 stands for one that is left out.
type Operand struct {
	Type  net.Type
	Shape []uint32
}

// A Task asks for an output of an operator. Out counts in Op.Outs.
type Task struct {
	Opset uint16
	Op    *net.Op
	In    []Operand
	Out   int
}

// A Source gives elements of operands, as the low bits of a word: floats and numbers without sign with zeros
// above, numbers with a sign extended. ok is false for what it does not have.
type Source interface {
	Element(port, index int) (word uint64, ok bool)
}

// A Plan is a task understood. It is read only.
type Plan struct {
	Type  net.Type
	Shape []int
	make  func(first, n int) recipe
	in    []Operand
}

// A recipe computes n elements from first on, position by position.
type recipe struct {
	length    int // positions
	registers int
	// reads names what a position reads: element index of an input; a negative index is a zero that nobody sends.
	reads func(pos int, regs []uint64, read func(port, index int))
	// apply does the position with the words that were read and emits elements that are ready.
	apply func(pos int, regs, words []uint64, emit func(word uint64))
	// stop is a position at which a step must begin, because what it reads follows from what was read before.
	stop int
}

// Params lists the inputs whose elements Resolve needs: all of them have net.TileLen elements at most.
func Params(t Task) ([]int, error) {
	e, err := find(t)
	if err != nil {
		return nil, err
	}
	var ports []int
	for _, p := range e.params {
		if p >= len(t.In) || t.In[p].Type == 0 {
			continue
		}
		if net.Count(t.In[p].Shape) > net.TileLen {
			return nil, FaultUnsupported
		}
		ports = append(ports, p)
	}
	return ports, nil
}

// Resolve understands a task. Its error is a Fault.
func Resolve(t Task, params Source) (*Plan, error) {
	e, err := find(t)
	if err != nil {
		return nil, err
	}
	c := &call{opset: int(t.Opset), op: t.Op, out: t.Out, params: params}
	c.attrs = &attrs{list: t.Op.Attrs}
	for _, o := range t.In {
		if o.Type != 0 && o.Type.Size() == 0 || net.Count(o.Shape) > elementsMax || len(o.Shape) > net.RankMax {
			return nil, FaultUnsupported
		}
		c.in = append(c.in, operand{o.Type, ints(o.Shape)})
	}
	plan, err := e.make(c)
	if err != nil {
		return nil, err
	}
	if c.attrs.bad || c.attrs.unread() {
		return nil, FaultUnsupported
	}
	if !checkShape(plan.Shape) || plan.Type.Size() == 0 {
		return nil, FaultInvalid
	}
	plan.in = t.In
	return plan, nil
}

func find(t Task) (entry, error) {
	if t.Op == nil || t.Out < 0 || t.Out >= len(t.Op.Outs) || !t.Op.Outs[t.Out] {
		return entry{}, FaultInvalid
	}
	var found entry
	for _, e := range table() {
		if e.name == t.Op.Name && e.since <= int(t.Opset) && e.since >= found.since {
			found = e
		}
	}
	if found.make == nil {
		return entry{}, FaultUnsupported
	}
	return found, nil
}

// Tiles is the number of tiles of the output.
func (p *Plan) Tiles() int { return (count(p.Shape) + net.TileLen - 1) / net.TileLen }

// Tile gives the work of a tile, which must be below Tiles.
func (p *Plan) Tile(i int) *Work {
	first := i * net.TileLen
	n := min(net.TileLen, count(p.Shape)-first)
	return &Work{plan: p, recipe: p.make(first, n), bytes: n * p.Type.Size()}
}

// A Work is one tile that is to be computed. It is read only.
type Work struct {
	plan   *Plan
	recipe recipe
	bytes  int
}

// A Run names tiles of an input that stand side by side.
type Run struct {
	Port  int
	First int // a tile
	Count int
}

// Begin gives the state before the first step.
func (w *Work) Begin() State { return State{Regs: make([]uint64, w.recipe.registers)} }

// Done says whether the tile is there.
func (w *Work) Done(s State) bool { return s.Pos == uint64(w.recipe.length) && len(s.Out) == w.bytes }

// Needs gives what the next step reads, by input and then by tile, and how much work it is: reads and positions.
func (w *Work) Needs(s State) (runs []Run, work int) {
	g := &gathering{w: w, tiles: map[place]bool{}}
	end := w.end(s, g)
	g.tiles, g.order = map[place]bool{}, nil // of what fits only
	for pos := int(s.Pos); pos < end; pos++ {
		work++
		w.recipe.reads(pos, s.Regs, func(port, index int) {
			work++
			g.note(port, index)
		})
	}
	return g.runs(), work
}

// A place is a tile of an input.
type place struct{ port, tile int }

// A gathering collects the tiles that positions read.
type gathering struct {
	w     *Work
	tiles map[place]bool
	order []place
	bytes int
}

func (g *gathering) note(port, index int) {
	if index < 0 {
		return
	}
	p := place{port, index / net.TileLen}
	if g.tiles[p] {
		return
	}
	g.tiles[p] = true
	g.order = append(g.order, p)
	g.bytes += net.TileLen * g.w.plan.in[port].Type.Size()
	if g.tiles[place{port, p.tile - 1}] || g.tiles[place{port, p.tile + 1}] {
		g.bytes += nextBytes
	} else {
		g.bytes += proofBytes
	}
}

func (g *gathering) runs() (runs []Run) {
	slices.SortFunc(g.order, func(a, b place) int {
		if a.port != b.port {
			return a.port - b.port
		}
		return a.tile - b.tile
	})
	for _, p := range g.order {
		if n := len(runs); n > 0 && runs[n-1].Port == p.port && runs[n-1].First+runs[n-1].Count == p.tile {
			runs[n-1].Count++
			continue
		}
		runs = append(runs, Run{p.port, p.tile, 1})
	}
	return runs
}

// end gives the position at which the next step ends (TILE-2).
func (w *Work) end(s State, g *gathering) int {
	first := int(s.Pos)
	work := 0
	for pos := first; pos < w.recipe.length; pos++ {
		if pos > first && w.recipe.stop > 0 && pos == w.recipe.stop {
			return pos
		}
		work++
		w.recipe.reads(pos, s.Regs, func(port, index int) {
			work++
			g.note(port, index)
		})
		if pos > first && (work > WorkMax || g.bytes > StepBytesMax) {
			return pos
		}
	}
	return w.recipe.length
}

// Step does the next step with the elements that Needs has named. The state must be one that Begin or Step gave,
// or DecodeState; on a Fault it is spoilt.
func (w *Work) Step(s *State, from Source) error {
	end := w.end(*s, &gathering{w: w, tiles: map[place]bool{}})
	missing := false
	words := make([]uint64, 0, 256)
	read := func(port, index int) {
		if index < 0 {
			words = append(words, 0)
			return
		}
		v, ok := from.Element(port, index)
		missing = missing || !ok
		words = append(words, v)
	}
	emit := func(v uint64) { s.Out = appendWord(s.Out, w.plan.Type, v) }
	for pos := int(s.Pos); pos < end && !missing; pos++ {
		words = words[:0]
		w.recipe.reads(pos, s.Regs, read)
		if missing {
			break
		}
		w.recipe.apply(pos, s.Regs, words, emit)
		s.Pos++
	}
	if missing {
		return FaultOperand
	}
	return nil
}
