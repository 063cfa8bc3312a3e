package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/plan"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// An InputError says that an input cannot be run, for a reason that is the same on every machine.
type InputError struct{ Fault image.Fault }

// Error tells the reason.
func (e *InputError) Error() string { return "engine: " + e.Fault.Error() }

// Unwrap gives the Fault.
func (e *InputError) Unwrap() error { return e.Fault }

// A Compiled is a model made ready to run in this process. It is for one caller at a time.
type Compiled struct {
	head   *net.Head
	runner *plan.Runner
	kept   kept
	liar   liar
	device *accelerator // nil: none
	// onDevice is the network there; nil: it runs on the processor.
	onDevice DeviceProgram
}

// Compile readies a model for the quickest path of this machine, with at most this many threads.
func Compile(f *model.File, threads int) (*Compiled, error) {
	o := plan.Default()
	o.Threads = threads
	return compile(f, o)
}

func compile(f *model.File, o plan.Options) (*Compiled, error) {
	p, err := f.Compile()
	if err != nil {
		return nil, err
	}
	runner, err := plan.New(p, o)
	if err != nil {
		return nil, err
	}
	return &Compiled{head: &f.Net.Head, runner: runner, liar: newLiar(f)}, nil
}

// Close gives threads and memory back.
func (c *Compiled) Close() {
	if c.onDevice != nil {
		c.onDevice.Close()
	}
	c.runner.Close()
	c.kept.close()
}

// Run decodes a canonical input, runs the model and returns the output. Its error is an *InputError, or that of ctx.
func (c *Compiled) Run(ctx context.Context, input []byte) ([]byte, error) {
	inputs, err := c.inputs(input)
	if err != nil {
		return nil, err
	}
	outputs, lied, err := c.liar.run(ctx, inputs, input)
	if !lied {
		outputs, err = c.compute(ctx, inputs)
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &InputError{Fault: image.FaultShape}
	}
	return tamper(EncodeOutput(c.head, outputs), input), nil
}

// Follows runs the model again.
func (c *Compiled) Follows(ctx context.Context, input, result []byte) (bool, error) {
	return runsAgain(ctx, c, input, result)
}

// runsAgain says whether another run of an input gives the same result.
func runsAgain(ctx context.Context, r runnable, input, result []byte) (bool, error) {
	again, err := r.Run(ctx, input)
	return err == nil && bytes.Equal(again, result), err
}

// inputs makes the network's inputs of the bytes of an item.
func (c *Compiled) inputs(input []byte) ([]*tensor.Tensor, error) {
	if len(input) > image.InputBytesMax {
		return nil, &InputError{Fault: image.FaultBytes}
	}
	if c.head.Form == net.FormPicture {
		picture, err := image.Decode(input)
		if err != nil {
			return nil, inputError(err)
		}
		width, height := int(c.head.Width), int(c.head.Height)
		return []*tensor.Tensor{tensor.Of([]int{1, 3, height, width}, picture.Tensor(width, height))}, nil
	}
	list, err := net.DecodeList(input, image.InputBytesMax)
	if err != nil {
		return nil, &InputError{Fault: image.FaultTensors}
	}
	var inputs []*tensor.Tensor
	for i := range list {
		t, err := lower.TensorOf(list[i].Type, list[i].Shape, list[i].Bytes)
		if err != nil {
			return nil, &InputError{Fault: image.FaultShape}
		}
		inputs = append(inputs, t)
	}
	return inputs, nil
}

func inputError(err error) error {
	var fault image.Fault
	if !errors.As(err, &fault) {
		fault = image.FaultPixels
	}
	return &InputError{Fault: fault}
}

// RunLocal computes the output of a model for a canonical input in this process, on one thread.
func RunLocal(f *model.File, input []byte) ([]byte, error) {
	c, err := Compile(f, 1)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.Run(context.Background(), input)
}

// EncodeOutput gives the canonical bytes of a network's outputs: those of the one tensor whose elements have labels, or a list
// of tensors.
func EncodeOutput(head *net.Head, outputs []*tensor.Tensor) []byte {
	if len(head.Labels) > 0 && len(outputs) == 1 && outputs[0].Type() == tensor.Float32 && outputs[0].Len() == len(head.Labels) {
		return outputs[0].Raw()
	}
	return EncodeInputs(outputs)
}

// EncodeInputs gives the canonical input of a network that takes these tensors.
func EncodeInputs(inputs []*tensor.Tensor) []byte {
	var list []net.Inline
	for _, t := range inputs {
		list = append(list, lower.InlineOf(t))
	}
	return net.EncodeList(list)
}

// DecodeOutput reads the output of a network with n labels; it refuses any other length and any NaN but the canonical.
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
