package kernel

// The last panel of columns may have one to four: 49 positions are three panels and one. Vectors over columns would be nearly empty
// there, so they run over rows, which lie side by side in packed panels.

//go:generate go run gen_thin.go

const (
	thinCols  = 4
	thinLanes = 8 // of a vector, of which a panel's height is used
)

// thinPanels is how many panels of rows are done at once.
func thinPanels(cols int) int { return [...]int{8, 4, 3, 2}[cols-1] }

// A thin is panels of rows times few columns over one segment; strides and offsets are in bytes.
type thin struct {
	a       *float32 // of the first panel
	x       *float32 // the columns at step k lie at offsets[k]
	offsets *int32
	out     *float32 // a vector for each panel and column
	step    int
	next    int // from panel to panel
	height  int
	k       int
	join    int // 1: add to what earlier segments left
}

// thins reports whether so many columns at the end are done by vectors over rows.
func (m *product) thins(cols int) bool {
	return cols <= thinCols && m.a.stride == 0 && m.path.canThin()
}

// thinSegment does a segment of the last columns, which stay in the scratch.
func (m *product) thinSegment(x []float32, offsets []int32, cols, k int) {
	a, length := m.a, len(offsets)
	out := m.s.fitThin((m.to - m.from) * cols * thinLanes)
	for done := m.from; done < m.to; {
		first, height := a.panelAt(done)
		last := m.to
		if done < a.tall {
			last = min(last, a.tall)
		}
		panels := min(last-done, thinPanels(cols))
		t := thin{step: 4 * height, next: 4 * height * length, height: height, k: length}
		if k > 0 {
			t.join = 1
		}
		m.path.thin(out[(done-m.from)*cols*thinLanes:], a.data[a.M*k+first*length:], x, offsets, panels, cols, &t)
		done += panels
	}
}

// thinRows turns the results over, into rows that are wide apart.
func (m *product) thinRows(to []float32, cols int) {
	for i := m.from; i < m.to; i++ {
		first, height := m.a.panelAt(i)
		from := m.s.thin[(i-m.from)*cols*thinLanes:]
		for j := range height {
			row := to[(first-m.first+j)*m.wide:]
			for c := range cols {
				row[c] = from[c*thinLanes+j]
			}
		}
	}
}

func (s *Scratch) fitThin(n int) []float32 {
	if len(s.thin) < n {
		s.thin = make([]float32, n)
	}
	return s.thin[:n]
}
