package tfjs

import (
	"slices"
	"strconv"

	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// The operators that topologies are made of, in ONNX's terms.

// sidesMax bounds kernels, strides and paddings, so that sums of them stay small.
const sidesMax = 1 << 16

// A window is what convolutions and pools slide over a picture.
type window struct {
	kernel, stride, dilation [2]int // zero: one
	same                     bool   // padding "same", else none
}

// place gives the size of the output and the padding (top, left, bottom, right) over an input.
func (b *builder) place(w *window, x wire) (out, pads []int) {
	if b.err != nil {
		return nil, nil
	}
	if !x.spatial() {
		b.fail("a window over what has no height and width")
		return nil, nil
	}
	out, pads = make([]int, 2), make([]int, 4)
	for i := range 2 {
		w.stride[i], w.dilation[i] = max(w.stride[i], 1), max(w.dilation[i], 1)
		if w.kernel[i] < 1 || w.kernel[i] > sidesMax || w.stride[i] > sidesMax || w.dilation[i] > sidesMax {
			b.fail("a window of kernel %v, stride %v, dilation %v", w.kernel, w.stride, w.dilation)
			return nil, nil
		}
		in, reach := x.shape[2+i], (w.kernel[i]-1)*w.dilation[i]+1
		if !w.same {
			out[i] = (in-reach)/w.stride[i] + 1
			if in < reach {
				b.fail("a window of %d over %d", reach, in)
				return nil, nil
			}
			continue
		}
		out[i] = (in + w.stride[i] - 1) / w.stride[i]
		all := max((out[i]-1)*w.stride[i]+reach-in, 0)
		pads[i], pads[2+i] = all/2, all-all/2
	}
	return out, pads
}

func (w *window) attrs(pads []int) []onnx.Attr {
	return []onnx.Attr{ints("kernel_shape", w.kernel[:]...), ints("strides", w.stride[:]...), ints("pads", pads...)}
}

// conv is a convolution with a kernel of height, width, inputs, outputs. An empty bias is none.
func (b *builder) conv(x wire, filter, bias string, w window) wire {
	f := b.take(filter, 4)
	if f == nil {
		return wire{}
	}
	if w.kernel = [2]int{f.shape[0], f.shape[1]}; x.spatial() && f.shape[2] != x.shape[1] {
		return b.fail("weight %q: shape %v over %d channels", filter, f.shape, x.shape[1])
	}
	return b.convOf(x, b.turned(filter, []int{3, 2, 0, 1}, nil), bias, f.shape[3], 1, w)
}

// depthwise is a convolution of each channel by itself, with a kernel of height, width, channels, times.
func (b *builder) depthwise(x wire, filter, bias string, w window) wire {
	f := b.take(filter, 4)
	if f == nil {
		return wire{}
	}
	if w.kernel = [2]int{f.shape[0], f.shape[1]}; x.spatial() && f.shape[2] != x.shape[1] {
		return b.fail("weight %q: shape %v over %d channels", filter, f.shape, x.shape[1])
	}
	channels := f.shape[2] * f.shape[3]
	turned := b.turned(filter, []int{2, 3, 0, 1}, []int{channels, 1, f.shape[0], f.shape[1]})
	return b.convOf(x, turned, bias, channels, f.shape[2], w)
}

func (b *builder) convOf(x wire, turned, bias string, channels, groups int, w window) wire {
	out, pads := b.place(&w, x)
	if b.err != nil {
		return wire{}
	}
	inputs := []string{x.name, turned}
	if bias != "" {
		inputs = append(inputs, b.vector(bias, channels, false))
	}
	attrs := append(w.attrs(pads), ints("dilations", w.dilation[:]...), whole("group", groups))
	return b.add("Conv", []int{1, channels, out[0], out[1]}, inputs, attrs...)
}

// pool is MaxPool or AveragePool, which leaves padding out of its count.
func (b *builder) pool(op string, x wire, w window) wire {
	out, pads := b.place(&w, x)
	if b.err != nil {
		return wire{}
	}
	return b.add(op, []int{1, x.shape[1], out[0], out[1]}, []string{x.name}, w.attrs(pads)...)
}

// globalPool is the mean over height and width.
func (b *builder) globalPool(x wire) wire {
	if !x.spatial() {
		return b.fail("a mean over height and width of what has none")
	}
	return b.flatten(b.add("GlobalAveragePool", []int{1, x.shape[1], 1, 1}, []string{x.name}))
}

// pad adds zeros around a picture and behind its channels.
func (b *builder) pad(x wire, top, left, bottom, right, channels int) wire {
	if b.err != nil {
		return wire{}
	}
	for _, n := range []int{top, left, bottom, right, channels} {
		if n < 0 || n > sidesMax || !x.spatial() {
			return b.fail("padding of %d", n)
		}
	}
	shape := []int{1, x.shape[1] + channels, x.shape[2] + top + bottom, x.shape[3] + left + right}
	return b.add("Pad", shape, []string{x.name, b.list(0, 0, top, left, 0, channels, bottom, right)})
}

// batchNorm normalises with names of gamma (empty: ones), beta, mean and variance.
func (b *builder) batchNorm(x wire, gamma, beta, mean, variance string, epsilon float32) wire {
	if b.err != nil {
		return wire{}
	}
	channels := x.shape[1]
	if b.vector(mean, channels, false); b.err != nil { // before as many ones are made up
		return wire{}
	}
	inputs := []string{x.name}
	for i, name := range []string{gamma, beta, mean, variance} {
		if name == "" {
			inputs = append(inputs, b.filled(channels, float32(1-min(i, 1))))
			continue
		}
		inputs = append(inputs, b.vector(name, channels, false))
	}
	return b.add("BatchNormalization", x.shape, inputs, float("epsilon", epsilon))
}

// filled gives a constant of equal elements.
func (b *builder) filled(n int, v float32) string {
	name := "ones"
	if v == 0 {
		name = "zeros"
	}
	return b.constant(name+" "+strconv.Itoa(n), func() *tensor.Tensor {
		all := make([]float32, n)
		for i := range all {
			all[i] = v
		}
		return tensor.Of([]int{n}, all)
	})
}

// both applies an operator to two values of one shape.
func (b *builder) both(op string, x, y wire) wire {
	if b.err == nil && !slices.Equal(x.shape, y.shape) {
		return b.fail("%s of shapes %v and %v", op, x.shape, y.shape)
	}
	return b.add(op, x.shape, []string{x.name, y.name})
}

// by applies an operator to a value and a constant that stands for each of its elements, or each channel.
func (b *builder) by(op string, x wire, constant string) wire {
	return b.add(op, x.shape, []string{x.name, constant})
}

// concat joins values along the channels.
func (b *builder) concat(list ...wire) wire {
	if b.err != nil || len(list) == 0 {
		return b.fail("nothing to join")
	}
	shape, names := slices.Clone(list[0].shape), []string{list[0].name}
	for _, w := range list[1:] {
		if len(w.shape) != len(shape) || !slices.Equal(w.shape[2:], shape[2:]) {
			return b.fail("shapes %v and %v to be joined", shape, w.shape)
		}
		shape[1] += w.shape[1]
		names = append(names, w.name)
	}
	return b.add("Concat", shape, names, whole("axis", 1))
}

// flatten makes a vector of a picture, channels running fastest (TFJS-2).
func (b *builder) flatten(x wire) wire {
	if b.err != nil || !x.spatial() {
		return x
	}
	if x.shape[2]*x.shape[3] > 1 {
		x = b.channelsLast(x)
	}
	return b.add("Flatten", []int{1, tensor.Count(x.shape)}, []string{x.name}, whole("axis", 1))
}

// channelsLast turns a picture to height, width, channels.
func (b *builder) channelsLast(x wire) wire {
	if b.err != nil {
		return wire{}
	}
	s := x.shape
	return b.add("Transpose", []int{1, s[2], s[3], s[1]}, []string{x.name}, ints("perm", 0, 2, 3, 1))
}

// dense multiplies a vector with a matrix of inputs, outputs. An empty bias is none.
func (b *builder) dense(x wire, matrix, bias string) wire {
	f := b.take(matrix, 2)
	if f == nil {
		return wire{}
	}
	if len(x.shape) != 2 || x.shape[1] != f.shape[0] {
		return b.fail("weight %q: shape %v over %v", matrix, f.shape, x.shape)
	}
	inputs := []string{x.name, b.turned(matrix, []int{0, 1}, nil)}
	if bias != "" {
		inputs = append(inputs, b.vector(bias, f.shape[1], false))
	}
	return b.add("Gemm", []int{1, f.shape[1]}, inputs)
}

// activate applies an activation by the name that Keras has for it.
func (b *builder) activate(x wire, name string) wire {
	switch name {
	case "linear", "":
		return x
	case "relu":
		return b.add("Relu", x.shape, []string{x.name})
	case "relu6":
		return b.add("Clip", x.shape, []string{x.name, b.scalar(0), b.scalar(6)})
	case "sigmoid":
		return b.add("Sigmoid", x.shape, []string{x.name})
	case "softmax":
		if x.spatial() {
			return b.fail("softmax over channels of a picture")
		}
		return b.add("Softmax", x.shape, []string{x.name}, whole("axis", -1))
	}
	return b.fail("activation %q", name)
}
