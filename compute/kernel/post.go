package kernel

import "math"

// NewPost returns a Post for n channels that leaves the end of the chain as it is. Scaling by one and
// shifting by +0 is exact here because a chain never ends in -0.
func NewPost(n int) *Post {
	p := &Post{
		Bias: make([]float32, n), Scale: make([]float32, n), Shift: make([]float32, n),
		Lo: float32(math.Inf(-1)), Hi: float32(math.Inf(1)),
	}
	for i := range p.Scale {
		p.Scale[i] = 1
	}
	return p
}

// apply finishes the channels [first, first+len(row)) of one pixel.
func (p Path) apply(row []float32, first int, post *Post) {
	n := len(row)
	done := p.applyVector(row, post.Bias[first:first+n], post.Scale[first:first+n], post.Shift[first:first+n], post.Lo, post.Hi)
	for i := done; i < n; i++ {
		c := first + i
		v := (row[i] + post.Bias[c]) + 0
		row[i] = clamp(FMA(v, post.Scale[c], post.Shift[c]), post.Lo, post.Hi)
	}
}

// Add sets y[i] = a[i] + b[i].
func (p Path) Add(y, a, b []float32) {
	for i := p.addVector(y, a, b); i < len(y); i++ {
		y[i] = a[i] + b[i]
	}
}

// Exps replaces each value of v by its Exp.
func (p Path) Exps(v []float32) {
	done := p.expVector(v)
	p.Unary(UnaryExp, v[done:], v[done:], 0, 0)
}

// Softmax is DefineSoftmax on this path.
func (p Path) Softmax(y, x []float32) {
	p.ExpLess(y, x, p.Reduce(ReductionMax, x, 0))
	p.BinaryRight(BinaryDiv, y, y, p.Reduce(ReductionSum, y, 0))
}
