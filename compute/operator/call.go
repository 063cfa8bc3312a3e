package operator

import (
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A Budget bounds what a run may use. It counts down; what is taken for values comes back when they go.
type Budget struct {
	Bytes int // of memory that may still be taken
	Steps int // of elementary work that may still be done: multiply-adds, elements moved
}

// A LimitError says that a run needs more than its Budget.
type LimitError struct{ What string }

func (e *LimitError) Error() string { return "the run needs more than its limit of " + e.What }

// Take takes memory.
func (b *Budget) Take(bytes int) error {
	if bytes > b.Bytes {
		return &LimitError{"memory"}
	}
	b.Bytes -= bytes
	return nil
}

// Spend takes as many steps as the product of the factors, which may exceed an int; none if one is zero.
func (b *Budget) Spend(factors ...int) error {
	if slices.Min(factors) <= 0 {
		return nil
	}
	n := 1
	for _, f := range factors {
		if n > b.Steps/f {
			return &LimitError{"steps"}
		}
		n *= f
	}
	b.Steps -= n
	return nil
}

// A Call is one use of an operator.
type Call struct {
	In     []*tensor.Tensor // nil where an input is left out
	Outs   int              // outputs that are wanted, counted to the last one
	Path   kernel.Path
	Budget *Budget
}

// A Func computes the outputs of a call. It may give more than are wanted; unwanted ones may be nil.
type Func func(c *Call) ([]*tensor.Tensor, error)

// in gives input i, or nil where it is left out.
func (c *Call) in(i int) *tensor.Tensor {
	if i < len(c.In) {
		return c.In[i]
	}
	return nil
}

// new makes a tensor of zeros and pays for it.
func (c *Call) new(kind tensor.Type, shape []int) (*tensor.Tensor, error) {
	if err := tensor.CheckShape(shape); err != nil {
		return nil, err
	}
	n := tensor.Count(shape)
	if err := c.Budget.Take(n * kind.Size()); err != nil {
		return nil, err
	}
	if err := c.Budget.Spend(n); err != nil {
		return nil, err
	}
	return tensor.New(kind, shape), nil
}

// floats makes a tensor of zeros and gives its elements too.
func (c *Call) floats(shape []int) (*tensor.Tensor, []float32, error) {
	t, err := c.new(tensor.Float32, shape)
	if err != nil {
		return nil, nil, err
	}
	return t, tensor.Values[float32](t), nil
}

// scratch makes a buffer of floats and pays for it; it goes with the call.
func (c *Call) scratch(n int) ([]float32, error) {
	t, v, err := c.floats([]int{n})
	if t == nil {
		return nil, err
	}
	return v, nil
}

// offsets is tensor.Offsets, paid for.
func (c *Call) offsets(shape, strides []int, start int) ([]int32, error) {
	if err := tensor.CheckShape(shape); err != nil {
		return nil, err
	}
	if err := c.Budget.Take(4 * tensor.Count(shape)); err != nil {
		return nil, err
	}
	return tensor.Offsets(shape, strides, start), c.Budget.Spend(tensor.Count(shape))
}

// picked gives the tensor of some shape whose elements are from's at strides.
func (c *Call) picked(from *tensor.Tensor, shape, strides []int, start int) ([]*tensor.Tensor, error) {
	out, err := c.new(from.Type(), shape)
	if err != nil {
		return nil, err
	}
	out.Move(shape, tensor.Layout{Strides: tensor.Strides(shape)}, from, tensor.Layout{Start: start, Strides: strides})
	return one(out), c.Budget.Spend(out.Len())
}

// pick gives the tensor of some shape whose elements are from's at some indexes.
func (c *Call) pick(from *tensor.Tensor, shape []int, at []int32) ([]*tensor.Tensor, error) {
	out, err := c.new(from.Type(), shape)
	if err != nil {
		return nil, err
	}
	out.Pick(from, at)
	return one(out), nil
}

// indexes makes a list of n indexes and pays for it.
func (c *Call) indexes(n int) ([]int32, error) {
	if err := c.Budget.Take(4 * n); err != nil {
		return nil, err
	}
	return make([]int32, n), c.Budget.Spend(n)
}

func one(t *tensor.Tensor) []*tensor.Tensor { return []*tensor.Tensor{t} }

func floatsOf(t *tensor.Tensor) []float32 { return tensor.Values[float32](t) }

// axisOf turns an axis, which counts from the end where it is negative, into a plain one.
func axisOf(axis int64, rank int) (int, error) {
	if axis < int64(-rank) || axis >= int64(rank) {
		return 0, fmt.Errorf("axis %d of a tensor with %d dimensions", axis, rank)
	}
	if axis < 0 {
		axis += int64(rank)
	}
	return int(axis), nil
}

// axesOf does so for a list, and says for each dimension whether it is in it. Twice is an error.
func axesOf(axes []int64, rank int) (marked [tensor.RankMax]bool, err error) {
	for _, a := range axes {
		i, err := axisOf(a, rank)
		if err != nil {
			return marked, err
		}
		if marked[i] {
			return marked, fmt.Errorf("axis %d is named twice", i)
		}
		marked[i] = true
	}
	return marked, nil
}

// vector gives the elements of a tensor of whole numbers that has at most one dimension.
func vector(t *tensor.Tensor, what string) ([]int64, error) {
	if t.Rank() > 1 {
		return nil, fmt.Errorf("%s have shape %v, want a list", what, t.Shape())
	}
	return t.Ints(), nil
}

// intParam gives the single whole number of an input.
func intParam(t *tensor.Tensor, what string) (int64, error) {
	if t.Len() != 1 {
		return 0, fmt.Errorf("%s has shape %v, want one element", what, t.Shape())
	}
	return t.Ints()[0], nil
}

// wantRank refuses tensors of other ranks.
func wantRank(t *tensor.Tensor, least, most int, what string) error {
	if t.Rank() < least || t.Rank() > most {
		return fmt.Errorf("%s has shape %v, want %d to %d dimensions", what, t.Shape(), least, most)
	}
	return nil
}
