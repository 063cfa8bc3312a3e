package device

import (
	"fmt"
	"strconv"
)

// An Outcome says whether a device computes what AIW-1 says.
type Outcome string

// The outcomes of a self-test.
const (
	NotRun    Outcome = "not run"
	Validated Outcome = "validated"
	Mismatch  Outcome = "mismatch"
)

// A Unit is a device that is ready to run models. It is for one goroutine at a time.
type Unit struct {
	Info    Info
	device  Device
	heap    heap
	waiting int  // launches since the last wait
	eager   bool // every operator that the device has runs there, however small its inputs
}

// Options of a unit.
type Options struct {
	MemoryBytes int // of the device at most; 0 is eight tenths of what it has
}

// Open makes the device of a name like opencl:0 ready, after its self-test: a device that computes one bit otherwise is not used.
func Open(backends []Backend, id string, o Options) (*Unit, error) {
	u, err := open(backends, id, o)
	if err != nil {
		return nil, err
	}
	if outcome, why := u.SelfTest(); outcome != Validated {
		if err := u.Close(); err != nil {
			why += "; " + err.Error()
		}
		return nil, &Error{Device: id, Doing: "self-test", Reason: string(outcome) + ": " + why}
	}
	return u, nil
}

// Test opens a device for its self-test alone.
func Test(backends []Backend, id string) (Outcome, string) {
	u, err := open(backends, id, Options{})
	if err != nil {
		return NotRun, err.Error()
	}
	outcome, why := u.SelfTest()
	if err := u.Close(); err != nil && outcome == Validated {
		return NotRun, err.Error()
	}
	return outcome, why
}

// open does so without the self-test.
func open(backends []Backend, id string, o Options) (*Unit, error) {
	name, text := SplitID(id)
	number, err := strconv.Atoi(text)
	if err != nil {
		return nil, fmt.Errorf("device %q: want a backend and a number, as in opencl:0", id)
	}
	for _, b := range backends {
		if b.Name() != name {
			continue
		}
		d, info, err := b.Open(number)
		if err != nil {
			return nil, err
		}
		return NewUnit(d, info, o), nil
	}
	return nil, fmt.Errorf("device %q: this program has no backend %q", id, name)
}

// NewUnit makes a unit of an open device, which it closes at its end, without a self-test.
func NewUnit(d Device, i Info, o Options) *Unit {
	limit := i.MemoryBytes / 10 * memoryShare
	if o.MemoryBytes > 0 {
		limit = min(limit, o.MemoryBytes)
	}
	one := limit
	if i.AllocMax > 0 {
		one = min(one, i.AllocMax)
	}
	return &Unit{Info: i, device: d, heap: heap{device: d, max: limit, one: one, free: map[int][]Memory{}}}
}

// queue launches a kernel. Every so often it waits, so that a run that is cancelled ends soon.
func (u *Unit) queue(l *Launch) error {
	if u.waiting++; u.waiting > inFlightMax {
		if err := u.device.Wait(); err != nil {
			return err
		}
		u.waiting = 1
	}
	return u.device.Launch(l)
}

// InUse counts the blocks of memory that values and weights hold.
func (u *Unit) InUse() int { return u.heap.live }

// Close frees what is kept and closes the device. Programs must be closed before.
func (u *Unit) Close() error {
	err := u.heap.trim()
	if again := u.device.Close(); err == nil {
		err = again
	}
	return err
}
