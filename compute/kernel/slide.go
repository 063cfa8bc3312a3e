package kernel

// A SlideEnd is what happens at the end of the chains of Slide: bias, + (+0), then a clamp whose bounds are
// no NaN and no -0.
type SlideEnd struct{ Bias, Lo, Hi float32 }

// Slide is a depthwise convolution of one plane: out[i] is the chain over t of x[i + offsets[t]/4]·w[t], and
// its end. There are at most SegmentLen taps. Out and x need Slack, for vectors are done whole.
func (p Path) Slide(out, x []float32, offsets []int32, w []float32, end SlideEnd, n int) {
	if p == PathGo {
		slideGo(out[:n], x, offsets, w, end)
		return
	}
	whole := (n + slideLanes - 1) / slideLanes * slideLanes
	last := int32(0)
	for _, o := range offsets {
		last = max(last, o)
	}
	_, _, _ = out[:whole], x[:whole+int(last)/4], w[:len(offsets)]
	p.slide(whole, out, x, offsets, w, &end)
}

// slideLanes is a multiple of every path's register.
const slideLanes = 16

func slideGo(out, x []float32, offsets []int32, w []float32, end SlideEnd) {
	for i := range out {
		acc := float32(0)
		for t, o := range offsets {
			acc = FMA(x[i+int(o)/4], w[t], acc)
		}
		out[i] = clamp((acc+end.Bias)+0, end.Lo, end.Hi)
	}
}

// Rows copies rows of every step-th element, step being 1 or 2: row i from offsets[i] bytes on, to pitch·i.
// Eight elements are copied at a time, so up to seven behind each row are written over, but for what belongs
// to the next row; to and from need Slack.
func (p Path) Rows(to, from []float32, offsets []int32, width, step, pitch int) {
	const most = 4 * gatherLanes
	for first := (width - 1) / most * most; first >= 0; first -= most { // the one that writes over the next row first
		p.gather(to[first:], from[first*step:], offsets, min(most, width-first), step, pitch)
	}
}
