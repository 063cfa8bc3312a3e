package device

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/device/code"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

func rowOperators() map[string]opFunc {
	all := map[string]opFunc{
		"Softmax": softmax("softmax"), "LogSoftmax": softmax("log_softmax"),
		"GlobalAveragePool": globalPool("mean"), "GlobalMaxPool": globalPool("max"),
	}
	for name, kernel := range map[string]string{
		"ReduceSum": "sum", "ReduceMean": "mean", "ReduceMax": "max", "ReduceMin": "min", "ReduceProd": "prod", "ReduceL1": "l1",
		"ReduceSumSquare": "sum_square", "ReduceL2": "l2", "ReduceLogSum": "log_sum", "ReduceLogSumExp": "log_sum_exp",
	} {
		all[name] = reduce(kernel)
	}
	return all
}

// overRows runs a kernel over the rows that the marked dimensions of x make.
func (c *call) overRows(kernel string, x, y *value, rows Arg, count int, more ...Arg) error {
	each := code.Rows(c.unit.Info.GroupMax)
	return c.launch(kernel, [3]int{ceilDiv(count, each), 1, 1}, [3]int{code.Lanes, each, 1}, []*value{x, y}, append([]Arg{rows}, more...)...)
}

// reduce makes one number of each row. Its axes are an attribute or the second input.
func reduce(kernel string) opFunc {
	return func(c *call) ([]*value, error) {
		if !c.floats(1) {
			return nil, errElsewhere
		}
		axes := c.ints("axes")
		if c.arg(1) != nil {
			var err error
			if axes, err = c.list(1); err != nil {
				return nil, err
			}
		}
		if len(axes) == 0 && c.int("noop_with_empty_axes", 0) != 0 {
			return identity(c)
		}
		return c.reduce(kernel, axes, c.int("keepdims", 1) != 0)
	}
}

// reduce reduces over some axes, over all where there are none.
func (c *call) reduce(kernel string, axes []int64, keep bool) ([]*value, error) {
	x := c.in[0]
	if len(axes) == 0 {
		for d := range x.shape {
			axes = append(axes, int64(d))
		}
	}
	marked, ok := marks(axes, len(x.shape))
	if !ok {
		return nil, errElsewhere
	}
	rows, count, shape := rowsArg(x.shape, marked)
	if !keep {
		shape = unmarked(shape, marked)
	}
	y, err := c.new(tensor.Float32, shape)
	if err != nil {
		return nil, err
	}
	if kernel == "prod" {
		return one(y, c.flat("reduce_prod", count, []*value{x, y}, rows))
	}
	return one(y, c.overRows("reduce_"+kernel, x, y, rows, count))
}

// unmarked drops the marked dimensions of a shape.
func unmarked(shape []int, marked []bool) (out []int) {
	for d, n := range shape {
		if !marked[d] {
			out = append(out, n)
		}
	}
	return out
}

func globalPool(kernel string) opFunc {
	return func(c *call) ([]*value, error) {
		if !c.floats(1) || len(c.in[0].shape) < 3 {
			return nil, errElsewhere
		}
		var axes []int64
		for d := 2; d < len(c.in[0].shape); d++ {
			axes = append(axes, int64(d))
		}
		return c.reduce(kernel, axes, true)
	}
}

// softmaxSince is the version of the operator set from which a row is one axis, not all from one on.
const softmaxSince = 13

func softmax(kernel string) opFunc {
	return func(c *call) ([]*value, error) {
		if !c.floats(1) {
			return nil, errElsewhere
		}
		rank := len(c.in[0].shape)
		if c.opset() >= softmaxSince {
			marked, ok := marks([]int64{int64(c.int("axis", -1))}, rank)
			if !ok {
				return nil, errElsewhere
			}
			return one(c.mapRows(kernel, c.in[0], marked))
		}
		first := c.int("axis", 1)
		if first < 0 {
			first += rank
		}
		if first < 0 || first > rank {
			return nil, errElsewhere
		}
		return one(c.mapRows(kernel, c.in[0], marksFrom(first, rank)))
	}
}

func marksFrom(first, rank int) []bool {
	marked := make([]bool, rank)
	for d := first; d < rank; d++ {
		marked[d] = true
	}
	return marked
}

// mapRows gives a value whose rows are those of x after a kernel.
func (c *call) mapRows(kernel string, x *value, marked []bool, more ...Arg) (*value, error) {
	y, err := c.new(tensor.Float32, x.shape)
	if err != nil {
		return nil, err
	}
	rows, count, _ := rowsArg(x.shape, marked)
	return y, c.overRows(kernel, x, y, rows, count, more...)
}

const epsilonOtherwise = 1e-5

func (c *call) epsilon() Arg { return floatArg(c.float("epsilon", epsilonOtherwise)) }

// vectors says whether inputs are vectors with an element for each of n channels.
func (c *call) vectors(n int, list ...*value) bool {
	for _, v := range list {
		if v == nil || v.kind != tensor.Float32 || len(v.shape) != 1 || v.len() != n {
			return false
		}
	}
	return true
}

func batchNorm(c *call) ([]*value, error) {
	if !c.floats(1) || len(c.in) != 5 || len(c.in[0].shape) < 2 || c.outs > 1 || c.int("training_mode", 0) != 0 {
		return nil, errElsewhere
	}
	x := c.in[0]
	channels, plane := x.shape[1], tensor.Count(x.shape[2:])
	if !c.vectors(channels, c.in[1:]...) {
		return nil, errElsewhere
	}
	y, err := c.new(tensor.Float32, x.shape)
	if err != nil {
		return nil, err
	}
	list := append(slices.Clone(c.in), y)
	return one(y, c.flat("batch_norm", x.len(), list, intArg(x.len()), intArg(plane), intArg(channels), c.epsilon()))
}

// scaled multiplies by scale and adds shift, each element of which is for so many channels.
func (c *call) scaled(x, scale, shift *value, each int) ([]*value, error) {
	y, err := c.new(tensor.Float32, x.shape)
	if err != nil {
		return nil, err
	}
	n, plane := x.len(), tensor.Count(x.shape[2:])
	return one(y, c.flat("scale_shift", n, []*value{x, scale, shift, y}, intArg(n), intArg(plane), intArg(x.shape[1]), intArg(each)))
}

func instanceNorm(c *call) ([]*value, error) {
	if !c.floats(3) || len(c.in[0].shape) < 2 || !c.vectors(c.in[0].shape[1], c.in[1:3]...) {
		return nil, errElsewhere
	}
	x := c.in[0]
	rows, err := c.mapRows("normalise", x, marksFrom(2, len(x.shape)), c.epsilon())
	if err != nil {
		return nil, err
	}
	return c.scaled(rows, c.in[1], c.in[2], 1)
}

// groupsSince is the version from which scale and shift are given for channels, not for groups.
const groupsSince = 21

func groupNorm(c *call) ([]*value, error) {
	groups := c.int("num_groups", 0)
	if !c.floats(3) || len(c.in[0].shape) < 2 || groups < 1 || c.in[0].shape[1]%groups != 0 {
		return nil, errElsewhere
	}
	x := c.in[0]
	each := x.shape[1] / groups
	want, per := x.shape[1], 1
	if c.opset() < groupsSince {
		want, per = groups, each
	}
	if !c.vectors(want, c.in[1:3]...) {
		return nil, errElsewhere
	}
	grouped := &value{kind: x.kind, shape: []int{x.shape[0], groups, each * tensor.Count(x.shape[2:])}}
	m, err := c.memory(x)
	if err != nil {
		return nil, err
	}
	grouped.block = &block{memory: m} // x's, for the length of this call
	rows, err := c.mapRows("normalise", grouped, []bool{false, false, true}, c.epsilon())
	if err != nil {
		return nil, err
	}
	rows.shape = slices.Clone(x.shape)
	return c.scaled(rows, c.in[1], c.in[2], per)
}

// affine multiplies by scale and adds shift, which broadcast to y; a nil shift is left out.
func (c *call) affine(y, scale, shift *value) ([]*value, error) {
	for i, v := range []*value{scale, shift} {
		if v == nil {
			continue
		}
		full, err := tensor.Broadcast(y.shape, v.shape)
		if err != nil || tensor.Count(full) != y.len() || v.kind != tensor.Float32 {
			return nil, errElsewhere
		}
		if y, err = c.zip([]string{"mul", "add"}[i], y, v, tensor.Float32); err != nil {
			return nil, err
		}
	}
	return []*value{y}, nil
}

// fromAxis marks the dimensions from the attribute axis on.
func (c *call) fromAxis() ([]bool, error) {
	rank := len(c.in[0].shape)
	first := axis(int64(c.int("axis", -1)), rank)
	if first < 0 {
		return nil, errElsewhere
	}
	return marksFrom(first, rank), nil
}

func layerNorm(c *call) ([]*value, error) {
	if !c.floats(2) || c.outs > 1 {
		return nil, errElsewhere
	}
	marked, err := c.fromAxis()
	if err != nil {
		return nil, err
	}
	rows, err := c.mapRows("normalise", c.in[0], marked, c.epsilon())
	if err != nil {
		return nil, err
	}
	return c.affine(rows, c.in[1], c.arg(2))
}

func rmsNorm(c *call) ([]*value, error) {
	if !c.floats(2) {
		return nil, errElsewhere
	}
	marked, err := c.fromAxis()
	if err != nil {
		return nil, err
	}
	rows, err := c.mapRows("normalise_root_mean_square", c.in[0], marked, c.epsilon())
	if err != nil {
		return nil, err
	}
	return c.affine(rows, c.in[1], nil)
}

func meanVariance(c *call) ([]*value, error) {
	axes := c.ints("axes")
	if axes == nil {
		axes = []int64{0, 2, 3}
	}
	if !c.floats(1) {
		return nil, errElsewhere
	}
	marked, ok := marks(axes, len(c.in[0].shape))
	if !ok {
		return nil, errElsewhere
	}
	return one(c.mapRows("normalise_mean_variance", c.in[0], marked))
}

func lpNorm(c *call) ([]*value, error) {
	p := c.int("p", 2)
	if !c.floats(1) || p != 1 && p != 2 {
		return nil, errElsewhere
	}
	marked, ok := marks([]int64{int64(c.int("axis", -1))}, len(c.in[0].shape))
	if !ok {
		return nil, errElsewhere
	}
	return one(c.mapRows("normalise_length", c.in[0], marked, intArg(p)))
}
