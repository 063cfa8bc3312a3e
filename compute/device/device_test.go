package device_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/compute/device"
	"github.com/aiwork/aiwork-node/compute/device/opencl"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

// What devices compute, held against compute/operator by bits, on a real driver: pocl, which runs OpenCL on the processor.

const packages = "no OpenCL here: Debian packages pocl-opencl-icd and ocl-icd-libopencl1"

// unit opens the first device without its self-test, and checks at the end that nothing is left of the test on it.
func unit(t testing.TB, o device.Options) *device.Unit { return unitOf(t, opencl.New(), o) }

func unitOf(t testing.TB, b *opencl.Backend, o device.Options) *device.Unit {
	t.Helper()
	if _, err := b.List(); errors.Is(err, device.ErrAbsent) {
		testutil.Skip(t, packages)
	}
	d, info, err := b.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	u := device.NewUnit(d, info, o)
	t.Cleanup(func() {
		if n := u.InUse(); n != 0 {
			t.Errorf("%d blocks of device memory are in use at the end", n)
		}
		if err := u.Close(); err != nil {
			t.Error(err)
		}
	})
	return u
}

func TestKnownAnswers(t *testing.T) {
	u := unit(t, device.Options{})
	for _, k := range device.Questions() {
		if outcome, why := u.Ask(k); outcome != device.Validated {
			t.Errorf("%s %v: %s: %s", k.Op, k.Attrs, outcome, why)
		}
	}
}

// Devices with small work-groups have kernels of other shapes.
func TestSmallWorkGroups(t *testing.T) {
	b := opencl.New()
	b.GroupMax = 1
	u := unitOf(t, b, device.Options{})
	if u.Info.GroupMax != 64 {
		t.Errorf("work-groups have up to %d items, want the least that kernels need", u.Info.GroupMax)
	}
	ops := []string{"MatMul", "Gemm", "Conv", "ReduceMax", "Softmax", "LayerNormalization"}
	for _, k := range device.Questions() {
		if !slices.Contains(ops, k.Op) {
			continue
		}
		if outcome, why := u.Ask(k); outcome != device.Validated {
			t.Errorf("%s %v: %s: %s", k.Op, k.Attrs, outcome, why)
		}
	}
}
