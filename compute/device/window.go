package device

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/device/code"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// spatialMax is the number of spatial dimensions that kernels know.
const spatialMax = 3

// A window is a geometry as the kernels take it; see Window in compute/device/code.
type window struct {
	operator.Window
	outs, channels, groups int // outs and channels of a group
	groupStep, outStep     int // distances in the weights
	channelStep            int
	transposed, biased     bool
}

// padded fills a list up to spatialMax dimensions at the left.
func padded(list []int, with int) []int {
	out := make([]int, 0, spatialMax)
	for range spatialMax - len(list) {
		out = append(out, with)
	}
	return append(out, list...)
}

func (w window) positions() int { return tensor.Count(w.Out) }

func (w window) words() []uint32 {
	return words(
		padded(w.In, 1), padded(w.Kernel, 1), padded(w.Stride, 1), padded(w.Dilation, 1), padded(w.Before, 0), padded(w.After, 0), padded(w.Out, 1),
		[]int{tensor.Count(w.In), tensor.Count(w.Kernel), w.positions(), w.outs, w.channels, w.groups, w.groupStep, w.outStep, w.channelStep},
		[]int{flag(w.transposed), flag(w.biased)},
	)
}

// spatial says whether a value has batch, channels and a number of spatial dimensions that kernels know.
func spatial(x *value) bool { return len(x.shape) >= 3 && len(x.shape) <= 2+spatialMax }

func conv(c *call) ([]*value, error) {
	if !c.floats(2) {
		return nil, errElsewhere
	}
	w, shape, err := c.convWindow(c.in[0], c.in[1])
	if err != nil {
		return nil, err
	}
	return one(c.convolve(w, shape, c.in[0], c.in[1], c.arg(2)))
}

// convWindow reads the geometry of a convolution with weights[outs][channels/group][kernel...].
func (c *call) convWindow(x, weights *value) (w window, shape []int, err error) {
	if !spatial(x) || len(weights.shape) != len(x.shape) {
		return w, nil, errElsewhere
	}
	w.Window, err = operator.ConvWindow(c.attrs, x.shape[2:], weights.shape[2:])
	if err != nil || w.Groups < 1 || weights.shape[1]*w.Groups != x.shape[1] || weights.shape[0]%w.Groups != 0 {
		return w, nil, errElsewhere
	}
	taps := tensor.Count(w.Kernel)
	w.groups, w.channels, w.outs = w.Groups, weights.shape[1], weights.shape[0]/w.Groups
	w.channelStep, w.outStep = taps, w.channels*taps
	w.groupStep = w.outs * w.outStep
	return w, append([]int{x.shape[0], weights.shape[0]}, w.Out...), nil
}

func convTranspose(c *call) ([]*value, error) {
	if !c.floats(2) {
		return nil, errElsewhere
	}
	x, weights := c.in[0], c.in[1]
	if !spatial(x) || len(weights.shape) != len(x.shape) || weights.shape[0] != x.shape[1] {
		return nil, errElsewhere
	}
	var w window
	var err error
	w.Window, err = operator.TransposedWindow(c.attrs, x.shape[2:], weights.shape[2:])
	if err != nil || w.Groups < 1 || x.shape[1]%w.Groups != 0 {
		return nil, errElsewhere
	}
	taps := tensor.Count(w.Kernel)
	w.groups, w.channels, w.outs, w.transposed = w.Groups, x.shape[1]/w.Groups, weights.shape[1], true
	w.outStep, w.channelStep = taps, w.outs*taps
	w.groupStep = w.channels * w.channelStep
	return one(c.convolve(w, append([]int{x.shape[0], w.outs * w.groups}, w.Out...), x, weights, c.arg(2)))
}

func (c *call) convolve(w window, shape []int, x, weights, bias *value) (*value, error) {
	if bias != nil && (bias.kind != tensor.Float32 || len(bias.shape) != 1 || bias.len() != shape[1]) {
		return nil, errElsewhere
	}
	w.biased = bias != nil
	side, batches := code.Side(c.unit.Info.GroupMax), shape[0]*w.groups
	tile := side * code.Spread
	if batches > gridMax || w.outs > gridMax {
		return nil, errElsewhere
	}
	if w.pointwise() {
		return c.pointwise(w, shape, x, weights, bias)
	}
	y, err := c.new(tensor.Float32, shape)
	if err != nil {
		return nil, err
	}
	kernel, groups, size := "conv", [3]int{ceilDiv(w.positions(), tile), ceilDiv(w.outs, tile), batches}, [3]int{side, side, 1}
	if w.outs <= thinMax {
		kernel, groups, size = "conv_thin", [3]int{ceilDiv(w.positions(), code.FlatItems), w.outs, batches}, [3]int{code.FlatItems, 1, 1}
	}
	return y, c.launch(kernel, groups, size, []*value{x, weights, bias, y}, Arg{Words: w.words()})
}

// pointwise says whether a convolution is a product of the weights with the elements as they lie.
func (w window) pointwise() bool {
	return w.groups == 1 && tensor.Count(w.Kernel) == 1 && !w.transposed && slices.Equal(w.In, w.Out) && slices.Max(w.Stride) == 1 && slices.Max(w.Before) == 0
}

func (c *call) pointwise(w window, shape []int, x, weights, bias *value) (*value, error) {
	p := product{
		stack: shape[:1], m: w.outs, n: w.positions(), k: w.channels, aRow: w.channels, aColumn: 1, bRow: w.positions(), bColumn: 1,
		startsA: []int{0}, startsB: []int{w.channels * w.positions()}, added: bias, addedRow: 1, alpha: 1, beta: 1,
	}
	return c.product(p, shape, weights, x)
}

// pool prepares a pool of floats: its window and its result.
func (c *call) pool() (w window, y *value, err error) {
	if !c.floats(1) || !spatial(c.in[0]) {
		return w, nil, errElsewhere
	}
	x := c.in[0]
	w.Window, err = operator.PoolWindow(c.attrs, x.shape[2:])
	if err != nil || x.shape[0]*x.shape[1] > gridMax {
		return w, nil, errElsewhere
	}
	w.groups = 1
	y, err = c.new(tensor.Float32, append(slices.Clone(x.shape[:2]), w.Out...))
	return w, y, err
}

func (c *call) pooled(kernel string, w window, y *value, more ...Arg) ([]*value, error) {
	x := c.in[0]
	groups := [3]int{ceilDiv(w.positions(), code.FlatItems), x.shape[0] * x.shape[1], 1}
	return one(y, c.launch(kernel, groups, [3]int{code.FlatItems, 1, 1}, []*value{x, y}, append([]Arg{{Words: w.words()}}, more...)...))
}

func maxPool(c *call) ([]*value, error) {
	if c.outs > 1 {
		return nil, errElsewhere
	}
	w, y, err := c.pool()
	if err != nil {
		return nil, err
	}
	return c.pooled("max_pool", w, y)
}

func averagePool(c *call) ([]*value, error) {
	w, y, err := c.pool()
	if err != nil {
		return nil, err
	}
	return c.pooled("average_pool", w, y, intArg(flag(c.int("count_include_pad", 0) != 0)))
}
