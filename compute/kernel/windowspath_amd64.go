//go:build amd64 && !purego

package kernel

// bandVectors is the widest band of a kernel.
const bandVectors = 8

func (p Path) chains(y, x []float32, w *Windows, weights []float32, b *band) {
	if p == PathGo {
		chainsGo(y, x, w, weights, b)
		return
	}
	b.weights = &weights[0]
	w.bands(y, x, b)
}

func (p Path) largest(y, x []float32, w *Windows, b *band) {
	if p == PathGo {
		largestGo(y, x, w, b)
		return
	}
	w.bands(y, x, b)
}

// HasMeans reports whether Means has a kernel for so many taps.
func (p Path) HasMeans(taps int) bool { return p != PathGo && (taps == 4 || taps == 9) }

func (p Path) means(y, x []float32, w *Windows, b *band) {
	if !p.HasMeans(len(w.offsets)) {
		meansGo(y, x, w, b)
		return
	}
	w.bands(y, x, b)
}

// bands cuts the windows into what the kernels can do.
func (w *Windows) bands(y, x []float32, b *band) {
	b.offsets, b.taps, b.pitch = &w.offsets[0], len(w.offsets), 4*w.pitch
	if w.width < windowLanes {
		w.narrow(y, x, b)
		return
	}
	b.outPitch = 4 * w.width
	vectors := (w.width + windowLanes - 1) / windowLanes
	count := (vectors + bandVectors - 1) / bandVectors
	for i := range count {
		first, n := i*vectors/count, (i+1)*vectors/count-i*vectors/count
		at, last := first*windowLanes, (n-1)*windowLanes
		if i == count-1 {
			last = w.width - windowLanes - at
		}
		if n == 1 {
			at, last = at+last, 0
		}
		b.last = 4 * last
		w.band(y[at:], x[at:], b, w.rows, n)
	}
}

// narrow does rows that are shorter than a vector, which writes over the next one: so the last ones go elsewhere first.
func (w *Windows) narrow(y, x []float32, b *band) {
	b.outPitch = 4 * w.width
	direct := max(0, w.Len()-windowLanes+w.width) / w.width
	w.band(y, x, b, direct, 1)
	var end [windowLanes]float32
	last := *b
	last.out, last.blocks = &end[0], 1
	for row := direct; row < w.rows; row++ {
		last.x = &x[row*w.pitch]
		last.run(1, 1)
		copy(y[row*w.width:][:w.width], end[:])
	}
}

// band does rows of so many vectors.
func (w *Windows) band(y, x []float32, b *band, rows, vectors int) {
	most := bandVectors / vectors
	for done := 0; done < rows; {
		high := min(most, rows-done)
		b.blocks = (rows - done) / high
		b.out, b.x = &y[done*w.width], &x[done*w.pitch]
		b.run(vectors, high)
		done += high * b.blocks
	}
}

func (b *band) run(vectors, rows int) {
	switch {
	case b.count != 0:
		b.mean(rows)
	case b.weights != nil:
		chains(vectors, rows, b)
	default:
		largest(vectors, rows, b)
	}
}

func (p Path) widen(to, from []float32, rows, width, pitch int, border float32) {
	if p == PathGo {
		widenGo(to, from, rows, width, pitch)
		return
	}
	vectors := (width + 7) / 8
	widenAVX2(&to[0], &from[0], rows, vectors, width-8*(vectors-1), 4*pitch, 4*width, border)
}

func (p Path) halve(even, odd, from []float32, rows, width, pitch int, border float32) {
	if p == PathGo {
		halveGo(even, odd, from, rows, width, pitch)
		return
	}
	pairs := (width + 15) / 16
	halveAVX2(&even[0], &odd[0], &from[0], rows, pairs, width-16*(pairs-1), 4*pitch, 4*width, border)
}

// mean runs a kernel of means, which goes row by row.
func (b *band) mean(rows int) {
	all := *b
	all.blocks *= rows
	if b.taps == 4 {
		meansTaps4(&all)
	} else {
		meansTaps9(&all)
	}
}
