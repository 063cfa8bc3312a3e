package rlp

import "github.com/holiman/uint256"

// Reader takes items from the front of a byte slice, which it does not change. After its first error
// every read gives zeros.
type Reader struct {
	rest []byte
	err  error
}

// NewReader gives a reader of the items in b. What Bytes and Raw return shares memory with b.
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

// More reports whether another item follows. It is false after an error, so loops on it end.
func (r *Reader) More() bool { return len(r.rest) != 0 }

// End gives the first error, and refuses items that were not read.
func (r *Reader) End() error {
	if r.err == nil && len(r.rest) != 0 {
		r.Fail(FaultTrailing)
	}
	return r.err
}

// List reads a list and gives a reader of its items, which has an error if r has. Errors found inside
// the list stay with that reader: end it, and fail r with what it says.
func (r *Reader) List() *Reader {
	payload := r.payload(true)
	return &Reader{rest: payload, err: r.err}
}

// IsList reports whether the next item is a list.
func (r *Reader) IsList() bool { return len(r.rest) != 0 && r.rest[0] >= listShort }

// Bytes reads a string, which shares memory with the input; an empty one gives nil.
func (r *Reader) Bytes() []byte {
	b := r.payload(false)
	if len(b) == 0 {
		return nil
	}
	return b
}

// Fixed reads a string of exactly len(dst) bytes into dst.
func (r *Reader) Fixed(dst []byte) {
	b := r.payload(false)
	if r.err != nil {
		return
	}
	if len(b) != len(dst) {
		r.Fail(FaultSize)
		return
	}
	copy(dst, b)
}

// Uint64 reads an integer below 2^64.
func (r *Reader) Uint64() uint64 {
	var v uint64
	for _, c := range r.integer(8) {
		v = v<<8 | uint64(c)
	}
	return v
}

// Uint256 reads an integer below 2^256.
func (r *Reader) Uint256() uint256.Int {
	var v uint256.Int
	b := r.integer(32)
	if len(b) <= 8 {
		var low uint64
		for _, c := range b {
			low = low<<8 | uint64(c)
		}
		v[0] = low
		return v
	}
	v.SetBytes(b)
	return v
}

// Raw reads any item and gives its whole encoding, prefix included. Its inside is not looked at.
func (r *Reader) Raw() []byte {
	all := r.rest
	r.payload(r.IsList())
	if r.err != nil {
		return nil
	}
	n := len(all) - len(r.rest)
	return all[:n:n]
}

func (r *Reader) integer(sizeMax int) []byte {
	b := r.payload(false)
	if len(b) > sizeMax {
		r.Fail(FaultSize)
		return nil
	}
	if len(b) > 0 && b[0] == 0 {
		r.Fail(FaultCanonical)
		return nil
	}
	return b
}

// payload reads the next item, which must be a list or must be a string, and gives its payload.
func (r *Reader) payload(list bool) []byte {
	if r.err != nil {
		return nil
	}
	if len(r.rest) == 0 {
		r.Fail(FaultShort)
		return nil
	}
	prefix := r.rest[0]
	if (prefix >= listShort) != list {
		if list {
			r.Fail(FaultList)
		} else {
			r.Fail(FaultString)
		}
		return nil
	}
	if prefix < strShort {
		return r.take(0, 1)
	}
	return r.prefixed(prefix, list)
}

func (r *Reader) prefixed(prefix byte, list bool) []byte {
	short, long := byte(strShort), byte(strLong)
	if list {
		short, long = listShort, listLong
	}
	if prefix > long {
		k := int(prefix - long)
		n := r.longLength(k)
		return r.take(1+k, n)
	}
	b := r.take(1, uint64(prefix-short))
	if !list && len(b) == 1 && b[0] < strShort {
		r.Fail(FaultCanonical)
		return nil
	}
	return b
}

// longLength reads the k bytes of length after the prefix, without moving on.
func (r *Reader) longLength(k int) uint64 {
	if len(r.rest) < 1+k {
		r.Fail(FaultShort)
		return 0
	}
	var n uint64
	for _, c := range r.rest[1 : 1+k] {
		n = n<<8 | uint64(c)
	}
	if r.rest[1] == 0 || n <= shortMax {
		r.Fail(FaultCanonical)
		return 0
	}
	return n
}

// take moves over skip bytes of prefix and gives the n that follow.
func (r *Reader) take(skip int, n uint64) []byte {
	if r.err != nil {
		return nil
	}
	if n > uint64(len(r.rest)-skip) {
		r.Fail(FaultShort)
		return nil
	}
	end := skip + int(n)
	b := r.rest[skip:end:end]
	r.rest = r.rest[end:]
	return b
}
