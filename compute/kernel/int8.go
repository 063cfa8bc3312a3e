package kernel

import (
	"slices"

	"github.com/aiwork/aiwork-node/internal/must"
)

// Products of whole numbers. Sums are of 32 bits and wrap, so their order makes no difference, and k may be cut and paired as it suits.
// Both sides come as 16 bits: bytes less their zero point, which do not fit in 8.

//go:generate go run gen_int8.go

const (
	intRowsMax  = 6   // of a panel
	intWide     = 16  // columns of a panel
	intSegment  = 512 // k that are done at once, so that a panel of columns stays in the first cache
	intSumBytes = 128 << 10
)

// An intStripe is what a micro-kernel does in one call: panels of rows, one below the other, times one panel of columns. Each step takes
// two k. Strides are in bytes.
type intStripe struct {
	a      *int16 // row r at pair l is l·rows + r pairs further
	b      *int16 // 16 columns of pair l are 16·l pairs further
	c      *int32
	ldc    int
	next   int // from panel to panel of a
	pairs  int
	panels int
	join   int // 1: add to c
}

// IntRows is the left matrix of a product of whole numbers, m rows of k elements, in panels.
type IntRows struct {
	M, K         int
	data         []int16
	height, tall int // of the first tall panels; the others are one lower
	panel        int
}

// PackIntRows lays a[m][k] out for the micro-kernels: panel after panel, in each pair after pair of k, and row after row.
func PackIntRows(a []int16, m, k int) *IntRows {
	must.Hold(m > 0 && k > 0 && len(a) >= m*k, "a matrix without elements")
	r := &IntRows{M: m, K: k}
	r.panels()
	pairs := (k + 1) / 2
	r.data = make([]int16, 2*m*pairs)
	to := r.data
	for i := range r.panel {
		first, height := r.panelAt(i)
		for l := range k {
			for j := range height {
				to[(l/2*height+j)*2+l%2] = a[(first+j)*k+l]
			}
		}
		to = to[2*height*pairs:]
	}
	return r
}

// panels cuts the rows into as few panels as possible, of even heights.
func (r *IntRows) panels() {
	r.panel = (r.M + intRowsMax - 1) / intRowsMax
	r.height = (r.M + r.panel - 1) / r.panel
	r.tall = r.M - r.panel*(r.height-1)
}

func (r *IntRows) panelAt(i int) (first, height int) {
	if i < r.tall {
		return i * r.height, r.height
	}
	return r.tall*r.height + (i-r.tall)*(r.height-1), r.height - 1
}

// ByteColumns is the right matrix: element k of column n is the byte X[Offsets[k]+n], less Zero.
type ByteColumns struct {
	X       []uint8
	Offsets []int32
	N       int
	Zero    int32
}

// IntScratch is what one thread needs for products of whole numbers. Its zero value is ready.
type IntScratch struct {
	panel   []int16
	bytes   []uint8
	offsets []int32 // of all k, and one more that makes their number even
	edges   []int32 // of a panel that was copied
	reach   int     // the largest of the offsets
	sums    []int32
}

// IntParts gives how many panels of rows and columns a product has.
func IntParts(a *IntRows, b *ByteColumns) Part {
	return Part{RowTo: a.panel, ColTo: (b.N + intWide - 1) / intWide}
}

// MultiplyBytes computes a part of a times b and hands over rows of sums, piece by piece, with the row and the first column.
func (p Path) MultiplyBytes(a *IntRows, b *ByteColumns, part Part, s *IntScratch, done func(row, column int, sums []int32)) {
	must.Hold(a.K == len(b.Offsets), "a product of matrices that do not fit")
	m := intProduct{path: p, a: a, b: b, s: s}
	s.take(b.Offsets)
	perBlock := max(1, rowsBytes/2/min(a.K+1, intSegment)/a.height)
	for first := part.RowFrom; first < part.RowTo; first += perBlock {
		m.from, m.to = first, min(first+perBlock, part.RowTo)
		m.first, _ = a.panelAt(m.from)
		last, height := a.panelAt(m.to - 1)
		m.rows = last + height - m.first
		m.block(part.ColFrom, part.ColTo, done)
	}
}

// take readies the scratch for a product over some offsets. A last k without a partner gets any, for its weights are zero.
func (s *IntScratch) take(offsets []int32) {
	s.offsets = append(s.offsets[:0], offsets...)
	if len(offsets)%2 == 1 {
		s.offsets = append(s.offsets, offsets[len(offsets)-1])
	}
	must.Hold(slices.Min(offsets) >= 0, "an offset before the first byte")
	s.reach = int(slices.Max(offsets))
	k := min(len(s.offsets), intSegment)
	if len(s.edges) < k {
		s.edges = make([]int32, k)
		for l := range s.edges {
			s.edges[l] = int32(l * intWide)
		}
		s.bytes, s.panel = make([]uint8, k*intWide), make([]int16, k*intWide)
	}
}

// An intProduct is a MultiplyBytes at work on one block of rows.
type intProduct struct {
	path     Path
	a        *IntRows
	b        *ByteColumns
	s        *IntScratch
	from, to int // panels of rows
	first    int // row
	rows     int
}

// block does so many columns at a time that their sums stay in the cache.
func (m *intProduct) block(from, to int, done func(row, column int, sums []int32)) {
	group := min(to-from, max(4, intSumBytes/4/m.rows/intWide))
	ldc := group * intWide
	if len(m.s.sums) < m.rows*ldc {
		m.s.sums = make([]int32, m.rows*ldc)
	}
	for first := from; first < to; first += group {
		end := min(first+group, to)
		for k := 0; k < m.a.K; k += intSegment {
			length := min(intSegment, m.a.K-k)
			for i := first; i < end; i++ {
				panel := m.columns(i*intWide, k, length)
				m.stripes(m.s.sums[(i-first)*intWide:], ldc, panel, k, length)
			}
		}
		n := min(end*intWide, m.b.N) - first*intWide
		for r := range m.rows {
			done(m.first+r, first*intWide, m.s.sums[r*ldc:][:n])
		}
	}
}

// columns packs a panel of columns over one segment. One that is not full, or ends where the bytes end, is copied first.
func (m *intProduct) columns(n, k, length int) []int16 {
	s, cols := m.s, min(intWide, m.b.N-n)
	offsets := s.offsets[k : k+(length+1)/2*2]
	panel := s.panel[:intWide*len(offsets)]
	if x := m.b.X[n:]; cols == intWide && s.reach+intWide <= len(x) {
		m.path.pairBytes(panel, x, offsets, s.reach, m.b.Zero)
		return panel
	}
	for l, o := range offsets {
		copy(s.bytes[l*intWide:][:cols], m.b.X[n+int(o):])
	}
	m.path.pairBytes(panel, s.bytes, s.edges[:len(offsets)], (len(offsets)-1)*intWide, m.b.Zero)
	return panel
}

// stripes runs the micro-kernels over the panels of rows.
func (m *intProduct) stripes(c []int32, ldc int, panel []int16, k, length int) {
	a, done := m.a, m.from
	all := 2 * ((a.K + 1) / 2) // elements of a row
	for done < m.to {
		first, height := a.panelAt(done)
		last := m.to
		if done < a.tall {
			last = min(last, a.tall)
		}
		s := intStripe{ldc: 4 * ldc, next: 2 * height * all, pairs: (length + 1) / 2, panels: last - done}
		if k > 0 {
			s.join = 1
		}
		m.path.intStripe(c[(first-m.first)*ldc:], a.data[first*all+k*height:], panel, height, &s)
		done = last
	}
}

// intStripeGo is the portable micro-kernel.
func intStripeGo(c []int32, a, x []int16, rows int, s *intStripe) {
	for i := range s.panels * rows {
		panel, row := i/rows, i%rows
		out := c[i*s.ldc/4:][:intWide]
		if s.join == 0 {
			clear(out)
		}
		for l := range s.pairs {
			w := a[panel*s.next/2+2*(l*rows+row):][:2]
			from := x[2*intWide*l:][:2*intWide]
			first, second := int32(w[0]), int32(w[1])
			for j := range out {
				out[j] += int32(from[2*j])*first + int32(from[2*j+1])*second
			}
		}
	}
}

func pairBytesGo(to []int16, from []uint8, offsets []int32, zero int32) {
	for i := 0; i < len(offsets); i += 2 {
		a, b := from[offsets[i]:][:intWide], from[offsets[i+1]:][:intWide]
		row := to[i*intWide:][:2*intWide]
		for j := range a {
			row[2*j], row[2*j+1] = int16(int32(a[j])-zero), int16(int32(b[j])-zero)
		}
	}
}

// ByteTaps are the taps of a window over one plane of bytes, in pairs.
type ByteTaps struct {
	offsets []int32 // bytes
	weights []int32 // two of 16 bits
	start   int32   // what the zero points of all taps come to
	reach   int
}

// PackByteTaps takes weights less their zero point, the offset of each, and the zero point of the plane.
func PackByteTaps(weights []int16, offsets []int32, zero int32) *ByteTaps {
	must.Hold(len(weights) == len(offsets) && len(weights) > 0, "taps that do not fit")
	t := &ByteTaps{}
	for i, w := range weights {
		t.start -= int32(w) * zero
		t.reach = max(t.reach, int(offsets[i]))
		t.offsets = append(t.offsets, offsets[i])
		if i%2 == 0 {
			t.weights = append(t.weights, int32(uint16(w)))
		} else {
			t.weights[i/2] |= int32(w) << 16
		}
	}
	if len(weights)%2 == 1 {
		t.offsets = append(t.offsets, t.offsets[len(weights)-1])
	}
	return t
}

// SlideSlack is the number of elements behind n that SlideBytes may read of x and write of out.
const SlideSlack = intWide

// SlideBytes sets out[i] to the sum over all taps of (x[i+offset] - zero)·weight, for i < n.
func (p Path) SlideBytes(out []int32, x []uint8, t *ByteTaps, n int) {
	whole := (n + intWide - 1) / intWide * intWide
	_, _ = out[:whole], x[:whole+t.reach]
	if n > 0 {
		p.slideBytes(whole, out, x, t)
	}
}

func slideBytesGo(n int, out []int32, x []uint8, t *ByteTaps) {
	for i := range n {
		sum := t.start
		for j, w := range t.weights {
			sum += int32(x[i+int(t.offsets[2*j])])*int32(int16(w)) + int32(x[i+int(t.offsets[2*j+1])])*(w>>16)
		}
		out[i] = sum
	}
}

// DefineIntProduct is a[m][k] times b[k][n], as whole numbers that wrap.
func DefineIntProduct(c []int32, a, b []int16, m, n, k int) {
	for i := range m {
		for j := range n {
			sum := int32(0)
			for l := range k {
				sum += int32(a[i*k+l]) * int32(b[l*n+j])
			}
			c[i*n+j] = sum
		}
	}
}

// EvenBytes copies every second byte of from until to is full.
func (p Path) EvenBytes(to, from []uint8) {
	n := min(len(to), len(from)/2) / intWide * intWide
	if p == PathGo {
		n = 0
	}
	if n > 0 {
		p.evenBytes(n, to, from)
	}
	for i := n; i < len(to); i++ {
		to[i] = from[2*i]
	}
}

// RequantizeBytes is RequantizeUint8, for long rows.
func (p Path) RequantizeBytes(y []uint8, sums []int32, bias int32, ratio float32, zero int32) {
	n := 0
	if ratio-ratio == 0 { // an infinite one could make NaN of 0
		n = p.requantizeWide(y, sums, bias, ratio, zero)
	}
	p.RequantizeUint8(y[n:len(sums)], sums[n:], bias, ratio, zero)
}
