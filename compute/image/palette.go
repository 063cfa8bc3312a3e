package image

import (
	"image"
	"image/color"
)

// paletteOverBlack gives the colour of every index; those beyond the palette, which the decoder has
// refused already, stay black.
func paletteOverBlack(m *image.Paletted) [256][3]byte {
	var table [256][3]byte
	for i, entry := range m.Palette {
		if i == len(table) {
			break
		}
		switch c := entry.(type) {
		case color.RGBA: // opaque
			table[i] = [3]byte{c.R, c.G, c.B}
		case color.NRGBA:
			table[i] = [3]byte{over(c.R, c.A), over(c.G, c.A), over(c.B, c.A)}
		}
	}
	return table
}
