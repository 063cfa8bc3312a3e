package quant

import (
	"fmt"

	"github.com/aiwork/aiwork-node/compute/kernel"
)

// A Matrix has N rows of K weights; multiplying gives N outputs for each row of activations. It is not changed
// once made, and safe for concurrent use.
type Matrix struct {
	Format Format
	N, K   int

	path   kernel.Path
	raw    []byte    // as in the file
	floats []float32 // panels of kernel.PanelWidth rows, of formats that hold floats
	packed []byte    // panels of panelRows rows, where the path has kernels for the format
}

// KMax is the longest row: whole-number sums and sizes stay far from their limits.
const KMax = 1 << 20

// New lays out the weights in raw, which the Matrix keeps.
func New(path kernel.Path, f Format, n, k int, raw []byte) (*Matrix, error) {
	m, err := bare(path, f, n, k, raw)
	if err == nil {
		m.layOut()
	}
	return m, err
}

func bare(path kernel.Path, f Format, n, k int, raw []byte) (*Matrix, error) {
	if n < 1 || k < 1 || k > KMax || k%f.superLen() != 0 || len(raw) != n*f.rowBytes(k) {
		return nil, fmt.Errorf("%d bytes for a matrix of %d × %d in %v", len(raw), n, k, f)
	}
	return &Matrix{Format: f, N: n, K: k, path: path, raw: raw}, nil
}

func (m *Matrix) layOut() {
	if m.Format.quantised() {
		m.packed = pack(m)
	} else {
		m.floats = m.packFloats()
	}
}

func (m *Matrix) row(i int) []byte {
	size := m.Format.rowBytes(m.K)
	return m.raw[i*size:][:size]
}

// Row gives row i as floats.
func (m *Matrix) Row(dst []float32, i int) { m.Format.ReadRow(dst[:m.K], m.row(i)) }

// packFloats puts rows side by side in panels.
func (m *Matrix) packFloats() []float32 {
	data := make([]float32, m.Panels()*m.K*kernel.PanelWidth)
	row := make([]float32, m.K)
	for i := range m.N {
		m.Format.floats(row, m.row(i))
		panel := data[i/kernel.PanelWidth*m.K*kernel.PanelWidth:]
		for k, v := range row {
			panel[k*kernel.PanelWidth+i%kernel.PanelWidth] = v
		}
	}
	return data
}

// Quantised says whether the activations that the matrix is multiplied with must have been quantised.
func (m *Matrix) Quantised() bool { return m.Format.quantised() }

// Panels is the number of parts in which a product can be split among threads: part i gives some neighbouring
// outputs of every row.
func (m *Matrix) Panels() int { return (m.N + kernel.PanelWidth - 1) / kernel.PanelWidth }

// Mul sets out[i*ldo+j] for rows i of x and the outputs j of panels first to last-1.
func (m *Matrix) Mul(out []float32, ldo int, x *Activations, first, last int) {
	from, to := first*kernel.PanelWidth, min(last*kernel.PanelWidth, m.N)
	switch {
	case from >= to || x.Rows == 0:
	case !m.Format.quantised():
		m.mulFloats(out, ldo, x, first, last)
	case m.packed != nil:
		m.mulPacked(out, ldo, x, from, to)
	default:
		for j := from; j < to; j++ {
			row := m.row(j)
			for i := range x.Rows {
				out[i*ldo+j] = DefineDot(m.Format, row, x, i)
			}
		}
	}
}

// mulFloats runs the chains of AIW-2, segment by segment.
func (m *Matrix) mulFloats(out []float32, ldo int, x *Activations, first, last int) {
	for p := first; p < last; p++ {
		column := p * kernel.PanelWidth
		cols := min(kernel.PanelWidth, m.N-column)
		panel := m.floats[column*m.K:]
		for k := 0; k < m.K; k += kernel.SegmentLen {
			length := min(kernel.SegmentLen, m.K-k)
			m.path.Segment(out[column:], ldo, x.Float[k:], m.K, panel[k*kernel.PanelWidth:], x.Rows, cols, length, k > 0)
		}
		for i := range x.Rows {
			for j := range cols {
				out[i*ldo+column+j] += 0 // the end of AIW-2: -0 becomes +0
			}
		}
	}
}
