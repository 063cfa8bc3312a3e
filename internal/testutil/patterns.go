package testutil

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// patternsMax is how many patterns a list of Patterns holds at most.
const patternsMax = 1 << 12

// Patterns hands every stride-th of the 2^32 patterns of 32 bits to do, in lists, on all processors at once. It stops when do reports
// false, and returns when nothing runs any more. A list is valid until do returns.
func Patterns(stride uint64, do func(list []uint32) bool) {
	var next atomic.Uint64
	var stopped atomic.Bool
	var running sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		running.Go(func() {
			list := make([]uint32, 0, patternsMax)
			for !stopped.Load() {
				first := (next.Add(1) - 1) * patternsMax * stride
				list = list[:0]
				for b := first; b < 1<<32 && len(list) < patternsMax; b += stride {
					list = append(list, uint32(b))
				}
				if len(list) == 0 {
					return
				}
				if !do(list) {
					stopped.Store(true)
				}
			}
		})
	}
	running.Wait()
}
