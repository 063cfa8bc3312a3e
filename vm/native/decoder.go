package native

import (
	"encoding/binary"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/holiman/uint256"
)

// A Fault says why ABI-encoded bytes are refused. Values are never reused.
type Fault uint8

// The faults of ABI decoding (NATIVE-6).
const (
	FaultShort    Fault = iota + 1 // the bytes end inside a value
	FaultTrailing                  // bytes follow the last value
	FaultPadding                   // padding is not zero, or a number is above its type
	FaultOffset                    // an offset is not where the body belongs
	FaultLimit                     // a list or byte string is longer than the method takes
	FaultSelector                  // another method or event
)

// Error tells the reason in words.
func (f Fault) Error() string {
	switch f {
	case FaultShort:
		return "arguments end inside a value"
	case FaultTrailing:
		return "bytes follow the last argument"
	case FaultPadding:
		return "number above its type, or padding not zero"
	case FaultOffset:
		return "offset not in order"
	case FaultLimit:
		return "list or byte string above its limit"
	case FaultSelector:
		return "selector of another method"
	}
	return "unknown fault"
}

// Decoder reads ABI-encoded values in the order of a signature's types, strictly (NATIVE-6). It keeps its
// first error; from then on reads give zero values. Reading another type than the signature names is a
// mistake of the caller and panics.
type Decoder struct {
	data  []byte
	types []string
	read  int // values read
	tail  int // where the next body must begin
	err   error
}

// NewDecoder gives a decoder of values alone.
func NewDecoder(types string, data []byte) *Decoder { return newDecoder(typesOf(types), data) }

// NewInputDecoder gives a decoder of a call's arguments, after its selector.
func NewInputDecoder(signature string, input []byte) *Decoder {
	sel := Selector(signature)
	if len(input) < 4 || [4]byte(input) != sel {
		return &Decoder{types: typesOf(signature), err: FaultSelector}
	}
	return newDecoder(typesOf(signature), input[4:])
}

func newDecoder(types []string, data []byte) *Decoder {
	d := &Decoder{data: data, types: types, tail: 32 * len(types)}
	if len(data) < d.tail {
		d.err = FaultShort
	}
	return d
}

// Err gives the first error.
func (d *Decoder) Err() error { return d.err }

// End gives the first error, and refuses bytes that were not read. All values must have been read.
func (d *Decoder) End() error {
	must.Hold(d.read == len(d.types), "abi: values not read")
	if d.err == nil && d.tail != len(d.data) {
		d.err = FaultTrailing
	}
	return d.err
}

func (d *Decoder) fail(f Fault) {
	if d.err == nil {
		d.err = f
	}
}

// word takes the next word of the head.
func (d *Decoder) word(want string) []byte {
	must.Hold(d.read < len(d.types) && d.types[d.read] == want, "abi: value read is not "+want)
	at := 32 * d.read
	d.read++
	if d.err != nil {
		return make([]byte, 32)
	}
	return d.data[at : at+32]
}

// Uint64 reads a uint8, uint16, uint32 or uint64.
func (d *Decoder) Uint64() uint64 {
	must.Hold(d.read < len(d.types), "abi: too many values read")
	n := uintBytes(d.types[d.read])
	must.Hold(n > 0, "abi: value read is not a small unsigned type")
	return d.uint(d.word(d.types[d.read]), n)
}

func (d *Decoder) uint(word []byte, n int) uint64 {
	if !zero(word[:32-n]) {
		d.fail(FaultPadding)
		return 0
	}
	return binary.BigEndian.Uint64(word[24:])
}

// Uint256 reads a uint256.
func (d *Decoder) Uint256() uint256.Int {
	var v uint256.Int
	v.SetBytes32(d.word("uint256"))
	return v
}

// Address reads an address.
func (d *Decoder) Address() chain.Address { return d.address(d.word("address")) }

func (d *Decoder) address(word []byte) chain.Address {
	if !zero(word[:12]) {
		d.fail(FaultPadding)
		return chain.Address{}
	}
	return chain.Address(word[12:])
}

// Hash reads a bytes32.
func (d *Decoder) Hash() chain.Hash { return chain.Hash(d.word("bytes32")) }

// Bool reads a bool.
func (d *Decoder) Bool() bool {
	v := d.uint(d.word("bool"), 1)
	if v > 1 {
		d.fail(FaultPadding)
	}
	return v == 1
}

// Bytes reads a bytes of at most limit bytes. It shares memory with the input.
func (d *Decoder) Bytes(limit int) []byte { return d.bytes(d.body("bytes"), limit) }

// String reads a string of at most limit bytes.
func (d *Decoder) String(limit int) string { return string(d.bytes(d.body("string"), limit)) }

// Hashes reads a bytes32[] of at most limit elements.
func (d *Decoder) Hashes(limit int) []chain.Hash {
	return list(d, "bytes32[]", limit, func(w []byte) chain.Hash { return chain.Hash(w) })
}

// Addresses reads an address[] of at most limit elements.
func (d *Decoder) Addresses(limit int) []chain.Address { return list(d, "address[]", limit, d.address) }

// Uint64s reads a uint64[] of at most limit elements.
func (d *Decoder) Uint64s(limit int) []uint64 {
	return list(d, "uint64[]", limit, func(w []byte) uint64 { return d.uint(w, 8) })
}

// Uint256s reads a uint256[] of at most limit elements.
func (d *Decoder) Uint256s(limit int) []uint256.Int {
	return list(d, "uint256[]", limit, func(w []byte) (v uint256.Int) { v.SetBytes32(w); return v })
}

// BytesList reads a bytes[] of at most limit elements of at most each bytes.
func (d *Decoder) BytesList(limit, each int) [][]byte {
	at := d.body("bytes[]")
	n := d.length(at, limit)
	if d.err != nil || 32*n > len(d.data)-at-32 {
		d.fail(FaultShort)
		return nil
	}
	sub := &Decoder{data: d.data[at+32:], tail: 32 * n}
	out := make([][]byte, 0, n)
	for i := range n {
		out = append(out, sub.bytes(sub.place(sub.data[32*i:32*i+32]), each))
	}
	if sub.err != nil {
		d.err = sub.err
		return nil
	}
	d.tail = at + 32 + sub.tail
	return out
}

// body reads an offset and gives the place of the body.
func (d *Decoder) body(want string) int { return d.place(d.word(want)) }

// place checks that an offset is the end of what has been read, so that each value has one encoding.
func (d *Decoder) place(word []byte) int {
	off := d.uint(word, 8)
	if d.err == nil && off != uint64(d.tail) {
		d.fail(FaultOffset)
	}
	return d.tail
}

// length reads the length word of a body.
func (d *Decoder) length(at, limit int) int {
	if d.err == nil && len(d.data)-at < 32 {
		d.fail(FaultShort)
	}
	if d.err != nil {
		return 0
	}
	n := d.uint(d.data[at:at+32], 8)
	if n > uint64(max(limit, 0)) {
		d.fail(FaultLimit)
		return 0
	}
	return int(n)
}

func (d *Decoder) bytes(at, limit int) []byte {
	n := d.length(at, limit)
	size := int(words(n)) * 32
	if d.err == nil && size > len(d.data)-at-32 {
		d.fail(FaultShort)
	}
	if d.err != nil {
		return nil
	}
	from := at + 32
	if !zero(d.data[from+n : from+size]) {
		d.fail(FaultPadding)
		return nil
	}
	d.tail = from + size
	return d.data[from : from+n : from+n]
}

func list[T any](d *Decoder, want string, limit int, element func([]byte) T) []T {
	at := d.body(want)
	n := d.length(at, limit)
	if d.err == nil && 32*n > len(d.data)-at-32 {
		d.fail(FaultShort)
	}
	if d.err != nil {
		return nil
	}
	out := make([]T, 0, n)
	for i := range n {
		from := at + 32 + 32*i
		out = append(out, element(d.data[from:from+32]))
	}
	if d.err != nil {
		return nil
	}
	d.tail = at + 32 + 32*n
	return out
}

func zero(b []byte) bool {
	for _, v := range b {
		if v != 0 {
			return false
		}
	}
	return true
}
