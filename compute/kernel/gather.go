package kernel

// Columns of a convolution are copied into panels before many rows meet them.

// pitch is the distance of steps in gathered panels, in elements.
func (m *product) pitch(offsets []int32) int {
	if len(offsets) > 0 && &offsets[0] == &m.s.apart[0] {
		return m.wide + gatherLanes
	}
	return m.wide
}

// gather copies panels of columns, one behind the other, and gives the offsets of their steps.
func (m *product) gather(n, cols, count, k, length int) []int32 {
	pitch, offsets := m.wide, m.s.offsets[:length]
	mixes := m.path.mixes(m.b)
	if !mixes && n%m.b.Width+cols > m.b.Width {
		pitch, offsets = m.wide+gatherLanes, m.s.apart[:length]
	}
	for i := range count {
		to, first, each := m.s.panel[i*length*pitch:], n+i*m.wide, min(m.wide, cols-i*m.wide)
		if mixes && first%m.b.Width+each > m.b.Width {
			m.path.mixPanel(to, m.b, first, each, k, length)
		} else {
			m.path.gatherPanel(to, pitch, m.b, first, each, k, length)
		}
	}
	return offsets
}

// gatherPanel copies columns [n, n+cols) of a segment, run by run. A run is copied in whole registers: what it
// writes behind its end is overwritten by the next one, or lies in the gap that the pitch leaves.
func (p Path) gatherPanel(to []float32, pitch int, b *Columns, n, cols, k, length int) {
	offsets := b.Offsets[k : k+length]
	for done := 0; done < cols; {
		row, at := (n+done)/b.Width, (n+done)%b.Width
		run := min(cols-done, b.Width-at)
		p.gather(to[done:], b.X[int(b.Starts[row])+at*b.Step:], offsets, run, b.Step, pitch)
		done += run
	}
}

func gatherGo(to, from []float32, offsets []int32, run, step, pitch int) {
	for l, o := range offsets {
		row, at := to[l*pitch:][:run], int(o)/4
		if step == 1 {
			copy(row, from[at:])
			continue
		}
		for i := range row {
			row[i] = from[at+i*step]
		}
	}
}

// A mix is how sixteen neighbouring columns of a panel lie in x: each half of them in at most two runs, whose elements are picked from
// two vectors.
type mix struct {
	from [4]int   // bytes, of both vectors of each half
	late [2]int64 // elements of each half that come from the first run
}

const mixLanes = 16

// mixes reports whether panels of such columns can be copied as mixes.
func (p Path) mixes(b *Columns) bool {
	if b.Step != 1 || b.Width < gatherLanes-1 || p.stripeWidth()%mixLanes != 0 || !p.canMix() {
		return false
	}
	for i, s := range b.Starts {
		if i > 0 && s < gatherLanes {
			return false // there is nothing to read before a run
		}
	}
	return true
}

// mixPanel copies columns [n, n+cols) of a segment, which lie in several runs.
func (p Path) mixPanel(to []float32, b *Columns, n, cols, k, length int) {
	wide := p.stripeWidth()
	for at := 0; at < cols; at += mixLanes {
		var m mix
		for half := range 2 {
			m.half(b, half, n+at+half*gatherLanes, cols-at-half*gatherLanes)
		}
		p.mix(to[at:], b.X, b.Offsets[k:k+length], &m, wide)
	}
}

// half finds what lies at columns from n on, of which so many are wanted; the others may be anything.
func (m *mix) half(b *Columns, half, n, wanted int) {
	if wanted <= 0 {
		m.from[2], m.from[3], m.late[1] = m.from[0], m.from[1], m.late[0]
		return
	}
	row, at := n/b.Width, n%b.Width
	first := int(b.Starts[row]) + at
	m.from[2*half], m.from[2*half+1], m.late[half] = 4*first, 4*first, gatherLanes
	if run := b.Width - at; run < min(gatherLanes, wanted) {
		m.from[2*half+1], m.late[half] = 4*(int(b.Starts[row+1])-run), int64(run)
	}
}
