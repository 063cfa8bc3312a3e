package operator

import (
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/onnx"
)

// A Window is the geometry of a convolution or a pool, for those who compute it in another way
// (compute/plan). Each list has an element per spatial dimension.
type Window struct {
	In, Kernel, Stride, Dilation, Before, After, Out []int
	Groups                                           int
}

// ConvWindow reads the attributes of a Conv over some spatial sizes with a kernel of others.
func ConvWindow(attrs []onnx.Attr, in, kernel []int) (Window, error) {
	a := NewAttrs(attrs)
	g, err := readWindow(a).resolve(in, kernel)
	if err == nil && !slices.Equal(g.kernel, kernel) {
		err = fmt.Errorf("kernel %v for weights of %v", g.kernel, kernel)
	}
	return g.window(int(a.int("group", 1))), err
}

// TransposedWindow reads those of a ConvTranspose.
func TransposedWindow(attrs []onnx.Attr, in, kernel []int) (Window, error) {
	a := NewAttrs(attrs)
	g, err := readWindow(a).transposed(in, kernel, a.ints("output_padding"), a.ints("output_shape"))
	return g.window(int(a.int("group", 1))), err
}

// PoolWindow reads those of a pool.
func PoolWindow(attrs []onnx.Attr, in []int) (Window, error) {
	g, err := readPool(NewAttrs(attrs)).resolve(in, nil)
	return g.window(1), err
}

func (g geometry) window(groups int) Window {
	return Window{g.in, g.kernel, g.stride, g.dilation, g.before, g.after, g.out, groups}
}
