//go:build !linux || !(amd64 || arm64) || nogpu

package opencl

import (
	"fmt"

	"github.com/aiwork/aiwork-node/compute/device"
)

// A Backend of a program that was built without OpenCL.
type Backend struct{ GroupMax int }

// New gives one.
func New() *Backend { return &Backend{} }

// Name is opencl.
func (b *Backend) Name() string { return name }

func absent() error {
	return fmt.Errorf("OpenCL is %w: this program was built without it (on Linux, build without the tag nogpu)", device.ErrAbsent)
}

// List says that there is no OpenCL.
func (b *Backend) List() ([]device.Info, error) { return nil, absent() }

// Open says so too.
func (b *Backend) Open(int) (device.Device, device.Info, error) { return nil, device.Info{}, absent() }
