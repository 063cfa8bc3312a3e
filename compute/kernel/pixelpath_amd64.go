//go:build amd64 && !purego

package kernel

// Pixels says whether bytes are quicker pixel by pixel than plane by plane on this path.
func (p Path) Pixels() bool { return p != PathGo }

// pixelRows is the height of the tallest micro-kernel, of words or of bytes. Those of 512 bits make bytes only.
func (p Path) pixelRows(ofBytes, toFloats bool) int {
	switch {
	case p.wide512() && !toFloats:
		return pixelRows512Max
	case ofBytes:
		return pixelByteRowsMax
	}
	return pixelRowsMax
}

func (p Path) pixelWords(rows int, t *pixelTile) {
	switch {
	case t.floats == 1:
		pixelWordsAVX2(rows, t)
	case p == PathVNNI:
		pixelWordsVNNI(rows, t)
	case p == PathAVX512:
		pixelWordsAVX512(rows, t)
	default:
		pixelWordsAVX2(rows, t)
	}
}

func (p Path) pixelBytes(rows int, t *pixelTile) {
	switch {
	case t.floats == 1:
		pixelBytesAVX2(rows, t)
	case p == PathVNNI:
		pixelBytesVNNI(rows, t)
	case p == PathAVX512:
		pixelBytesAVX512(rows, t)
	default:
		pixelBytesAVX2(rows, t)
	}
}

// Taps and widening are those of AVX2 everywhere.

func (p Path) pixelSlide(s *pixelSlide) { pixelSlideAVX2(s) }

// widenBytes says how many it did.
func (p Path) widenBytes(to []int16, from []uint8) int {
	n := len(from) / 16 * 16
	if n > 0 {
		widenBytesAVX2(n, &to[0], &from[0])
	}
	return n
}

func (p Path) turnBytes(to []uint8, ldTo, stepTo int, from []uint8, ldFrom, stepFrom, n int) {
	turnBytesAVX2(&to[0], ldTo, stepTo, &from[0], ldFrom, stepFrom, n)
}
