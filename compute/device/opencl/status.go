package opencl

import (
	"bytes"
	"fmt"

	"github.com/aiwork/aiwork-node/compute/device"
)

// textBytesMax bounds a text that a driver gives, the log of a build above all.
const textBytesMax = 1 << 20

// trim cuts a C text at its end.
func trim(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(bytes.TrimSpace(b))
}

// A status is what the functions of OpenCL give.
type status int32

const success status = 0

const (
	deviceNotFound     status = -1
	deviceNotAvailable status = -2
	allocationFailure  status = -4
	outOfResources     status = -5
	outOfHostMemory    status = -6
	buildFailure       status = -11
	waitListFailure    status = -14
	invalidContext     status = -34
	invalidQueue       status = -36
	invalidKernelName  status = -46
	invalidGroupSize   status = -54
	invalidBufferSize  status = -61
	noPlatform         status = -1001
)

// known gives the name that the standard has for a status, and what it means here.
func (s status) known() (name, meaning string) {
	switch s {
	case deviceNotFound:
		return "CL_DEVICE_NOT_FOUND", "there is no device"
	case deviceNotAvailable:
		return "CL_DEVICE_NOT_AVAILABLE", "the device cannot be reached"
	case allocationFailure:
		return "CL_MEM_OBJECT_ALLOCATION_FAILURE", "the device has no memory left"
	case outOfResources:
		return "CL_OUT_OF_RESOURCES", "the device ran out of resources or was reset"
	case outOfHostMemory:
		return "CL_OUT_OF_HOST_MEMORY", "the driver has no memory left"
	case buildFailure:
		return "CL_BUILD_PROGRAM_FAILURE", "the driver's compiler refuses the kernels"
	case waitListFailure:
		return "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST", "a kernel that ran before went wrong"
	case invalidContext:
		return "CL_INVALID_CONTEXT", "the device was reset"
	case invalidQueue:
		return "CL_INVALID_COMMAND_QUEUE", "the device was reset"
	case invalidKernelName:
		return "CL_INVALID_KERNEL_NAME", "there is no such kernel"
	case invalidGroupSize:
		return "CL_INVALID_WORK_GROUP_SIZE", "the device does not take so many items in a work-group"
	case invalidBufferSize:
		return "CL_INVALID_BUFFER_SIZE", "the device does not take so large a buffer"
	case noPlatform:
		return "CL_PLATFORM_NOT_FOUND_KHR", "no driver for OpenCL is installed (Debian for this processor: pocl-opencl-icd)"
	}
	return "", ""
}

func (s status) String() string {
	name, meaning := s.known()
	if name == "" {
		return fmt.Sprintf("OpenCL status %d", int32(s))
	}
	return fmt.Sprintf("%s: %s (status %d)", meaning, name, int32(s))
}

// lost says whether the device answers nothing any more after a status.
func (s status) lost() bool {
	switch s {
	case deviceNotAvailable, outOfResources, invalidContext, invalidQueue, waitListFailure:
		return true
	}
	return false
}

// trouble makes an error of a status, nil of success.
func (s status) trouble(id, doing string) error {
	if s == success {
		return nil
	}
	return &device.Error{Device: id, Doing: doing, Reason: s.String(), Lost: s.lost()}
}
