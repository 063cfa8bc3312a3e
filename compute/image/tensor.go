package image

// TensorSideMax bounds the sides that Tensor resizes to.
const TensorSideMax = 1024

// Tensor resizes a picture to width × height and gives its samples as parts of 255: the reds row by row, then
// the greens, then the blues. Both sides must be from 2 to TensorSideMax.
//
// The corners of both pictures coincide: output row y lies at y*(H-1)/(height-1) of the input, between
// rows q and q+1 in the proportion (height-1-r):r, where q and r are quotient and remainder; columns
// likewise. So the value is
//
//	(sum over four neighbours of sample * rowWeight * columnWeight) / ((height-1) * (width-1) * 255)
//
// with an integer on either side, which becomes a float32, and one division. Up to sides of 257 both are below
// 2^24 and therefore exact; beyond they are rounded to nearest even.
func (m *RGB) Tensor(width, height int) []float32 {
	area := width * height
	out := make([]float32, 3*area)
	whole := float32((height - 1) * (width - 1) * 255)
	for y := range height {
		row, below := m.stop(y, m.Height, height)
		top, bottom := m.row(row.first), m.row(row.second)
		for x := range width {
			col, right := m.stop(x, m.Width, width)
			for c := range 3 {
				upper := int(top[3*col.first+c])*(width-1-right) + int(top[3*col.second+c])*right
				lower := int(bottom[3*col.first+c])*(width-1-right) + int(bottom[3*col.second+c])*right
				sum := upper*(height-1-below) + lower*below
				out[c*area+y*width+x] = float32(sum) / whole
			}
		}
	}
	return out
}

// A pair is the two neighbours between which an output row or column lies.
type pair struct{ first, second int }

// stop gives the neighbours of output place i of n, of an input of length places, and the second one's
// weight out of n-1. At the far edge the second neighbour has weight 0.
func (m *RGB) stop(i, length, n int) (pair, int) {
	at := i * (length - 1)
	q, r := at/(n-1), at%(n-1)
	return pair{q, min(q+1, length-1)}, r
}

func (m *RGB) row(y int) []byte { return m.Pix[3*m.Width*y : 3*m.Width*(y+1)] }
