//go:build amd64 && !purego

package quant

import "github.com/aiwork/aiwork-node/compute/kernel"

// Many rows of activations times Q8_0: gen_turned.go says how. The order of work is chunks of outputs, groups of rows, blocks, panels: the table of a
// block and a group lies in the first cache while the panels pass by, and the chains of a chunk lie in the second.

const (
	turnedRows    = 32
	turnedColumns = 1024 // of a chunk; as many chains take 256 KiB with their totals
	turnedTable   = 8 * (16*turnedRows*4 + 128)
)

// mulTurned computes outputs from to to-1 of the first rows, as many as there are whole groups of, and gives their number. Output from begins a panel.
func (m *Matrix) mulTurned(out []float32, ldo int, x *Activations, from, to int) int {
	rows := x.Rows / turnedRows * turnedRows
	if m.Format != Q8_0 || m.path == kernel.PathVNNI || rows == 0 {
		return 0
	}
	t := turned{matrix: m, x: x, table: make([]int8, turnedTable), scales: make([]float32, turnedRows)}
	for ; from < to; from += turnedColumns {
		t.from, t.to = from, min(from+turnedColumns, to)
		size := (t.to - from + panelRows - 1) / panelRows * panelRows * turnedRows
		t.chains, t.totals = make([]float32, size), make([]float32, size)
		for i := 0; i < rows; i += turnedRows {
			clear(t.totals)
			t.group(i)
			t.store(out[i*ldo:], ldo)
		}
	}
	return rows
}

// A turned is a chunk of outputs under way.
type turned struct {
	matrix         *Matrix
	x              *Activations
	from, to       int
	table          []int8
	scales         []float32 // of a block of the rows
	chains, totals []float32 // the rows of each output; chains are 0 between segments
}

// group adds all blocks of the rows from i on to the totals.
func (t *turned) group(i int) {
	m, x := t.matrix, t.x
	blocks, size, step := m.K/BlockLen, m.Format.panelBytes(m.K), m.Format.panelBytes(BlockLen)
	first, last := t.from/panelRows, (t.to+panelRows-1)/panelRows
	for b := range blocks {
		rows := x.q8[i*x.K+b*BlockLen:][:(turnedRows-1)*x.K+BlockLen]
		tableQ8_0(&t.table[0], &rows[0], x.K)
		for r := range t.scales {
			t.scales[r] = x.scale[(i+r)*blocks+b].d
		}
		end := (b+1)%SegmentBlocks == 0 || b+1 == blocks
		panels := m.packed[first*size+b*step:][:(last-first-1)*size+step]
		turnedQ8_0(last-first, &panels[0], size, &t.table[0], &t.scales[0], &t.chains[0], &t.totals[0], end)
	}
}

// store turns the totals around.
func (t *turned) store(out []float32, ldo int) {
	for j := t.from; j < t.to; j += panelRows {
		totals := t.totals[(j-t.from)*turnedRows:][:panelRows*turnedRows]
		if j+panelRows <= t.to {
			rows := out[j:][:(turnedRows-1)*ldo+panelRows]
			storeQ8_0(&rows[0], 4*ldo, &totals[0])
			continue
		}
		var edge [turnedRows * panelRows]float32
		storeQ8_0(&edge[0], 4*panelRows, &totals[0])
		for r := range turnedRows {
			copy(out[r*ldo+j:][:t.to-j], edge[r*panelRows:])
		}
	}
}
