package plan

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A Shelf keeps packed weights longer than a Runner lives, for other processes too. It is that of one program on one path by one build.
type Shelf interface {
	// Take gives the bytes under a name, which stay as they are while the Runner lives; nil if there are none.
	Take(name [32]byte) []byte
	// Keep is given bytes that were made under a name, and which do not change any more.
	Keep(name [32]byte, b []byte)
	// NameOf gives a digest of a tensor's type, shape and elements if it is known.
	NameOf(t *tensor.Tensor) (name [32]byte, ok bool)
}

// packKey names packed weights: those of a constant, in one of a few layouts.
type packKey struct {
	weights *tensor.Tensor
	layout  layout
	at      int            // element at which they begin
	rows, k int            // that are packed; the same weights may serve other groups
	less    *tensor.Tensor // the zero point that is taken away, nil for none
}

type layout uint8

const (
	layoutRows layout = iota
	layoutColumns
	layoutTurned
	layoutBytes
	layoutBytesTurned
	layoutPixels
	layoutPixelsTurned
)

// A packing is weights in the layout of a kernel; see compute/kernel.
type packing interface {
	comparable
	Bytes() []byte
}

// pack gives the packed form of a constant: the one that this Runner has already, or that of the shelf, from which kept makes it, nil if it does not
// fit, or a new one.
func pack[T packing](r *Runner, key packKey, kept func([]byte) T, make func() T) T {
	if have, ok := r.packs[key]; ok {
		return have.(T)
	}
	made := packShared(r.shelf, key, kept, make)
	r.packs[key] = made
	return made
}

func packShared[T packing](shelf Shelf, key packKey, kept func([]byte) T, make func() T) T {
	if shelf == nil {
		return make()
	}
	var none T
	name := key.name(shelf)
	if b := shelf.Take(name); b != nil {
		if have := kept(b); have != none {
			return have
		}
	}
	made := make()
	shelf.Keep(name, made.Bytes())
	return made
}

// name is a digest of all that decides on the packed bytes, beside the path and the build.
func (k *packKey) name(shelf Shelf) [32]byte {
	h := sha256.New()
	var numbers []byte
	for _, n := range []int{int(k.layout), k.at, k.rows, k.k} {
		numbers = binary.LittleEndian.AppendUint64(numbers, uint64(n))
	}
	h.Write(numbers)
	for _, t := range []*tensor.Tensor{k.weights, k.less} {
		if t != nil {
			name := nameOf(shelf, t)
			h.Write(name[:])
		}
	}
	return [32]byte(h.Sum(nil))
}

// nameOf asks for the name of a tensor, or makes one: of a constant that was computed.
func nameOf(shelf Shelf, t *tensor.Tensor) [32]byte {
	if name, ok := shelf.NameOf(t); ok {
		return name
	}
	h := sha256.New()
	head := []byte{byte(t.Type()), byte(t.Rank())}
	for _, d := range t.Shape() {
		head = binary.LittleEndian.AppendUint64(head, uint64(d))
	}
	h.Write(head)
	h.Write(t.RawView())
	return [32]byte(h.Sum(nil))
}
