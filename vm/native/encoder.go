package native

import (
	"encoding/binary"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/holiman/uint256"
)

// Encoder writes ABI-encoded values in the order of a signature's types. A value of another type than
// the signature names is a mistake of the caller and panics.
type Encoder struct {
	prefix     []byte
	types      []string
	head, tail []byte
}

// NewInput gives an encoder of a call: the signature's selector, then its arguments.
func NewInput(signature string) *Encoder {
	sel := Selector(signature)
	return &Encoder{prefix: sel[:], types: typesOf(signature)}
}

// NewEncoder gives an encoder of values alone, such as results or the data of a log.
func NewEncoder(types string) *Encoder { return &Encoder{types: typesOf(types)} }

// Out gives the encoding. All values must have been written.
func (e *Encoder) Out() []byte {
	must.Hold(len(e.head) == 32*len(e.types), "abi: values missing")
	out := make([]byte, 0, len(e.prefix)+len(e.head)+len(e.tail))
	out = append(out, e.prefix...)
	out = append(out, e.head...)
	return append(out, e.tail...)
}

// next takes the type of the value to come and checks that it is one of those that the caller writes.
func (e *Encoder) next(want string) {
	at := len(e.head) / 32
	must.Hold(at < len(e.types), "abi: too many values")
	must.Hold(e.types[at] == want, "abi: value is not "+want)
}

// Uint64 writes a uint8, uint16, uint32 or uint64.
func (e *Encoder) Uint64(v uint64) {
	at := len(e.head) / 32
	must.Hold(at < len(e.types), "abi: too many values")
	n := uintBytes(e.types[at])
	must.Hold(n > 0 && (n == 8 || v>>(8*n) == 0), "abi: value does not fit its unsigned type")
	e.head = appendUint64(e.head, v)
}

// Uint256 writes a uint256.
func (e *Encoder) Uint256(v *uint256.Int) {
	e.next("uint256")
	e.head = appendUint256(e.head, v)
}

// Address writes an address.
func (e *Encoder) Address(a chain.Address) {
	e.next("address")
	e.head = appendAddress(e.head, a)
}

// Hash writes a bytes32.
func (e *Encoder) Hash(h chain.Hash) {
	e.next("bytes32")
	e.head = append(e.head, h[:]...)
}

// Bool writes a bool.
func (e *Encoder) Bool(v bool) {
	e.next("bool")
	e.head = appendBool(e.head, v)
}

// Bytes writes a bytes.
func (e *Encoder) Bytes(b []byte) {
	e.next("bytes")
	e.offset()
	e.tail = appendBytes(e.tail, b)
}

// String writes a string.
func (e *Encoder) String(s string) {
	e.next("string")
	e.offset()
	e.tail = appendBytes(e.tail, []byte(s))
}

// Hashes writes a bytes32[].
func (e *Encoder) Hashes(list []chain.Hash) {
	e.next("bytes32[]")
	e.count(len(list))
	for i := range list {
		e.tail = append(e.tail, list[i][:]...)
	}
}

// Addresses writes an address[].
func (e *Encoder) Addresses(list []chain.Address) {
	e.next("address[]")
	e.count(len(list))
	for _, a := range list {
		e.tail = appendAddress(e.tail, a)
	}
}

// Uint64s writes a uint64[].
func (e *Encoder) Uint64s(list []uint64) {
	e.next("uint64[]")
	e.count(len(list))
	for _, v := range list {
		e.tail = appendUint64(e.tail, v)
	}
}

// Uint256s writes a uint256[].
func (e *Encoder) Uint256s(list []uint256.Int) {
	e.next("uint256[]")
	e.count(len(list))
	for i := range list {
		e.tail = appendUint256(e.tail, &list[i])
	}
}

// BytesList writes a bytes[].
func (e *Encoder) BytesList(list [][]byte) {
	e.next("bytes[]")
	e.count(len(list))
	var bodies []byte
	for _, b := range list {
		e.tail = appendUint64(e.tail, uint64(32*len(list)+len(bodies)))
		bodies = appendBytes(bodies, b)
	}
	e.tail = append(e.tail, bodies...)
}

func (e *Encoder) count(n int) {
	e.offset()
	e.tail = appendUint64(e.tail, uint64(n))
}

// offset writes the place of a value whose body follows in the tail.
func (e *Encoder) offset() { e.head = appendUint64(e.head, uint64(32*len(e.types)+len(e.tail))) }

func appendUint64(b []byte, v uint64) []byte {
	return binary.BigEndian.AppendUint64(append(b, make([]byte, 24)...), v)
}

func appendUint256(b []byte, v *uint256.Int) []byte {
	word := v.Bytes32()
	return append(b, word[:]...)
}

func appendAddress(b []byte, a chain.Address) []byte {
	return append(append(b, make([]byte, 12)...), a[:]...)
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return appendUint64(b, 1)
	}
	return appendUint64(b, 0)
}

func appendBytes(b, data []byte) []byte {
	b = append(appendUint64(b, uint64(len(data))), data...)
	return append(b, make([]byte, int(words(len(data)))*32-len(data))...)
}
