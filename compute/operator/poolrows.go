package operator

import (
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Pools over two spatial dimensions, a row of outputs at a time. Where no tap of a column falls into the
// padding, the taps of neighbouring outputs are neighbours, or every other element, of an input row.

// A rowPool pools planes of one geometry.
type rowPool struct {
	geometry
	path     kernel.Path
	low, end int // the columns of the output all of whose taps lie on elements
	evens    []float32
	lanes    []float32 // of sums: kernel.Lanes rows
}

func (c *Call) rowPool(g geometry, lanes bool) (p rowPool, err error) {
	p = rowPool{geometry: g, path: c.Path}
	for p.low < g.out[1] && p.low*g.stride[1] < g.before[1] {
		p.low++
	}
	p.end = p.low
	for p.end < g.out[1] && p.end*g.stride[1]+(g.kernel[1]-1)*g.dilation[1]-g.before[1] < g.in[1] {
		p.end++
	}
	if p.evens, err = c.scratch(g.out[1]); err != nil || !lanes {
		return p, err
	}
	p.lanes, err = c.scratch(kernel.Lanes * (p.end - p.low))
	return p, err
}

// rows gives the input rows under the window of an output row.
func (p rowPool) rows(out int) (list []int) {
	for t := range p.kernel[0] {
		if y := out*p.stride[0] + t*p.dilation[0] - p.before[0]; y >= 0 && y < p.in[0] {
			list = append(list, y)
		}
	}
	return list
}

// tap gives what a tap of the kernel's row reads for the columns from low to end.
func (p rowPool) tap(row []float32, t int) []float32 {
	n, stride := p.end-p.low, p.stride[1]
	from := row[p.low*stride+t*p.dilation[1]-p.before[1]:]
	switch stride {
	case 1:
		return from[:n]
	case 2:
		p.path.Evens(p.evens[:n], from[:2*n-1])
	default:
		for i := range n {
			p.evens[i] = from[i*stride]
		}
	}
	return p.evens[:n]
}

// border calls do for each column that is not among low to end, with the elements under its window.
func (p rowPool) border(x []float32, rows []int, do func(column int, under []float32)) {
	var under []float32
	for o := range p.out[1] {
		if o >= p.low && o < p.end {
			continue
		}
		under = under[:0]
		for _, y := range rows {
			for t := range p.kernel[1] {
				if c := o*p.stride[1] + t*p.dilation[1] - p.before[1]; c >= 0 && c < p.in[1] {
					under = append(under, x[y*p.in[1]+c])
				}
			}
		}
		do(o, under)
	}
}

// reaches says whether every output has an element under its window.
func (p rowPool) reaches() bool {
	for i := range p.out {
		for o := range p.out[i] {
			found := false
			for t := range p.kernel[i] {
				at := o*p.stride[i] + t*p.dilation[i] - p.before[i]
				found = found || at >= 0 && at < p.in[i]
			}
			if !found {
				return false
			}
		}
	}
	return true
}

// largest sets a plane to the first of the largest elements under each window.
func (p rowPool) largest(y, x []float32) {
	for o := range p.out[0] {
		rows, line := p.rows(o), y[o*p.out[1]:][:p.out[1]]
		for i := range line {
			line[i] = -infinity()
		}
		middle := line[p.low:p.end]
		for _, r := range rows {
			for t := range p.kernel[1] {
				if len(middle) > 0 { // a tie keeps what came first
					p.path.Binary(kernel.BinaryMax, middle, p.tap(x[r*p.in[1]:][:p.in[1]], t), middle)
				}
			}
		}
		p.border(x, rows, func(column int, under []float32) {
			for _, v := range under {
				line[column] = larger(v, line[column])
			}
		})
	}
}

// isWhole reports whether there is one window, over all elements and nothing else.
func (p rowPool) isWhole() bool {
	for i := range p.in {
		if p.kernel[i] != p.in[i] || p.out[i] != 1 || p.before[i]+p.after[i] != 0 {
			return false
		}
	}
	return true
}

// average sets a plane to the mean of the elements under each window; padded counts the padding, too.
func (p rowPool) average(y, x []float32, padded bool) {
	if p.isWhole() {
		y[0] = p.path.Reduce(kernel.ReductionSum, x, 0) / float32(len(x))
		return
	}
	for o := range p.out[0] {
		rows, line := p.rows(o), y[o*p.out[1]:][:p.out[1]]
		count := func(column, n int) float32 {
			if padded {
				n = p.covered([]int{o, column})
			}
			return float32(n)
		}
		if p.low < p.end {
			p.sums(line[p.low:p.end], x, rows)
			p.path.BinaryRight(kernel.BinaryDiv, line[p.low:p.end], line[p.low:p.end], count(p.low, len(rows)*p.kernel[1]))
		}
		p.border(x, rows, func(column int, under []float32) {
			line[column] = kernel.DefineReduce(kernel.ReductionSum, under, 0) / count(column, len(under))
		})
	}
}

// sums is rule AIW-3 for all columns together, lane by lane. A lane that got nothing is +0; since no sum
// that began with +0 is -0, adding it changes nothing and is left out.
func (p rowPool) sums(line, x []float32, rows []int) {
	n, used := len(line), 0
	for _, r := range rows {
		for t := range p.kernel[1] {
			lane := p.lanes[used%kernel.Lanes*n:][:n]
			if used < kernel.Lanes {
				clear(lane)
			}
			p.path.Binary(kernel.BinaryAdd, lane, lane, p.tap(x[r*p.in[1]:][:p.in[1]], t))
			used++
		}
	}
	if used == 0 {
		clear(line)
		return
	}
	used = min(used, kernel.Lanes)
	for half := kernel.Lanes / 2; half > 0; half /= 2 {
		if over := used - half; over > 0 {
			p.path.Binary(kernel.BinaryAdd, p.lanes[:over*n], p.lanes[:over*n], p.lanes[half*n:][:over*n])
			used = half
		}
	}
	copy(line, p.lanes[:n])
}

// poolRows pools all planes of a tensor (N, C, H, W) with do. It says no where the definition has to.
func (c *Call) poolRows(w windowAttrs, lanes bool, do func(p rowPool, y, x []float32)) (out *tensor.Tensor, ok bool, err error) {
	x := c.In[0]
	if x.Type() != tensor.Float32 || x.Rank() != 4 || x.Len() == 0 {
		return nil, false, nil
	}
	batch, ch, in, err := spatial(x)
	if err != nil {
		return nil, false, err
	}
	g, err := w.resolve(in, nil)
	if err != nil {
		return nil, false, err
	}
	taps, size, positions := tensor.Count(g.kernel), tensor.Count(in), tensor.Count(g.out)
	if taps > tensor.ElementsMax || g.kernel[0]+g.kernel[1] > 1<<12 {
		return nil, false, nil
	}
	if err := c.Budget.Spend(batch*ch, positions, taps); err != nil {
		return nil, false, err
	}
	p, err := c.rowPool(g, lanes)
	if err != nil || !p.reaches() {
		return nil, false, err
	}
	out, y, err := c.floats([]int{batch, ch, g.out[0], g.out[1]})
	if err != nil {
		return nil, false, err
	}
	for i := range batch * ch {
		do(p, y[i*positions:][:positions], floatsOf(x)[i*size:][:size])
	}
	return out, true, nil
}
