package device

import (
	"fmt"
	"math/bits"

	"github.com/aiwork/aiwork-node/internal/must"
)

// A heap takes memory from a device up to a ceiling and keeps what comes back for the next who asks. The queue runs in order, so
// memory may be used anew before a kernel that was launched earlier has read it.
type heap struct {
	device Device
	max    int // bytes at most, with what is kept
	one    int // bytes of one buffer at most
	taken  int // bytes that the device has given, with what is kept
	used   int // bytes in use
	peak   int
	live   int // blocks in use
	free   map[int][]Memory
}

// A block is memory that several values may share.
type block struct {
	memory Memory
	size   int
	uses   int
}

// sizeClass rounds up to an eighth of a power of two, so that blocks fit others.
func sizeClass(bytes int) int {
	step := max(256, 1<<max(0, bits.Len(uint(max(bytes, 1)-1))-3))
	return max(ceilDiv(bytes, step), 1) * step
}

// take gives memory for some bytes.
func (h *heap) take(bytes int) (*block, error) {
	size := sizeClass(bytes)
	b := &block{size: size, uses: 1}
	if list := h.free[size]; len(list) > 0 {
		b.memory, h.free[size] = list[len(list)-1], list[:len(list)-1]
		h.count(b)
		return b, nil
	}
	if size > h.one {
		return nil, &CeilingError{fmt.Sprintf("one buffer of %d bytes, of at most %d", size, h.one)}
	}
	if h.taken+size > h.max {
		if err := h.trim(); err != nil {
			return nil, err
		}
	}
	if h.taken+size > h.max {
		return nil, &CeilingError{fmt.Sprintf("%d bytes beside %d in use, of at most %d", size, h.used, h.max)}
	}
	m, err := h.device.Alloc(size)
	if err != nil {
		return nil, err
	}
	b.memory = m
	h.taken += size
	h.count(b)
	return b, nil
}

func (h *heap) count(b *block) {
	h.live++
	h.used += b.size
	h.peak = max(h.peak, h.used)
}

// give takes a block back from one of those who share it.
func (h *heap) give(b *block) {
	b.uses--
	must.Hold(b.uses >= 0, "device memory is given back twice")
	if b.uses > 0 {
		return
	}
	h.live--
	h.used -= b.size
	h.free[b.size] = append(h.free[b.size], b.memory)
}

// trim frees what is kept.
func (h *heap) trim() error {
	var first error
	for size, list := range h.free {
		for _, m := range list {
			if err := m.Free(); err != nil && first == nil {
				first = err
			}
			h.taken -= size
		}
	}
	clear(h.free)
	return first
}

// A CeilingError says that a run needs more of the device's memory than it may take.
type CeilingError struct{ What string }

func (e *CeilingError) Error() string {
	return "the run needs more device memory than it may take: " + e.What
}
