package kernel

import (
	"slices"

	"github.com/aiwork/aiwork-node/internal/must"
)

// Products of a matrix of few or many rows with one that need not exist in memory: the windows of a
// convolution are columns of such a matrix. Chains are those of AIW-2.

//go:generate go run gentile.go

// A stripe is what a micro-kernel does in one call: panels of rows, one below the other, times panels of
// columns, over one segment of k. Strides and offsets are in bytes. The kernel changes it as it goes.
type stripe struct {
	a       *float32 // row r at step k is lda·r + step·k further
	b       *float32 // the columns at step k lie at offsets[k]
	c       *float32
	offsets *int32
	bias    *float32
	scale   *float32
	shift   *float32
	add     *float32 // a matrix that lies as c does
	lda     int
	step    int
	next    int // from panel to panel of a
	ldc     int
	k       int
	panels  int
	columns int // panels of columns
	nextB   int // from one to the next
	flags   int
	lo, hi  float32
	// Where the kernel is.
	//lint:ignore U1000 the micro-kernels use it
	atC *float32
	//lint:ignore U1000 the micro-kernels use it
	atBias *float32
	//lint:ignore U1000 the micro-kernels use it
	atScale *float32
	//lint:ignore U1000 the micro-kernels use it
	atShift *float32
	//lint:ignore U1000 the micro-kernels use it
	toAdd int
	//lint:ignore U1000 the micro-kernels use it
	left int
}

const (
	stripeJoin   = 1 // add to what earlier segments left in c
	stripeFinish = 2 // the last segment: bias, + (+0)
	stripeAffine = 4 // then a scale and a shift
	stripeAdd    = 8 // then another matrix is added
	stripeClamp  = 16
)

// Rows is the left matrix of a product: m rows of k elements, in panels of at most two heights.
type Rows struct {
	M, K                int
	data                []float32
	height, tall, panel int // of the first tall panels; the others are one lower; panels in all
	stride, step        int // elements from row to row, from step to step; stride 0: packed
}

// panelsOf cuts m rows into as few panels as possible, of even heights.
func (p Path) panelsOf(r *Rows) {
	most := p.stripeRows()
	r.panel = (r.M + most - 1) / most
	r.height = (r.M + r.panel - 1) / r.panel
	r.tall = r.M - r.panel*(r.height-1)
}

// RowsOf takes a[m][k] as it lies.
func (p Path) RowsOf(a []float32, m, k int) *Rows {
	must.Hold(m > 0 && k > 0 && len(a) >= m*k, "a matrix without elements")
	r := &Rows{M: m, K: k, data: a, stride: k, step: 1}
	p.panelsOf(r)
	return r
}

// PackRows lays a[m][k] out for the path's micro-kernels: segment after segment, in each panel after panel, in
// each step after step, which is the order in which a product reads. Ends are those of the columns' segments.
func (p Path) PackRows(a []float32, m, k int, ends []int) *Rows {
	must.Hold(m > 0 && k > 0 && len(a) >= m*k, "a matrix without elements")
	r := &Rows{M: m, K: k, data: make([]float32, m*k)}
	p.panelsOf(r)
	to := r.data
	for begin := 0; begin < k; {
		end := segmentEnd(ends, begin, k)
		for i := range r.panel {
			first, height := r.panelAt(i)
			for j := range height {
				for l, v := range a[(first+j)*k+begin : (first+j)*k+end] {
					to[l*height+j] = v
				}
			}
			to = to[height*(end-begin):]
		}
		begin = end
	}
	return r
}

// panelAt gives the first row of a panel, and its height.
func (r *Rows) panelAt(i int) (first, height int) {
	if i < r.tall {
		return i * r.height, r.height
	}
	return r.tall*r.height + (i-r.tall)*(r.height-1), r.height - 1
}

// Slack is the number of elements behind those that a product reads which must be there, too: vectors are
// read whole.
const Slack = 64

// Columns is the right matrix of a product: column n lies at some place of x, its element k Offsets[k]
// bytes further. Places are rows of Width columns, at Starts (elements) and then Step by Step.
type Columns struct {
	X       []float32 // with Slack
	Offsets []int32   // of each k
	Starts  []int32
	Width   int
	Step    int
	Ends    []int     // of the segments, the last being len(Offsets); nil: all but the last have SegmentLen
	panels  []float32 // packed, instead of X
}

// segmentEnd is where the segment that begins at k ends. Chains from which steps were left out that cannot
// change a bit have shorter segments.
func (c *Columns) segmentEnd(k int) int { return segmentEnd(c.Ends, k, len(c.Offsets)) }

func segmentEnd(ends []int, k, all int) int {
	for _, end := range ends {
		if end > k {
			return end
		}
	}
	return min(k+SegmentLen, all)
}

// N is the number of columns.
func (c *Columns) N() int { return c.Width * len(c.Starts) }

// reach reports whether all that is read is there, with the slack.
func (c *Columns) reach(wide int) bool {
	furthest := int(slices.Max(c.Offsets))/4 + wide
	if c.panels != nil {
		return furthest+(c.Width+wide-1)/wide*wide*len(c.Offsets)-wide*len(c.Offsets) <= len(c.panels)
	}
	start := int(slices.Max(c.Starts))
	return slices.Min(c.Offsets) >= 0 && start+furthest+(c.Width-1)*c.Step <= cap(c.X)
}

// MatrixColumns takes b[k][n] as it lies; it must have Slack.
func MatrixColumns(b []float32, k, n int) *Columns {
	c := &Columns{X: b, Offsets: make([]int32, k), Starts: []int32{0}, Width: n, Step: 1}
	for i := range c.Offsets {
		c.Offsets[i] = int32(4 * n * i)
	}
	return c
}

// PackColumns copies all columns of a matrix that is used often into panels. There is one row of places.
func (p Path) PackColumns(c *Columns) *Columns {
	wide, k := p.stripeWidth(), len(c.Offsets)
	count := (c.N() + wide - 1) / wide
	must.Hold(len(c.Starts) == 1, "columns in several rows are not packed")
	out := &Columns{Offsets: packedOffsets(k, wide), Starts: []int32{0}, Width: c.N(), Step: 1}
	out.panels = make([]float32, count*k*wide+Slack)
	for i := range count {
		p.gatherPanel(out.panels[i*k*wide:], wide, c, i*wide, min(wide, c.N()-i*wide), 0, k)
	}
	return out
}

func packedOffsets(k, wide int) []int32 {
	out := make([]int32, k)
	for i := range out {
		out[i] = int32(4 * wide * i)
	}
	return out
}

// An End is what happens at the end of a product's chains, in this order: the bias of each row (nil for none), a scale and
// shift of each row in one rounding, the sum with another matrix, whose rows are as far apart as those of the result,
// and a clamp, whose bounds must not be NaN or -0, nor below 0 where it is not the first.
type End struct {
	Bias         []float32
	Scale, Shift []float32
	Add          []float32
	Clamp        bool
	Lo, Hi       float32
	// After, if there is one, is called with pieces of rows that are done, while they are in the cache, or with whole rows
	// that follow each other.
	After func(c []float32, row, column int)
}

// Scratch is what one thread needs for products. Its zero value is ready.
type Scratch struct {
	panel   []float32 // columns of one segment
	edge    []float32 // results of a panel that is not full
	added   []float32 // what is added to them
	offsets []int32   // of a panel that is one run of neighbours
	apart   []int32   // of one that is several, with a gap between steps
	zeros   []float32 // a bias of none
	thin    []float32 // chains of few columns, by vectors over rows
}

func (s *Scratch) size(wide, rows int) {
	if pitch := wide + gatherLanes; len(s.panel) < SegmentLen*pitch+Slack {
		s.panel = make([]float32, SegmentLen*pitch+Slack)
		s.offsets, s.apart = packedOffsets(SegmentLen, wide), packedOffsets(SegmentLen, pitch)
	}
	if len(s.edge) < rows*wide+Slack {
		s.edge, s.added = make([]float32, rows*wide+Slack), make([]float32, rows*wide+Slack)
	}
	if len(s.zeros) < rows {
		s.zeros = make([]float32, rows)
	}
}

const (
	rowsBytes   = 192 << 10 // of one segment of the left matrix, which stays in the second cache
	resultBytes = 128 << 10 // of results that are joined, likewise
	gatherLanes = 8         // that a run is copied in
	gatherRows  = 48        // with so many rows, copying a panel of columns pays, and with more than WindowRowsMax one of windows
	afterRows   = 96        // at a time where something follows, so that it gets long pieces of them
)

// WindowRowsMax is how many rows read columns in short rows as they lie, whose steps are mostly neighbours.
const WindowRowsMax = 69

// A Part is a share of a product: panels of rows and of columns, from and to.
type Part struct{ RowFrom, RowTo, ColFrom, ColTo int }

// Parts gives how many panels a product has.
func (p Path) Parts(a *Rows, b *Columns) Part {
	wide := p.stripeWidth()
	return Part{RowTo: a.panel, ColTo: (b.N() + wide - 1) / wide}
}

// Multiply sets c, whose rows are ldc apart, to a times b, or a part of it.
func (p Path) Multiply(c []float32, ldc int, a *Rows, b *Columns, end *End, part Part, s *Scratch) {
	must.Hold(a.K == len(b.Offsets) && b.reach(p.stripeWidth()), "a product of matrices that do not fit")
	m := product{path: p, c: c, ldc: ldc, a: a, b: b, end: end, s: s, wide: p.stripeWidth()}
	perBlock := max(1, rowsBytes/4/min(a.K, SegmentLen)/max(1, a.height))
	if end.After != nil {
		perBlock = min(perBlock, max(1, afterRows/a.height))
	}
	for first := part.RowFrom; first < part.RowTo; first += perBlock {
		m.from, m.to = first, min(first+perBlock, part.RowTo)
		m.first, _ = a.panelAt(m.from)
		last, height := a.panelAt(m.to - 1)
		m.rows = last + height - m.first
		s.size(m.wide, m.rows)
		m.block(part.ColFrom, part.ColTo)
	}
}

// A product is a Multiply at work on one block of rows.
type product struct {
	path     Path
	c        []float32
	ldc      int
	a        *Rows
	b        *Columns
	end      *End
	s        *Scratch
	wide     int
	from, to int // panels of rows
	first    int // row
	rows     int
}

// block does so many columns at a time that their results stay in the cache from segment to segment.
func (m *product) block(from, to int) {
	group := max(4, resultBytes/4/m.rows/m.wide)
	if m.b.segmentEnd(0) == m.a.K && m.end.After == nil {
		group = to - from
	}
	for first := from; first < to; first += group {
		for k := 0; k < m.a.K; {
			end := m.b.segmentEnd(k)
			for i := first; i < min(first+group, to); {
				i += m.some(i, min(first+group, to), k, end-k)
			}
			k = end
		}
		if m.end.After != nil {
			m.after(first*m.wide, min(min(first+group, to)*m.wide, m.b.N()))
		}
	}
}

// after hands over what is done of some columns.
func (m *product) after(from, to int) {
	if to-from == m.ldc {
		m.end.After(m.c[m.first*m.ldc:(m.first+m.rows)*m.ldc], m.first, 0)
		return
	}
	for r := m.first; r < m.first+m.rows; r++ {
		m.end.After(m.c[r*m.ldc+from:r*m.ldc+to], r, from)
	}
}

// some does panels of columns from one on over one segment, as many as one call of the kernels can do, and
// says how many.
func (m *product) some(i, to, k, length int) int {
	n := i * m.wide
	full := min(to, m.b.N()/m.wide) - i
	if full <= 0 {
		m.edge(n, k, length)
		return 1
	}
	x, offsets, nextB, count := m.columns(n, full, k, length)
	at := m.first*m.ldc + n
	var add []float32
	if m.end.Add != nil {
		add = m.end.Add[at:]
	}
	m.stripes(m.c[at:], add, m.ldc, x, offsets, k, length, columnPanels{count, nextB, false})
	return count
}

// columnPanels says which panels of columns a call of the kernels does.
type columnPanels struct {
	count, next int // next in bytes
	narrow      bool
}

// edge does the last panel, which is not full.
func (m *product) edge(n, k, length int) {
	cols := m.b.N() - n
	c, edge := m.c[m.first*m.ldc+n:], m.s.edge
	x, offsets := m.b.panels, m.b.Offsets[k:k+length]
	if x != nil {
		x = x[n*m.a.K:]
	} else {
		x, offsets = m.s.panel, m.gather(n, cols, 1, k, length)
	}
	last := k+length == m.a.K
	if m.thins(cols) {
		m.thinSegment(x, offsets, cols, k)
		if !last {
			return
		}
		m.thinRows(edge, cols)
		k, length = m.a.K, 0 // nothing but the end is left
	} else if k > 0 {
		for r := range m.rows {
			copy(edge[r*m.wide:][:cols], c[r*m.ldc:])
		}
	}
	var add []float32
	if m.end.Add != nil && last {
		add = m.s.added
		for r := range m.rows {
			copy(add[r*m.wide:][:cols], m.end.Add[(m.first+r)*m.ldc+n:])
		}
	}
	m.stripes(edge, add, m.wide, x, offsets, k, length, columnPanels{1, 0, cols <= m.wide/2})
	for r := range m.rows {
		copy(c[r*m.ldc:][:cols], edge[r*m.wide:])
	}
}

// inPlace reports whether there are too few rows for a copy of the columns.
func (m *product) inPlace() bool {
	if len(m.b.Starts) > 1 {
		return m.rows <= WindowRowsMax
	}
	return m.rows < gatherRows
}

// columns gives where some of so many full panels lie: in place, if they are one run of neighbours that is
// not worth a copy. Copies stay in the first cache.
func (m *product) columns(n, full, k, length int) (x []float32, offsets []int32, next, count int) {
	b := m.b
	if b.panels != nil {
		return b.panels[n*m.a.K:], b.Offsets[k : k+length], 4 * m.wide * m.a.K, full
	}
	row, at := n/b.Width, n%b.Width
	if run := (b.Width - at) / m.wide; m.inPlace() && b.Step == 1 && run > 0 {
		return b.X[int(b.Starts[row])+at:], b.Offsets[k : k+length], 4 * m.wide, min(full, run)
	}
	count = min(full, max(1, SegmentLen/length))
	offsets = m.gather(n, m.wide*count, count, k, length)
	return m.s.panel, offsets, len(offsets) * m.pitch(offsets) * 4, count
}

// stripes runs the micro-kernels over the panels of rows.
func (m *product) stripes(c, add []float32, ldc int, x []float32, offsets []int32, k, length int, columns columnPanels) {
	a, done := m.a, m.from
	for done < m.to {
		first, height := a.panelAt(done)
		last := m.to
		if done < a.tall {
			last = min(last, a.tall)
		}
		s := stripe{ldc: 4 * ldc, k: length, panels: last - done, columns: columns.count, nextB: columns.next}
		rows := a.data
		if length == 0 { // sums that are joined to what is there
		} else if a.stride == 0 {
			s.lda, s.step, s.next = 4, 4*height, 4*height*length
			rows = rows[a.M*k+first*length:]
		} else {
			s.lda, s.step, s.next = 4*a.stride, 4*a.step, 4*height*a.stride
			rows = rows[first*a.stride+k*a.step:]
		}
		if k > 0 {
			s.flags |= stripeJoin
		}
		at := (first - m.first) * ldc
		ends := rowEnds{bias: m.s.zeros}
		if k+length == a.K {
			ends = m.ends(&s, first, add, at)
		}
		m.path.stripe(c[at:], rows, x, offsets, &ends, height, columns.narrow, &s)
		done = last
	}
}

// rowEnds is what the ends of a stripe's rows need; add lies as c does.
type rowEnds struct{ bias, scale, shift, add []float32 }

// ends sets the flags for the last segment of rows from one on.
func (m *product) ends(s *stripe, first int, add []float32, at int) rowEnds {
	e, out := m.end, rowEnds{bias: m.s.zeros}
	s.flags |= stripeFinish
	if e.Bias != nil {
		out.bias = e.Bias[first:]
	}
	if e.Scale != nil {
		s.flags |= stripeAffine
		out.scale, out.shift = e.Scale[first:], e.Shift[first:]
	}
	if add != nil {
		s.flags |= stripeAdd
		out.add = add[at:]
	}
	if e.Clamp {
		s.flags |= stripeClamp
		s.lo, s.hi = e.Lo, e.Hi
	}
	return out
}

// set points a stripe at its rows' ends. The slice expressions panic if it would leave them.
func (e *rowEnds) set(s *stripe, rows, cols int) {
	_ = e.bias[:rows]
	s.bias = &e.bias[0]
	if s.flags&stripeAffine != 0 {
		_, _ = e.scale[:rows], e.shift[:rows]
		s.scale, s.shift = &e.scale[0], &e.shift[0]
	}
	if s.flags&stripeAdd != 0 {
		_ = e.add[:(rows-1)*s.ldc/4+cols]
		s.add = &e.add[0]
	}
}

// stripeGo is the portable micro-kernel.
func stripeGo(c, a, x []float32, offsets []int32, e *rowEnds, rows, cols int, s *stripe) {
	for i := range s.columns {
		ends := *e
		if s.flags&stripeAdd != 0 {
			ends.add = e.add[i*cols:]
		}
		stripePanel(c[i*cols:], a, x[i*s.nextB/4:], offsets, &ends, rows, cols, s)
	}
}

func stripePanel(c, a, x []float32, offsets []int32, e *rowEnds, rows, cols int, s *stripe) {
	acc := make([]float32, cols)
	for i := range s.panels * rows {
		panel, row := i/rows, i%rows
		clear(acc)
		for l, o := range offsets {
			v := a[(panel*s.next+row*s.lda+l*s.step)/4]
			from := x[int(o)/4:][:cols]
			for j, w := range from {
				acc[j] = FMA(v, w, acc[j])
			}
		}
		out := c[i*s.ldc/4:][:cols]
		for j, v := range acc {
			if s.flags&stripeJoin != 0 {
				v += out[j]
			}
			if s.flags&stripeFinish != 0 {
				v = (v + e.bias[i]) + 0
			}
			if s.flags&stripeAffine != 0 {
				v = FMA(v, e.scale[i], e.shift[i])
			}
			if s.flags&stripeAdd != 0 {
				v += e.add[i*s.ldc/4+j]
			}
			if s.flags&stripeClamp != 0 {
				v = clamp(v, s.lo, s.hi)
			}
			out[j] = v
		}
	}
}
