package device_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/device"
	"github.com/aiwork/aiwork-node/compute/device/opencl"
	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

// Devices that compute wrongly, fail, are lost or too small: nobody takes their result, and nothing is left behind.

// A faulty device does something wrong at one of its operations.
type faulty struct {
	device.Device
	calls, at int  // operations so far, and the one that fails
	flip      bool // reads one bit otherwise, instead of failing
}

var errBroken = &device.Error{Device: "faulty:0", Doing: "anything", Reason: "it is broken", Lost: true}

func (f *faulty) fails() bool {
	f.calls++
	return f.calls == f.at
}

func (f *faulty) Alloc(n int) (device.Memory, error) {
	if !f.flip && f.fails() {
		return nil, errBroken
	}
	return f.Device.Alloc(n)
}

func (f *faulty) Write(m device.Memory, b []byte) error {
	if !f.flip && f.fails() {
		return errBroken
	}
	return f.Device.Write(m, b)
}

func (f *faulty) Read(b []byte, m device.Memory) error {
	err := f.Device.Read(b, m)
	if f.fails() {
		if !f.flip {
			return errBroken
		}
		b[len(b)/2] ^= 1
	}
	return err
}

func (f *faulty) Launch(l *device.Launch) error {
	if !f.flip && f.fails() {
		return errBroken
	}
	return f.Device.Launch(l)
}

// A wrapped backend gives devices to a function before it opens them.
type wrapped struct {
	*opencl.Backend
	by func(d device.Device) device.Device
}

func (w wrapped) Open(n int) (device.Device, device.Info, error) {
	d, i, err := w.Backend.Open(n)
	if err != nil {
		return nil, i, err
	}
	return w.by(d), i, nil
}

func backend(t *testing.T, by func(d device.Device) device.Device) []device.Backend {
	t.Helper()
	b := opencl.New()
	if _, err := b.List(); errors.Is(err, device.ErrAbsent) {
		testutil.Skip(t, packages)
	}
	return []device.Backend{wrapped{b, by}}
}

func TestOneWrongBitIsAMismatch(t *testing.T) {
	for _, at := range []int{1, 50, 100} {
		list := backend(t, func(d device.Device) device.Device { return &faulty{Device: d, at: at, flip: true} })
		outcome, why := device.Test(list, "opencl:0")
		if outcome != device.Mismatch || !strings.Contains(why, "1 of") {
			t.Errorf("answer %d: got %s: %s, want a mismatch of one element", at, outcome, why)
		}
		if _, err := device.Open(list, "opencl:0", device.Options{}); !device.IsTrouble(err) || !strings.Contains(err.Error(), "mismatch") {
			t.Errorf("answer %d: got %v, want that the device is not used", at, err)
		}
	}
}

func TestSelfTestThatCannotRun(t *testing.T) {
	list := backend(t, func(d device.Device) device.Device { return &faulty{Device: d, at: 40} })
	if outcome, why := device.Test(list, "opencl:0"); outcome != device.NotRun || !strings.Contains(why, "it is broken") {
		t.Errorf("got %s: %s, want that it was not run", outcome, why)
	}
	for _, id := range []string{"opencl", "opencl:x", "cuda:0", "opencl:99"} {
		if _, err := device.Open(list, id, device.Options{}); err == nil {
			t.Errorf("%s: no error", id)
		}
	}
}

// matrices is a product of two matrices on a unit.
func matrices(t *testing.T, u *device.Unit) (*device.Program, []*tensor.Tensor, []*tensor.Tensor) {
	t.Helper()
	k := device.Chain()
	m, err := k.Model()
	if err != nil {
		t.Fatal(err)
	}
	want, err := k.Answer()
	if err != nil {
		t.Fatal(err)
	}
	p, err := u.Load(m)
	if err != nil {
		t.Fatal(err)
	}
	return p, k.Inputs, want
}

func TestTroubleLeavesNothingBehind(t *testing.T) {
	for at := 1; ; at++ {
		list := backend(t, nil)
		d, info, err := list[0].(wrapped).Backend.Open(0)
		if err != nil {
			t.Fatal(err)
		}
		f := &faulty{Device: d, at: at}
		u := device.NewUnit(f, info, device.Options{})
		u.Eager()
		p, inputs, _ := matrices(t, u)
		_, _, err = p.Run(context.Background(), inputs, program.DefaultLimits())
		p.Close()
		if n := u.InUse(); n != 0 {
			t.Errorf("failure at operation %d: %d blocks are in use", at, n)
		}
		if err2 := u.Close(); err2 != nil {
			t.Errorf("failure at operation %d: %v", at, err2)
		}
		if err == nil {
			if f.calls >= at || at < 8 {
				t.Errorf("operation %d of %d failed, but the run did not", at, f.calls)
			}
			return
		}
		if !device.IsTrouble(err) {
			t.Fatalf("failure at operation %d: got %v, want trouble of the device", at, err)
		}
	}
}

func TestRunsUseMemoryAgain(t *testing.T) {
	list := backend(t, nil)
	d, info, err := list[0].(wrapped).Backend.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	count := &counting{Device: d}
	u := device.NewUnit(count, info, device.Options{})
	u.Eager()
	p, inputs, want := matrices(t, u)
	after := 0
	for i := range 10 {
		got, stats, err := p.Run(context.Background(), inputs, program.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		if why := device.Differ(got[0], want[0]); why != "" {
			t.Fatalf("run %d: %s", i, why)
		}
		if stats.PeakBytes == 0 || stats.Uploads != 2 || stats.Downloads != 1 || stats.HostOps != 0 {
			t.Errorf("run %d: %+v", i, stats)
		}
		if i == 0 {
			after = count.allocs
		}
	}
	if count.allocs != after {
		t.Errorf("%d allocations after the first run, %d after ten", after, count.allocs)
	}
	p.Close()
	if n := u.InUse(); n != 0 {
		t.Errorf("%d blocks are in use", n)
	}
	if err := u.Close(); err != nil {
		t.Error(err)
	}
}

// A counting device counts allocations.
type counting struct {
	device.Device
	allocs int
}

func (c *counting) Alloc(n int) (device.Memory, error) {
	c.allocs++
	return c.Device.Alloc(n)
}

func TestCeilingOfARun(t *testing.T) {
	u := unit(t, device.Options{MemoryBytes: 64 << 10})
	u.Eager()
	p, inputs, _ := matrices(t, u)
	_, _, err := p.Run(context.Background(), inputs, program.DefaultLimits())
	if _, ok := errors.AsType[*device.CeilingError](err); !ok {
		t.Errorf("got %v, want a CeilingError", err)
	}
	p.Close()
	if n := u.InUse(); n != 0 {
		t.Errorf("%d blocks are in use", n)
	}
}

// An output that is made and not wanted holds no memory.
func TestUnwantedOutputs(t *testing.T) {
	u := unit(t, device.Options{})
	u.Eager()
	m, err := lower.Lower(&onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: 13}}, Graph: &onnx.Graph{
		Inputs:  []onnx.Value{{Name: "x", Type: tensor.Float32}},
		Nodes:   []onnx.Node{{Op: "Split", Inputs: []string{"x"}, Outputs: []string{"a", "", "c"}}},
		Outputs: []onnx.Value{{Name: "c"}, {Name: "a"}},
	}}, lower.Outside{Form: net.FormTensors})
	if err != nil {
		t.Fatal(err)
	}
	p, err := u.Load(m)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	got, stats, err := p.Run(context.Background(), []*tensor.Tensor{tensor.Of([]int{3}, []float32{1, 2, 3})}, program.DefaultLimits())
	if err != nil || stats.HostOps > 0 {
		t.Fatalf("%v, %+v", err, stats)
	}
	if c, a := tensor.Values[float32](got[0])[0], tensor.Values[float32](got[1])[0]; c != 3 || a != 1 {
		t.Errorf("got %v and %v, want 3 and 1", c, a)
	}
	if n := u.InUse(); n != 0 {
		t.Errorf("%d blocks are in use", n)
	}
}

func TestCancelledRun(t *testing.T) {
	u := unit(t, device.Options{})
	p, inputs, _ := matrices(t, u)
	defer p.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := p.Run(ctx, inputs, program.DefaultLimits()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was cancelled", err)
	}
}

// What is wrong with an input is not trouble of the device.
func TestWrongInputs(t *testing.T) {
	u := unit(t, device.Options{})
	u.Eager()
	p, inputs, _ := matrices(t, u)
	defer p.Close()
	for what, wrong := range map[string][]*tensor.Tensor{
		"none":  nil,
		"type":  {tensor.New(tensor.Int64, []int{70, 90}), inputs[1]},
		"shape": {tensor.New(tensor.Float32, []int{70, 91}), inputs[1]},
	} {
		_, _, err := p.Run(context.Background(), wrong, program.DefaultLimits())
		if err == nil || device.IsTrouble(err) {
			t.Errorf("%s: got %v", what, err)
		}
	}
}
