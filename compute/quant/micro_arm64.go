//go:build arm64 && !purego

package quant

import (
	"unsafe"

	"github.com/aiwork/aiwork-node/compute/kernel"
)

// vectors says whether the path has micro-kernels here.
func vectors(path kernel.Path) bool { return path == kernel.PathNEON }

// dot runs one micro-kernel from block b of the activations on, over at most so many rows of them, and gives their number.
// The slice expressions panic if it would leave its operands.
func (m *Matrix) dot(panel []byte, x *Activations, i, b, rows, blocks int, c []float32, ldc int) int {
	all := m.K / BlockLen
	rows = min(rows, 6)
	_, _ = c[:(rows-1)*ldc+panelRows], panel[:m.Format.panelBytes(blocks*BlockLen)]
	s := x.scale[i*all+b:][:(rows-1)*all+blocks]
	at, n := i*x.K+b*BlockLen, (rows-1)*x.K+blocks*BlockLen
	w, bytes := &panel[0], unsafe.Pointer(&x.q8[at:][:n][0])
	switch m.Format {
	case Q8_0:
		return dotQ8_0(rows, blocks, w, bytes, x.K, &s[0], 8*all, &c[0], 4*ldc)
	case Q4_0:
		return dotQ4_0(rows, blocks, w, bytes, x.K, &s[0], 8*all, &c[0], 4*ldc)
	case Q4_K:
		return dotQ4_K(rows, blocks, w, bytes, x.K, &s[0], 8*all, &c[0], 4*ldc)
	}
	return dotQ6_K(rows, blocks, w, bytes, x.K, &s[0], 8*all, &c[0], 4*ldc)
}

// quantiseVector leaves all to its caller: it is a small part of the work.
func quantiseVector(_ kernel.Path, _ *Activations, first, _ int) int { return first }
