package kernel

import "unsafe"

// Packed weights can be kept outside of a process: each kind gives its bytes, and is made of them again without a copy. Bytes are of this
// machine's order and of this build's layout; where they do not have the size that the layout asks for, nothing is made of them.

// Bytes gives what PackRows made.
func (r *Rows) Bytes() []byte { return bytesOf(r.data) }

// KeptRows gives the Rows of m rows of k elements whose Bytes are b, or nil.
func (p Path) KeptRows(b []byte, m, k int) *Rows {
	r := &Rows{M: m, K: k, data: elementsOf[float32](b)}
	if len(r.data) != m*k {
		return nil
	}
	p.panelsOf(r)
	return r
}

// Bytes gives what PackColumns made.
func (c *Columns) Bytes() []byte { return bytesOf(c.panels) }

// KeptColumns gives the Columns of k rows of n elements whose Bytes are b, or nil.
func (p Path) KeptColumns(b []byte, k, n int) *Columns {
	wide := p.stripeWidth()
	panels := elementsOf[float32](b)
	if len(panels) != (n+wide-1)/wide*k*wide+Slack {
		return nil
	}
	return &Columns{Offsets: packedOffsets(k, wide), Starts: []int32{0}, Width: n, Step: 1, panels: panels}
}

// Bytes gives what PackIntRows made.
func (r *IntRows) Bytes() []byte { return bytesOf(r.data) }

// KeptIntRows gives the IntRows of m rows of k elements whose Bytes are b, or nil.
func KeptIntRows(b []byte, m, k int) *IntRows {
	r := &IntRows{M: m, K: k, data: elementsOf[int16](b)}
	if len(r.data) != 2*m*((k+1)/2) {
		return nil
	}
	r.panels()
	return r
}

func bytesOf[E any](v []E) []byte {
	if len(v) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&v[0])), len(v)*int(unsafe.Sizeof(v[0])))
}

// elementsOf views bytes as elements; bytes that do not lie as elements do give none.
func elementsOf[E any](b []byte) []E {
	var e E
	size := int(unsafe.Sizeof(e))
	if len(b) == 0 || len(b)%size != 0 || uintptr(unsafe.Pointer(&b[0]))%uintptr(size) != 0 {
		return nil
	}
	return unsafe.Slice((*E)(unsafe.Pointer(&b[0])), len(b)/size)
}
