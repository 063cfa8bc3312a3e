package kernel

import (
	"fmt"
	"testing"
)

// Each fast operator is compared with its definition, bit by bit, on every path of this machine, over
// sizes that leave every kind of remainder and values that include all corners of binary32.

func TestGemmEqualsDefinition(t *testing.T) {
	v := newValues(3)
	for round := range 160 {
		m, n, k := 1+v.IntN(40), 1+v.IntN(80), 1+v.IntN(40)
		switch round % 8 {
		case 0:
			m, n, k = 1+v.IntN(14), 1+v.IntN(40), 250+v.IntN(600) // several segments
		case 1:
			k, n = 256, 5
		}
		next := v.mild
		if round%3 == 0 {
			next = v.any
		}
		checkGemm(t, v, m, n, k, next)
	}
}

func checkGemm(t *testing.T, v values, m, n, k int, next func() float32) {
	t.Helper()
	a, b := fill(m*k, next), fill(k*n, v.finite)
	post := randomPost(v, n, next)
	want := make([]float32, m*n)
	DefineGemm(want, a, b, post.Bias, m, n, k)
	definePost(want, post)
	packed := Pack(b, k, n)
	for _, path := range Paths() {
		got := fill(m*n, v.any)
		path.Gemm(got, a, m, packed, post)
		compare(t, fmt.Sprintf("%v: gemm %d×%d×%d", path, m, n, k), got, want)
	}
}

// A row block must not show: more rows than one holds.
func TestGemmBlocks(t *testing.T) {
	v := newValues(4)
	checkGemm(t, v, 2*blockRowsMin+7, 33, blockBytes/4/blockRowsMin, v.mild)
}

func randomWindow(v values) Window {
	w := Window{
		Height: 1 + v.IntN(9), Width: 1 + v.IntN(9), Channels: 1 + v.IntN(80),
		KernelHeight: 1 + v.IntN(4), KernelWidth: 1 + v.IntN(4),
		StrideHeight: 1 + v.IntN(3), StrideWidth: 1 + v.IntN(3),
		Top: v.IntN(3), Bottom: v.IntN(3), Left: v.IntN(3), Right: v.IntN(3),
	}
	w.KernelHeight = min(w.KernelHeight, w.Height+w.Top+w.Bottom)
	w.KernelWidth = min(w.KernelWidth, w.Width+w.Left+w.Right)
	return w
}

func TestConvEqualsDefinition(t *testing.T) {
	v := newValues(5)
	for round := range 80 {
		w := randomWindow(v)
		if round%4 == 0 { // pointwise
			w.KernelHeight, w.KernelWidth, w.StrideHeight, w.StrideWidth = 1, 1, 1, 1
			w.Top, w.Bottom, w.Left, w.Right = 0, 0, 0, 0
		}
		checkConv(t, v, w, 1+v.IntN(40), v.sometimesWild(round))
	}
}

// sometimesWild is mild, and any in every third round.
func (v values) sometimesWild(round int) func() float32 {
	if round%3 == 0 {
		return v.any
	}
	return v.mild
}

func checkConv(t *testing.T, v values, w Window, outs int, next func() float32) {
	t.Helper()
	x := fill(w.Height*w.Width*w.Channels, next)
	weights := fill(w.KernelHeight*w.KernelWidth*w.Channels*outs, v.finite)
	post := randomPost(v, outs, next)
	want := make([]float32, w.OutHeight()*w.OutWidth()*outs)
	DefineConv(want, x, weights, post.Bias, w, outs)
	definePost(want, post)
	packed := PackConv(weights, w, outs)
	for _, path := range Paths() {
		got := fill(len(want), v.any)
		cut := v.IntN(w.OutHeight() + 1) // two threads' shares
		scratch := fill(w.ScratchLen(), v.any)
		path.Conv(got, x, scratch, w, packed, post, 0, cut)
		path.Conv(got, x, scratch, w, packed, post, cut, w.OutHeight())
		compare(t, fmt.Sprintf("%v: conv %+v to %d", path, w, outs), got, want)
	}
}

func TestDepthwiseEqualsDefinition(t *testing.T) {
	v := newValues(6)
	for round := range 160 {
		checkDepthwise(t, v, randomWindow(v), v.sometimesWild(round))
	}
}

func checkDepthwise(t *testing.T, v values, w Window, next func() float32) {
	t.Helper()
	x := fill(w.Height*w.Width*w.Channels, next)
	weights := fill(w.KernelHeight*w.KernelWidth*w.Channels, v.finite)
	post := randomPost(v, w.Channels, next)
	want := make([]float32, w.OutHeight()*w.OutWidth()*w.Channels)
	DefineDepthwise(want, x, weights, post.Bias, w)
	definePost(want, post)
	for _, path := range Paths() {
		got := fill(len(want), v.any)
		cut := v.IntN(w.OutHeight() + 1)
		path.Depthwise(got, x, weights, w, post, 0, cut)
		path.Depthwise(got, x, weights, w, post, cut, w.OutHeight())
		compare(t, fmt.Sprintf("%v: depthwise %+v", path, w), got, want)
	}
}

func TestElementwiseEqualsDefinition(t *testing.T) {
	v := newValues(7)
	for n := range 70 {
		a, b := fill(n, v.any), fill(n, v.any)
		sum, exps := make([]float32, n), append([]float32(nil), a...)
		DefineAdd(sum, a, b)
		defineExps(exps)
		soft := make([]float32, n)
		if n > 0 {
			DefineSoftmax(soft, a)
		}
		for _, path := range Paths() {
			got := make([]float32, n)
			path.Add(got, a, b)
			compare(t, path.String()+": add", got, sum)
			copy(got, a)
			path.Exps(got)
			compare(t, path.String()+": exp", got, exps)
			if n > 0 {
				path.Softmax(got, a)
				compare(t, path.String()+": softmax", got, soft)
			}
		}
	}
}

// FuzzGemm draws everything from a seed, so that the fuzzer's steps are steps of shape and seed.
func FuzzGemm(f *testing.F) {
	f.Add(uint64(1), uint8(1), uint8(1), uint16(1), true)
	f.Add(uint64(2), uint8(13), uint8(33), uint16(257), false)
	f.Add(uint64(3), uint8(7), uint8(17), uint16(512), true)
	f.Fuzz(func(t *testing.T, seed uint64, m, n uint8, k uint16, wild bool) {
		v := newValues(seed)
		next := v.mild
		if wild {
			next = v.any
		}
		checkGemm(t, v, 1+int(m)%30, 1+int(n)%70, 1+int(k)%800, next)
	})
}

// FuzzConv draws geometry and values from a seed, for both kinds of convolution.
func FuzzConv(f *testing.F) {
	f.Add(uint64(1), uint8(3), true)
	f.Add(uint64(2), uint8(33), false)
	f.Fuzz(func(t *testing.T, seed uint64, outs uint8, wild bool) {
		v := newValues(seed)
		next := v.mild
		if wild {
			next = v.any
		}
		checkConv(t, v, randomWindow(v), 1+int(outs)%40, next)
		checkDepthwise(t, v, randomWindow(v), next)
	})
}
