package tensor

import (
	"slices"
	"testing"
)

// The rules of shapes, and the movement of elements by offsets against loops that are written out.

func TestCheckShape(t *testing.T) {
	cases := []struct {
		shape []int
		ok    bool
	}{
		{nil, true},
		{[]int{0, 1 << 28}, true},
		{[]int{1 << 28}, true},
		{[]int{1 << 14, 1 << 14}, true},
		{[]int{1 << 14, 1<<14 + 1}, false},
		{[]int{1<<28 + 1, 0}, false},
		{[]int{1 << 27, 1 << 27, 1 << 27, 1 << 27}, false}, // the product wraps
		{[]int{1 << 28, 2, 0}, false},
		{[]int{-1}, false},
		{[]int{1, 1, 1, 1, 1, 1, 1, 1}, true},
		{[]int{1, 1, 1, 1, 1, 1, 1, 1, 1}, false},
	}
	for _, c := range cases {
		if err := CheckShape(c.shape); (err == nil) != c.ok {
			t.Errorf("%v: got %v, want ok=%v", c.shape, err, c.ok)
		}
	}
}

func TestBroadcast(t *testing.T) {
	cases := []struct{ a, b, want []int }{
		{nil, nil, []int{}},
		{[]int{2, 3}, nil, []int{2, 3}},
		{[]int{2, 1, 4}, []int{3, 1}, []int{2, 3, 4}},
		{[]int{1}, []int{0}, []int{0}},
		{[]int{2}, []int{3}, nil},
	}
	for _, c := range cases {
		got, err := Broadcast(c.a, c.b)
		if (err != nil) != (c.want == nil) || !slices.Equal(got, c.want) {
			t.Errorf("%v with %v: got %v, %v, want %v", c.a, c.b, got, err, c.want)
		}
	}
}

func TestOffsets(t *testing.T) {
	shape, strides := []int{2, 3, 4}, []int{5, -7, 11}
	var want []int32
	for i := range 2 {
		for j := range 3 {
			for k := range 4 {
				want = append(want, int32(100+5*i-7*j+11*k))
			}
		}
	}
	if got := Offsets(shape, strides, 100); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := Offsets([]int{2, 0}, []int{1, 1}, 0); len(got) != 0 {
		t.Errorf("no elements: got %v", got)
	}
	if got := Offsets(nil, nil, 3); !slices.Equal(got, []int32{3}) {
		t.Errorf("scalar: got %v, want [3]", got)
	}
}

func TestPickAndPut(t *testing.T) {
	check := func(x *Tensor) {
		t.Helper()
		y := New(x.Type(), []int{3, 2})
		at := Offsets([]int{3, 2}, []int{1, 3}, 0)
		y.Pick(x, at)
		back := New(x.Type(), []int{2, 3})
		back.Put(y, at)
		again := New(x.Type(), []int{3, 2})
		again.Pick(back, at)
		if x.Type() != Bool && !slices.Equal(toInts(y), []int64{1, 4, 2, 5, 3, 6}) {
			t.Errorf("%v: got %v", x.Type(), toInts(y))
		}
		if !slices.Equal(toInts(back), toInts(x)) || !slices.Equal(toInts(again), toInts(y)) {
			t.Errorf("%v: put does not undo pick", x.Type())
		}
	}
	shape := []int{2, 3}
	check(Of(shape, []float32{1, 2, 3, 4, 5, 6}))
	check(Of(shape, []uint8{1, 2, 3, 4, 5, 6}))
	check(Of(shape, []int8{1, 2, 3, 4, 5, 6}))
	check(Of(shape, []uint16{1, 2, 3, 4, 5, 6}))
	check(Of(shape, []int16{1, 2, 3, 4, 5, 6}))
	check(Of(shape, []uint32{1, 2, 3, 4, 5, 6}))
	check(Of(shape, []int32{1, 2, 3, 4, 5, 6}))
	check(Of(shape, []uint64{1, 2, 3, 4, 5, 6}))
	check(Of(shape, []int64{1, 2, 3, 4, 5, 6}))
	check(Of(shape, []bool{true, false, true, true, false, false}))
}

func toInts(t *Tensor) []int64 {
	switch t.Type() {
	case Float32:
		var out []int64
		for _, v := range Values[float32](t) {
			out = append(out, int64(v))
		}
		return out
	case Bool:
		var out []int64
		for _, v := range Values[bool](t) {
			if v {
				out = append(out, 1)
			} else {
				out = append(out, 0)
			}
		}
		return out
	}
	return t.Ints()
}

func TestViewSharesItsBase(t *testing.T) {
	x := Of([]int{2, 3}, []float32{1, 2, 3, 4, 5, 6})
	v := x.View([]int{6}).View([]int{3, 2})
	if v.Base() != x || x.Base() != x {
		t.Error("a view's base is the owner of the elements")
	}
	if &Values[float32](v)[0] != &Values[float32](x)[0] {
		t.Error("a view has elements of its own")
	}
}
