package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/aiwork/aiwork-node/compute/device"
	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A Device runs networks beside the processor, with the same bits. It is for one goroutine at a time.
type Device interface {
	Name() string
	Load(m *lower.Model) (DeviceProgram, error)
	Close() error
}

// A DeviceProgram is a network on a Device. Whatever error it gives, the processor runs the item again and decides.
type DeviceProgram interface {
	Run(ctx context.Context, inputs []*tensor.Tensor) ([]*tensor.Tensor, error)
	Close()
}

// OpenDevice opens a device after its self-test.
func OpenDevice(backends []device.Backend, id string, o device.Options) (Device, error) {
	u, err := device.Open(backends, id, o)
	if err != nil {
		return nil, err
	}
	return unit{u}, nil
}

type unit struct{ *device.Unit }

func (u unit) Name() string { return u.Info.ID }

func (u unit) Load(m *lower.Model) (DeviceProgram, error) {
	p, err := u.Unit.Load(m)
	if err != nil {
		return nil, err
	}
	return unitProgram{p}, nil
}

type unitProgram struct{ *device.Program }

func (p unitProgram) Run(ctx context.Context, inputs []*tensor.Tensor) ([]*tensor.Tensor, error) {
	out, _, err := p.Program.Run(ctx, inputs, program.DefaultLimits())
	return out, err
}

const (
	troublesMax = 3  // of a device, one after the other; then it is given up
	checkEvery  = 32 // runs, of which one is repeated by the processor: a device that grows faulty is found before many answers are wrong
)

// An accelerator is the device of an engine: opened when the first network needs it, given up when it fails. It is the processor's helper: what
// it cannot do, or does wrong, is done again without it.
type accelerator struct {
	open func() (Device, error) // nil: none
	note func(kind NoteKind, text string)

	device   Device // nil: not open, or given up
	tried    bool
	troubles int
	runs     int
}

// load puts a network on the device; nil where it is to run on the processor.
func (a *accelerator) load(f *model.File) DeviceProgram {
	if a == nil || a.open == nil {
		return nil
	}
	if !a.tried {
		a.tried = true
		d, err := a.open()
		if err != nil {
			a.note(NoteDeviceGone, fmt.Sprintf("%v; the processor is used", err))
			return nil
		}
		a.device = d
		a.note(NoteDeviceReady, d.Name()+" passed its self-test and is used")
	}
	if a.device == nil {
		return nil
	}
	p, err := a.device.Load(f.Model)
	if err != nil {
		a.trouble(f.Name, err)
		return nil
	}
	return p
}

// run gives a result of the device. Not ok: the processor must run it.
func (a *accelerator) run(ctx context.Context, p DeviceProgram, inputs []*tensor.Tensor) (outputs []*tensor.Tensor, ok bool) {
	if a == nil || p == nil || a.device == nil {
		return nil, false
	}
	outputs, err := p.Run(ctx, inputs)
	if err == nil {
		a.troubles = 0
		return outputs, true
	}
	if _, small := errors.AsType[*device.CeilingError](err); small {
		a.note(NoteDeviceTrouble, fmt.Sprintf("%s: %v; the processor ran the item", a.device.Name(), err))
	} else if device.IsTrouble(err) {
		a.trouble("an item", err)
	}
	return nil, false
}

// due says whether the processor is to repeat this run of the device.
func (a *accelerator) due() bool {
	a.runs++
	return a.runs%checkEvery == 1
}

// trouble notes what is wrong with the device, and gives it up when that comes again and again or it is lost.
func (a *accelerator) trouble(what string, err error) {
	a.troubles++
	if e, ok := errors.AsType[*device.Error](err); a.troubles >= troublesMax || ok && e.Lost {
		a.giveUp(fmt.Sprintf("%s: %v", what, err))
		return
	}
	a.note(NoteDeviceTrouble, fmt.Sprintf("%s: %v; the processor does it", what, err))
}

// giveUp lets go of the device until the engine starts anew. Programs on it are closed by those that have them.
func (a *accelerator) giveUp(why string) {
	a.note(NoteDeviceGone, fmt.Sprintf("%s is given up until the engine starts anew: %s; the processor is used", a.device.Name(), why))
	a.device = nil
}

// compute gives the outputs of a network, from the device where there is one.
func (c *Compiled) compute(ctx context.Context, inputs []*tensor.Tensor) ([]*tensor.Tensor, error) {
	limits := program.DefaultLimits()
	fast, ok := c.device.run(ctx, c.onDevice, inputs)
	if !ok || !c.device.due() {
		if ok {
			return fast, nil
		}
		return c.runner.Run(ctx, inputs, limits)
	}
	outputs, err := c.runner.Run(ctx, inputs, limits)
	if err == nil && string(EncodeInputs(fast)) != string(EncodeInputs(outputs)) {
		c.device.giveUp("it gave other bits than the processor")
	}
	return outputs, err
}

// networked is a network as pipelines run it.
type networked struct{ *Compiled }

// Run gives a network's outputs.
func (n networked) Run(ctx context.Context, inputs []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if outputs, lied, err := n.liar.run(ctx, inputs, stepInput(inputs)); lied {
		return outputs, err
	}
	return n.compute(ctx, inputs)
}
