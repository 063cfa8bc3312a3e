//go:build linux && (amd64 || arm64) && !nogpu

package opencl

import (
	"fmt"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/aiwork/aiwork-node/compute/device"
)

const libraryName = "libOpenCL.so.1"

// A function is a number in the list of what is taken from the library.
type function int

const (
	getPlatformIDs function = iota
	getPlatformInfo
	getDeviceIDs
	getDeviceInfo
	createContext
	releaseContext
	createCommandQueue
	releaseCommandQueue
	createProgramWithSource
	buildProgram
	getProgramBuildInfo
	releaseProgram
	createKernel
	releaseKernel
	getKernelWorkGroupInfo
	setKernelArg
	createBuffer
	releaseMemObject
	enqueueWriteBuffer
	enqueueReadBuffer
	enqueueNDRangeKernel
	finish
	functions // how many
)

func (f function) String() string {
	return [functions]string{
		"clGetPlatformIDs", "clGetPlatformInfo", "clGetDeviceIDs", "clGetDeviceInfo", "clCreateContext", "clReleaseContext",
		"clCreateCommandQueue", "clReleaseCommandQueue", "clCreateProgramWithSource", "clBuildProgram", "clGetProgramBuildInfo",
		"clReleaseProgram", "clCreateKernel", "clReleaseKernel", "clGetKernelWorkGroupInfo", "clSetKernelArg", "clCreateBuffer",
		"clReleaseMemObject", "clEnqueueWriteBuffer", "clEnqueueReadBuffer", "clEnqueueNDRangeKernel", "clFinish",
	}[f]
}

// A library is the loader of OpenCL, which finds the drivers.
type library struct{ at [functions]uintptr }

// load opens the library. It stays open: drivers do not like to be unloaded.
func load(name string) (*library, error) {
	handle, err := purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("OpenCL is %w: %s cannot be loaded; install it (Debian: ocl-icd-libopencl1) and the device's driver: %w", device.ErrAbsent, name, err)
	}
	l := &library{}
	for f := range functions {
		if l.at[f], err = purego.Dlsym(handle, f.String()); err != nil {
			return nil, fmt.Errorf("OpenCL is %w: %s has no %v: %w", device.ErrAbsent, name, f, err)
		}
	}
	return l, nil
}

// call calls a function that gives a status. Pointers are passed as uintptr in the call itself, which keeps what they point to.
//
//go:uintptrescapes
func (l *library) call(f function, args ...uintptr) status {
	r, _, _ := purego.SyscallN(l.at[f], args...)
	return status(int32(r))
}

// create calls a function that gives a handle and writes a status where its last argument points.
//
//go:uintptrescapes
func (l *library) create(f function, args ...uintptr) uintptr {
	r, _, _ := purego.SyscallN(l.at[f], args...)
	return r
}

// text reads a property that is a text.
func (l *library) text(f function, object uintptr, what uint32) (string, status) {
	var n uintptr
	if s := l.call(f, object, uintptr(what), 0, 0, uintptr(unsafe.Pointer(&n))); s != success || n == 0 || n > textBytesMax {
		return "", s
	}
	b := make([]byte, n)
	s := l.call(f, object, uintptr(what), n, uintptr(unsafe.Pointer(&b[0])), 0)
	return trim(b), s
}

// number reads a property of a device of 4 or 8 bytes.
func (l *library) number(object uintptr, what uint32) (uint64, status) {
	var v uint64
	s := l.call(getDeviceInfo, object, uintptr(what), 8, uintptr(unsafe.Pointer(&v)), 0)
	return v, s
}
