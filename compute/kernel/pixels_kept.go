package kernel

import (
	"encoding/binary"
	"unsafe"
)

// Bytes gives what PackPixelWeights made: the weights, which are kept in place, then what little else there is.
func (w *PixelWeights) Bytes() []byte {
	b, form := bytesOf(w.words), byte(pixelPair)
	if w.words == nil {
		b, form = bytesOf(w.bytes), pixelFour
	}
	for _, s := range w.sums {
		b = binary.LittleEndian.AppendUint32(b, uint32(s))
	}
	for _, e := range w.extras {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(e.steps)))
		for _, s := range e.steps {
			b = binary.LittleEndian.AppendUint32(b, uint32(s))
		}
		b = append(b, bytesOf(e.weights)...)
	}
	return append(b, form)
}

// KeptPixelWeights gives the PixelWeights of so many outputs, segments and k whose Bytes are b, or nil.
func KeptPixelWeights(b []byte, outputs, segments, length int) *PixelWeights {
	if len(b) == 0 {
		return nil
	}
	form := int(b[len(b)-1])
	if form != pixelPair && form != pixelFour {
		return nil
	}
	w := &PixelWeights{N: outputs, segments: segments, steps: (length + form - 1) / form}
	r := keptReader{b: b[:len(b)-1], ok: true}
	weights := r.take(w.Panels() * pixelWide * segments * w.steps * 4) // two words or four bytes
	if form == pixelPair {
		w.words = elementsOf[int16](weights)
	} else {
		w.bytes = elementsOf[int8](weights)
	}
	for range outputs {
		w.sums = append(w.sums, int32(r.number()))
	}
	if form == pixelFour {
		for range w.Panels() {
			w.extras = append(w.extras, r.extra(segments*w.steps))
		}
	}
	if !r.ok || len(r.b) > 0 || w.words == nil && w.bytes == nil {
		return nil
	}
	return w
}

// A keptReader takes bytes apart; ok says whether they were there.
type keptReader struct {
	b  []byte
	ok bool
}

func (r *keptReader) take(n int) []byte {
	if !r.ok || len(r.b) < n {
		r.ok = false
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *keptReader) number() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// extra reads the extra steps of a panel of so many steps.
func (r *keptReader) extra(steps int) (e pixelExtra) {
	count := int(r.number())
	if count > len(r.b) {
		r.ok = false
	}
	for range count {
		s := int(r.number())
		if !r.ok || s >= steps {
			r.ok = false
			return e
		}
		e.steps = append(e.steps, s)
	}
	if weights := r.take(count * pixelWide * pixelFour); count > 0 && r.ok {
		e.weights = unsafe.Slice((*int8)(unsafe.Pointer(&weights[0])), len(weights))
	}
	return e
}
