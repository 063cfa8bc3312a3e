//go:build !(amd64 || arm64) || purego

package kernel

func (p Path) intStripe(c []int32, a, x []int16, rows int, s *intStripe) {
	intStripeGo(c, a, x, rows, s)
}

func (p Path) pairBytes(to []int16, from []uint8, offsets []int32, _ int, zero int32) {
	pairBytesGo(to, from, offsets, zero)
}

func (p Path) slideBytes(n int, out []int32, x []uint8, t *ByteTaps) { slideBytesGo(n, out, x, t) }

func (p Path) evenBytes(n int, to, from []uint8) {}

// requantizeWide says how many it did.
func (p Path) requantizeWide([]uint8, []int32, int32, float32, int32) int { return 0 }
