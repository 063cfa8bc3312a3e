//go:build !amd64 || purego

package sha256x

func ways() []way { return []way{wayGo} }

// run is for ways that this machine has not got.
func (w way) run(g *group, begin int, out *[lanesMax * Size]byte, first, middle, last int) {}
