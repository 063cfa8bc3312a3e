//go:build amd64 && !purego

package quant

import (
	"unsafe"

	"golang.org/x/sys/cpu"

	"github.com/aiwork/aiwork-node/compute/kernel"
)

// vectors says whether the path has micro-kernels here. PathAVX512 has those of AVX2, PathVNNI its own for all formats but Q6_K.
// Every processor with AVX2 converts halves too.
func vectors(path kernel.Path) bool {
	return path != kernel.PathGo && cpu.X86.HasAVX2 && cpu.X86.HasFMA
}

// dot runs one micro-kernel from block b of the activations on, over at most so many rows of them, and gives their number.
// The slice expressions panic if it would leave its operands.
func (m *Matrix) dot(panel []byte, x *Activations, i, b, rows, blocks int, c []float32, ldc int) int {
	all := m.K / BlockLen
	vnni := m.path == kernel.PathVNNI && m.Format != Q6_K
	if vnni {
		rows = min(rows, 12)
	} else {
		rows = min(rows, 6)
	}
	_, _ = c[:(rows-1)*ldc+panelRows], panel[:m.Format.panelBytes(blocks*BlockLen)]
	s := x.scale[i*all+b:][:(rows-1)*all+blocks]
	at, n := i*x.K+b*BlockLen, (rows-1)*x.K+blocks*BlockLen
	w, words, bytes := &panel[0], x.q16[at:][:n], x.q8[at:][:n]
	if vnni {
		return m.dotVNNI(rows, blocks, w, &bytes[0], x.K, &s[0], 8*all, &c[0], 4*ldc)
	}
	switch m.Format {
	case Q8_0:
		return dotQ8_0(rows, blocks, w, unsafe.Pointer(&words[0]), 2*x.K, &s[0], 8*all, &c[0], 4*ldc)
	case Q4_0:
		return dotQ4_0(rows, blocks, w, unsafe.Pointer(&bytes[0]), x.K, &s[0], 8*all, &c[0], 4*ldc)
	case Q4_K:
		return dotQ4_K(rows, blocks, w, unsafe.Pointer(&bytes[0]), x.K, &s[0], 8*all, &c[0], 4*ldc)
	}
	return dotQ6_K(rows, blocks, w, unsafe.Pointer(&words[0]), 2*x.K, &s[0], 8*all, &c[0], 4*ldc)
}

func (m *Matrix) dotVNNI(rows, blocks int, w *byte, x *int8, ldx int, s *scaling, lds int, c *float32, ldc int) int {
	switch m.Format {
	case Q8_0:
		return vnniQ8_0(rows, blocks, w, x, ldx, s, lds, c, ldc)
	case Q4_0:
		return vnniQ4_0(rows, blocks, w, x, ldx, s, lds, c, ldc)
	}
	return vnniQ4_K(rows, blocks, w, x, ldx, s, lds, c, ldc)
}

// quantiseVector quantises blocks from first on, and gives the index of the first that is left to the caller: at or behind
// last if all are done.
func quantiseVector(path kernel.Path, a *Activations, first, last int) int {
	if !vectors(path) {
		return first
	}
	for first < last {
		at := first * BlockLen
		x, q8, q16, s := a.Float[at:last*BlockLen], a.q8[at:last*BlockLen], a.q16[at:last*BlockLen], a.scale[first:last]
		if first += quantiseAVX2(last-first, &x[0], &q8[0], &q16[0], &s[0]); first < last {
			a.quantiseBlock(first)
			first++
		}
	}
	return last
}
