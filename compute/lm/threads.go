package lm

import (
	"sync"
	"sync/atomic"

	"github.com/aiwork/aiwork-node/compute/quant"
)

// each calls f for every i below n, on so many threads; f learns which of them it is on. It returns when all are done.
func each(threads, n int, f func(thread, i int)) {
	if threads = min(threads, n); threads <= 1 {
		for i := range n {
			f(0, i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for t := range threads {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(t, i)
			}
		})
	}
	wg.Wait()
}

// A product is one matrix and where its outputs go.
type product struct {
	m   *quant.Matrix
	out []float32
}

// sharesPerThread cuts work finer than threads are many, so that one that is held up costs little.
const sharesPerThread = 4

// multiply computes products of the same activations, split over outputs.
func multiply(threads int, x *quant.Activations, products ...product) {
	panels := 0
	for _, p := range products {
		panels += p.m.Panels()
	}
	shares := 1
	if threads > 1 {
		shares = min(panels, threads*sharesPerThread)
	}
	each(threads, shares, func(_, i int) {
		first, last := i*panels/shares, (i+1)*panels/shares
		for _, p := range products {
			n := p.m.Panels()
			p.m.Mul(p.out, p.m.N, x, max(first, 0), min(max(last, 0), n))
			first, last = first-n, last-n
		}
	})
}
