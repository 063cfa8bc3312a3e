//go:build !amd64 || purego

package kernel

// Pixels says whether bytes are quicker pixel by pixel than plane by plane on this path.
func (p Path) Pixels() bool { return false }

// pixelRows is the number of rows that are done at a time.
func (p Path) pixelRows(bool, bool) int { return pixelRowsMax }

func (p Path) pixelWords(int, *pixelTile) {}

func (p Path) pixelBytes(int, *pixelTile) {}

func (p Path) pixelSlide(*pixelSlide) {}

func (p Path) widenBytes([]int16, []uint8) int { return 0 }

func (p Path) turnBytes([]uint8, int, int, []uint8, int, int, int) {}
