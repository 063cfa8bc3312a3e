package codec

import (
	"encoding/binary"
	"math"

	"github.com/aiwork/aiwork-node/internal/must"
)

// Writer appends fields to a buffer of its own. It cannot fail.
type Writer struct{ buf []byte }

// NewWriter gives a writer with room for capacity bytes; it grows beyond that where needed.
func NewWriter(capacity int) *Writer { return &Writer{buf: make([]byte, 0, capacity)} }

// U8 appends one byte.
func (w *Writer) U8(v uint8) { w.buf = append(w.buf, v) }

// U16 appends two bytes, the higher one first.
func (w *Writer) U16(v uint16) { w.buf = binary.BigEndian.AppendUint16(w.buf, v) }

// U32 appends four bytes, the highest one first.
func (w *Writer) U32(v uint32) { w.buf = binary.BigEndian.AppendUint32(w.buf, v) }

// U64 appends eight bytes, the highest one first.
func (w *Writer) U64(v uint64) { w.buf = binary.BigEndian.AppendUint64(w.buf, v) }

// Bool appends 1 for true and 0 for false.
func (w *Writer) Bool(v bool) {
	if v {
		w.U8(1)
		return
	}
	w.U8(0)
}

// Fixed appends b without its length: the reader must know it.
func (w *Writer) Fixed(b []byte) { w.buf = append(w.buf, b...) }

// Bytes appends the length of b as a u32, then b.
func (w *Writer) Bytes(b []byte) {
	w.Count(len(b))
	w.Fixed(b)
}

// Count appends the number of elements of a list as a u32.
func (w *Writer) Count(n int) {
	must.Hold(n >= 0 && n <= math.MaxUint32, "codec: count does not fit 32 bits")
	w.U32(uint32(n))
}

// Len gives the number of bytes written so far.
func (w *Writer) Len() int { return len(w.buf) }

// Out gives what was written. It shares memory with the writer, which is not used afterwards.
func (w *Writer) Out() []byte { return w.buf }
