package codec

import "encoding/binary"

// Reader takes fields from the front of a byte slice, which it does not change. After its first error
// every read gives zeros, so callers may read all fields and ask for the error once.
type Reader struct {
	rest []byte
	err  error
}

// NewReader gives a reader of b. What it returns from Bytes shares memory with b.
func NewReader(b []byte) *Reader { return &Reader{rest: b} }

// Err gives the first error, or nil.
func (r *Reader) Err() error { return r.err }

// Fail records err unless an earlier one is there. Decoders use it for rules of their own.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err = err
		r.rest = nil
	}
}

// End gives the first error, and refuses bytes that were not read.
func (r *Reader) End() error {
	if r.err == nil && len(r.rest) != 0 {
		r.Fail(FaultTrailing)
	}
	return r.err
}

// Len gives the number of bytes not read yet.
func (r *Reader) Len() int { return len(r.rest) }

// U8 reads one byte.
func (r *Reader) U8() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

// U16 reads two bytes, the higher one first.
func (r *Reader) U16() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

// U32 reads four bytes, the highest one first.
func (r *Reader) U32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// U64 reads eight bytes, the highest one first.
func (r *Reader) U64() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// Bool reads a byte that must be 0 or 1.
func (r *Reader) Bool() bool {
	v := r.U8()
	if v > 1 {
		r.Fail(FaultValue)
		return false
	}
	return v == 1
}

// Fixed fills dst. After an error dst is left as it was.
func (r *Reader) Fixed(dst []byte) { copy(dst, r.take(len(dst))) }

// Bytes reads a length of at most limit and that many bytes, which share memory with the input.
// An empty string gives nil.
func (r *Reader) Bytes(limit int) []byte {
	n := r.length(limit)
	if n == 0 {
		return nil
	}
	return r.take(n)
}

// Count reads the number of elements of a list. It refuses more than limit, and more than there are
// bytes left, since an element has at least one: so a caller may allocate by what it returns.
func (r *Reader) Count(limit int) int {
	n := r.length(limit)
	if n > len(r.rest) {
		r.Fail(FaultShort)
		return 0
	}
	return n
}

func (r *Reader) length(limit int) int {
	n := r.U32()
	if uint64(n) > uint64(max(limit, 0)) {
		r.Fail(FaultLimit)
		return 0
	}
	return int(n)
}

// take gives the next n bytes, or nil with the error set. Its capacity ends with them, so that an
// append by the caller cannot write into the input.
func (r *Reader) take(n int) []byte {
	if n > len(r.rest) {
		r.Fail(FaultShort)
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}
