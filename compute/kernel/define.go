package kernel

import "math"

// A Window is the geometry of a convolution over an image in rows of pixels of channels (NHWC, N = 1).
type Window struct {
	Height, Width, Channels   int // of the input
	KernelHeight, KernelWidth int
	StrideHeight, StrideWidth int
	Top, Bottom, Left, Right  int // zero padding
}

// OutHeight is the number of rows of the output.
func (w Window) OutHeight() int {
	return (w.Height+w.Top+w.Bottom-w.KernelHeight)/w.StrideHeight + 1
}

// OutWidth is the number of columns of the output.
func (w Window) OutWidth() int {
	return (w.Width+w.Left+w.Right-w.KernelWidth)/w.StrideWidth + 1
}

// pixel gives the index of the input pixel under tap (kh, kw) of output (oh, ow), false in the padding.
func (w Window) pixel(oh, ow, kh, kw int) (int, bool) {
	y := oh*w.StrideHeight + kh - w.Top
	x := ow*w.StrideWidth + kw - w.Left
	if y < 0 || y >= w.Height || x < 0 || x >= w.Width {
		return 0, false
	}
	return y*w.Width + x, true
}

// A Chain adds products by rule AIW-2. Its zero value is ready.
type Chain struct {
	total, acc float32
	steps      int
	joined     bool
}

// Step adds a·b.
func (c *Chain) Step(a, b float32) {
	c.acc = FMA(a, b, c.acc)
	if c.steps++; c.steps == SegmentLen {
		c.join()
	}
}

func (c *Chain) join() {
	if c.joined {
		c.total += c.acc
	} else {
		c.total = c.acc
	}
	c.joined, c.acc, c.steps = true, 0, 0
}

// End closes the chain: the last segment, the bias, + (+0).
func (c *Chain) End(bias float32) float32 {
	if c.steps > 0 || !c.joined {
		c.join()
	}
	return (c.total + bias) + 0
}

// DefineGemm sets c[m][n] to the product of a[m][k] and b[k][n] plus bias[n]; a nil bias counts as +0.
func DefineGemm(c, a, b, bias []float32, m, n, k int) {
	for i := range m {
		for j := range n {
			var sum Chain
			for l := range k {
				sum.Step(a[i*k+l], b[l*n+j])
			}
			c[i*n+j] = sum.End(at(bias, j))
		}
	}
}

// DefineConv convolves x with weights[kh][kw][in][out]. Taps in the padding multiply +0.
func DefineConv(out, x, weights, bias []float32, w Window, outs int) {
	for oh := range w.OutHeight() {
		for ow := range w.OutWidth() {
			for o := range outs {
				sum := convChain(x, weights, w, oh, ow, o, outs)
				out[(oh*w.OutWidth()+ow)*outs+o] = sum.End(at(bias, o))
			}
		}
	}
}

func convChain(x, weights []float32, w Window, oh, ow, o, outs int) Chain {
	var sum Chain
	for c := range w.Channels {
		for kh := range w.KernelHeight {
			for kw := range w.KernelWidth {
				v := float32(0)
				if p, ok := w.pixel(oh, ow, kh, kw); ok {
					v = x[p*w.Channels+c]
				}
				sum.Step(v, weights[((kh*w.KernelWidth+kw)*w.Channels+c)*outs+o])
			}
		}
	}
	return sum
}

// DefineDepthwise convolves each channel of x with its own weights[kh][kw][channel].
func DefineDepthwise(out, x, weights, bias []float32, w Window) {
	for oh := range w.OutHeight() {
		for ow := range w.OutWidth() {
			for c := range w.Channels {
				var sum Chain
				for kh := range w.KernelHeight {
					for kw := range w.KernelWidth {
						v := float32(0)
						if p, ok := w.pixel(oh, ow, kh, kw); ok {
							v = x[p*w.Channels+c]
						}
						sum.Step(v, weights[(kh*w.KernelWidth+kw)*w.Channels+c])
					}
				}
				out[(oh*w.OutWidth()+ow)*w.Channels+c] = sum.End(at(bias, c))
			}
		}
	}
}

// LowerBatchNorm turns the four vectors of a batch normalisation into y = fma(x, scale, shift), the
// only form in which it is ever computed: scale = gamma / sqrt(variance + epsilon) and
// shift = fma(-mean, scale, beta). It is never folded into the weights of the convolution before it.
func LowerBatchNorm(gamma, beta, mean, variance []float32, epsilon float32) (scale, shift []float32) {
	scale, shift = make([]float32, len(gamma)), make([]float32, len(gamma))
	for i := range gamma {
		root := float32(math.Sqrt(float64(variance[i] + epsilon)))
		scale[i] = gamma[i] / root
		shift[i] = FMA(-mean[i], scale[i], beta[i])
	}
	return scale, shift
}

// DefineScaleShift sets y[i] = fma(x[i], scale[c], shift[c]), where c counts channels round and round.
func DefineScaleShift(y, x, scale, shift []float32) {
	for i, v := range x {
		c := i % len(scale)
		y[i] = FMA(v, scale[c], shift[c])
	}
}

// DefineClamp sets y[i] = min(max(x[i], lo), hi) by rule AIW-4.
func DefineClamp(y, x []float32, lo, hi float32) {
	for i, v := range x {
		y[i] = clamp(v, lo, hi)
	}
}

func clamp(v, lo, hi float32) float32 {
	if v != v {
		return NaN()
	}
	if !(v > lo) {
		v = lo
	}
	if !(v < hi) {
		v = hi
	}
	return v
}

// DefineAdd sets y[i] = a[i] + b[i].
func DefineAdd(y, a, b []float32) {
	for i := range y {
		y[i] = a[i] + b[i]
	}
}

// ZeroPad copies an image of height × width pixels into a larger one whose border is +0.
func ZeroPad(y, x []float32, w Window) {
	clear(y)
	row := w.Width * w.Channels
	wide := (w.Left + w.Width + w.Right) * w.Channels
	for h := range w.Height {
		copy(y[(w.Top+h)*wide+w.Left*w.Channels:], x[h*row:(h+1)*row])
	}
}

// Lanes is the number of partial sums of a reduction (AIW-3).
const Lanes = 32

// sumLanes adds the lanes pairwise: 16, 8, 4, 2, 1.
func sumLanes(lanes *[Lanes]float32) float32 {
	for half := Lanes / 2; half > 0; half /= 2 {
		for i := range half {
			lanes[i] += lanes[i+half]
		}
	}
	return lanes[0]
}

// GlobalAveragePool sets y[c] to the mean over all pixels of x[pixel][c]: the sum of AIW-3, then one
// division by the number of pixels.
func GlobalAveragePool(y, x []float32) {
	channels := len(y)
	count := float32(len(x) / channels)
	for c := range y {
		var lanes [Lanes]float32
		for i, p := c, 0; i < len(x); i, p = i+channels, p+1 {
			lanes[p%Lanes] += x[i]
		}
		y[c] = sumLanes(&lanes) / count
	}
}

// DefineSoftmax sets y to exp(x - max) over its sum.
func DefineSoftmax(y, x []float32) {
	top := x[0]
	for _, v := range x[1:] {
		top = larger(top, v)
	}
	for i, v := range x {
		y[i] = Exp(v - top)
	}
	var lanes [Lanes]float32
	for i, v := range y {
		lanes[i%Lanes] += v
	}
	sum := sumLanes(&lanes)
	for i := range y {
		y[i] /= sum
	}
}

// larger is max of rule AIW-4.
func larger(a, b float32) float32 {
	if a != a || b != b {
		return NaN()
	}
	if a > b {
		return a
	}
	return b
}

func at(v []float32, i int) float32 {
	if v == nil {
		return 0
	}
	return v[i]
}
