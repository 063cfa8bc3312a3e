package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// Products over columns that need not exist, against the definition: every form of the two sides, odd sizes,
// several segments, parts, ends, and values of all kinds.

// slack gives a copy with what vectors may read behind its end.
func slack(v []float32) []float32 {
	out := make([]float32, len(v), len(v)+Slack)
	copy(out, v)
	return out
}

func TestMultiplyEqualsDefinition(t *testing.T) {
	sizes := [][3]int{{1, 1, 1}, {1, 40, 300}, {5, 16, 3}, {7, 33, 257}, {50, 49, 600}, {13, 8, 520}, {31, 100, 64}, {64, 17, 256}, {14, 70, 5}, {25, 19, 300}, {12, 16, 9}, {70, 33, 2}, {53, 18, 300}, {48, 35, 513}}
	for _, path := range Paths() {
		for i, d := range sizes {
			v := newValues(uint64(i))
			draw := v.mild
			if i%2 == 1 {
				draw = v.any
			}
			m, n, k := d[0], d[1], d[2]
			a, b := fill(m*k, draw), fill(k*n, draw)
			want := make([]float32, m*n)
			DefineGemm(want, a, b, nil, m, n, k)
			end := endOf(i, m, n, v)
			for j := range want {
				want[j] = defineEnd(end, want[j], j/n, j)
			}
			for _, rows := range []*Rows{path.PackRows(a, m, k, nil), path.RowsOf(a, m, k)} {
				for _, columns := range []*Columns{MatrixColumns(slack(b), k, n), path.PackColumns(MatrixColumns(slack(b), k, n))} {
					got := make([]float32, m*n)
					multiplyInParts(path, got, n, rows, columns, end)
					compare(t, fmt.Sprintf("%v, %d × %d × %d", path, m, n, k), got[:len(want)], want)
				}
			}
		}
	}
}

// endOf gives all kinds of ends in turn.
func endOf(i, m, n int, v values) *End {
	e := &End{}
	if i%3 == 0 {
		e = &End{Bias: fill(m, v.mild), Clamp: true, Lo: -0.5, Hi: 1}
	}
	if i%2 == 1 {
		e.Scale, e.Shift, e.Lo, e.Hi = fill(m, v.any), fill(m, v.any), 0, 6
	}
	if i%4 > 1 {
		e.Add, e.Lo, e.Hi = fill(m*n, v.any), 0, 6
	}
	return e
}

// defineEnd is what an End says of the chain of an element.
func defineEnd(e *End, chain float32, row, at int) float32 {
	if e.Bias != nil {
		chain = (chain + e.Bias[row]) + 0
	}
	if e.Scale != nil {
		chain = FMA(chain, e.Scale[row], e.Shift[row])
	}
	if e.Add != nil {
		chain += e.Add[at]
	}
	if e.Clamp {
		chain = clamp(chain, e.Lo, e.Hi)
	}
	return chain
}

// multiplyInParts does a product in four parts, as threads would.
func multiplyInParts(p Path, c []float32, ldc int, a *Rows, b *Columns, end *End) {
	all := p.Parts(a, b)
	row, col := all.RowTo/2, all.ColTo/2
	for _, part := range []Part{{0, row, 0, col}, {row, all.RowTo, 0, col}, {0, row, col, all.ColTo}, {row, all.RowTo, col, all.ColTo}} {
		if part.RowFrom < part.RowTo && part.ColFrom < part.ColTo {
			p.Multiply(c, ldc, a, b, end, part, &Scratch{})
		}
	}
}

// Columns in short rows, with steps between them: windows of a convolution.
func TestColumnsInRows(t *testing.T) {
	for _, path := range Paths() {
		for seed := range uint64(24) {
			r := rand.New(rand.NewPCG(seed, 3))
			v := newValues(seed)
			m, k := 1+r.IntN(60), 1+r.IntN(300)
			c := &Columns{Width: 1 + r.IntN(40), Step: 1 + r.IntN(3), X: slack(fill(3000, v.any))}
			for range 1 + r.IntN(6) {
				c.Starts = append(c.Starts, int32(r.IntN(1000)))
			}
			for range k {
				c.Offsets = append(c.Offsets, int32(4*r.IntN(1000)))
			}
			a := fill(m*k, v.mild)
			n := c.N()
			b := make([]float32, k*n)
			for j := range n {
				for l := range k {
					b[l*n+j] = c.X[int(c.Starts[j/c.Width])+j%c.Width*c.Step+int(c.Offsets[l])/4]
				}
			}
			want, got := make([]float32, m*n), make([]float32, m*n)
			DefineGemm(want, a, b, nil, m, n, k)
			multiplyInParts(path, got, n, path.PackRows(a, m, k, nil), c, &End{})
			compare(t, fmt.Sprintf("%v, seed %d", path, seed), got[:len(want)], want)
		}
	}
}

// Segments may be shorter than others say: each is a chain of its own.
func TestSegmentEnds(t *testing.T) {
	const m, n, k = 9, 21, 40
	ends := []int{3, 20, k}
	for _, path := range Paths() {
		v := newValues(1)
		a, b := fill(m*k, v.mild), fill(k*n, v.mild)
		want := make([]float32, m*n)
		for i := range want {
			first := 0
			for s, end := range ends {
				acc := float32(0)
				for l := first; l < end; l++ {
					acc = FMA(a[i/n*k+l], b[l*n+i%n], acc)
				}
				if s == 0 {
					want[i] = acc
				} else {
					want[i] += acc
				}
				first = end
			}
			want[i] += 0
		}
		c := MatrixColumns(slack(b), k, n)
		c.Ends = ends
		got := make([]float32, m*n)
		multiplyInParts(path, got, n, path.PackRows(a, m, k, ends), c, &End{})
		compare(t, path.String(), got[:len(want)], want)
	}
}

// After gets every element once, when it is done.
func TestAfter(t *testing.T) {
	const m, n, k = 70, 700, 300
	for _, path := range Paths()[max(0, len(Paths())-1):] {
		v := newValues(2)
		a, b := fill(m*k, v.mild), fill(k*n, v.mild)
		want, got := make([]float32, m*n), make([]float32, m*n)
		rows, columns := path.PackRows(a, m, k, nil), MatrixColumns(slack(b), k, n)
		multiplyInParts(path, want, n, rows, columns, &End{})
		seen := make([]bool, m*n)
		multiplyInParts(path, got, n, rows, columns, &End{After: func(c []float32, row, column int) {
			for i, v := range c {
				at := row*n + column + i
				if seen[at] || v != want[at] {
					t.Fatalf("%v: element %d: seen %v, %v, want %v", path, at, seen[at], v, want[at])
				}
				seen[at] = true
			}
		}})
		for i, ok := range seen {
			if !ok {
				t.Fatalf("%v: element %d was not seen", path, i)
			}
		}
	}
}

// The product as networks have it: rows are outputs, columns positions.
func BenchmarkMultiply(b *testing.B) {
	for _, path := range Paths()[max(0, len(Paths())-1):] {
		for _, s := range [][3]int{{6, 16, 256}, {64, 3136, 64}, {128, 784, 1152}, {512, 49, 4608}, {768, 768, 768}, {16, 25600, 27}} {
			b.Run(fmt.Sprintf("path=%v/m=%d/n=%d/k=%d", path, s[0], s[1], s[2]), func(b *testing.B) {
				v := newValues(9)
				m, n, k := s[0], s[1], s[2]
				rows, columns := path.PackRows(fill(m*k, v.mild), m, k, nil), MatrixColumns(slack(fill(k*n, v.mild)), k, n)
				c, scratch := make([]float32, m*n), &Scratch{}
				for b.Loop() {
					path.Multiply(c, n, rows, columns, &End{}, path.Parts(rows, columns), scratch)
				}
				b.ReportMetric(2*float64(m)*float64(n)*float64(k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
