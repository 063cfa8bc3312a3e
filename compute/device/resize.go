package device

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/tensor"
)

// resizeSince is the version from which a region of interest stands before the scales.
const resizeSince = 11

// resize does the nearest mode: each output is an input, so along each axis it is a gather. Which inputs, the definition says itself: it
// resizes the list of indexes.
func resize(c *call) ([]*value, error) {
	mode, transform := c.text("mode", "nearest"), c.text("coordinate_transformation_mode", "half_pixel")
	if mode != "nearest" || transform == "tf_crop_and_resize" || c.find("axes") != nil || c.text("keep_aspect_ratio_policy", "stretch") != "stretch" {
		return nil, errElsewhere
	}
	at := 1
	if c.opset() >= resizeSince {
		at = 2
	}
	scales, err := c.resizeBy(at)
	if err != nil {
		return nil, err
	}
	sizes, err := c.resizeBy(3)
	if err != nil {
		return nil, err
	}
	rank := len(c.in[0].shape)
	if (scales == nil) == (sizes == nil) || scales != nil && scales.Len() != rank || sizes != nil && sizes.Len() != rank {
		return nil, errElsewhere
	}
	y := c.in[0]
	for d := range rank {
		indexes, err := c.resized(d, at, scales, sizes)
		if err != nil {
			return nil, err
		}
		if indexes == nil {
			continue
		}
		shape := slices.Clone(y.shape)
		shape[d] = len(indexes)
		if y, err = c.gathered(y, d, indexes, shape); err != nil {
			return nil, err
		}
	}
	if y == c.in[0] {
		return identity(c)
	}
	return []*value{y}, nil
}

// resizeBy gives an input of scales or sizes, nil where it is left out or empty.
func (c *call) resizeBy(i int) (*tensor.Tensor, error) {
	v := c.arg(i)
	if v == nil || v.len() == 0 {
		return nil, nil
	}
	if len(v.shape) != 1 {
		return nil, errElsewhere
	}
	return c.tensor(v)
}

// resized gives the index of the input under each output along an axis, nil where the axis stays as it is.
func (c *call) resized(d, at int, scales, sizes *tensor.Tensor) ([]int32, error) {
	rank, n := len(c.in[0].shape), c.in[0].shape[d]
	shape := slices.Repeat([]int{1}, rank)
	shape[d] = n
	ramp := tensor.New(tensor.Float32, shape)
	for i := range tensor.Values[float32](ramp) {
		tensor.Values[float32](ramp)[i] = float32(i)
	}
	ask := Known{Op: "Resize", Attrs: c.attrs, Inputs: make([]*tensor.Tensor, at, rank), Outs: 1, Opset: c.opset()}
	ask.Inputs[0] = ramp
	if scales != nil {
		one := slices.Repeat([]float32{1}, rank)
		if one[d] = tensor.Values[float32](scales)[d]; one[d] == 1 {
			return nil, nil
		}
		ask.Inputs = append(ask.Inputs, tensor.Of([]int{rank}, one))
	} else {
		one := slices.Repeat([]int64{1}, rank)
		if one[d] = sizes.Ints()[d]; one[d] == int64(n) {
			return nil, nil
		}
		ask.Inputs = append(ask.Inputs, nil, tensor.Of([]int{rank}, one))
	}
	answer, err := ask.Answer()
	if err != nil || answer[0].Len() == 0 {
		return nil, errElsewhere
	}
	indexes := make([]int32, answer[0].Len())
	for i, v := range tensor.Values[float32](answer[0]) {
		if !(v >= 0 && v < float32(n)) {
			return nil, errElsewhere
		}
		indexes[i] = int32(v)
	}
	return indexes, nil
}
