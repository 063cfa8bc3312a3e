package tensor

import "fmt"

// Count is the number of elements of a checked shape.
func Count(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// CheckShape enforces TENSOR-1. Dimensions of zero count as one, so that no part of a shape is larger.
func CheckShape(shape []int) error {
	if len(shape) > RankMax {
		return fmt.Errorf("shape %v has %d dimensions, at most %d are allowed", shape, len(shape), RankMax)
	}
	n := 1
	for _, d := range shape {
		if d < 0 {
			return fmt.Errorf("shape %v has a negative dimension", shape)
		}
		if d > 0 && n > ElementsMax/d {
			return fmt.Errorf("shape %v has more than %d elements", shape, ElementsMax)
		}
		n *= max(d, 1)
	}
	return nil
}

// Strides gives the distance of neighbours along each dimension of a row-major array.
func Strides(shape []int) []int {
	s := make([]int, len(shape))
	step := 1
	for i := len(shape) - 1; i >= 0; i-- {
		s[i] = step
		step *= shape[i]
	}
	return s
}

// Offsets lists start + Σ index·stride over all indexes of shape, in row-major order.
func Offsets(shape, strides []int, start int) []int32 {
	n := Count(shape)
	out := make([]int32, 0, n)
	if n == 0 {
		return out
	}
	out = append(out, int32(start))
	// Dimension by dimension from the left: each offset so far becomes a row of offsets.
	for d, size := range shape {
		next := out[:len(out)*size]
		for i := len(out) - 1; i >= 0; i-- {
			first := out[i]
			for j := size - 1; j >= 0; j-- {
				next[i*size+j] = first + int32(j*strides[d])
			}
		}
		out = next
	}
	return out
}

// Broadcast gives the common shape of two, by the rule of NumPy: aligned at the right, 1 stretches.
func Broadcast(a, b []int) ([]int, error) {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := append([]int(nil), a...)
	shift := len(a) - len(b)
	for i, d := range b {
		switch have := out[shift+i]; {
		case have == d || d == 1:
		case have == 1:
			out[shift+i] = d
		default:
			return nil, fmt.Errorf("shapes %v and %v do not broadcast", a, b)
		}
	}
	return out, CheckShape(out)
}

// BroadcastStrides gives the strides by which an array of the first shape is read as one of the second,
// to which it must broadcast: stretched dimensions have stride 0.
func BroadcastStrides(from, to []int) []int {
	out := make([]int, len(to))
	own := Strides(from)
	shift := len(to) - len(from)
	for i, d := range from {
		if d != 1 {
			out[shift+i] = own[i]
		}
	}
	return out
}
