package tile

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
)

// A window moves over the spatial dimensions of (N, C, spatial...).
type window struct {
	pad                              string
	kernel, strides, dilations, pads []int64
	ceil                             bool
}

func (c *call) window() window {
	return window{
		pad:    c.attrs.text("auto_pad", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"),
		kernel: c.attrs.ints("kernel_shape"), strides: c.attrs.ints("strides"),
		dilations: c.attrs.ints("dilations"), pads: c.attrs.ints("pads"),
	}
}

// A geometry is a window at work; each list has an element per spatial dimension.
type geometry struct {
	in, kernel, stride, dilation, before, after, out []int
}

// sizes turns an attribute into sizes, with one for all where it is missing.
func sizes(list []int64, n, otherwise int, least int64) ([]int, bool) {
	out := slices.Repeat([]int{otherwise}, n)
	if list == nil {
		return out, true
	}
	if len(list) != n {
		return nil, false
	}
	for i, v := range list {
		if v < least || v > 1<<20 {
			return nil, false
		}
		out[i] = int(v)
	}
	return out, true
}

// lists fills in everything but the output. kernel is that of the weights, if there are any.
func (w window) lists(in, kernel []int) (g geometry, ok bool) {
	n := len(in)
	g = geometry{in: in, kernel: kernel, out: make([]int, n)}
	if w.kernel != nil {
		if g.kernel, ok = sizes(w.kernel, n, 1, 1); !ok || kernel != nil && !slices.Equal(kernel, g.kernel) {
			return g, false
		}
	}
	if len(g.kernel) != n || !checkShape(g.kernel) || slices.Contains(g.kernel, 0) {
		return g, false
	}
	if g.stride, ok = sizes(w.strides, n, 1, 1); !ok {
		return g, false
	}
	if g.dilation, ok = sizes(w.dilations, n, 1, 1); !ok {
		return g, false
	}
	pads, ok := sizes(w.pads, 2*n, 0, 0)
	if !ok {
		return g, false
	}
	g.before, g.after = pads[:n], pads[n:]
	return g, true
}

func (w window) resolve(in, kernel []int) (g geometry, ok bool) {
	if g, ok = w.lists(in, kernel); !ok {
		return g, false
	}
	for i, size := range in {
		reach := (g.kernel[i]-1)*g.dilation[i] + 1
		switch w.pad {
		case "VALID":
			g.before[i], g.after[i] = 0, 0
		case "SAME_UPPER", "SAME_LOWER":
			g.out[i] = (size + g.stride[i] - 1) / g.stride[i]
			total := max(0, (g.out[i]-1)*g.stride[i]+reach-size)
			g.before[i], g.after[i] = total/2, total-total/2
			if w.pad == "SAME_LOWER" {
				g.before[i], g.after[i] = g.after[i], g.before[i]
			}
			continue
		}
		room := size + g.before[i] + g.after[i] - reach
		if room < 0 {
			return g, false
		}
		g.out[i] = room/g.stride[i] + 1
		if w.ceil {
			g.out[i] = (room+g.stride[i]-1)/g.stride[i] + 1
			if (g.out[i]-1)*g.stride[i] >= size+g.before[i] {
				g.out[i]--
			}
		}
	}
	return g, checkShape(g.out)
}

// transposed gives the geometry of a transposed window; wanted sizes decide the padding.
func (w window) transposed(in, kernel []int, extra, wanted []int64) (g geometry, ok bool) {
	if g, ok = w.lists(in, kernel); !ok {
		return g, false
	}
	more, ok := sizes(extra, len(in), 0, 0)
	if !ok {
		return g, false
	}
	if len(wanted) > len(in) {
		wanted = wanted[len(wanted)-len(in):]
	}
	given, ok := sizes(wanted, len(in), -1, 1)
	if !ok {
		return g, false
	}
	for i, size := range in {
		full := (size-1)*g.stride[i] + more[i] + (g.kernel[i]-1)*g.dilation[i] + 1
		if given[i] < 0 && (w.pad == "SAME_UPPER" || w.pad == "SAME_LOWER") {
			given[i] = size * g.stride[i]
		}
		if given[i] < 0 {
			if g.out[i] = full - g.before[i] - g.after[i]; g.out[i] < 0 {
				return g, false
			}
			continue
		}
		total := max(0, full-given[i])
		g.before[i], g.after[i] = total-total/2, total/2
		if w.pad == "SAME_UPPER" {
			g.before[i], g.after[i] = g.after[i], g.before[i]
		}
		g.out[i] = given[i]
	}
	return g, checkShape(g.out)
}

// source gives the element under tap t at output place p, both counted in row-major order; -1 in the padding.
func (g geometry) source(p, t int) int {
	at, step := 0, 1
	for i := len(g.in) - 1; i >= 0; i-- {
		q := p%g.out[i]*g.stride[i] + t%g.kernel[i]*g.dilation[i] - g.before[i]
		if q < 0 || q >= g.in[i] {
			return -1
		}
		at += q * step
		step *= g.in[i]
		p /= g.out[i]
		t /= g.kernel[i]
	}
	return at
}

// origin gives the input that tap t of a transposed window spreads to output place p, -1 for none.
func (g geometry) origin(p, t int) int {
	at, step := 0, 1
	for i := len(g.in) - 1; i >= 0; i-- {
		q := p%g.out[i] + g.before[i] - t%g.kernel[i]*g.dilation[i]
		if q < 0 || q%g.stride[i] != 0 || q/g.stride[i] >= g.in[i] {
			return -1
		}
		at += q / g.stride[i] * step
		step *= g.in[i]
		p /= g.out[i]
		t /= g.kernel[i]
	}
	return at
}

// covered counts the taps at place p that lie on elements or padding, not behind it.
func (g geometry) covered(p int) int {
	n := 1
	for i := len(g.in) - 1; i >= 0; i-- {
		start, left := p%g.out[i]*g.stride[i]-g.before[i], 0
		if room := g.in[i] + g.after[i] - start; room > 0 {
			left = min(g.kernel[i], (room+g.dilation[i]-1)/g.dilation[i])
		}
		n *= left
		p /= g.out[i]
	}
	return n
}

// A layout says where the numbers of a convolution lie.
type layout struct {
	g                       geometry
	shape                   []int
	outs, each, channels    int // outputs; input channels of a group; all input channels
	perGroup                int // outputs of a group
	inputs, positions, taps int
	source                  func(p, t int) int
	weight                  func(o, e, t int) int
}

// terms is the length of a chain.
func (l layout) terms() int { return l.each * l.taps }

// at gives input (-1 in the padding) and weight of term k for element i, and its channel.
func (l layout) at(i, k int) (x, w int) {
	p, o, b := i%l.positions, i/l.positions%l.outs, i/l.positions/l.outs
	e, t := k/l.taps, k%l.taps
	if x = l.source(p, t); x >= 0 {
		x += (b*l.channels + o/l.perGroup*l.each + e) * l.inputs
	}
	return x, l.weight(o, e, t)
}

func (l layout) channel(i int) int { return i / l.positions % l.outs }

// convolution lays out one whose weights are [outs][channels of a group][kernel...].
func (c *call) convolution(x, w operand) (l layout, err error) {
	win, group := c.window(), c.attrs.int("group", 1)
	if len(x.shape) < 3 || len(w.shape) != len(x.shape) || group < 1 || group > int64(max(x.shape[1], 1)) {
		return l, FaultInvalid
	}
	l.outs, l.each, l.channels = w.shape[0], w.shape[1], x.shape[1]
	if l.each*int(group) != l.channels || l.outs%int(group) != 0 {
		return l, FaultInvalid
	}
	g, ok := win.resolve(x.shape[2:], w.shape[2:])
	if !ok {
		return l, FaultInvalid
	}
	l.g, l.perGroup, l.source = g, max(l.outs/int(group), 1), g.source
	l.shape = append([]int{x.shape[0], l.outs}, g.out...)
	l.inputs, l.positions, l.taps = count(g.in), count(g.out), count(g.kernel)
	l.weight = func(o, e, t int) int { return (o*l.each+e)*l.taps + t }
	return l, nil
}

func conv(c *call) (*Plan, error) {
	if !c.want(net.Float32, net.Float32) || c.has(2) && c.in[2].kind != net.Float32 {
		return nil, FaultUnsupported
	}
	l, err := c.convolution(c.in[0], c.in[1])
	if err != nil {
		return nil, err
	}
	return c.convolved(l)
}

func convTranspose(c *call) (*Plan, error) {
	win, group := c.window(), c.attrs.int("group", 1)
	extra, wanted := c.attrs.ints("output_padding"), c.attrs.ints("output_shape")
	if !c.want(net.Float32, net.Float32) || c.has(2) && c.in[2].kind != net.Float32 {
		return nil, FaultUnsupported
	}
	x, w := c.in[0].shape, c.in[1].shape
	if len(x) < 3 || len(w) != len(x) || w[0] != x[1] || group < 1 || group > int64(max(x[1], 1)) || int64(x[1])%group != 0 {
		return nil, FaultInvalid
	}
	g, ok := win.transposed(x[2:], w[2:], extra, wanted)
	if !ok {
		return nil, FaultInvalid
	}
	groups := int(group)
	l := layout{
		g: g, outs: w[1] * groups, each: x[1] / groups, channels: x[1], perGroup: max(w[1], 1), source: g.origin,
		inputs: count(g.in), positions: count(g.out), taps: count(g.kernel),
	}
	l.shape = append([]int{x[0], l.outs}, g.out...)
	l.weight = func(o, e, t int) int { return ((o/l.perGroup*l.each+e)*l.perGroup+o%l.perGroup)*l.taps + t }
	return c.convolved(l)
}

func (c *call) convolved(l layout) (*Plan, error) {
	if !checkShape(l.shape) || l.terms() > elementsMax {
		return nil, FaultInvalid
	}
	g := chained{
		kind: net.Float32, shape: l.shape, terms: l.terms(), step: floatStep,
		reads: func(i, k int, read func(port, index int)) {
			x, w := l.at(i, k)
			read(0, x)
			read(1, w)
		},
		end: func(_ int, acc uint64, w []uint64) uint64 {
			bias := uint64(0)
			if len(w) > 0 {
				bias = w[0]
			}
			return uint64(floatEnd(acc, l.terms(), f32(bias)))
		},
	}
	if c.has(2) {
		if !slices.Equal(c.in[2].shape, []int{l.outs}) {
			return nil, FaultInvalid
		}
		g.after = func(i int, read func(port, index int)) { read(2, l.channel(i)) }
	}
	return g.plan()
}
