//go:build !(amd64 || arm64) || purego

package kernel

func (p Path) chains(y, x []float32, w *Windows, weights []float32, b *band) {
	chainsGo(y, x, w, weights, b)
}

func (p Path) largest(y, x []float32, w *Windows, b *band) { largestGo(y, x, w, b) }

func (p Path) widen(to, from []float32, rows, width, pitch int, border float32) {
	widenGo(to, from, rows, width, pitch)
}

func (p Path) halve(even, odd, from []float32, rows, width, pitch int, border float32) {
	halveGo(even, odd, from, rows, width, pitch)
}

// HasMeans reports whether Means has a kernel for so many taps.
func (p Path) HasMeans(int) bool { return false }

func (p Path) means(y, x []float32, w *Windows, b *band) { meansGo(y, x, w, b) }
