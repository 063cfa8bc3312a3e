package tensor

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Move against Pick and Put by Offsets, over shapes with dimensions of 0 and 1, in any order of dimensions,
// with strides of zero and backwards.

func TestMoveIsPick(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for range 3000 {
		shape := make([]int, r.IntN(5))
		for i := range shape {
			shape[i] = []int{0, 1, 2, 3, 5, 17, 33}[min(6, 1+r.IntN(7)-r.IntN(10)/9)]
		}
		if Count(shape) > 1<<16 {
			continue
		}
		checkMove(t, r, shape)
	}
}

func checkMove(t *testing.T, r *rand.Rand, shape []int) {
	t.Helper()
	strides, start := randomStrides(r, shape)
	far := start + 1
	for i, s := range strides {
		far += max(0, s) * max(0, shape[i]-1)
	}
	values := make([]int32, far)
	for i := range values {
		values[i] = r.Int32()
	}
	from := Of([]int{far}, values)
	got, want := New(Int32, shape), New(Int32, shape)
	want.Pick(from, Offsets(shape, strides, start))
	got.Move(shape, Layout{0, Strides(shape)}, from, Layout{start, strides})
	if !slices.Equal(Values[int32](got), Values[int32](want)) {
		t.Fatalf("shape %v, strides %v from %d: a pick differs", shape, strides, start)
	}
	if slices.Contains(strides, 0) {
		return
	}
	got, want = New(Int32, []int{far}), New(Int32, []int{far})
	source := Of(shape, Values[int32](New(Int32, shape)))
	for i := range source.Len() {
		Values[int32](source)[i] = r.Int32()
	}
	if own := Strides(shape); !overlaps(shape, strides, start) {
		want.Put(source, Offsets(shape, strides, start))
		got.Move(shape, Layout{start, strides}, source, Layout{0, own})
		if !slices.Equal(Values[int32](got), Values[int32](want)) {
			t.Fatalf("shape %v, strides %v from %d: a put differs", shape, strides, start)
		}
	}
}

// randomStrides permutes the dimensions of a larger array; some are left out, some run backwards.
func randomStrides(r *rand.Rand, shape []int) (strides []int, start int) {
	strides = make([]int, len(shape))
	step := 1 + r.IntN(2)*r.IntN(2)
	for _, i := range r.Perm(len(shape)) {
		strides[i] = step
		step *= max(1, shape[i]+r.IntN(2))
		switch r.IntN(8) {
		case 0:
			strides[i] = 0
		case 1:
			start += strides[i] * max(0, shape[i]-1)
			strides[i] = -strides[i]
		}
	}
	return strides, start
}

// overlaps says whether two indexes lie at one place.
func overlaps(shape, strides []int, start int) bool {
	at := Offsets(shape, strides, start)
	slices.Sort(at)
	return len(slices.Compact(slices.Clone(at))) != len(at)
}

func TestPickAlong(t *testing.T) {
	from := Of([]int{2, 3, 2}, []uint8{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})
	got := New(Uint8, []int{2, 2, 2})
	got.PickAlong(from, 3, 2, []int32{2, 0})
	if want := []uint8{4, 5, 0, 1, 10, 11, 6, 7}; !slices.Equal(Values[uint8](got), want) {
		t.Errorf("got %v, want %v", Values[uint8](got), want)
	}
	got = New(Uint8, []int{4, 1})
	got.PickAlong(from, 3, 1, []int32{1})
	if want := []uint8{1, 4, 7, 10}; !slices.Equal(Values[uint8](got), want) {
		t.Errorf("got %v, want %v", Values[uint8](got), want)
	}
}
