package tensor

import (
	"slices"

	"github.com/aiwork/aiwork-node/internal/must"
)

// A Layout says where the elements of an array of some shape lie among a tensor's: Start + Σ index·stride.
type Layout struct {
	Start   int
	Strides []int
}

// Move copies an array of some shape from one layout to another: t's element at to becomes from's element
// at source, for all indexes. It is Pick and Put by Offsets without the lists. Both are of one type.
// The shape may have more dimensions than a tensor's.
func (t *Tensor) Move(shape []int, to Layout, from *Tensor, source Layout) {
	dims := mergedDims(shape, to.Strides, source.Strides)
	if dims == nil {
		return
	}
	switch dst := t.elements().(type) {
	case []float32:
		move(dims, dst, to.Start, Values[float32](from), source.Start)
	case []uint8:
		move(dims, dst, to.Start, Values[uint8](from), source.Start)
	case []int8:
		move(dims, dst, to.Start, Values[int8](from), source.Start)
	case []uint16:
		move(dims, dst, to.Start, Values[uint16](from), source.Start)
	case []int16:
		move(dims, dst, to.Start, Values[int16](from), source.Start)
	case []uint32:
		move(dims, dst, to.Start, Values[uint32](from), source.Start)
	case []int32:
		move(dims, dst, to.Start, Values[int32](from), source.Start)
	case []uint64:
		move(dims, dst, to.Start, Values[uint64](from), source.Start)
	case []int64:
		move(dims, dst, to.Start, Values[int64](from), source.Start)
	case []bool:
		move(dims, dst, to.Start, Values[bool](from), source.Start)
	}
}

// A dim is a loop: how often, and how far to go in either array.
type dim struct{ n, to, from int }

// mergedDims gives the loops of a shape, joining neighbours that are one; nil if there is nothing to do.
// A loop whose source is contiguous comes next to last, where tiles of the two can be turned around.
func mergedDims(shape, to, from []int) []dim {
	var dims []dim
	for i, n := range shape {
		if n == 0 {
			return nil
		}
		d := dim{n, to[i], from[i]}
		last := len(dims) - 1
		switch {
		case n == 1:
		case last >= 0 && dims[last].to == d.to*n && dims[last].from == d.from*n:
			dims[last] = dim{dims[last].n * n, d.to, d.from}
		default:
			dims = append(dims, d)
		}
	}
	if len(dims) == 0 {
		return []dim{{1, 1, 1}}
	}
	end := len(dims) - 1
	if k := slices.IndexFunc(dims, func(d dim) bool { return d.from == 1 }); dims[end].from > 1 && k >= 0 {
		d := dims[k]
		dims = slices.Insert(slices.Delete(dims, k, k+1), end-1, d)
	}
	return dims
}

func move[E Element](dims []dim, dst []E, to int, src []E, from int) {
	d := dims[0]
	switch {
	case len(dims) == 1:
		moveRun(d, dst, to, src, from)
	case len(dims) == 2 && d.from == 1 && dims[1].from > 1 && dims[1].to == 1:
		turn(d, dims[1], dst, to, src[from:])
	default:
		for i := range d.n {
			move(dims[1:], dst, to+i*d.to, src, from+i*d.from)
		}
	}
}

func moveRun[E Element](d dim, dst []E, to int, src []E, from int) {
	switch {
	case d.to == 1 && d.from == 1:
		copy(dst[to:to+d.n], src[from:from+d.n])
	case d.to == 1 && d.from == 0:
		v := src[from]
		dst = dst[to : to+d.n]
		for i := range dst {
			dst[i] = v
		}
	default:
		for i := range d.n {
			dst[to+i*d.to] = src[from+i*d.from]
		}
	}
}

// turnSize is the side of the tiles in which matrices are turned: their lines stay in the first cache.
const turnSize = 16

// turn copies a matrix whose rows are contiguous in the source and columns in the destination.
func turn[E Element](rows, columns dim, dst []E, to int, src []E) {
	for r := 0; r < rows.n; r += turnSize {
		for c := 0; c < columns.n; c += turnSize {
			wide := min(turnSize, columns.n-c)
			for i := r; i < min(r+turnSize, rows.n); i++ {
				line, at := dst[to+i*rows.to+c:][:wide], c*columns.from+i
				for j := range line {
					line[j] = src[at]
					at += columns.from
				}
			}
		}
	}
}

// PickAlong sees from as [outer][size][inner] and sets t, seen as [outer][len(at)][inner], to its slices
// at[0], at[1], ... along the middle.
func (t *Tensor) PickAlong(from *Tensor, size, inner int, at []int32) {
	if t.Len() == 0 {
		return
	}
	must.Hold(from.Len()/(size*inner)*len(at)*inner == t.Len(), "slices of another size")
	switch dst := t.elements().(type) {
	case []float32:
		pickAlong(dst, Values[float32](from), size, inner, at)
	case []uint8:
		pickAlong(dst, Values[uint8](from), size, inner, at)
	case []int8:
		pickAlong(dst, Values[int8](from), size, inner, at)
	case []uint16:
		pickAlong(dst, Values[uint16](from), size, inner, at)
	case []int16:
		pickAlong(dst, Values[int16](from), size, inner, at)
	case []uint32:
		pickAlong(dst, Values[uint32](from), size, inner, at)
	case []int32:
		pickAlong(dst, Values[int32](from), size, inner, at)
	case []uint64:
		pickAlong(dst, Values[uint64](from), size, inner, at)
	case []int64:
		pickAlong(dst, Values[int64](from), size, inner, at)
	case []bool:
		pickAlong(dst, Values[bool](from), size, inner, at)
	}
}

func pickAlong[E Element](dst, src []E, size, inner int, at []int32) {
	for len(dst) > 0 {
		line, part := dst[:len(at)*inner], src[:size*inner]
		if inner == 1 {
			for j, index := range at {
				line[j] = part[index]
			}
		} else {
			for j, index := range at {
				copy(line[j*inner:][:inner], part[int(index)*inner:])
			}
		}
		dst, src = dst[len(line):], src[len(part):]
	}
}
