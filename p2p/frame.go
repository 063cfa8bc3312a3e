package p2p

import (
	"encoding/binary"
	"encoding/hex"
	"io"
	"slices"
)

// headBytes is the length of a frame's length.
const headBytes = 4

// writeFrame writes a length and that many bytes at once.
func writeFrame(w io.Writer, b []byte) error {
	buf := binary.BigEndian.AppendUint32(make([]byte, 0, headBytes+len(b)), uint32(len(b)))
	_, err := w.Write(append(buf, b...))
	return err
}

// readFrame reads a frame of 1 to limit bytes.
func readFrame(r io.Reader, limit int) ([]byte, error) {
	var head [headBytes]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	switch {
	case size == 0:
		return nil, FaultFrame
	case uint64(size) > uint64(limit):
		return nil, FaultOversize
	}
	return readBody(r, int(size))
}

// readBody reads size bytes. A long one is given room as its bytes arrive: a length alone, which costs
// the sender nothing, must not cost us megabytes.
func readBody(r io.Reader, size int) ([]byte, error) {
	body := make([]byte, 0, min(size, readChunkBytes))
	for len(body) < size {
		if len(body) == cap(body) {
			body = slices.Grow(body, min(size-len(body), len(body)))
		}
		part := body[len(body):min(cap(body), size)]
		n, err := io.ReadFull(r, part)
		body = body[:len(body)+n]
		if err != nil {
			return nil, err
		}
	}
	return body, nil
}

// appendDirect appends the head of a direct frame, whose length counts the kind.
func appendDirect(buf []byte, f frame) []byte {
	buf = binary.BigEndian.AppendUint32(buf, uint32(1+len(f.payload)))
	return append(buf, f.kind)
}

func hex0x(b []byte) string { return "0x" + hex.EncodeToString(b) }
