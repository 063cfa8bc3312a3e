package operator

import (
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Transposed convolutions over two dimensions, phase by phase. Outputs that lie a stride apart are reached by
// the same taps of the kernel, and by those alone; the others multiply +0 and may be left out if weights are
// finite (AIW-2). What is left is a plain convolution, but that the segments of its chains end where they
// would with all taps there.

// A phase is the outputs from (row, column) on, a stride apart.
type phase struct {
	row, column int
	high, wide  int        // how many there are
	taps        [][3]int   // those that reach them: index in the kernel, and the input row and column at the first output
	segments    [][][3]int // the steps of each segment of the chain: channel, which of taps, and the step's own number
	steps       int        // of the longest segment
	rows        int        // that are computed at a time
}

// phaseBuffers are used by all phases in turn.
type phaseBuffers struct{ unfolded, sums, part, weights []float32 }

// phases cuts a transposed window up.
func (g geometry) phases(channels int) (list []phase) {
	for row := range min(g.stride[0], g.out[0]) {
		for column := range min(g.stride[1], g.out[1]) {
			p := phase{
				row: row, column: column,
				high: (g.out[0]-row-1)/g.stride[0] + 1, wide: (g.out[1]-column-1)/g.stride[1] + 1,
			}
			for t := range tensor.Count(g.kernel) {
				y := row + g.before[0] - t/g.kernel[1]*g.dilation[0]
				x := column + g.before[1] - t%g.kernel[1]*g.dilation[1]
				if y%g.stride[0] == 0 && x%g.stride[1] == 0 {
					p.taps = append(p.taps, [3]int{t, y / g.stride[0], x / g.stride[1]})
				}
			}
			p.segment(channels, tensor.Count(g.kernel))
			list = append(list, p)
		}
	}
	return list
}

// segment lists the steps that are left of each segment; one without any is left out, since it is +0.
func (p *phase) segment(channels, taps int) {
	last := -1
	for ch := range channels {
		for i, t := range p.taps {
			if s := (ch*taps + t[0]) / kernel.SegmentLen; s != last {
				p.segments, last = append(p.segments, nil), s
			}
			end := len(p.segments) - 1
			p.segments[end] = append(p.segments[end], [3]int{ch, i, ch*taps + t[0]})
			p.steps = max(p.steps, len(p.segments[end]))
		}
	}
}

// transposedPhases cuts a transposed window up and makes the buffers.
func (c *Call) transposedPhases(g geometry, outs, channels int) (list []phase, b phaseBuffers, err error) {
	taps := tensor.Count(g.kernel)
	if err := c.Budget.Spend(min(g.stride[0], g.out[0]), min(g.stride[1], g.out[1]), taps+1); err != nil {
		return nil, b, err
	}
	if err := c.Budget.Take(24 * (taps*channels + min(g.stride[0], g.out[0])*min(g.stride[1], g.out[1]))); err != nil {
		return nil, b, err
	}
	list = g.phases(channels)
	unfolded, n, steps := 0, 0, 0
	for i := range list {
		p := &list[i]
		p.rows = max(1, min(p.high, unfoldMax/(max(p.steps, 1)*p.wide)))
		n, steps = max(n, p.rows*p.wide), max(steps, p.steps)
		unfolded = max(unfolded, p.steps*p.rows*p.wide)
	}
	for _, buffer := range []struct {
		at *[]float32
		n  int
	}{{&b.unfolded, unfolded}, {&b.sums, outs * n}, {&b.part, outs * n}, {&b.weights, outs * steps}} {
		if *buffer.at, err = c.scratch(buffer.n); err != nil {
			return nil, b, err
		}
	}
	return list, b, nil
}

// convolveTransposed is convolve for a transposed window.
func (c *Call) convolveTransposed(v *convolution, g geometry, list []phase, b phaseBuffers, y, x []float32) error {
	for _, p := range list {
		for first := 0; first < p.high; first += p.rows {
			if err := c.phaseRows(v, g, p, b, y, x, first, min(p.rows, p.high-first)); err != nil {
				return err
			}
		}
	}
	return nil
}

// phaseRows computes some rows of a phase.
func (c *Call) phaseRows(v *convolution, g geometry, p phase, b phaseBuffers, y, x []float32, first, rows int) error {
	n := rows * p.wide
	sums := b.sums[:v.outs*n]
	clear(sums)
	for i, steps := range p.segments {
		weights := b.weights[:v.outs*len(steps)]
		for o := range v.outs {
			for j, s := range steps {
				weights[o*len(steps)+j] = v.weights[o*v.channels*v.taps+s[2]]
			}
		}
		for j, s := range steps {
			p.unfold(b.unfolded[j*n:][:n], x[s[0]*v.size:][:v.size], g, p.taps[s[1]], first, rows)
		}
		to := sums
		if i > 0 {
			to = b.part[:len(sums)]
		}
		if err := c.gemm(to, weights, b.unfolded[:len(steps)*n], v.outs, n, len(steps)); err != nil {
			return err
		}
		if i > 0 {
			c.Path.Binary(kernel.BinaryAdd, sums, sums, to)
		}
	}
	for o := range v.outs {
		bias := float32(0)
		if v.bias != nil {
			bias = v.bias[o]
		}
		plane := sums[o*n:][:n]
		c.Path.BiasBy(plane, plane, bias)
		for r := range rows {
			at := o*v.positions + ((first+r)*g.stride[0]+p.row)*g.out[1] + p.column
			for i, s := range plane[r*p.wide:][:p.wide] {
				y[at+i*g.stride[1]] = s
			}
		}
	}
	return nil
}

// unfold writes what a tap reads at some rows of a phase: a part of the input, with zeros around it.
func (p phase) unfold(y, x []float32, g geometry, tap [3]int, first, rows int) {
	low, end := min(p.wide, max(0, -tap[2])), max(0, min(p.wide, g.in[1]-tap[2]))
	for r := range rows {
		line, in := y[r*p.wide:][:p.wide], tap[1]+first+r
		if in < 0 || in >= g.in[0] || low >= end {
			clear(line)
			continue
		}
		clear(line[:low])
		clear(line[end:])
		copy(line[low:end], x[in*g.in[1]+low+tap[2]:])
	}
}
