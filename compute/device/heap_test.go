package device

import (
	"errors"
	"testing"
)

// Memory of a device: the ceiling, what is kept and used again, what is shared.

// A ram counts what was taken of it.
type ram struct {
	Device
	allocs, live int
	broken       error
}

type cell struct{ of *ram }

func (c cell) Free() error {
	c.of.live--
	return nil
}

func (r *ram) Alloc(int) (Memory, error) {
	if r.broken != nil {
		return nil, r.broken
	}
	r.allocs++
	r.live++
	return cell{r}, nil
}

func newHeap(r *ram, limit int) *heap {
	return &heap{device: r, max: limit, one: limit / 2, free: map[int][]Memory{}}
}

func TestSizeClasses(t *testing.T) {
	for n := range 1 << 16 {
		if s := sizeClass(n); s < n || s < 256 || s > 256+n+n/4 || sizeClass(s) != s {
			t.Fatalf("%d bytes are given %d", n, s)
		}
	}
}

func TestHeapUsesMemoryAgain(t *testing.T) {
	r := &ram{}
	h := newHeap(r, 1<<20)
	for range 10 {
		a, err := h.take(5000)
		if err != nil {
			t.Fatal(err)
		}
		b, err := h.take(100)
		if err != nil {
			t.Fatal(err)
		}
		a.uses++
		h.give(a)
		if h.live != 2 {
			t.Fatalf("%d blocks are in use, want 2: one is shared", h.live)
		}
		h.give(a)
		h.give(b)
	}
	if r.allocs != 2 || h.live != 0 || h.used != 0 || h.peak != sizeClass(5000)+sizeClass(100) {
		t.Errorf("%d allocations, %d blocks and %d bytes in use, %d at most", r.allocs, h.live, h.used, h.peak)
	}
	if err := h.trim(); err != nil || r.live != 0 || h.taken != 0 {
		t.Errorf("after trim: %v, %d buffers, %d bytes", err, r.live, h.taken)
	}
}

func TestHeapCeiling(t *testing.T) {
	r := &ram{}
	h := newHeap(r, 8<<10)
	kept, err := h.take(4 << 10)
	if err != nil {
		t.Fatal(err)
	}
	small, err := h.take(3 << 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{2 << 10, 5 << 10} { // too much with the rest; too much for one
		_, err := h.take(n)
		if _, ok := errors.AsType[*CeilingError](err); !ok {
			t.Errorf("%d bytes: got %v, want a CeilingError", n, err)
		}
	}
	h.give(small)
	again, err := h.take(4 << 10) // what is kept of another size makes room
	if err != nil {
		t.Fatal(err)
	}
	if r.live != 2 || h.taken > h.max {
		t.Errorf("%d buffers, %d bytes of %d", r.live, h.taken, h.max)
	}
	h.give(again)
	h.give(kept)
	r.broken = &Error{Device: "x", Doing: "take", Reason: "no memory left"}
	if _, err := h.take(1 << 10); !IsTrouble(err) {
		t.Errorf("got %v, want trouble", err)
	}
	if h.live != 0 || h.used != 0 {
		t.Errorf("%d blocks, %d bytes in use at the end", h.live, h.used)
	}
}
