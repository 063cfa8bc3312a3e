package plan

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Products of matrices.

// ended is what a product does with its results: what the kernels can do at the end of their chains, in its order, then
// chains one after the other.
type ended struct {
	y       int // slot of the results
	bias    []float32
	endRows int       // of results that take a scale and shift, or another value, in the kernel; 0: they do not
	scales  []float32 // of each row
	shifts  []float32
	sums    bool // the kernel can add another value
	adds    bool // and does
	add     int  // slot of a value that is added
	clamp   bool
	lo, hi  float32
	chains  []*chain
}

func (e *ended) result() int { return e.y }

// takeChain lets the beginning of a chain be the kernel's own.
func (e *ended) takeChain(c *chain) {
	for len(c.links) > 0 && len(e.chains) == 0 && !c.usesSource() && e.takeLink(&c.links[0], c.elements) {
		c.links = c.links[1:]
	}
	if len(c.links) > 0 {
		e.chains = append(e.chains, c)
	}
	e.y = c.to
}

// takeLink reports whether the kernel can do a link after what it does already.
func (e *ended) takeLink(l *link, elements int) bool {
	if e.clamp {
		return false
	}
	more := e.scales != nil || e.adds
	if lo, hi, ok := l.clamp(); ok && (!more || lo >= 0) {
		e.clamp, e.lo, e.hi = true, lo, hi
		return true
	}
	switch {
	case e.endRows == 0 || e.adds:
		return false
	case l.affine && l.period == e.endRows && elements%(l.inner*l.period) == 0 && !more:
		e.scales, e.shifts = l.constants, l.shift
		return true
	case e.sums && !l.unary && l.binary == kernel.BinaryAdd && l.from == operandFull && l.slot != program.None:
		e.adds, e.add = true, l.slot
		return true
	}
	return false
}

// usesSource reports whether a link reads what the chain began with.
func (c *chain) usesSource() bool {
	return slices.ContainsFunc(c.links, func(l link) bool { return l.from == operandSource })
}

// after runs the chains over some of the results, the first of which is the at-th element of the output.
func (e *ended) after(f *frame, w *worker, y []float32, at int) {
	for i := 0; i < len(y); i += tileLen {
		piece := y[i:min(i+tileLen, len(y))]
		for _, c := range e.chains {
			c.piece(f, w, piece, piece, at+i)
		}
	}
}

// clamp gives the bounds of a link that the kernels can do: no NaN, no -0.
func (l *link) clamp() (lo, hi float32, ok bool) {
	switch {
	case !l.unary:
		return 0, 0, false
	case l.function == kernel.UnaryRelu:
		return 0, infinity, true
	case l.function == kernel.UnaryClip:
		return l.alpha, l.beta, l.alpha == l.alpha && l.beta == l.beta && !negativeZero(l.alpha) && !negativeZero(l.beta)
	}
	return 0, 0, false
}

// end makes the kernel's End for rows of results, from one of the first matrix on, whose first element is the at-th of the output.
func (e *ended) end(f *frame, w *worker, row, at, ldc int) kernel.End {
	out := kernel.End{Clamp: e.clamp, Lo: e.lo, Hi: e.hi}
	if e.bias != nil {
		out.Bias = e.bias[row:]
	}
	if e.scales != nil {
		out.Scale, out.Shift = e.scales[row:], e.shifts[row:]
	}
	if e.adds {
		out.Add = f.values(e.add)[at:]
	}
	if len(e.chains) > 0 {
		out.After = func(c []float32, row, column int) { e.after(f, w, c, at+row*ldc+column) }
	}
	return out
}

// A matrixStep multiplies stacks of matrices: rows of a by columns of b.
type matrixStep struct {
	ended
	a, b    int // slots
	m, n, k int
	columns *kernel.Columns // of a constant b; nil: b is read as it comes
	stacks  [][2]int        // elements at which the matrices of each product begin
}

func (s *matrixStep) run(f *frame) error {
	a, y := f.values(s.a), f.values(s.y)
	for i, at := range s.stacks {
		rows := f.path.RowsOf(a[at[0]:], s.m, s.k)
		columns := s.columns
		if columns == nil {
			columns = kernel.MatrixColumns(f.values(s.b)[at[1]:], s.k, s.n)
		}
		f.multiply(y[i*s.m*s.n:], s.n, rows, columns, &s.ended, 0, i*s.m*s.n)
	}
	return nil
}

// partSteps is about the work of a part of a product that is worth a thread's attention.
const partSteps = 1 << 17

// multiply cuts a product into parts.
func (f *frame) multiply(c []float32, ldc int, a *kernel.Rows, b *kernel.Columns, e *ended, row, at int) {
	f.shareBy(f.gridOf(f.path.Parts(a, b), a.M*a.K*b.N(), 1, e.short(b.N())), a.M*a.K*b.N(), func(_ int, p kernel.Part, w *worker) {
		end := e.end(f, w, row, at, ldc)
		f.path.Multiply(c, ldc, a, b, &end, p, &w.Scratch)
	})
}

// short reports whether rows are not to be cut, since chains run over them, which take long pieces better.
func (e *ended) short(columns int) bool { return len(e.chains) > 0 && columns <= shortMax }

const shortMax = 512

// A grid is how some products of one size are cut, each into as many parts.
type grid struct {
	all            kernel.Part
	products       int
	byRows, byCols int
}

// gridOf cuts products of about so many steps together for whoever is free, by rows first if these are short.
func (f *frame) gridOf(all kernel.Part, steps, products int, short bool) grid {
	want := 1
	if f.crew.threads() > 1 {
		want = min(4*f.crew.threads(), max(1, steps/partSteps))
	}
	want = (want + products - 1) / products
	g := grid{all, products, 1, min(want, all.ColTo)}
	if short && all.RowTo >= 2*want {
		g.byRows, g.byCols = want, 1
	} else if g.byCols < min(want, f.crew.threads()) {
		g.byRows = min(all.RowTo, (want+g.byCols-1)/g.byCols)
	}
	return g
}

// byRows cuts a product whose left matrix is the larger one: by rows, as far as threads have enough of them, so that each part of it is
// read by one thread only. Every part copies columns for itself, so there are few.
func (f *frame) byRows(g grid) grid {
	threads := f.crew.threads()
	want := min(g.byRows*g.byCols, g.all.RowTo/partPanelsMin) / threads * threads
	if threads > 1 && want >= threads {
		g.byRows, g.byCols = want, 1
	}
	return g
}

const partPanelsMin = 16 // of rows

// shareBy does the parts of products of about so many steps together.
func (f *frame) shareBy(g grid, steps int, do func(product int, p kernel.Part, w *worker)) {
	each := g.byRows * g.byCols
	f.crew.split(g.products*each, steps, func(part int, w *worker) {
		col, row := part%each%g.byCols, part%each/g.byCols
		do(part/each, kernel.Part{
			RowFrom: row * g.all.RowTo / g.byRows, RowTo: (row + 1) * g.all.RowTo / g.byRows,
			ColFrom: col * g.all.ColTo / g.byCols, ColTo: (col + 1) * g.all.ColTo / g.byCols,
		}, w)
	})
}

// share cuts one product into parts.
func (f *frame) share(all kernel.Part, steps int, do func(p kernel.Part, w *worker)) {
	f.shareBy(f.gridOf(all, steps, 1, false), steps, func(_ int, p kernel.Part, w *worker) { do(p, w) })
}

// matMul plans a MatMul. With a constant on the right, stacks on the left are more rows of one product.
func (b *builder) matMul(n *program.Node) bool {
	x, y := b.in(n, 0), b.in(n, 1)
	if len(x.shape) < 2 || len(y.shape) < 2 || x.constant != nil || tensor.Count(x.shape) == 0 || tensor.Count(y.shape) == 0 {
		return false
	}
	s := &matrixStep{ended: ended{y: n.Out[0]}, a: n.In[0], b: n.In[1]}
	s.m, s.k, s.n = x.shape[len(x.shape)-2], x.shape[len(x.shape)-1], y.shape[len(y.shape)-1]
	stackA, stackB := x.shape[:len(x.shape)-2], y.shape[:len(y.shape)-2]
	stack, err := tensor.Broadcast(stackA, stackB)
	if err != nil || y.shape[len(y.shape)-2] != s.k {
		return false
	}
	shape := append(slices.Clone(stack), s.m, s.n)
	if tensor.CheckShape(shape) != nil {
		return false
	}
	reads := []int{s.a}
	if y.constant != nil && tensor.Count(stackB) == 1 {
		s.m *= tensor.Count(stack)
		s.stacks = [][2]int{{0, 0}}
		s.columns = b.constantColumns(y.constant, s.k, s.n, false)
	} else {
		fromA := tensor.Offsets(stack, tensor.BroadcastStrides(stackA, stack), 0)
		fromB := tensor.Offsets(stack, tensor.BroadcastStrides(stackB, stack), 0)
		for i := range fromA {
			s.stacks = append(s.stacks, [2]int{int(fromA[i]) * s.m * s.k, int(fromB[i]) * s.k * s.n})
		}
		s.b = b.withSlack(s.b)
		reads = append(reads, s.b)
	}
	b.add(s, reads, s.m*s.n*s.k*len(s.stacks))
	b.place(s.y, shape)
	return true
}

// constantColumns packs a constant right side, turned over if it comes as [n][k].
func (b *builder) constantColumns(t *tensor.Tensor, k, n int, turned bool) *kernel.Columns {
	kind := layoutColumns
	if turned {
		kind = layoutTurned
	}
	key := packKey{weights: t, layout: kind, rows: n, k: k}
	kept := func(data []byte) *kernel.Columns { return b.r.path.KeptColumns(data, k, n) }
	return pack(b.r, key, kept, func() *kernel.Columns {
		from := tensor.Values[float32](t)
		to := make([]float32, k*n+kernel.Slack)
		copy(to, from)
		if turned {
			for i := range n {
				for j := range k {
					to[j*n+i] = from[i*k+j]
				}
			}
		}
		return b.r.path.PackColumns(kernel.MatrixColumns(to, k, n))
	})
}

// withSlack gives a slot with the same elements in the arena, behind which more may be read.
func (b *builder) withSlack(slot int) int {
	v := b.values[slot]
	if v.buffer != nil {
		return slot
	}
	to := b.g.Slots
	b.g.Slots++
	b.p.slots = b.g.Slots
	b.values = append(b.values, value{})
	b.uses = append(b.uses, 1)
	b.add(&copyStep{from: slot, to: to}, []int{slot}, tensor.Count(v.shape))
	b.place(to, v.shape)
	return to
}

// A copyStep copies a value into the arena.
type copyStep struct{ from, to int }

func (s *copyStep) run(f *frame) error {
	copy(f.values(s.to), f.values(s.from))
	return nil
}

// gemm plans a Gemm with constant right side.
func (b *builder) gemm(n *program.Node) bool {
	x, w, c := b.in(n, 0), b.in(n, 1), b.in(n, 2)
	turned := attrInt(n, "transB", 0) != 0
	if len(x.shape) != 2 || len(w.shape) != 2 || x.constant != nil || w.constant == nil || attrInt(n, "transA", 0) != 0 {
		return false
	}
	s := &matrixStep{ended: ended{y: n.Out[0]}, a: n.In[0], b: n.In[1], m: x.shape[0], k: x.shape[1], n: w.shape[1], stacks: [][2]int{{0, 0}}}
	rows := w.shape[0]
	if turned {
		rows, s.n = s.n, rows
	}
	shape := []int{s.m, s.n}
	if rows != s.k || s.m*s.n*s.k == 0 || tensor.CheckShape(shape) != nil {
		return false
	}
	links, ok := b.gemmEnd(n, c, shape)
	if !ok {
		return false
	}
	s.columns = b.constantColumns(w.constant, s.k, s.n, turned)
	b.add(s, []int{s.a}, s.m*s.n*s.k)
	b.place(s.y, shape)
	if len(links) > 0 {
		s.chains = []*chain{{source: s.y, to: s.y, elements: s.m * s.n, links: links}}
	}
	return true
}

// gemmEnd gives what follows the chains of a Gemm: alpha, and beta times a constant, each rounded.
func (b *builder) gemmEnd(n *program.Node, c *value, shape []int) (links []link, ok bool) {
	if alpha := attrFloat(n, "alpha", 1); alpha != 1 {
		links = append(links, link{binary: kernel.BinaryMul, from: operandScalar, slot: program.None, constants: []float32{alpha}})
	}
	if c == nil {
		return links, true
	}
	if c.constant == nil {
		return nil, false
	}
	l := link{binary: kernel.BinaryAdd, slot: program.None}
	if wide, err := tensor.Broadcast(c.shape, shape); err != nil || !slices.Equal(wide, shape) || !l.operandOf(c.shape, shape) {
		return nil, false
	}
	beta := attrFloat(n, "beta", 1)
	for _, v := range tensor.Values[float32](c.constant) {
		l.constants = append(l.constants, float32(beta*v))
	}
	zero := link{binary: kernel.BinaryAdd, from: operandScalar, slot: program.None, constants: []float32{0}}
	return append(links, l, zero), true
}
