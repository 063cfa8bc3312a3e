package plan

import (
	"runtime"
	"sync/atomic"
	"testing"
)

// Every part of shared work is done once and before split returns, whether the members look for work, sleep, or come late.
func TestSplitDoesEveryPartOnce(t *testing.T) {
	for threads := 1; threads <= 4; threads++ {
		all := newTeam(threads)
		c := all.hire()
		for round := range 400 {
			if round%8 == 0 {
				for i := range all.members { // let them fall asleep
					for !all.members[i].asleep.Load() {
						runtime.Gosched()
					}
				}
			}
			done := make([]atomic.Int32, 1+round%23)
			c.split(len(done), aloneSteps, func(part int, w *worker) {
				w.tile[0]++ // nobody else's
				done[part].Add(1)
			})
			for part := range done {
				if n := done[part].Load(); n != 1 {
					t.Fatalf("%d threads, round %d: part %d was done %d times", threads, round, part, n)
				}
			}
		}
		c.leave()
		all.close()
	}
}
