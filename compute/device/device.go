package device

import (
	"math"
	"strings"
)

// Limits of what is asked of a device.
const (
	inFlightMax = 64 // launches that may wait in the queue
	memoryShare = 8  // tenths of a device's memory that may be taken
)

// An Info describes a device.
type Info struct {
	ID          string `json:"id"` // backend and number, as in opencl:0
	Name        string `json:"name"`
	Vendor      string `json:"vendor"`
	Driver      string `json:"driver"`
	Kind        string `json:"kind"` // GPU, CPU, accelerator
	MemoryBytes int    `json:"memoryBytes"`
	AllocMax    int    `json:"allocBytesMax"` // of one buffer
	Units       int    `json:"computeUnits"`
	GroupMax    int    `json:"groupItemsMax"` // items of a work-group
	SharedBytes int    `json:"sharedBytes"`   // memory of a work-group
	Refused     string `json:"refused,omitempty"`
}

// A Backend finds devices of one kind. What it refuses is listed too, with the reason.
type Backend interface {
	Name() string
	List() ([]Info, error)
	Open(number int) (Device, Info, error)
}

// A Device runs kernels in the order in which they are launched, one queue each. It is for one goroutine at a time.
type Device interface {
	Alloc(bytes int) (Memory, error)
	Write(m Memory, b []byte) error // returns when b may be changed
	Read(b []byte, m Memory) error  // waits for what was launched before
	Launch(l *Launch) error         // does not wait
	Wait() error                    // for everything that was launched
	Close() error                   // after its memory is freed
}

// Memory is a buffer of a device.
type Memory interface{ Free() error }

// A Launch runs a kernel of compute/device/code: Groups work-groups of Size items each.
type Launch struct {
	Kernel       string
	Groups, Size [3]int
	Args         []Arg
}

// An Arg is a buffer, or words of 32 bits by value.
type Arg struct {
	Memory Memory
	Words  []uint32
}

func memoryArg(m Memory) Arg { return Arg{Memory: m} }

func intArg(v int) Arg { return Arg{Words: []uint32{uint32(int32(v))}} }

func floatArg(v float32) Arg { return Arg{Words: []uint32{math.Float32bits(v)}} }

// words makes a structure of whole numbers.
func words(list ...[]int) (out []uint32) {
	for _, l := range list {
		for _, v := range l {
			out = append(out, uint32(int32(v)))
		}
	}
	return out
}

// ceilDiv is a/b rounded up.
func ceilDiv(a, b int) int { return (a + b - 1) / b }

// SplitID gives the backend of a device's name and its number.
func SplitID(id string) (backend, number string) {
	backend, number, _ = strings.Cut(id, ":")
	return backend, number
}
