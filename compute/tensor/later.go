package tensor

import (
	"fmt"
	"sync"
	"unsafe"

	"golang.org/x/sys/cpu"

	"github.com/aiwork/aiwork-node/internal/must"
)

// A later is elements that are made when they are first asked for.
type later struct {
	once     sync.Once
	make     func() *Tensor
	elements any
}

// Later makes a tensor whose elements are made when they are first asked for, by a function that gives a tensor of the same type and size. It
// may be asked by several goroutines at once.
func Later(kind Type, shape []int, make func() *Tensor) *Tensor {
	return &Tensor{kind: kind, shape: append([]int(nil), shape...), data: &later{make: make}}
}

// elements gives the slice of t's elements.
func (t *Tensor) elements() any {
	l, ok := t.data.(*later)
	if !ok {
		return t.data
	}
	l.once.Do(func() {
		made := l.make()
		must.Hold(made.kind == t.kind && made.Len() == t.Len(), "a tensor is made that is not what was announced")
		l.elements, l.make = made.elements(), nil
	})
	return l.elements
}

// ViewRaw gives a tensor whose elements lie in b, which must not change while it is used and is not written to. Where elements cannot lie as b
// has them, they are copied, as FromRaw does.
func ViewRaw(kind Type, shape []int, b []byte) (*Tensor, error) {
	if err := CheckShape(shape); err != nil {
		return nil, err
	}
	n := Count(shape)
	if want := n * kind.Size(); len(b) != want {
		return nil, fmt.Errorf("%d bytes of elements, want %d for %v of shape %v", len(b), want, kind, shape)
	}
	if kind == Bool || cpu.IsBigEndian || n == 0 || uintptr(unsafe.Pointer(&b[0]))%uintptr(kind.Size()) != 0 {
		return FromRaw(kind, shape, b)
	}
	switch kind {
	case Float32:
		return Of(shape, view[float32](b)), nil
	case Uint8:
		return Of(shape, b[:n:n]), nil
	case Int8:
		return Of(shape, view[int8](b)), nil
	case Uint16:
		return Of(shape, view[uint16](b)), nil
	case Int16:
		return Of(shape, view[int16](b)), nil
	case Uint32:
		return Of(shape, view[uint32](b)), nil
	case Int32:
		return Of(shape, view[int32](b)), nil
	case Uint64:
		return Of(shape, view[uint64](b)), nil
	}
	return Of(shape, view[int64](b)), nil
}

func view[E Element](b []byte) []E {
	var e E
	return unsafe.Slice((*E)(unsafe.Pointer(&b[0])), len(b)/int(unsafe.Sizeof(e)))
}
