//go:build !(amd64 || arm64) || purego

package kernel

// Paths lists what this machine can run, quickest last.
func Paths() []Path { return []Path{PathGo} }

func (p Path) tileRows() []int { return []int{1} }

func (p Path) tile(c, a, panel []float32, t tile) { tileGo(c, a, panel, t) }

// The vector forms say how many elements they did; the portable path leaves all to its caller.
func (p Path) applyVector(row, bias, scale, shift []float32, lo, hi float32) int { return 0 }

func (p Path) addVector(y, a, b []float32) int { return 0 }

func (p Path) expVector(v []float32) int { return 0 }

func (p Path) tapsVector(row, x, weights []float32, xs, ws []int) int { return 0 }
