// Package opencl makes the devices of OpenCL 1.2 and newer known to compute/device.
//
// It calls the system's libOpenCL.so.1 without cgo, through ebitengine/purego: the library is opened when a Backend is first asked for
// something, never before. Where it is not installed, or has no driver, errors wrap device.ErrAbsent and say what to install. The build tag
// nogpu leaves all this out; so do other systems than Linux on amd64 and arm64.
//
//	OPENCL-1  A device that does not keep IEEE 754 is listed with the reason and cannot be opened: it must round to nearest, keep subnormal
//	          numbers, infinities and NaN, and round division and square root correctly.
//	OPENCL-2  Kernels are built with -cl-fp32-correctly-rounded-divide-sqrt and FP_CONTRACT OFF, and with no option that relaxes anything.
//	          Every fusion is an explicit fma(), which OpenCL rounds once.
//	OPENCL-3  Every status other than success is a device.Error with its name and what it means. After one that says that the device was
//	          reset, every call gives that error again.
//	OPENCL-4  A Device counts its buffers; Close says so where one was not freed.
//
// The list of programs that were built is the driver's own: it keeps what it compiled. Tests run on pocl, a driver for processors.
package opencl

// name is the backend's, and begins the names of its devices.
const name = "opencl"
