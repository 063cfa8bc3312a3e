//go:build (amd64 || arm64) && !purego

package quant

import (
	"encoding/binary"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/aiwork/aiwork-node/compute/kernel"
)

//go:generate go run gen.go gen_neon.go
//go:generate go run gen_vnni.go

// panelRows is the number of rows of weights in a panel of the micro-kernels.
const panelRows = 16

// panelBytes gives the bytes of a panel of rows of k weights.
func (f Format) panelBytes(k int) int {
	switch blocks := k / BlockLen; f {
	case Q8_0:
		return blocks * (32 + 512)
	case Q4_0:
		return blocks * (32 + 256)
	case Q4_K:
		return blocks/8*64 + blocks*(32+256)
	case Q6_K:
		return blocks/8*32 + blocks*(32+512)
	}
	return 0
}

// packedBytes is the size of what pack gives, 0 where it gives nothing.
func (m *Matrix) packedBytes() int {
	if !vectors(m.path) {
		return 0
	}
	return (m.N + panelRows - 1) / panelRows * m.Format.panelBytes(m.K)
}

// pack lays the weights out as the micro-kernels of gen.go take them; rows beyond the last are zeros. All
// processors take part.
func pack(m *Matrix) []byte {
	if !vectors(m.path) {
		return nil
	}
	panels, size := (m.N+panelRows-1)/panelRows, m.Format.panelBytes(m.K)
	data := make([]byte, m.packedBytes())
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(panels, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for p := int(next.Add(1)) - 1; p < panels; p = int(next.Add(1)) - 1 {
				panel := data[p*size : p*size : (p+1)*size]
				for b := range m.K / BlockLen {
					panel = m.packBlock(panel, p*panelRows, b)
				}
			}
		})
	}
	wg.Wait()
	return data
}

// packBlock appends block b of the panel whose first row is given.
func (m *Matrix) packBlock(data []byte, first, b int) []byte {
	var rows [panelRows]block
	var head struct {
		d, dmin       [panelRows]uint16
		scales, least [panelRows]byte
		subs          [2][panelRows]byte
	}
	le := binary.LittleEndian
	for r := range min(panelRows, m.N-first) {
		row := m.row(first + r)
		m.Format.readBlock(&rows[r], row, b)
		switch m.Format {
		case Q8_0:
			head.d[r] = le.Uint16(row[34*b:])
		case Q4_0:
			head.d[r] = le.Uint16(row[18*b:])
		case Q4_K:
			raw := row[144*(b/8):]
			head.d[r], head.dmin[r] = le.Uint16(raw), le.Uint16(raw[2:])
			head.scales[r], head.least[r] = scaleMin(raw[4:16], b%8)
		case Q6_K:
			head.d[r] = le.Uint16(row[210*(b/8)+208:])
			head.subs[0][r], head.subs[1][r] = byte(rows[r].sub[0]), byte(rows[r].sub[1])
		}
	}
	halves := func(h [panelRows]uint16) {
		for _, v := range h {
			data = le.AppendUint16(data, v)
		}
	}
	switch m.Format {
	case Q8_0, Q4_0:
		halves(head.d)
	case Q4_K:
		if b%8 == 0 {
			halves(head.d)
			halves(head.dmin)
		}
		data = append(append(data, head.scales[:]...), head.least[:]...)
	case Q6_K:
		if b%8 == 0 {
			halves(head.d)
		}
		data = append(append(data, head.subs[0][:]...), head.subs[1][:]...)
	}
	if m.unsigned() {
		return appendFours(data, &rows)
	}
	switch m.Format {
	case Q8_0, Q6_K:
		return appendPairs(data, &rows)
	case Q4_0:
		return appendNibbles(data, &rows, 8)
	}
	return appendNibbles(data, &rows, 0)
}

// unsigned says whether the micro-kernels take the weights of Q8_0 plus 128.
func (m *Matrix) unsigned() bool { return m.path == kernel.PathVNNI && m.Format == Q8_0 }

func appendFours(data []byte, rows *[panelRows]block) []byte {
	for k := 0; k < BlockLen; k += 4 {
		for r := range rows {
			for _, q := range rows[r].q[k:][:4] {
				data = append(data, byte(q)^0x80)
			}
		}
	}
	return data
}

func appendPairs(data []byte, rows *[panelRows]block) []byte {
	for k := 0; k < BlockLen; k += 2 {
		for r := range rows {
			data = append(data, byte(rows[r].q[k]), byte(rows[r].q[k+1]))
		}
	}
	return data
}

func appendNibbles(data []byte, rows *[panelRows]block, offset int8) []byte {
	for k := 0; k < BlockLen; k += 4 {
		for r := range panelRows / 2 {
			for i := range 4 {
				low, high := rows[r].q[k+i]+offset, rows[r+panelRows/2].q[k+i]+offset
				data = append(data, byte(low)|byte(high)<<4)
			}
		}
	}
	return data
}

// What is worked on at a time: rows of activations that stay in the second cache while panels pass by, and blocks of a
// panel that stay in the first while those rows do.
const (
	cachedBytes  = 96 << 10
	cachedBlocks = 4 * SegmentBlocks
)

// mulPacked computes outputs from to to-1, of which from begins a panel.
func (m *Matrix) mulPacked(out []float32, ldo int, x *Activations, from, to int) {
	rows := max(12, cachedBytes/(2*m.K)/12*12)
	for i := 0; i < x.Rows; i += rows {
		last := min(i+rows, x.Rows)
		for first := from; first < to; first += panelRows {
			for b := 0; b < m.K/BlockLen; b += cachedBlocks {
				m.mulPanel(out, ldo, x, i, last, first, b)
			}
		}
	}
}

// mulPanel adds the blocks from b on, of one panel, to the outputs of rows i to last-1.
func (m *Matrix) mulPanel(out []float32, ldo int, x *Activations, i, last, first, b int) {
	size := m.Format.panelBytes(m.K)
	panel := m.packed[first/panelRows*size+m.Format.panelBytes(b*BlockLen):]
	blocks := min(cachedBlocks, m.K/BlockLen-b)
	cols := min(panelRows, m.N-first)
	if b == 0 {
		for r := i; r < last; r++ {
			clear(out[r*ldo+first:][:cols])
		}
	}
	if cols == panelRows {
		for i < last {
			i += m.dot(panel, x, i, b, last-i, blocks, out[i*ldo+first:], ldo)
		}
		return
	}
	for i < last {
		var edge [6 * panelRows]float32
		rows := min(6, last-i)
		for r := range rows {
			copy(edge[r*panelRows:], out[(i+r)*ldo+first:][:cols])
		}
		n := m.dot(panel, x, i, b, rows, blocks, edge[:], panelRows)
		for r := range n {
			copy(out[(i+r)*ldo+first:][:cols], edge[r*panelRows:])
		}
		i += n
	}
}
