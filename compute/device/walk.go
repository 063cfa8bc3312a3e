package device

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A walk is a shape, and the distances of neighbours along its dimensions in some arrays.
type walk struct {
	shape   []int
	strides [][]int // of each array
}

// newWalk joins dimensions that every array goes through as one.
func newWalk(shape []int, strides ...[]int) walk {
	w := walk{strides: make([][]int, len(strides))}
	for d, n := range shape {
		if n == 1 {
			continue
		}
		last := len(w.shape) - 1
		joins := last >= 0
		for a, s := range strides {
			joins = joins && w.strides[a][last] == s[d]*n
		}
		if joins {
			w.shape[last] *= n
			for a, s := range strides {
				w.strides[a][last] = s[d]
			}
			continue
		}
		w.shape = append(w.shape, n)
		for a, s := range strides {
			w.strides[a] = append(w.strides[a], s[d])
		}
	}
	return w
}

// arg gives the Walk of compute/device/code over one array.
func (w walk) arg(array int) Arg { return Arg{Words: w.words(array)} }

func (w walk) words(array int) []uint32 {
	return words([]int{len(w.shape)}, filled(w.shape), filled(w.strides[array]))
}

// filled is a list with zeros up to the greatest rank.
func filled(list []int) []int {
	out := make([]int, tensor.RankMax)
	copy(out, list)
	return out
}

// rowsArg gives the Rows of a shape whose marked dimensions make rows, and the shape with one element for each.
func rowsArg(shape []int, marked []bool) (arg Arg, count int, reduced []int) {
	outer, inner := slices.Clone(shape), slices.Clone(shape)
	for d := range shape {
		if marked[d] {
			outer[d] = 1
		} else {
			inner[d] = 1
		}
	}
	strides := tensor.Strides(shape)
	count = tensor.Count(outer)
	list := words([]int{count, tensor.Count(inner)})
	list = append(list, newWalk(outer, strides).words(0)...)
	list = append(list, newWalk(inner, strides).words(0)...)
	return Arg{Words: list}, count, outer
}
