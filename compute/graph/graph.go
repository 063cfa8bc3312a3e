package graph

import (
	"fmt"

	"github.com/aiwork/aiwork-node/compute/kernel"
)

// A Kind says what an operator does. Values stand in model files and are never reused.
type Kind uint8

// The operators of AIW-1 that exist so far.
const (
	Conv              Kind = iota + 1 // weights[kh][kw][in][out], optional bias[out]
	DepthwiseConv                     // weights[kh][kw][channel], optional bias[channel]
	BatchNorm                         // gamma, beta, mean, variance; Epsilon
	ReLU                              // clamp to [0, +Inf]
	ReLU6                             // clamp to [0, 6]
	Add                               // two values of one shape
	ZeroPad                           // Window's padding
	GlobalAveragePool                 // [h][w][c] to [c]
	Dense                             // weights[in][out], optional bias[out]
	Softmax                           // over [c]
	kindEnd
)

// String names k as in the specification.
func (k Kind) String() string {
	names := [...]string{
		"none", "conv", "depthwise-conv", "batch-norm", "relu", "relu6", "add", "zero-pad",
		"global-average-pool", "dense", "softmax",
	}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// A Shape is height, width and channels of a value. A vector has height and width 1.
type Shape struct{ Height, Width, Channels int }

// Len is the number of elements.
func (s Shape) Len() int { return s.Height * s.Width * s.Channels }

// An Op is one operator. Of a Window only the kernel, stride and padding are given; Check fills in the
// input's height, width and channels.
type Op struct {
	Kind    Kind
	Inputs  []int // values
	Params  []int // tensors, in the order given at the kind
	Window  kernel.Window
	Epsilon float32
}

// A Tensor holds weights; Dims are as given at the operator's kind.
type Tensor struct {
	Dims []int
	Data []float32
}

// A Graph is a whole network. Call Check before anything else.
type Graph struct {
	Input   Shape
	Ops     []Op
	Tensors []Tensor
}

// Limits of a graph.
const (
	OpsMax         = 1024
	TensorsMax     = 4096
	sideMax        = 8192    // height, width, channels of any value
	valueLenMax    = 1 << 24 // elements of one value
	weightsLenMax  = 1 << 26 // elements of all tensors
	kernelSideMax  = 64
	strideMax      = 64
	packedLenMax   = 1 << 27 // elements of all weights when laid out for the kernels
	multiplyAddMax = 1 << 36 // of one run
)
