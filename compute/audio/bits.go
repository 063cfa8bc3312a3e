package audio

// bits reads numbers from bytes, the highest bit first. Beyond the end it gives zeros and is over.
type bits struct {
	b    []byte
	at   int // in bits
	over bool
}

func (r *bits) take(n int) uint32 {
	v := uint32(0)
	for n > 0 {
		i, used := r.at>>3, r.at&7
		if i >= len(r.b) {
			r.over = true
			return v << n
		}
		k := min(8-used, n)
		part := r.b[i] << used >> (8 - k)
		v, r.at, n = v<<k|uint32(part), r.at+k, n-k
	}
	return v
}

// signed reads a number in two's complement.
func (r *bits) signed(n int) int64 {
	if n == 0 {
		return 0
	}
	v := int64(r.take(n))
	return v << (64 - n) >> (64 - n)
}

// unary counts the zeros before a one.
func (r *bits) unary() int {
	n := 0
	for !r.over {
		i, used := r.at>>3, r.at&7
		if i >= len(r.b) {
			r.over = true
			break
		}
		rest := r.b[i] << used
		if rest == 0 {
			n, r.at = n+8-used, r.at+8-used
			continue
		}
		for rest&0x80 == 0 {
			rest, n, r.at = rest<<1, n+1, r.at+1
		}
		r.at++
		return n
	}
	return n
}

// align goes to the next whole byte.
func (r *bits) align() { r.at = (r.at + 7) &^ 7 }
