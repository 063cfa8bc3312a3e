package tensor

import (
	"bytes"
	"math"
	"testing"
)

// A view has the bytes of Raw for every type, with a NaN of either sign at every place and with none; where nothing has to change it copies nothing.

func TestRawView(t *testing.T) {
	same := func(x *Tensor) {
		t.Helper()
		if got, want := x.RawView(), x.Raw(); !bytes.Equal(got, want) {
			t.Errorf("%v of %d elements: got % x, want % x", x.Type(), x.Len(), got, want)
		}
	}
	for n := range 12 {
		f := make([]float32, n)
		for i := range f {
			f[i] = []float32{0, float32(math.Inf(1)), float32(math.Inf(-1)), -1.5, math.MaxFloat32, 1e-40}[i%6]
		}
		x := Of([]int{n}, f)
		same(x)
		if n > 0 {
			view := x.RawView()
			before := view[4*n-1]
			if f[n-1] = -f[n-1]; view[4*n-1] == before {
				t.Errorf("%d numbers: a view is a copy", n)
			}
		}
		for i := range f {
			for _, bits := range []uint32{0x7f800001, 0xff800001, 0x7fffffff, 0xffffffff, 0x7fc00000, 0xffc00000} {
				g := append([]float32(nil), f...)
				g[i] = math.Float32frombits(bits)
				same(Of([]int{n}, g))
			}
		}
	}
	same(Of([]int{3}, []uint8{1, 2, 255}))
	same(Of([]int{3}, []int8{1, -2, 127}))
	same(Of([]int{3}, []uint16{1, 2, 65535}))
	same(Of([]int{3}, []int16{1, -2, 32767}))
	same(Of([]int{3}, []uint32{1, 2, 1 << 31}))
	same(Of([]int{3}, []int32{1, -2, 1 << 30}))
	same(Of([]int{3}, []uint64{1, 2, 1 << 63}))
	same(Of([]int{3}, []int64{1, -2, 1 << 62}))
	same(Of([]int{3}, []bool{true, false, true}))
	same(Of([]int{0}, []int64{}))
}

func BenchmarkRawView(b *testing.B) {
	x := New(Float32, []int{1 << 20})
	b.SetBytes(int64(x.Bytes()))
	for b.Loop() {
		x.RawView()
	}
}
