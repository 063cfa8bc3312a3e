package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/aiwork/aiwork-node/compute/graph"
	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/model"
)

// An InputError says that an input cannot be run, for a reason that is the same on every machine.
type InputError struct{ Fault image.Fault }

// Error tells the reason.
func (e *InputError) Error() string { return "engine: " + e.Fault.Error() }

// Unwrap gives the Fault.
func (e *InputError) Unwrap() error { return e.Fault }

// A Compiled is a model made ready to run in this process. It is for one caller at a time.
type Compiled struct {
	model  *model.Model
	runner *graph.Runner
}

// Compile readies m for the quickest path of this machine, with at most this many threads.
func Compile(m *model.Model, threads int) *Compiled {
	plan := graph.Compile(m.Graph, m.Shapes, kernel.Best())
	return &Compiled{model: m, runner: graph.NewRunner(plan, threads)}
}

// Run decodes a canonical input, runs the model and returns the output. Its error is an *InputError, or
// that of ctx.
func (c *Compiled) Run(ctx context.Context, input []byte) ([]byte, error) {
	picture, err := image.Decode(input)
	if err != nil {
		return nil, inputError(err)
	}
	tensor := picture.Tensor(c.model.Picture.Width, c.model.Picture.Height)
	values, err := c.runner.Run(ctx, tensor)
	if err != nil {
		return nil, err
	}
	return tamper(EncodeOutput(values), input), nil
}

func inputError(err error) error {
	var fault image.Fault
	if !errors.As(err, &fault) {
		fault = image.FaultPixels
	}
	return &InputError{Fault: fault}
}

// RunLocal computes the output of a model for a canonical input in this process, on one thread.
func RunLocal(m *model.Model, input []byte) ([]byte, error) {
	return Compile(m, 1).Run(context.Background(), input)
}

// EncodeOutput gives the canonical bytes of a tensor: little-endian float32, every NaN the canonical one.
func EncodeOutput(values []float32) []byte {
	out := make([]byte, 0, 4*len(values))
	for _, v := range values {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(kernel.Canonical(v)))
	}
	return out
}

// DecodeOutput reads an output of n values; it refuses any other length and any NaN but the canonical.
func DecodeOutput(output []byte, n int) ([]float32, error) {
	if len(output) != 4*n {
		return nil, fmt.Errorf("output of %d bytes, want %d", len(output), 4*n)
	}
	values := make([]float32, n)
	for i := range values {
		bits := binary.LittleEndian.Uint32(output[4*i:])
		values[i] = math.Float32frombits(bits)
		if values[i] != values[i] && bits != kernel.CanonicalNaNBits {
			return nil, fmt.Errorf("output value %d is a NaN of another form", i)
		}
	}
	return values, nil
}
