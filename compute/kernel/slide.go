package kernel

// Slide is a depthwise convolution of one plane: out[i] is the chain over t of x[i + offsets[t]/4]·w[t], then
// the bias and + (+0). There are at most SegmentLen taps. Out and x need Slack, for vectors are done whole.
func (p Path) Slide(out, x []float32, offsets []int32, w []float32, bias float32, n int) {
	if p == PathGo {
		slideGo(out[:n], x, offsets, w, bias)
		return
	}
	whole := (n + slideLanes - 1) / slideLanes * slideLanes
	last := int32(0)
	for _, o := range offsets {
		last = max(last, o)
	}
	_, _, _ = out[:whole], x[:whole+int(last)/4], w[:len(offsets)]
	p.slide(whole, out, x, offsets, w, bias)
}

// slideLanes is a multiple of every path's register.
const slideLanes = 16

func slideGo(out, x []float32, offsets []int32, w []float32, bias float32) {
	for i := range out {
		acc := float32(0)
		for t, o := range offsets {
			acc = FMA(x[i+int(o)/4], w[t], acc)
		}
		out[i] = (acc + bias) + 0
	}
}
