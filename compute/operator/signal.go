package operator

import (
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Operators on signals. Angles are whole numbers of N-ths of a circle.

func signalOperators() []Operator {
	return []Operator{
		{"DFT", 17, "f,i?>f", dftAttrs},
		{"DFT", 20, "f,i?,l?>f", dftInputs},
		{"STFT", 17, "f,i,f?,i?>f", stft},
		{"HannWindow", 17, "i>f", cosineWindow(0.5, 0.5, 0)},
		{"HammingWindow", 17, "i>f", cosineWindow(25.0/46, 21.0/46, 0)},
		{"BlackmanWindow", 17, "i>f", cosineWindow(0.42, 0.5, 0.08)},
		{"MelWeightMatrix", 17, "i,i,i,f,f>f", melWeights},
	}
}

const twoPi = 6.2831855

// cosineWindow is a - b·cos(angle) + d·cos(2·angle).
func cosineWindow(a0, b, d float32) func(a *Attrs) Func {
	return func(a *Attrs) Func {
		periodic, kind := a.flag("periodic", true), a.elementType("output_datatype")
		if kind != 0 && kind != tensor.Float32 {
			a.unsupported("a window of element type %v", kind)
		}
		return func(c *Call) ([]*tensor.Tensor, error) {
			n, err := intParam(c.In[0], "the size")
			if err != nil {
				return nil, err
			}
			if n < 0 || n > tensor.ElementsMax {
				return nil, fmt.Errorf("a window of %d elements", n)
			}
			out, y, err := c.floats([]int{int(n)})
			if err != nil {
				return nil, err
			}
			span := float32(n)
			if !periodic {
				span = float32(max(n-1, 1))
			}
			for i := range y {
				angle := float32(twoPi*float32(i)) / span
				y[i] = (a0 - float32(b*kernel.Cos(angle))) + float32(d*kernel.Cos(float32(2*angle)))
			}
			return one(out), nil
		}
	}
}

// A transform is a DFT along one axis.
type transform struct{ inverse, onesided bool }

func dftAttrs(a *Attrs) Func {
	axis := a.int("axis", 1)
	t := transform{a.flag("inverse", false), a.flag("onesided", false)}
	return func(c *Call) ([]*tensor.Tensor, error) { return t.run(c, axis) }
}

func dftInputs(a *Attrs) Func {
	t := transform{a.flag("inverse", false), a.flag("onesided", false)}
	return func(c *Call) ([]*tensor.Tensor, error) {
		axis := int64(-2)
		if given := c.in(2); given != nil {
			var err error
			if axis, err = intParam(given, "the axis"); err != nil {
				return nil, err
			}
		}
		return t.run(c, axis)
	}
}

// run transforms x[..., axis, ..., 1 or 2], the last dimension being real and imaginary part.
func (t transform) run(c *Call, axis int64) ([]*tensor.Tensor, error) {
	x := c.In[0]
	if err := wantRank(x, 2, tensor.RankMax, "the input"); err != nil {
		return nil, err
	}
	parts := x.Shape()[x.Rank()-1]
	along, err := axisOf(axis, x.Rank())
	if err != nil {
		return nil, err
	}
	if along == x.Rank()-1 || parts < 1 || parts > 2 {
		return nil, fmt.Errorf("axis %d of shape %v", axis, x.Shape())
	}
	if t.inverse && t.onesided {
		return nil, fmt.Errorf("an inverse transform that is one-sided")
	}
	n := int64(x.Shape()[along])
	if l := c.in(1); l != nil {
		if n, err = intParam(l, "the length"); err != nil {
			return nil, err
		}
	}
	if n < 1 || n > 1<<24 {
		return nil, fmt.Errorf("a transform of length %d", n)
	}
	shape := slices.Clone(x.Shape())
	shape[along], shape[x.Rank()-1] = int(n), 2
	if t.onesided {
		shape[along] = int(n)/2 + 1
	}
	out, y, err := c.floats(shape)
	if err != nil || x.Len() == 0 {
		return one(out), err
	}
	ring, err := t.circle(c, int(n))
	if err != nil {
		return nil, err
	}
	own, strides := tensor.Strides(x.Shape()), tensor.Strides(shape)
	lines := slices.Clone(x.Shape())
	lines[along], lines[len(lines)-1] = 1, 1
	from, err := c.offsets(lines, own, 0)
	if err != nil {
		return nil, err
	}
	to, err := c.offsets(lines, strides, 0)
	if err != nil {
		return nil, err
	}
	for i := range from {
		line := signalLine{ring, floatsOf(x)[from[i]:], own[along], min(int(n), x.Shape()[along]), parts == 2, nil}
		if err := t.line(c, y[to[i]:], strides[along], shape[along], line); err != nil {
			return nil, err
		}
	}
	return one(out), nil
}

// A signalLine is a signal within a tensor, perhaps with a window to multiply it by.
type signalLine struct {
	circle
	x       []float32
	step, n int
	complex bool
	window  []float32
}

func (l signalLine) at(i int) (re, im float32) {
	re = l.x[i*l.step]
	if l.complex {
		im = l.x[i*l.step+1]
	}
	if l.window != nil {
		re, im = float32(re*l.window[i]), float32(im*l.window[i])
	}
	return re, im
}

// line computes outputs 0 to count-1 of a transform: each part is a compensated sum, ascending.
func (t transform) line(c *Call, y []float32, step, count int, l signalLine) error {
	n := len(l.cosines)
	if err := c.Budget.Spend(count, n, 4); err != nil {
		return err
	}
	for k := range count {
		var sums [2]compensated
		for i := range l.n {
			a, b := l.at(i)
			turn := int(uint64(k) * uint64(i) % uint64(n))
			sums[0].add(a, l.cosines[turn])
			sums[0].add(-b, l.sines[turn])
			sums[1].add(a, l.sines[turn])
			sums[1].add(b, l.cosines[turn])
		}
		re, im := sums[0].end(), sums[1].end()
		if t.inverse {
			re, im = re/float32(n), im/float32(n)
		}
		y[k*step], y[k*step+1] = re, im
	}
	return nil
}

// A compensated sum keeps what rounding takes from each product and each addition, and adds it at the end.
// Signals whose transform is zero by symmetry so give zero.
type compensated struct{ sum, rest float32 }

func (s *compensated) add(a, b float32) {
	p := float32(a * b)
	lost := kernel.FMA(a, b, -p)
	next := s.sum + p
	t := next - s.sum
	lost += (s.sum - (next - t)) + (p - t)
	s.sum, s.rest = next, s.rest+lost
}

func (s *compensated) end() float32 { return s.sum + s.rest }

// A circle holds cosine and sine of n angles around it.
type circle struct{ cosines, sines []float32 }

// circle gives that of n angles, negative unless inverse. Both numbers are taken of an angle of the first
// eighth, so that the circle is symmetric to the bit.
func (t transform) circle(c *Call, n int) (ring circle, err error) {
	both, err := c.scratch(2 * n)
	if err != nil {
		return ring, err
	}
	ring = circle{both[:n], both[n:]}
	for i := range n {
		quarter, rest := 4*i/n, 4*i%n // the angle is (quarter + rest/n) · π/2
		co, si := firstQuarter(rest, n)
		for range quarter {
			co, si = -si, co
		}
		if !t.inverse {
			si = -si
		}
		ring.cosines[i], ring.sines[i] = co, si
	}
	return ring, nil
}

// firstQuarter gives cosine and sine of rest/n · π/2.
func firstQuarter(rest, n int) (co, si float32) {
	if 2*rest > n {
		si, co = firstQuarter(n-rest, n)
		return co, si
	}
	angle := float32(float32(twoPi/4) * (float32(rest) / float32(n)))
	return kernel.Cos(angle), kernel.Sin(angle)
}

// stft transforms frames of a signal [batch][length][1 or 2].
func stft(a *Attrs) Func {
	t := transform{onesided: a.flag("onesided", true)}
	return func(c *Call) ([]*tensor.Tensor, error) {
		x, window := c.In[0], c.in(2)
		hop, err := intParam(c.In[1], "the step")
		if err != nil {
			return nil, err
		}
		length := int64(0)
		if window != nil {
			length = int64(window.Len())
		}
		if l := c.in(3); l != nil {
			if length, err = intParam(l, "the frame length"); err != nil {
				return nil, err
			}
		}
		s := x.Shape()
		if len(s) != 3 || s[2] < 1 || s[2] > 2 || hop < 1 || hop > tensor.ElementsMax || length < 1 || length > int64(s[1]) ||
			window != nil && (window.Rank() != 1 || int64(window.Len()) != length) {
			return nil, fmt.Errorf("frames of %d every %d of shape %v", length, hop, s)
		}
		n := int(length)
		frames, bins := (s[1]-n)/int(hop)+1, n
		if t.onesided {
			bins = n/2 + 1
		}
		out, y, err := c.floats([]int{s[0], frames, bins, 2})
		if err != nil {
			return nil, err
		}
		ring, err := t.circle(c, n)
		if err != nil {
			return nil, err
		}
		l := signalLine{circle: ring, step: s[2], n: n, complex: s[2] == 2}
		if window != nil {
			l.window = floatsOf(window)
		}
		for i := range s[0] * frames {
			l.x = floatsOf(x)[(i/frames*s[1]+i%frames*int(hop))*s[2]:]
			if err := t.line(c, y[i*bins*2:], 2, bins, l); err != nil {
				return nil, err
			}
		}
		return one(out), nil
	}
}

// melWeights makes the matrix of triangular filters on the mel scale, m(f) = 2595·log10(1 + f/700).
func melWeights(a *Attrs) Func {
	if kind := a.elementType("output_datatype"); kind != 0 && kind != tensor.Float32 {
		a.unsupported("a matrix of element type %v", kind)
	}
	return func(c *Call) ([]*tensor.Tensor, error) {
		var size [3]int64
		var edges [2]float32
		for i, t := range c.In {
			if t.Len() != 1 {
				return nil, fmt.Errorf("input %d has shape %v, want one element", i, t.Shape())
			}
			if i < 3 {
				size[i] = t.Ints()[0]
			} else {
				edges[i-3] = floatsOf(t)[0]
			}
		}
		bins, length, rate := size[0], size[1], size[2]
		if bins < 0 || bins > 1<<20 || length < 0 || length > tensor.ElementsMax || rate < 1 {
			return nil, fmt.Errorf("%d filters of a transform of length %d at rate %d", bins, length, rate)
		}
		rows := int(length)/2 + 1
		out, y, err := c.floats([]int{rows, int(bins)})
		if err != nil {
			return nil, err
		}
		low, high := mel(edges[0]), mel(edges[1])
		step := (high - low) / float32(bins+2)
		at := make([]int, bins+2)
		for i := range at {
			f := hertz(low + float32(float32(i)*step))
			at[i] = int(saturate(floor(float32(float32(length+1)*f)/float32(rate)), 0, tensor.ElementsMax))
		}
		for i := range int(bins) {
			left, centre, right := at[i], at[i+1], at[i+2]
			if centre == left && centre < rows {
				y[centre*int(bins)+i] = 1
			}
			for j := left; j <= min(centre, rows-1) && left != centre; j++ {
				y[j*int(bins)+i] = float32(j-left) / float32(centre-left)
			}
			for j := centre; j < min(right, rows) && right > centre; j++ {
				y[j*int(bins)+i] = float32(right-j) / float32(right-centre)
			}
		}
		return one(out), nil
	}
}

// mel is 2595/ln 10 · log(1 + f/700), hertz its inverse.
func mel(f float32) float32 { return float32(1126.9941 * kernel.Log(1+f/700)) }

func hertz(m float32) float32 { return float32(700 * (kernel.Exp(m/1126.9941) - 1)) }
