package plan

import (
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Pools over at most two dimensions: what lies under one tap of all windows of a plane is a vector.

// A poolStep takes the largest, or the mean, of what lies under each window. Padding is left out: it is -inf
// under the largest, and windows that touch it have their mean by themselves.
type poolStep struct {
	ended
	cutting   // for means
	sheet     sheet
	x, planes int
	mean      bool
	count     [][]int32 // of the windows that touch padding: the output, the divisor, then the inputs
	taps      int
}

func (b *builder) pool(n *program.Node) bool {
	x := b.in(n, 0)
	if n.Wanted != 1 || x.constant != nil || len(x.shape) < 3 || len(x.shape) > 4 || tensor.Count(x.shape) == 0 {
		return false
	}
	g, err := operator.PoolWindow(n.Attrs, x.shape[2:])
	if err != nil || tensor.CheckShape(g.Kernel) != nil {
		return false
	}
	if n.Op == "AveragePool" && isGlobal(g) {
		return b.planeMeans(n, x.shape)
	}
	shape := append([]int{x.shape[0], x.shape[1]}, g.Out...)
	taps := tensor.Count(g.Kernel)
	if tensor.CheckShape(shape) != nil || tensor.Count(shape) == 0 || taps > kernel.Lanes || !allCovered(g) {
		return false
	}
	s := &poolStep{ended: ended{y: n.Out[0]}, x: n.In[0], planes: x.shape[0] * x.shape[1], mean: n.Op == "AveragePool", taps: taps}
	if s.mean {
		s.cutting = cut(g)
	}
	var fits bool
	if s.sheet, fits = sheetOf(g); !fits || s.mean && !s.fits() {
		return false
	}
	if s.mean {
		if tensor.Count(g.Out) > edgesMax || attrInt(n, "ceil_mode", 0) != 0 || !s.findEdges(g, attrInt(n, "count_include_pad", 0) != 0) {
			return false
		}
	}
	b.add(s, []int{s.x}, tensor.Count(shape)*taps)
	b.place(s.y, shape)
	return true
}

// allCovered reports whether every window has an element under it.
func allCovered(g operator.Window) bool {
	for i := range g.In {
		if g.Dilation[i] != 1 || g.Before[i] >= g.Kernel[i] || (g.Out[i]-1)*g.Stride[i] >= g.Before[i]+g.In[i] {
			return false
		}
	}
	return true
}

const edgesMax = 1 << 16 // elements of the lists of windows that touch padding

// findEdges lists the windows that touch padding.
func (s *poolStep) findEdges(g operator.Window, padded bool) bool {
	kernels := three(g.Kernel, 1)
	total := 0
	for h := range s.out[0] {
		for w := range s.out[1] {
			list := []int32{int32(h*s.out[1] + w), 0}
			for kh := range kernels[1] {
				for kw := range kernels[2] {
					y, x := h*s.stride[0]+kh-s.before[0], w*s.stride[1]+kw-s.before[1]
					if y >= 0 && y < s.in[0] && x >= 0 && x < s.in[1] {
						list = append(list, int32(y*s.in[1]+x))
					}
				}
			}
			if len(list)-2 == s.taps {
				continue
			}
			list[1] = int32(len(list) - 2)
			if padded { // without ceil_mode no window reaches behind the padding
				list[1] = int32(s.taps)
			}
			if total += len(list); total > edgesMax {
				return false
			}
			s.count = append(s.count, list)
		}
	}
	return true
}

func (s *poolStep) run(f *frame) error {
	x, y := f.values(s.x), f.values(s.y)
	size, positions := s.sheet.in[0]*s.sheet.in[1], s.sheet.windows.Len()
	if !s.mean {
		f.planes(s.planes, s.planes*positions*s.taps, func(w *worker) { s.sheet.ready(w, -infinity) }, func(p int, w *worker) {
			out := y[p*positions:][:positions]
			s.sheet.lay(f.path, w.plane, x[p*size:][:size], -infinity)
			f.path.Largest(out, w.plane, s.sheet.windows, s.windowEnd())
			s.after(f, w, out, p*positions)
		})
		return nil
	}
	fast := f.path.HasMeans(s.taps)
	ready := func(w *worker) { s.ready(w, 0, (s.taps+1)/2) }
	if fast {
		ready = func(w *worker) { s.sheet.ready(w, 0) }
	}
	f.planes(s.planes, s.planes*positions*s.taps, ready, func(p int, w *worker) {
		in, out := x[p*size:][:size], y[p*positions:][:positions]
		if fast {
			s.sheet.lay(f.path, w.plane, in, 0)
			f.path.Means(out, w.plane, s.sheet.windows)
		} else {
			s.plane(f.path, w.plane, in, 0)
			s.means(f.path, w, out)
		}
		for _, e := range s.count {
			out[e[0]] = sumOf(in, e[2:]) / float32(e[1])
		}
		if s.clamp {
			f.path.Unary(kernel.UnaryClip, out, out, s.lo, s.hi)
		}
		s.after(f, w, out, p*positions)
	})
	return nil
}

// under gives what lies under a tap.
func (s *poolStep) under(w *worker, tap int) []float32 {
	return w.plane[s.offsets[tap]/4:][:s.length]
}

// means adds the taps as AIW-3 does, each in a lane of its own: 16, 8, 4, 2, 1 apart. The lanes that nothing
// is in are left out; + (+0) at the end makes of -0 what their zeros would.
func (s *poolStep) means(p kernel.Path, w *worker, y []float32) {
	lane := func(i int) []float32 { return w.row[i*(s.length+kernel.Slack):][:s.length] }
	lanes := make([][]float32, s.taps)
	for t := range lanes {
		lanes[t] = s.under(w, t)
	}
	for half := kernel.Lanes / 2; half > 0; half /= 2 {
		for i := range half {
			if i+half < len(lanes) {
				p.Binary(kernel.BinaryAdd, lane(i), lanes[i], lanes[i+half])
				lanes[i] = lane(i)
			}
		}
		lanes = lanes[:min(len(lanes), half)]
	}
	sum := lane(0)
	p.BinaryRight(kernel.BinaryAdd, sum, lanes[0], 0)
	p.BinaryRight(kernel.BinaryDiv, sum, sum, float32(s.taps))
	s.rows(p, y, sum)
}

// sumOf adds elements as AIW-3 does.
func sumOf(x []float32, at []int32) float32 {
	switch len(at) {
	case 4:
		return ((x[at[0]] + x[at[2]]) + (x[at[1]] + x[at[3]])) + 0
	case 6:
		return (((x[at[0]] + x[at[4]]) + x[at[2]]) + ((x[at[1]] + x[at[5]]) + x[at[3]])) + 0
	}
	var sums [kernel.Lanes]float32
	for i, a := range at {
		sums[i] += x[a]
	}
	for n, half := len(at), kernel.Lanes/2; half > 0; n, half = min(n, half), half/2 {
		for i := range n - half { // the other lanes are +0
			sums[i] += sums[i+half]
		}
	}
	return sums[0]
}
