package kernel

import "fmt"

// A Path is one way to compute the fast form of the operators. All paths give equal bits.
type Path uint8

// The paths, slowest first. Values are for this process only and never stored.
const (
	PathGo     Path = iota // portable Go
	PathAVX2               // 256-bit registers with fused multiply-add
	PathAVX512             // 512-bit registers
	PathVNNI               // the same, with sums of products of bytes
	PathNEON               // 128-bit registers of arm64
)

// String names p as it stands in logs and benchmarks.
func (p Path) String() string {
	switch p {
	case PathGo:
		return "go"
	case PathAVX2:
		return "avx2"
	case PathAVX512:
		return "avx512"
	case PathVNNI:
		return "avx512vnni"
	case PathNEON:
		return "neon"
	}
	return fmt.Sprintf("path(%d)", uint8(p))
}

// Known lists the paths of every machine.
func Known() []Path { return []Path{PathGo, PathAVX2, PathAVX512, PathVNNI, PathNEON} }

// wide512 says whether p has registers of 512 bits.
func (p Path) wide512() bool { return p == PathAVX512 || p == PathVNNI }

// Best returns the quickest path of this machine.
func Best() Path {
	paths := Paths()
	return paths[len(paths)-1]
}

// Post is what happens to an output of Gemm, Conv or Depthwise after its chain: first the end of AIW-2,
// then a scale and shift, then a clamp, each exactly as the operator of that name does it. All slices
// have one element per output channel. Use NewPost to start from "nothing happens".
type Post struct {
	Bias, Scale, Shift []float32
	Lo, Hi             float32
}

// Panels is a matrix of weights laid out for the micro-kernels: columns in groups of panelWidth, each
// group holding its k rows one after the other, the last group filled up with +0.
type Panels struct {
	K, N int
	data []float32
}

const panelWidth = 32

// PackedLen is the number of elements that Pack takes for a matrix of k × n.
func PackedLen(k, n int) int { return (n + panelWidth - 1) / panelWidth * k * panelWidth }

// Pack lays out b[k][n].
func Pack(b []float32, k, n int) *Panels {
	p := &Panels{K: k, N: n, data: make([]float32, PackedLen(k, n))}
	for g := range (n + panelWidth - 1) / panelWidth {
		first := g * panelWidth
		last := min(first+panelWidth, n)
		for l := range k {
			copy(p.data[(g*k+l)*panelWidth:], b[l*n+first:l*n+last])
		}
	}
	return p
}
