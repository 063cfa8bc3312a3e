package soft

// SegmentLen is the number of steps in one chain before its sum is joined to the ones before (AIW-2).
const SegmentLen = 256

// A Chain adds products by AIW-2. Its zero value is ready; its fields are all there is to it.
type Chain struct {
	Total, Acc F32
	Steps      uint32 // of the segment
	Joined     bool   // there was a segment before
}

// Step adds a · b.
func (c *Chain) Step(a, b F32) {
	c.Acc = FMA(a, b, c.Acc)
	if c.Steps++; c.Steps == SegmentLen {
		c.join()
	}
}

func (c *Chain) join() {
	if c.Joined {
		c.Total = Add(c.Total, c.Acc)
	} else {
		c.Total = c.Acc
	}
	c.Joined, c.Acc, c.Steps = true, 0, 0
}

// End closes the chain: the last segment, the bias, + (+0).
func (c *Chain) End(bias F32) F32 {
	if c.Steps > 0 || !c.Joined {
		c.join()
	}
	return Add(Add(c.Total, bias), Zero)
}

// Lanes add floats by AIW-3.
type Lanes [32]F32

// Add adds the i-th float.
func (l *Lanes) Add(i int, v F32) { l[i%len(l)] = Add(l[i%len(l)], v) }

// Sum gives the sum; the lanes are then spent.
func (l *Lanes) Sum() F32 {
	for half := len(l) / 2; half > 0; half /= 2 {
		for i := range half {
			l[i] = Add(l[i], l[i+half])
		}
	}
	return l[0]
}
