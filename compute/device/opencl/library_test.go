//go:build linux && (amd64 || arm64) && !nogpu

package opencl

import (
	"errors"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/device"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

// A library that is not there, and what a real driver says to requests that are wrong.

func TestAbsentLibrary(t *testing.T) {
	_, err := load("libOpenCL-is-not-here.so.1")
	if !errors.Is(err, device.ErrAbsent) || !strings.Contains(err.Error(), "ocl-icd-libopencl1") {
		t.Errorf("got %v, want that it is absent and what to install", err)
	}
	_, err = load("libc.so.6")
	if !errors.Is(err, device.ErrAbsent) || !strings.Contains(err.Error(), "clGetPlatformIDs") {
		t.Errorf("got %v, want that a function is absent", err)
	}
}

func openFirst(t *testing.T) *Device {
	t.Helper()
	b := New()
	if _, err := b.List(); errors.Is(err, device.ErrAbsent) {
		testutil.Skip(t, "no OpenCL here: Debian packages pocl-opencl-icd and ocl-icd-libopencl1")
	}
	d, info, err := b.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	if info.ID != "opencl:0" || info.Name == "" || info.MemoryBytes <= 0 || info.AllocMax <= 0 || info.GroupMax < groupItemsMin || info.Units < 1 {
		t.Errorf("a device that says nothing of itself: %+v", info)
	}
	return d.(*Device)
}

func TestNoSuchDevice(t *testing.T) {
	if err := openFirst(t).Close(); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{-1, 64} {
		if _, _, err := New().Open(n); err == nil || device.IsTrouble(err) {
			t.Errorf("device %d: %v", n, err)
		}
	}
}

func TestWrongRequests(t *testing.T) {
	d := openFirst(t)
	m, err := d.Alloc(64)
	if err != nil {
		t.Fatal(err)
	}
	one := [3]int{1, 1, 1}
	arg := []device.Arg{{Memory: m}, {Memory: m}, {Words: []uint32{16}}, {Words: []uint32{0}}, {Words: []uint32{0}}}
	for _, c := range []struct {
		what string
		err  error
		want string
	}{
		{"too much to write", d.Write(m, make([]byte, 65)), "no memory"},
		{"too much to read", d.Read(make([]byte, 65), m), "no memory"},
		{"an unknown kernel", d.Launch(&device.Launch{Kernel: "nothing", Groups: one, Size: one}), "CL_INVALID_KERNEL_NAME"},
		{"an argument too large", d.Launch(&device.Launch{Kernel: "unary_exp", Groups: one, Size: one, Args: []device.Arg{{Words: make([]uint32, 4)}}}), "argument 0"},
		{"too large a group", d.Launch(&device.Launch{Kernel: "unary_exp", Groups: one, Size: [3]int{1 << 20, 1, 1}, Args: arg}), "work-group"},
	} {
		if !device.IsTrouble(c.err) || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.what, c.err, c.want)
		}
	}
	if err := d.Launch(&device.Launch{Kernel: "unary_exp", Groups: one, Size: [3]int{64, 1, 1}, Args: arg}); err != nil {
		t.Errorf("after wrong requests: %v", err)
	}
	other := openFirst(t)
	if err := other.Write(m, make([]byte, 8)); !device.IsTrouble(err) {
		t.Errorf("memory of another device: %v", err)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	if err := d.Close(); err == nil || !strings.Contains(err.Error(), "1 buffers were not freed") {
		t.Errorf("got %v, want that a buffer was not freed", err)
	}
	if err := m.Free(); err != nil {
		t.Error(err)
	}
}

// A device that was reset gives the same error from then on.
func TestLost(t *testing.T) {
	d := openFirst(t)
	m, err := d.Alloc(64)
	if err != nil {
		t.Fatal(err)
	}
	first := d.check(invalidQueue, "wait")
	if _, err := d.Alloc(64); !errors.Is(err, first) {
		t.Errorf("alloc: got %v, want %v", err, first)
	}
	for _, err := range []error{d.Wait(), d.Write(m, make([]byte, 8)), d.Read(make([]byte, 8), m), d.Launch(&device.Launch{Kernel: "unary_exp"})} {
		if !errors.Is(err, first) {
			t.Errorf("got %v, want %v", err, first)
		}
	}
	if err := m.Free(); err != nil {
		t.Error(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
