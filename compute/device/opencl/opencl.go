//go:build linux && (amd64 || arm64) && !nogpu

package opencl

import (
	"fmt"
	"unsafe"

	"github.com/aiwork/aiwork-node/compute/device"
	"github.com/aiwork/aiwork-node/compute/device/code"
)

// A Backend is OpenCL on this machine. The library is loaded when it is first asked for something. It is for one goroutine at a time.
type Backend struct {
	GroupMax int // items of a work-group at most; 0 is what each device says
	lib      *library
}

// New gives the backend without touching the library.
func New() *Backend { return &Backend{} }

// Name is opencl.
func (b *Backend) Name() string { return name }

func (b *Backend) find() ([]found, error) {
	if b.lib == nil {
		l, err := load(libraryName)
		if err != nil {
			return nil, err
		}
		b.lib = l
	}
	return b.lib.list()
}

// List describes all devices, those that are refused too. An error that wraps device.ErrAbsent says that there is no OpenCL here.
func (b *Backend) List() ([]device.Info, error) {
	all, err := b.find()
	if err != nil {
		return nil, err
	}
	var list []device.Info
	for _, f := range all {
		list = append(list, f.info)
	}
	return list, nil
}

// Open makes a device ready: a context, a queue that runs in order, and the kernels, compiled for it.
func (b *Backend) Open(number int) (device.Device, device.Info, error) {
	all, err := b.find()
	if err != nil {
		return nil, device.Info{}, err
	}
	if number < 0 || number >= len(all) {
		return nil, device.Info{}, fmt.Errorf("there is no device %s:%d, only %d of OpenCL", name, number, len(all))
	}
	f := all[number]
	if f.info.Refused != "" {
		return nil, f.info, &device.Error{Device: f.info.ID, Doing: "open " + f.info.Name, Reason: "refused: " + f.info.Refused}
	}
	if b.GroupMax > 0 {
		f.info.GroupMax = min(f.info.GroupMax, max(b.GroupMax, groupItemsMin))
	}
	d, err := b.openWith(f)
	if err == nil && !d.fits(f.info) { // kernels that need many registers run in smaller groups than the device says
		if err = d.Close(); err == nil {
			f.info.GroupMax = groupItemsMin
			d, err = b.openWith(f)
		}
	}
	if err != nil {
		return nil, f.info, err
	}
	return d, f.info, nil
}

func (b *Backend) openWith(f found) (*Device, error) {
	d := &Device{lib: b.lib, id: f.info.ID, handle: f.handle, kernels: map[string]entry{}}
	return d, d.open(f.info)
}

// fits says whether the kernels with the largest work-groups run in those that they are built for.
func (d *Device) fits(i device.Info) bool {
	side := code.Side(i.GroupMax)
	for _, name := range []string{"gemm", "conv"} {
		if k, err := d.kernel(name); err != nil || k.items < side*side {
			return false
		}
	}
	return true
}

// options keep IEEE 754: no option that relaxes anything, and division and root correctly rounded.
func options(i device.Info) string {
	return "-cl-std=CL1.2 -cl-fp32-correctly-rounded-divide-sqrt" + code.Defines(i.GroupMax)
}

func (d *Device) open(i device.Info) error {
	var code int32
	d.context = d.lib.create(createContext, 0, 1, uintptr(unsafe.Pointer(&d.handle)), 0, 0, uintptr(unsafe.Pointer(&code)))
	if err := status(code).trouble(d.id, "make a context"); err != nil {
		return err
	}
	d.queue = d.lib.create(createCommandQueue, d.context, d.handle, 0, uintptr(unsafe.Pointer(&code)))
	err := status(code).trouble(d.id, "make a queue")
	if err == nil {
		err = d.build(options(i))
	}
	if err != nil {
		return closeAfter(d, err)
	}
	return nil
}

// closeAfter gives err; that closing goes wrong too adds nothing to it.
func closeAfter(d *Device, err error) error {
	_ = d.Close()
	return err
}

// build compiles the kernels.
func (d *Device) build(options string) error {
	source := append([]byte(code.OpenCL()), 0)
	pointer := &source[0]
	var result int32
	d.program = d.lib.create(createProgramWithSource, d.context, 1, uintptr(unsafe.Pointer(&pointer)), 0, uintptr(unsafe.Pointer(&result)))
	if err := status(result).trouble(d.id, "take the kernels' source"); err != nil {
		return err
	}
	flags := append([]byte(options), 0)
	s := d.lib.call(buildProgram, d.program, 1, uintptr(unsafe.Pointer(&d.handle)), uintptr(unsafe.Pointer(&flags[0])), 0, 0)
	if s == buildFailure {
		return &device.Error{Device: d.id, Doing: "compile the kernels", Reason: s.String() + ": " + d.buildLog()}
	}
	return s.trouble(d.id, "compile the kernels")
}

const programBuildLog = 0x1183

func (d *Device) buildLog() string {
	var n uintptr
	if s := d.lib.call(getProgramBuildInfo, d.program, d.handle, programBuildLog, 0, 0, uintptr(unsafe.Pointer(&n))); s != success || n == 0 || n > textBytesMax {
		return "no log"
	}
	b := make([]byte, n)
	if s := d.lib.call(getProgramBuildInfo, d.program, d.handle, programBuildLog, n, uintptr(unsafe.Pointer(&b[0])), 0); s != success {
		return "no log"
	}
	return trim(b)
}
