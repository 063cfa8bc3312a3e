package tensor

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/cpu"
)

// RawView is Raw without a copy where elements lie in memory as Raw has them. The bytes must not be changed, and are the tensor's: they change when
// its elements do.
func (t *Tensor) RawView() []byte {
	if cpu.IsBigEndian || t.Len() == 0 {
		return t.Raw()
	}
	switch v := t.elements().(type) {
	case []float32:
		if anyNaN(v) {
			return t.Raw()
		}
		return bytesOf(v)
	case []uint8:
		return v[:len(v):len(v)]
	case []int8:
		return bytesOf(v)
	case []uint16:
		return bytesOf(v)
	case []int16:
		return bytesOf(v)
	case []uint32:
		return bytesOf(v)
	case []int32:
		return bytesOf(v)
	case []uint64:
		return bytesOf(v)
	case []int64:
		return bytesOf(v)
	}
	return t.Raw()
}

// bytesOf gives the memory of some numbers, at least one.
func bytesOf[E Element](v []E) []byte {
	var e E
	return unsafe.Slice((*byte)(unsafe.Pointer(&v[0])), len(v)*int(unsafe.Sizeof(e)))
}

// anyNaN finds a NaN: its bits without the sign lie above those of infinity, so that a difference becomes negative. Two numbers are looked at at
// once; one that is a NaN may borrow from its neighbour, but is found by itself.
func anyNaN(v []float32) bool {
	const infinities, sizes, signs = 0x7f800000_7f800000, 0x7fffffff_7fffffff, 0x80000000_80000000
	var seen uint64
	b := bytesOf(v)
	for ; len(b) >= 32; b = b[32:] {
		seen |= infinities - binary.NativeEndian.Uint64(b)&sizes
		seen |= infinities - binary.NativeEndian.Uint64(b[8:])&sizes
		seen |= infinities - binary.NativeEndian.Uint64(b[16:])&sizes
		seen |= infinities - binary.NativeEndian.Uint64(b[24:])&sizes
	}
	for ; len(b) >= 4; b = b[4:] {
		seen |= infinities - uint64(binary.NativeEndian.Uint32(b))&sizes
	}
	return seen&signs != 0
}
