//go:build arm64 && !purego

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
	intStripeNEON(rows, s)
}

// pairBytes packs bytes at an even number of offsets, which lie from 0 to reach.
func (p Path) pairBytes(to []int16, from []uint8, offsets []int32, _ int, zero int32) {
	pairBytesGo(to, from, offsets, zero)
}

func (p Path) slideBytes(n int, out []int32, x []uint8, t *ByteTaps) {
	if p == PathGo {
		slideBytesGo(n, out, x, t)
		return
	}
	slideBytesNEON(n, &out[0], &x[0], &t.offsets[0], &t.weights[0], len(t.weights), t.start)
}

func (p Path) evenBytes(n int, to, from []uint8) { evenBytesNEON(n, &to[0], &from[0]) }

// requantizeWide says how many it did.
func (p Path) requantizeWide([]uint8, []int32, int32, float32, int32) int { return 0 }
