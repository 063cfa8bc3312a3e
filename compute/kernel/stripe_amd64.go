//go:build amd64 && !purego

package kernel

// stripeRows is the height of the tallest micro-kernel.
func (p Path) stripeRows() int {
	switch p {
	case PathAVX512, PathVNNI:
		return 12
	case PathAVX2:
		return 6
	}
	return 4
}

// stripeWidth is the number of columns of a panel.
func (p Path) stripeWidth() int {
	if p.wide512() {
		return 32
	}
	return 16
}

// stripe runs a micro-kernel. The slice expressions panic if it would leave its operands.
func (p Path) stripe(c, a, x []float32, offsets []int32, e *rowEnds, rows int, narrow bool, s *stripe) {
	cols := p.stripeWidth()
	if narrow {
		cols /= 2
	}
	if p == PathGo {
		stripeGo(c, a, x, offsets, e, rows, cols, s)
		return
	}
	all := s.panels * rows
	_ = c[:(all-1)*s.ldc/4+cols*s.columns]
	if s.k > 0 {
		_ = a[:((s.panels-1)*s.next+(rows-1)*s.lda+(s.k-1)*s.step)/4+1]
		more := (s.columns - 1) * s.nextB / 4
		_, _ = x[:int(offsets[0])/4+cols+more], x[:int(offsets[s.k-1])/4+cols+more]
	}
	s.a, s.b, s.c, s.offsets = &a[0], &x[0], &c[0], &offsets[0]
	e.set(s, all, cols*s.columns)
	if p.wide512() {
		stripeAVX512(rows, narrow, s)
	} else {
		stripeAVX2(rows, narrow, s)
	}
}

// gather copies a run of columns for each of the offsets.
func (p Path) gather(to, from []float32, offsets []int32, run, step, pitch int) {
	if p == PathGo || step > 2 {
		gatherGo(to, from, offsets, run, step, pitch)
		return
	}
	vectors := (run + 7) / 8
	_ = to[:(len(offsets)-1)*pitch+8*vectors]
	_ = from[:int(offsets[len(offsets)-1])/4+8*vectors*step]
	if step == 2 {
		gatherSecondAVX2(&to[0], &from[0], &offsets[0], len(offsets), vectors, 4*pitch)
	} else {
		gatherAVX2(&to[0], &from[0], &offsets[0], len(offsets), vectors, 4*pitch)
	}
}

// canMix reports whether there is a kernel for mixes.
func (p Path) canMix() bool { return p != PathGo }

// mix copies sixteen columns for each of the offsets.
func (p Path) mix(to, x []float32, offsets []int32, m *mix, pitch int) {
	_ = to[:(len(offsets)-1)*pitch+mixLanes]
	last := int(offsets[len(offsets)-1])
	for _, f := range m.from {
		_ = x[f/4 : (f+last)/4+gatherLanes]
	}
	mixAVX2(&to[0], &x[0], &offsets[0], len(offsets), 4*pitch, m)
}

// canThin reports whether there is a kernel for few columns.
func (p Path) canThin() bool { return p == PathAVX2 }

// thin runs the kernel for few columns. The slice expressions panic if it would leave its operands.
func (p Path) thin(out, a, x []float32, offsets []int32, panels, cols int, t *thin) {
	_, _ = out[:panels*cols*thinLanes], a[:panels*t.next/4]
	_, _ = x[:int(offsets[0])/4+cols], x[:int(offsets[t.k-1])/4+cols]
	t.out, t.a, t.x, t.offsets = &out[0], &a[0], &x[0], &offsets[0]
	thinAVX2(panels, cols, t)
}
