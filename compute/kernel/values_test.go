package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Values for tests: mostly ordinary ones, with the awkward corners of binary32 in between.
type values struct{ *rand.Rand }

func newValues(seed uint64) values { return values{rand.New(rand.NewPCG(seed, 1))} }

// awkward lists bit patterns at which implementations tend to differ.
func awkward() []uint32 {
	return []uint32{
		0x00000000, 0x80000000, // zeros
		0x00000001, 0x80000001, 0x007fffff, 0x807fffff, // subnormal
		0x00800000, 0x80800000, // least normal
		0x3f800000, 0xbf800000, 0x3f800001, 0x3f7fffff, 0x3f800800,
		0x7f7fffff, 0xff7fffff, // greatest
		0x7f800000, 0xff800000, // infinite
		0x7fc00000, 0xffc00000, 0x7f800001, 0xffc12345, // NaN
		0x2b800000, 0x17800000, 0x00400000, 0x33800000, 0x4b800000,
	}
}

// mild is a number between -4 and 4.
func (v values) mild() float32 { return v.Float32()*8 - 4 }

// any draws from all bit patterns, from the awkward ones and from mild ones.
func (v values) any() float32 {
	list := awkward()
	switch v.IntN(4) {
	case 0:
		return math.Float32frombits(v.Uint32())
	case 1:
		return math.Float32frombits(list[v.IntN(len(list))])
	case 2: // close to the edge of the subnormal
		return math.Float32frombits(v.Uint32()&0x807fffff | uint32(v.IntN(4))<<23)
	}
	return v.mild()
}

// finite is any without NaN and infinity.
func (v values) finite() float32 {
	for {
		if x := v.any(); x-x == 0 {
			return x
		}
	}
}

func fill(n int, next func() float32) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = next()
	}
	return s
}

// sameBits compares canonical bits.
func sameBits(a, b float32) bool {
	return math.Float32bits(Canonical(a)) == math.Float32bits(Canonical(b))
}

func compare(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: got %d elements, want %d", what, len(got), len(want))
	}
	for i := range got {
		if !sameBits(got[i], want[i]) {
			t.Fatalf("%s: element %d of %d: got %08x (%g), want %08x (%g)", what, i, len(got),
				math.Float32bits(got[i]), got[i], math.Float32bits(want[i]), want[i])
		}
	}
}

// definePost does what Post stands for, by the definitions, to the ends of chains that had no bias yet.
// The chain's bias is given to the definition of the chain instead.
func definePost(out []float32, post *Post) {
	DefineScaleShift(out, out, post.Scale, post.Shift)
	DefineClamp(out, out, post.Lo, post.Hi)
}

// randomPost draws a Post for n channels; each of its parts is sometimes left out.
func randomPost(v values, n int, next func() float32) *Post {
	p := NewPost(n)
	if v.IntN(2) == 0 {
		p.Bias = fill(n, next)
	}
	if v.IntN(2) == 0 {
		p.Scale, p.Shift = fill(n, next), fill(n, next)
	}
	switch v.IntN(3) {
	case 0:
		p.Lo, p.Hi = 0, 6
	case 1:
		p.Lo, p.Hi = 0, float32(math.Inf(1))
	}
	return p
}
