package net

import (
	"encoding/binary"

	"github.com/aiwork/aiwork-node/internal/codec"
)

// A list of tensors is an item's input where a network takes tensors, and its output where that is not one vector of labels. It has one form:
// the number of tensors; of each its type, shape and bytes (NET-5).

const canonicalNaN = 0x7fc00000

// EncodeList writes a list of tensors.
func EncodeList(list []Inline) []byte {
	size := 4
	for i := range list {
		size += 64 + len(list[i].Bytes)
	}
	w := codec.NewWriter(size)
	w.U32(uint32(len(list)))
	for i := range list {
		w.U8(uint8(list[i].Type))
		shape(w, list[i].Shape)
		w.Bytes(list[i].Bytes)
	}
	return w.Out()
}

// DecodeList reads a list of tensors in canonical form, each of at most bytesMax. Elements share memory with b.
func DecodeList(b []byte, bytesMax int) ([]Inline, error) {
	d := decoder{codec.NewReader(b)}
	var list []Inline
	for range d.Count(PortsMax) {
		t := Inline{Type: d.elementType(), Shape: d.words(RankMax), Bytes: d.Bytes(bytesMax)}
		if Count(t.Shape)*uint64(t.Type.Size()) != uint64(len(t.Bytes)) || !canonical(t.Type, t.Bytes) {
			d.Fail(FaultForm)
		}
		if d.Err() != nil {
			break
		}
		list = append(list, t)
	}
	return list, d.End()
}

// canonical reports whether elements are in the only form that they have: one NaN, one true.
func canonical(t Type, b []byte) bool {
	switch t {
	case Float32:
		for ; len(b) >= 4; b = b[4:] {
			bits := binary.LittleEndian.Uint32(b)
			if bits&0x7fffffff > 0x7f800000 && bits != canonicalNaN {
				return false
			}
		}
	case Bool:
		for _, v := range b {
			if v > 1 {
				return false
			}
		}
	}
	return true
}
