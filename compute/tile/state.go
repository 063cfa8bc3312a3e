package tile

import (
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/soft"
	"github.com/aiwork/aiwork-node/internal/codec"
)

// A State says how far a work is.
type State struct {
	Pos  uint64   // positions that are done
	Regs []uint64 // what they have left behind
	Out  []byte   // elements that are ready
}

// outBytesMax is the size of the largest tile.
const outBytesMax = net.TileLen * 8

// Encode gives the only encoding of a state. Most registers hold little; each is written with its length.
func (s State) Encode() []byte {
	w := codec.NewWriter(64 + 8*len(s.Regs))
	w.U64(s.Pos)
	w.U32(uint32(len(s.Regs)))
	for _, r := range s.Regs {
		w.U64(r)
	}
	w.Bytes(s.Out)
	return w.Out()
}

// DecodeState reads a state of this work.
func (w *Work) DecodeState(b []byte) (s State, err error) {
	r := codec.NewReader(b)
	s.Pos = r.U64()
	for range r.Count(registersMax) {
		s.Regs = append(s.Regs, r.U64())
	}
	s.Out = r.Bytes(outBytesMax)
	if r.End() != nil || s.Pos > uint64(w.recipe.length) || len(s.Regs) != w.recipe.registers || len(s.Out) > w.bytes {
		return State{}, FaultState
	}
	return s, nil
}

// cut gives the word that the low bits of v are in a type.
func cut(t net.Type, v uint64) uint64 {
	switch t {
	case net.Int8:
		return uint64(int8(v))
	case net.Int16:
		return uint64(int16(v))
	case net.Int32:
		return uint64(int32(v))
	case net.Uint8, net.Bool:
		return v & 0xff
	case net.Uint16:
		return v & 0xffff
	case net.Uint32, net.Float32:
		return v & 0xffffffff
	}
	return v
}

// appendWord writes an element; a float's NaN is the canonical one (NET-5).
func appendWord(b []byte, t net.Type, v uint64) []byte {
	if t == net.Float32 {
		v = uint64(soft.Canonical(soft.F32(v)))
	}
	for range t.Size() {
		b = append(b, byte(v))
		v >>= 8
	}
	return b
}

// Word reads element i of some bytes; ok is false where they end before it.
func Word(t net.Type, b []byte, i int) (v uint64, ok bool) {
	size := t.Size()
	if size == 0 || i < 0 || i >= len(b)/size {
		return 0, false
	}
	for j := range size {
		v |= uint64(b[i*size+j]) << (8 * j)
	}
	return cut(t, v), true
}
