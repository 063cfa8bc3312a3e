//go:build amd64 && !purego

package sha256x

import "golang.org/x/sys/cpu"

// ways lists what this machine can do, quickest last.
func ways() []way {
	list := []way{wayGo}
	if !cpu.X86.HasAVX2 {
		return list
	}
	list = append(list, wayAVX2)
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW {
		list = append(list, wayAVX512)
	}
	const shani = 1 << 29
	if leaf7()&shani != 0 {
		list = append(list, waySHANI)
	}
	return list
}

// run hashes a group of as many messages as the way has lanes: some blocks of their edges, if any blocks of the messages themselves behind their
// first bytes, and then the last blocks of the edges.
func (w way) run(g *group, begin int, out *[lanesMax * Size]byte, first, middle, last int) {
	edges := &g.edges()[0]
	switch w {
	case waySHANI:
		pairSHANI(edges, (*[2][]byte)(g.messages[:]), begin, &out[0], first, middle, last)
	case wayAVX2:
		lanesAVX2(edges, (*[8][]byte)(g.messages[:]), begin, &out[0], first, middle, last)
	case wayAVX512:
		lanesAVX512(edges, &g.messages, begin, &out[0], first, middle, last)
	}
}
