package quant

import (
	"crypto/sha256"
	"encoding/binary"
	"unsafe"

	"github.com/aiwork/aiwork-node/compute/kernel"
)

// A Shelf keeps what matrices are laid out into longer than a process lives. It is that of one file of weights on one path by one build.
type Shelf interface {
	// Take gives the bytes under a name, which stay as they are while the matrix is used; nil if there are none.
	Take(name [32]byte) []byte
	// Keep is given bytes that were made under a name, and which do not change any more.
	Keep(name [32]byte, b []byte)
}

// NewKept is New for the weights that a file calls by a name. It takes them from the shelf as they were laid out before, or gives them to it. The
// shelf may be nil.
func NewKept(shelf Shelf, name string, path kernel.Path, f Format, n, k int, raw []byte) (*Matrix, error) {
	m, err := bare(path, f, n, k, raw)
	if err != nil {
		return nil, err
	}
	if shelf == nil {
		m.layOut()
		return m, nil
	}
	key := m.keptName(name)
	if m.lie(shelf.Take(key)) {
		return m, nil
	}
	m.layOut()
	if b := m.laidOut(); len(b) > 0 {
		shelf.Keep(key, b)
	}
	return m, nil
}

// keptName is a digest of all that decides on the layout, but for the file, the path and the build.
func (m *Matrix) keptName(name string) [32]byte {
	b := []byte{byte(m.Format)}
	b = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(b, uint64(m.N)), uint64(m.K))
	return sha256.Sum256(append(b, name...))
}

// laidOut gives the bytes that the weights were laid out into; none where the path multiplies by the raw ones.
func (m *Matrix) laidOut() []byte {
	if len(m.floats) > 0 {
		return unsafe.Slice((*byte)(unsafe.Pointer(&m.floats[0])), 4*len(m.floats))
	}
	return m.packed
}

// lie takes bytes that laidOut gave, if they are as many as they must be.
func (m *Matrix) lie(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	if m.Format.quantised() {
		if len(b) != m.packedBytes() {
			return false
		}
		m.packed = b
		return true
	}
	if len(b) != 4*m.Panels()*m.K*kernel.PanelWidth || uintptr(unsafe.Pointer(&b[0]))%4 != 0 {
		return false
	}
	m.floats = unsafe.Slice((*float32)(unsafe.Pointer(&b[0])), len(b)/4)
	return true
}
