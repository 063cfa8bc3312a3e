//go:build amd64 && !purego

package kernel

// Pixels says whether bytes are quicker pixel by pixel than plane by plane on this path.
func (p Path) Pixels() bool { return p == PathAVX2 }

func (p Path) pixelWords(rows int, t *pixelTile) { pixelWordsAVX2(rows, t) }

func (p Path) pixelBytes(rows int, t *pixelTile) { pixelBytesAVX2(rows, t) }

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
