//go:build amd64 && !purego

package kernel

// intStripe runs a micro-kernel. The slice expressions panic if it would leave its operands.
func (p Path) intStripe(c []int32, a, x []int16, rows int, s *intStripe) {
	if p == PathGo {
		intStripeGo(c, a, x, rows, s)
		return
	}
	_ = c[:(s.panels*rows-1)*s.ldc/4+intWide]
	_ = a[:(s.panels-1)*s.next/2+2*rows*s.pairs]
	_ = x[:2*intWide*s.pairs]
	s.a, s.b, s.c = &a[0], &x[0], &c[0]
	switch p {
	case PathVNNI:
		intStripeVNNI(rows, s)
	case PathAVX512:
		intStripeAVX512(rows, s)
	default:
		intStripeAVX2(rows, s)
	}
}

// pairBytes packs bytes at an even number of offsets, which lie from 0 to reach.
func (p Path) pairBytes(to []int16, from []uint8, offsets []int32, reach int, zero int32) {
	if p == PathGo {
		pairBytesGo(to, from, offsets, zero)
		return
	}
	_, _ = to[:intWide*len(offsets)], from[:reach+intWide]
	pairBytesAVX2(&to[0], &from[0], &offsets[0], len(offsets)/2, int(zero))
}

func (p Path) slideBytes(n int, out []int32, x []uint8, t *ByteTaps) {
	if p == PathGo {
		slideBytesGo(n, out, x, t)
		return
	}
	slideBytesAVX2(n, &out[0], &x[0], &t.offsets[0], &t.weights[0], len(t.weights), t.start)
}

func (p Path) evenBytes(n int, to, from []uint8) { evenBytesAVX2(n, &to[0], &from[0]) }

// requantizeWide says how many it did.
func (p Path) requantizeWide(y []uint8, sums []int32, bias int32, ratio float32, zero int32) int {
	n := len(sums) / 32 * 32
	if p == PathGo || n == 0 {
		return 0
	}
	_ = y[:n]
	requantizeAVX2(n, &y[0], &sums[0], bias, ratio, float32(255-zero), zero)
	return n
}
