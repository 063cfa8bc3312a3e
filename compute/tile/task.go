package tile

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/internal/must"
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

// An Ask is what a step reads and does.
type Ask struct {
	Runs []Run // by input and then by tile
	Work int   // reads and positions
	from uint64
	end  int
}

// Needs says what the next step reads, and how far it goes (TILE-2).
func (w *Work) Needs(s State) Ask {
	g := gathering{in: w.plan.in, tiles: map[place]bool{}, last: make([]int, len(w.plan.in))}
	for i := range g.last {
		g.last[i] = -1
	}
	read := g.note
	first := int(s.Pos)
	pos := first
	for ; pos < w.recipe.length; pos++ {
		if pos > first && pos == w.recipe.stop {
			break
		}
		tiles, work := len(g.order), g.work
		g.work++
		w.recipe.reads(pos, s.Regs, read)
		if pos > first && (g.work > WorkMax || g.bytes > StepBytesMax) {
			g.order, g.work = g.order[:tiles], work
			break
		}
	}
	return Ask{Runs: g.runs(), Work: g.work, from: s.Pos, end: pos}
}

// A place is a tile of an input.
type place struct{ port, tile int }

// A gathering collects the tiles that positions read.
type gathering struct {
	in    []Operand
	tiles map[place]bool
	order []place
	last  []int // of each input, the tile that was read last
	bytes int   // of the tiles with their proofs, about
	work  int
}

func (g *gathering) note(port, index int) {
	g.work++
	if index < 0 {
		return
	}
	p := place{port, index / net.TileLen}
	if g.last[port] == p.tile {
		return
	}
	g.last[port] = p.tile
	if g.tiles[p] {
		return
	}
	g.tiles[p] = true
	g.order = append(g.order, p)
	g.bytes += net.TileLen * g.in[port].Type.Size()
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

// Step does the step that Needs has named, with its elements. The state must be the one that Needs was asked about, and
// one that Begin, Step or DecodeState gave; on a Fault it is spoilt.
func (w *Work) Step(s *State, a Ask, from Source) error {
	must.Hold(a.from == s.Pos, "tile: a step of another state")
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
	for pos := int(s.Pos); pos < a.end; pos++ {
		words = words[:0]
		if w.recipe.reads(pos, s.Regs, read); missing {
			return FaultOperand
		}
		w.recipe.apply(pos, s.Regs, words, emit)
		s.Pos++
	}
	return nil
}
