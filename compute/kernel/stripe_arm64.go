//go:build arm64 && !purego

package kernel

// stripeRows is the height of the tallest micro-kernel.
func (p Path) stripeRows() int {
	if p == PathNEON {
		return 6
	}
	return 4
}

// stripeWidth is the number of columns of a panel.
func (p Path) stripeWidth() int { return 16 }

// stripe runs a micro-kernel. The slice expressions panic if it would leave its operands.
func (p Path) stripe(c, a, x []float32, offsets []int32, e *rowEnds, rows int, narrow bool, s *stripe) {
	if p == PathGo {
		cols := 16
		if narrow {
			cols = 8
		}
		stripeGo(c, a, x, offsets, e, rows, cols, s)
		return
	}
	all := s.panels * rows
	_ = c[:(all-1)*s.ldc/4+16*s.columns]
	_ = a[:((s.panels-1)*s.next+(rows-1)*s.lda+(s.k-1)*s.step)/4+1]
	more := (s.columns - 1) * s.nextB / 4
	_, _ = x[:int(offsets[0])/4+16+more], x[:int(offsets[s.k-1])/4+16+more]
	s.a, s.b, s.c, s.offsets = &a[0], &x[0], &c[0], &offsets[0]
	e.set(s, all, 16*s.columns)
	stripeNEON(rows, s)
}

// gather copies a run of columns for each of the offsets.
func (p Path) gather(to, from []float32, offsets []int32, run, step, pitch int) {
	gatherGo(to, from, offsets, run, step, pitch)
}

// canMix reports whether there is a kernel for mixes.
func (p Path) canMix() bool { return false }

func (p Path) mix(to, x []float32, offsets []int32, m *mix, pitch int) {}

// canThin reports whether there is a kernel for few columns.
func (p Path) canThin() bool { return false }

func (p Path) thin(out, a, x []float32, offsets []int32, panels, cols int, t *thin) {}
