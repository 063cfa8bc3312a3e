package opencl

import (
	"fmt"
	"strings"

	"github.com/aiwork/aiwork-node/compute/device"
)

// What the kernels need at least.
const (
	groupItemsMin  = 64
	sharedBytesMin = 16 << 10
)

// What a device may say of its floats, by the bits of the standard.
const (
	fpDenormals      = 1 << 0
	fpInfNaN         = 1 << 1
	fpNearest        = 1 << 2
	fpCorrectDivSqrt = 1 << 7
)

// promises are what a device says of its arithmetic and its compiler.
type promises struct {
	available, compiler, littleEndian bool
	language                          string
	floats                            uint64
}

// refusal says why a device cannot keep AIW-1, or cannot run the kernels (OPENCL-1); empty if it can.
func refusal(i device.Info, p promises) string {
	var reasons []string
	no := func(when bool, reason string) {
		if when {
			reasons = append(reasons, reason)
		}
	}
	no(!p.available, "it is not available")
	no(!p.compiler, "its driver has no compiler")
	no(!p.littleEndian, "it is not little-endian")
	no(!atLeast12(p.language), fmt.Sprintf("its language is %q, want OpenCL C 1.2 or newer", p.language))
	no(p.floats&fpNearest == 0, "it does not round to nearest")
	no(p.floats&fpDenormals == 0, "it has no subnormal numbers")
	no(p.floats&fpInfNaN == 0, "it has no infinities and NaN")
	no(p.floats&fpCorrectDivSqrt == 0, "its division and square root are not correctly rounded")
	no(i.GroupMax < groupItemsMin, fmt.Sprintf("work-groups have at most %d items, want %d", i.GroupMax, groupItemsMin))
	no(i.SharedBytes < sharedBytesMin, fmt.Sprintf("work-groups have %d bytes of memory, want %d", i.SharedBytes, sharedBytesMin))
	return strings.Join(reasons, "; ")
}

// atLeast12 reads a version as in "OpenCL C 1.2 ...".
func atLeast12(version string) bool {
	var major, minor int
	if _, err := fmt.Sscanf(version, "OpenCL C %d.%d", &major, &minor); err != nil {
		return false
	}
	return major > 1 || major == 1 && minor >= 2
}
