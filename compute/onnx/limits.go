package onnx

import (
	"errors"
	"fmt"
)

// Limits of a file (ONNX-1).
const (
	ModelBytesMax  = 1 << 30
	TensorBytesMax = 1 << 30
	NodesMax       = 1 << 16
	ValuesMax      = 1 << 18 // names of inputs and outputs, of all nodes and graphs together
	AttrsMax       = 64      // of one node
	NestingMax     = 8
	NameBytesMax   = 4096
	ListMax        = 1 << 20 // elements of one attribute
)

// An Unsupported error says that a file is well formed but needs what is not provided.
type Unsupported struct {
	What string // a short noun phrase, such as "element type float16"
}

func (u *Unsupported) Error() string { return u.What + " is not supported" }

// IsUnsupported gives the Unsupported error within err.
func IsUnsupported(err error) (*Unsupported, bool) { return errors.AsType[*Unsupported](err) }

func unsupported(format string, args ...any) error {
	return &Unsupported{What: fmt.Sprintf(format, args...)}
}
