//go:build linux && (amd64 || arm64) && !nogpu

package opencl

import (
	"fmt"
	"unsafe"

	"github.com/aiwork/aiwork-node/compute/device"
)

// Properties by the numbers of the standard.
const (
	platformName = 0x0902

	deviceType           = 0x1000
	deviceUnits          = 0x1002
	deviceGroupSize      = 0x1004
	deviceAllocMax       = 0x1010
	deviceSingleFP       = 0x101b
	deviceMemory         = 0x101f
	deviceLocalMemory    = 0x1023
	deviceLittleEndian   = 0x1026
	deviceAvailable      = 0x1027
	deviceCompiler       = 0x1028
	deviceName           = 0x102b
	deviceVendor         = 0x102c
	driverVersion        = 0x102d
	deviceVersion        = 0x102f
	deviceOpenCLCVersion = 0x103d

	typeAll         = 0xffffffff
	typeCPU         = 1 << 1
	typeGPU         = 1 << 2
	typeAccelerator = 1 << 3
)

// handlesMax bounds platforms, and devices of one.
const handlesMax = 64

// A found device, usable or not.
type found struct {
	handle uintptr
	info   device.Info
}

// handles lists platforms or devices.
func (l *library) handles(ask func(n uintptr, list *uintptr, count *uint32) status) ([]uintptr, status) {
	var count uint32
	if s := ask(0, nil, &count); s != success || count == 0 {
		return nil, s
	}
	list := make([]uintptr, min(count, handlesMax))
	s := ask(uintptr(len(list)), &list[0], nil)
	return list, s
}

// list finds the devices of all platforms, in the order of the loader.
func (l *library) list() ([]found, error) {
	platforms, s := l.handles(func(n uintptr, list *uintptr, count *uint32) status {
		return l.call(getPlatformIDs, n, uintptr(unsafe.Pointer(list)), uintptr(unsafe.Pointer(count)))
	})
	if s == noPlatform || s == success && len(platforms) == 0 {
		return nil, fmt.Errorf("OpenCL is %w: %v", device.ErrAbsent, noPlatform)
	}
	if s != success {
		return nil, s.trouble(name, "list platforms")
	}
	var all []found
	for _, p := range platforms {
		devices, s := l.handles(func(n uintptr, list *uintptr, count *uint32) status {
			return l.call(getDeviceIDs, p, typeAll, n, uintptr(unsafe.Pointer(list)), uintptr(unsafe.Pointer(count)))
		})
		if s != success && s != deviceNotFound {
			platform, _ := l.text(getPlatformInfo, p, platformName)
			return nil, s.trouble(name, "list devices of "+platform)
		}
		for _, d := range devices {
			all = append(all, found{d, l.describe(d, len(all))})
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("OpenCL is %w: the drivers find no device", device.ErrAbsent)
	}
	return all, nil
}

// describe reads what a device says of itself. What it does not say stays zero, and is refused for that.
func (l *library) describe(d uintptr, at int) device.Info {
	number := func(what uint32) int {
		v, _ := l.number(d, what)
		return int(min(v, 1<<62))
	}
	text := func(what uint32) string {
		s, _ := l.text(getDeviceInfo, d, what)
		return s
	}
	i := device.Info{
		ID: fmt.Sprintf("%s:%d", name, at), Name: text(deviceName), Vendor: text(deviceVendor),
		Driver: text(deviceVersion) + ", driver " + text(driverVersion), Kind: kindOf(number(deviceType)),
		MemoryBytes: number(deviceMemory), AllocMax: number(deviceAllocMax), Units: number(deviceUnits),
		GroupMax: number(deviceGroupSize), SharedBytes: number(deviceLocalMemory),
	}
	i.Refused = refusal(i, l.promises(d))
	return i
}

func kindOf(bits int) string {
	switch {
	case bits&typeGPU != 0:
		return "GPU"
	case bits&typeAccelerator != 0:
		return "accelerator"
	case bits&typeCPU != 0:
		return "CPU"
	}
	return "other"
}

// promises reads what a device says of its arithmetic and its compiler.
func (l *library) promises(d uintptr) promises {
	flag := func(what uint32) bool {
		v, s := l.number(d, what)
		return s == success && v != 0
	}
	fp, _ := l.number(d, deviceSingleFP)
	language, _ := l.text(getDeviceInfo, d, deviceOpenCLCVersion)
	return promises{
		available: flag(deviceAvailable), compiler: flag(deviceCompiler), littleEndian: flag(deviceLittleEndian),
		language: language, floats: fp,
	}
}
