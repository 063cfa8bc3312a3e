//go:build !(amd64 || arm64) || purego

package kernel

// stripeRows is the number of rows that are done at a time.
func (p Path) stripeRows() int { return 4 }

// stripeWidth is the number of columns of a panel.
func (p Path) stripeWidth() int { return 16 }

func (p Path) stripe(c, a, x []float32, offsets []int32, e *rowEnds, rows int, narrow bool, s *stripe) {
	cols := 16
	if narrow {
		cols = 8
	}
	stripeGo(c, a, x, offsets, e, rows, cols, s)
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
