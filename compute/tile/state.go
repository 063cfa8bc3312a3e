package tile

import (
	"encoding/binary"

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
	switch b = b[i*size:]; size {
	case 1:
		v = uint64(b[0])
	case 2:
		v = uint64(binary.LittleEndian.Uint16(b))
	case 4:
		v = uint64(binary.LittleEndian.Uint32(b))
	default:
		v = binary.LittleEndian.Uint64(b)
	}
	return cut(t, v), true
}

// A Served is a Source of whole tiles, handed in by input and then by tile, as Needs names them.
type Served struct {
	inputs []served
}

// A served is what is there of one input.
type served struct {
	kind  net.Type
	tiles map[int][]byte
	last  int // the tile that was read last, and its bytes
	bytes []byte
}

// NewServed gives the elements of tiles; kinds are the types of the inputs. There must be as many tiles as the runs have.
func NewServed(kinds []net.Type, runs []Run, tiles [][]byte) *Served {
	s := &Served{inputs: make([]served, len(kinds))}
	for i, k := range kinds {
		s.inputs[i] = served{kind: k, tiles: map[int][]byte{}, last: -1}
	}
	for _, r := range runs {
		for i := range r.Count {
			s.inputs[r.Port].tiles[r.First+i] = tiles[0]
			tiles = tiles[1:]
		}
	}
	return s
}

// Element implements Source.
func (s *Served) Element(port, index int) (uint64, bool) {
	in := &s.inputs[port]
	if t := index / net.TileLen; t != in.last {
		b, ok := in.tiles[t]
		if !ok {
			return 0, false
		}
		in.last, in.bytes = t, b
	}
	return Word(in.kind, in.bytes, index%net.TileLen)
}
