package device

import (
	"errors"
	"slices"

	"github.com/aiwork/aiwork-node/compute/device/code"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A call is one use of an operator on the device.
type call struct {
	*run
	attrs []onnx.Attr
	in    []*value // nil where one is left out
	outs  int      // that are wanted, counted to the last one
	made  []*value // by this call
}

// An opFunc launches what gives an operator's outputs. It gives errElsewhere for what the device does not do, wrong shapes and attributes
// too: compute/operator refuses those. What it launched until then comes to nothing.
type opFunc func(c *call) ([]*value, error)

var errElsewhere = errors.New("not on the device")

// arg gives input i, nil where it is left out.
func (c *call) arg(i int) *value {
	if i < len(c.in) {
		return c.in[i]
	}
	return nil
}

// floats says whether the first n inputs are there and are not empty, all floats.
func (c *call) floats(n int) bool {
	if len(c.in) < n {
		return false
	}
	for _, v := range c.in[:n] {
		if v == nil || v.kind != tensor.Float32 || v.len() == 0 {
			return false
		}
	}
	return true
}

func (c *call) find(name string) *onnx.Attr {
	for i := range c.attrs {
		if c.attrs[i].Name == name {
			return &c.attrs[i]
		}
	}
	return nil
}

func (c *call) int(name string, otherwise int) int {
	if a := c.find(name); a != nil {
		return int(a.Int)
	}
	return otherwise
}

func (c *call) float(name string, otherwise float32) float32 {
	if a := c.find(name); a != nil {
		return a.Float
	}
	return otherwise
}

func (c *call) text(name, otherwise string) string {
	if a := c.find(name); a != nil {
		return a.Text
	}
	return otherwise
}

// ints gives a list, nil where there is none.
func (c *call) ints(name string) []int64 {
	if a := c.find(name); a != nil {
		if a.Ints == nil {
			return []int64{}
		}
		return a.Ints
	}
	return nil
}

// list gives the numbers of an input that is a parameter, nil where it is left out.
func (c *call) list(i int) ([]int64, error) {
	v := c.arg(i)
	if v == nil {
		return nil, nil
	}
	if v.kind == tensor.Float32 || v.kind == tensor.Bool || len(v.shape) > 1 {
		return nil, errElsewhere
	}
	t, err := c.tensor(v)
	if err != nil {
		return nil, err
	}
	return slices.Clone(t.Ints()), nil
}

// scalar gives the only element of an input of floats.
func (c *call) scalar(i int) (float32, error) {
	v := c.arg(i)
	if v == nil || v.kind != tensor.Float32 || v.len() != 1 {
		return 0, errElsewhere
	}
	t, err := c.tensor(v)
	if err != nil {
		return 0, err
	}
	return tensor.Values[float32](t)[0], nil
}

// new makes a value on the device, with whatever its memory holds.
func (c *call) new(kind tensor.Type, shape []int) (*value, error) {
	if tensor.CheckShape(shape) != nil || tensor.Count(shape) == 0 {
		return nil, errElsewhere
	}
	v := &value{kind: kind, shape: slices.Clone(shape)}
	b, err := c.heap().take(v.bytes())
	if err != nil {
		return nil, err
	}
	v.block = b
	c.made = append(c.made, v)
	return v, nil
}

// memories gives the places of values on the device as arguments; for one that is left out, that of the first.
func (c *call) memories(list ...*value) ([]Arg, error) {
	var args []Arg
	for _, v := range list {
		if v == nil {
			v = list[0]
		}
		m, err := c.memory(v)
		if err != nil {
			return nil, err
		}
		args = append(args, memoryArg(m))
	}
	return args, nil
}

// gridMax bounds the work-groups of a launch in its second and third direction, as CUDA does.
const gridMax = 65535

// launch runs a kernel on values and further arguments.
func (c *call) launch(kernel string, groups, size [3]int, values []*value, more ...Arg) error {
	args, err := c.memories(values...)
	if err != nil {
		return err
	}
	return c.queue(&Launch{Kernel: kernel, Groups: groups, Size: size, Args: append(args, more...)})
}

// flat runs a kernel of n items in a line.
func (c *call) flat(kernel string, n int, values []*value, more ...Arg) error {
	return c.launch(kernel, [3]int{ceilDiv(n, code.FlatItems), 1, 1}, [3]int{code.FlatItems, 1, 1}, values, more...)
}

// axis turns an axis that may count from the end into a plain one, -1 if there is none such.
func axis(a int64, rank int) int {
	if a < 0 {
		a += int64(rank)
	}
	if a < 0 || a >= int64(rank) {
		return -1
	}
	return int(a)
}

// marks says for each dimension whether it is in a list; false if the list is wrong.
func marks(axes []int64, rank int) ([]bool, bool) {
	marked := make([]bool, rank)
	for _, a := range axes {
		d := axis(a, rank)
		if d < 0 || marked[d] {
			return nil, false
		}
		marked[d] = true
	}
	return marked, true
}

func one(v *value, err error) ([]*value, error) {
	if err != nil {
		return nil, err
	}
	return []*value{v}, nil
}

// opset is the model's version of the operator set.
func (c *call) opset() int { return int(c.p.model.Net.Opset) }
