package operator

import (
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Convolutions: chains of rule AIW-2 over input channel and kernel position. They are computed as products
// of the weights with the unfolded input, a block of output positions at a time, which keeps every chain.

// A convolution of one group of one batch: weights[outs][channels·taps], x[channels][size],
// y[outs][positions].
type convolution struct {
	weights, bias         []float32
	outs, channels        int
	size, positions, taps int
	from                  []int32  // [taps][positions]: the input under a tap, -1 where it reads +0; nil with rows
	rows                  geometry // of a plain convolution over two dimensions, which needs no list
	panels                *kernel.Panels
	post                  *kernel.Post
	itself                bool // there is one tap, and it reads each position's own input
	unfolded, result      []float32
	plane                 tapPlane // of a convolution over one channel
	block                 int      // positions that are unfolded at a time
}

// under lists the inputs under all taps at all positions, by a rule that says where one lies.
func (c *Call) under(g geometry, rule func(out, tap []int) int) (from []int32, err error) {
	taps, positions := tensor.Count(g.kernel), tensor.Count(g.out)
	if taps > tensor.ElementsMax/max(positions, 1) {
		return nil, fmt.Errorf("a kernel of %v at %v positions", g.kernel, g.out)
	}
	if from, err = c.indexes(taps * positions); err != nil {
		return nil, err
	}
	tap := newPosition(g.kernel)
	for t := range taps {
		at := newPosition(g.out)
		for p := range positions {
			from[t*positions+p] = int32(rule(at.at, tap.at))
			at.next()
		}
		tap.next()
	}
	return from, nil
}

const unfoldMax = 1 << 20 // elements of an unfolded block, unless a single position has more

// convolution prepares one, with the buffers that all groups and batches use in turn. A nil rule is that
// of plain convolutions.
func (c *Call) convolution(g geometry, rule func(out, tap []int) int, outs, channels int) (v convolution, err error) {
	v = convolution{
		outs: outs, channels: channels,
		size: tensor.Count(g.in), positions: tensor.Count(g.out), taps: tensor.Count(g.kernel),
	}
	if rule == nil && len(g.in) == 2 {
		v.rows = g
	} else {
		if rule == nil {
			rule = g.source
		}
		if v.from, err = c.under(g, rule); err != nil {
			return v, err
		}
	}
	k := channels * v.taps
	v.block = min(v.positions, max(1, unfoldMax/max(k, 1)))
	v.itself = v.taps == 1 && v.size == v.positions && v.block == v.positions
	if v.rows.in != nil {
		v.itself = v.itself && g.before[0]+g.before[1]+g.after[0]+g.after[1] == 0
	}
	for p := 0; v.itself && p < len(v.from); p++ {
		v.itself = int(v.from[p]) == p
	}
	if v.itself {
		return v, nil
	}
	if v.unfolded, err = c.scratch(k * v.block); err != nil {
		return v, err
	}
	v.result, err = c.scratch(outs * v.block)
	return v, err
}

// convolve computes it. The bias, if any, comes behind the chain and before + (+0).
func (c *Call) convolve(v *convolution, y, x []float32) error {
	k := v.channels * v.taps
	if v.byTaps() {
		return c.convolveTaps(v, y, x)
	}
	if v.itself {
		if err := c.convProduct(v, y, x, v.positions, k); err != nil {
			return err
		}
		v.addBias(c.Path, y)
		return nil
	}
	for first := 0; first < v.positions; first += v.block {
		n := min(v.block, v.positions-first)
		if err := c.Budget.Spend(n, max(k, 1)); err != nil {
			return err
		}
		if v.from == nil {
			v.unfoldRows(c.Path, x, first, n)
		} else {
			v.unfold(x, first, n)
		}
		if err := c.convProduct(v, v.result, v.unfolded, n, k); err != nil {
			return err
		}
		for o := range v.outs {
			copy(y[o*v.positions+first:][:n], v.result[o*n:])
		}
	}
	v.addBias(c.Path, y)
	return nil
}

// convProduct is gemm of the weights with b[k][n]. The panels are kept for the next block.
func (c *Call) convProduct(v *convolution, y, b []float32, n, k int) error {
	if v.outs == 0 || n == 0 || k == 0 {
		return c.gemm(y, v.weights, b, v.outs, n, k)
	}
	if err := c.Budget.Spend(v.outs, n, k); err != nil {
		return err
	}
	if v.panels == nil {
		if err := c.Budget.Take(4*kernel.PackedLen(k, n) + 16*n); err != nil {
			return err
		}
	}
	if v.panels == nil || v.post == nil || len(v.post.Bias) != n {
		v.post = kernel.NewPost(n)
	}
	v.panels = v.panels.Repack(b, k, n)
	c.Path.Gemm(y, v.weights, v.outs, v.panels, v.post)
	return nil
}

// convolveTaps is convolve for a single input channel.
func (c *Call) convolveTaps(v *convolution, y, x []float32) error {
	if err := c.Budget.Spend(v.outs, v.positions, v.taps); err != nil {
		return err
	}
	if v.plane.cut == nil {
		plane, err := c.tapPlane(v.rows)
		if err != nil {
			return err
		}
		v.plane = plane
	}
	v.plane.fill(c.Path, x[:v.size])
	for o := range v.outs {
		bias := float32(0)
		if v.bias != nil {
			bias = v.bias[o]
		}
		v.plane.convolve(c.Path, y[o*v.positions:][:v.positions], v.weights[o*v.taps:][:v.taps], bias)
	}
	return nil
}

// unfold writes what lies under the taps at n positions from first: a row for each channel and tap.
func (v convolution) unfold(x []float32, first, n int) {
	for ch := range v.channels {
		plane := x[ch*v.size:][:v.size]
		for t := range v.taps {
			row := v.unfolded[(ch*v.taps+t)*n:][:n]
			for p, s := range v.from[t*v.positions+first:][:n] {
				value := float32(0)
				if s >= 0 {
					value = plane[s]
				}
				row[p] = value
			}
		}
	}
}

func (v convolution) addBias(path kernel.Path, y []float32) {
	if v.bias == nil {
		return
	}
	for o := range v.outs {
		row := y[o*v.positions:][:v.positions]
		path.BiasBy(row, row, v.bias[o])
	}
}

func conv(a *Attrs) Func {
	w, group := readWindow(a), a.int("group", 1)
	return func(c *Call) ([]*tensor.Tensor, error) { return c.conv(w, group, c.In[0], c.In[1], c.in(2)) }
}

// conv is a convolution in groups with weights[outs][channels/group][kernel...].
func (c *Call) conv(w windowAttrs, group int64, x, weights, bias *tensor.Tensor) ([]*tensor.Tensor, error) {
	batch, ch, in, err := spatial(x)
	if err != nil {
		return nil, err
	}
	if weights.Rank() != x.Rank() || group < 1 || group > int64(max(ch, 1)) {
		return nil, fmt.Errorf("weights of shape %v in %d groups for shape %v", weights.Shape(), group, x.Shape())
	}
	outs, each, groups := weights.Shape()[0], weights.Shape()[1], int(group)
	if each*groups != ch || outs%groups != 0 {
		return nil, fmt.Errorf("weights of shape %v in %d groups for shape %v", weights.Shape(), group, x.Shape())
	}
	g, err := w.resolve(in, weights.Shape()[2:])
	if err != nil {
		return nil, err
	}
	if !slices.Equal(g.kernel, weights.Shape()[2:]) {
		return nil, fmt.Errorf("kernel %v for weights of shape %v", g.kernel, weights.Shape())
	}
	out, y, err := c.floats(append([]int{batch, outs}, g.out...))
	if err != nil {
		return nil, err
	}
	if len(y) == 0 {
		return one(out), nil
	}
	biases, err := biasOf(bias, outs)
	if err != nil {
		return nil, err
	}
	v, err := c.convolution(g, nil, outs/groups, each)
	if err != nil {
		return nil, err
	}
	perGroup := v.outs * each * v.taps
	for i := range batch * groups {
		which := i % groups
		v.weights = floatsOf(weights)[which*perGroup:][:perGroup]
		if biases != nil {
			v.bias = biases[which*v.outs:]
		}
		if err := c.convolve(&v, y[i*v.outs*v.positions:], floatsOf(x)[i*each*v.size:]); err != nil {
			return nil, err
		}
	}
	return one(out), nil
}

func biasOf(bias *tensor.Tensor, outs int) ([]float32, error) {
	if bias == nil {
		return nil, nil
	}
	if bias.Rank() != 1 || bias.Len() != outs {
		return nil, fmt.Errorf("a bias of shape %v for %d outputs", bias.Shape(), outs)
	}
	return floatsOf(bias), nil
}

// convTranspose spreads each input over a window of outputs. An output is the chain over all input
// channels and kernel positions, in which a position that no input reaches reads +0.
func convTranspose(a *Attrs) Func {
	w, group := readWindow(a), a.int("group", 1)
	extra, wanted := a.ints("output_padding"), a.ints("output_shape")
	return func(c *Call) ([]*tensor.Tensor, error) {
		x, weights := c.In[0], c.In[1]
		batch, ch, in, err := spatial(x)
		if err != nil {
			return nil, err
		}
		if weights.Rank() != x.Rank() || weights.Shape()[0] != ch || group < 1 || int64(ch)%group != 0 {
			return nil, fmt.Errorf("weights of shape %v in %d groups for shape %v", weights.Shape(), group, x.Shape())
		}
		g, err := w.transposed(in, weights.Shape()[2:], extra, wanted)
		if err != nil {
			return nil, err
		}
		groups := int(group)
		each, outs := ch/groups, weights.Shape()[1]
		out, y, err := c.floats(append([]int{batch, outs * groups}, g.out...))
		if err != nil {
			return nil, err
		}
		if len(y) == 0 {
			return one(out), nil
		}
		biases, err := biasOf(c.in(2), outs*groups)
		if err != nil {
			return nil, err
		}
		// As [group][outs][channels][taps], the order of the chain.
		taps := tensor.Count(g.kernel)
		turned, err := c.picked(weights, []int{groups, outs, each, taps}, []int{each * outs * taps, taps, outs * taps, 1}, 0)
		if err != nil {
			return nil, err
		}
		v, do := convolution{outs: outs, channels: each, size: tensor.Count(in), positions: tensor.Count(g.out), taps: taps}, c.convolve
		if len(in) == 2 && finite(floatsOf(weights)) {
			list, buffers, err := c.transposedPhases(g, outs, each)
			if err != nil {
				return nil, err
			}
			do = func(v *convolution, y, x []float32) error { return c.convolveTransposed(v, g, list, buffers, y, x) }
		} else if v, err = c.convolution(g, g.origin, outs, each); err != nil {
			return nil, err
		}
		perGroup := outs * each * taps
		for i := range batch * groups {
			which := i % groups
			v.weights = floatsOf(turned[0])[which*perGroup:][:perGroup]
			if biases != nil {
				v.bias = biases[which*outs:]
			}
			if err := do(&v, y[i*outs*v.positions:], floatsOf(x)[i*each*v.size:]); err != nil {
				return nil, err
			}
		}
		return one(out), nil
	}
}

func finite(v []float32) bool {
	for _, x := range v {
		if x-x != 0 {
			return false
		}
	}
	return true
}

// transposed gives the geometry of a transposed window; wanted sizes decide the padding.
func (w windowAttrs) transposed(in, kernel []int, extra, wanted []int64) (geometry, error) {
	g, err := w.lists(in, kernel)
	if err != nil {
		return g, err
	}
	if !slices.Equal(g.kernel, kernel) {
		return g, fmt.Errorf("kernel %v for weights of %v", g.kernel, kernel)
	}
	more, err := sizes(extra, len(in), 0, 0, "output padding")
	if err != nil {
		return g, err
	}
	if len(wanted) > len(in) { // with batch and channels before
		wanted = wanted[len(wanted)-len(in):]
	}
	given, err := sizes(wanted, len(in), -1, 1, "output shape")
	if err != nil {
		return g, err
	}
	for i, size := range in {
		full := (size-1)*g.stride[i] + more[i] + (g.kernel[i]-1)*g.dilation[i] + 1
		same := w.autoPad == "SAME_UPPER" || w.autoPad == "SAME_LOWER"
		if same && given[i] < 0 {
			given[i] = size * g.stride[i]
		}
		if given[i] >= 0 {
			total := max(0, full-given[i])
			g.before[i], g.after[i] = total-total/2, total/2
			if w.autoPad == "SAME_UPPER" {
				g.before[i], g.after[i] = g.after[i], g.before[i]
			}
			g.out[i] = given[i]
			continue
		}
		g.out[i] = full - g.before[i] - g.after[i]
		if g.out[i] < 0 {
			return g, fmt.Errorf("padding larger than the output")
		}
	}
	return g, tensor.CheckShape(g.out)
}
