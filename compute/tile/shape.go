package tile

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
)

func ints(shape []uint32) []int {
	out := make([]int, len(shape))
	for i, d := range shape {
		out[i] = int(d)
	}
	return out
}

// count is the number of elements of a checked shape.
func count(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// checkShape is TENSOR-1: at most RankMax dimensions and elementsMax elements, zeros counted as ones.
func checkShape(shape []int) bool {
	if len(shape) > net.RankMax {
		return false
	}
	n := 1
	for _, d := range shape {
		if d < 0 || d > 0 && n > elementsMax/d {
			return false
		}
		n *= max(d, 1)
	}
	return true
}

func strides(shape []int) []int {
	s := make([]int, len(shape))
	step := 1
	for i := len(shape) - 1; i >= 0; i-- {
		s[i] = step
		step *= shape[i]
	}
	return s
}

// offset gives Σ index·step of the i-th index of shape.
func offset(i int, shape, steps []int) int {
	at := 0
	for d := len(shape) - 1; d >= 0; d-- {
		n := max(shape[d], 1)
		at += i % n * steps[d]
		i /= n
	}
	return at
}

// broadcast gives the common shape of two.
func broadcast(a, b []int) ([]int, bool) {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := slices.Clone(a)
	shift := len(a) - len(b)
	for i, d := range b {
		switch have := out[shift+i]; {
		case have == d || d == 1:
		case have == 1:
			out[shift+i] = d
		default:
			return nil, false
		}
	}
	return out, checkShape(out)
}

// stretched gives the steps by which an array of one shape is read as one of another.
func stretched(from, to []int) []int {
	out, own := make([]int, len(to)), strides(from)
	shift := len(to) - len(from)
	for i, d := range from {
		if d != 1 {
			out[shift+i] = own[i]
		}
	}
	return out
}

// axis turns one that may count from the end into a plain one.
func axis(a int64, rank int) (int, bool) {
	if a < int64(-rank) || a >= int64(rank) {
		return 0, false
	}
	if a < 0 {
		a += int64(rank)
	}
	return int(a), true
}

// axes marks the dimensions of a list; twice is refused.
func axes(list []int64, rank int) (marked [net.RankMax]bool, ok bool) {
	for _, a := range list {
		i, ok := axis(a, rank)
		if !ok || marked[i] {
			return marked, false
		}
		marked[i] = true
	}
	return marked, true
}

// shapeOf takes numbers for a shape.
func shapeOf(list []int64) ([]int, bool) {
	if len(list) > net.RankMax {
		return nil, false
	}
	shape := make([]int, len(list))
	for i, n := range list {
		if n < 0 || n > elementsMax {
			return nil, false
		}
		shape[i] = int(n)
	}
	return shape, checkShape(shape)
}
