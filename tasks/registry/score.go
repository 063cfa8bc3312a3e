package registry

import (
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm/native"
)

// A worker's score says what it completes of what it is given, in parts of ScoreFull. It moves by shares, so that the
// last some dozens of batches count, and recovers with work alone. Where k of n batches are missed it settles where
// (n-k)/16 of what is lacking equals k/4 of what is there: 0.69 at one in ten, 0.2 at one in two.
const (
	ScoreFull   = 1024
	ScoreMin    = ScoreFull / 8
	scorePassed = 16 // a passed batch: plus one sixteenth of what is lacking
	scoreMissed = 4  // a missed lease, or one given back: minus a quarter
	scoreLate   = 8  // a batch that a second worker did first: minus an eighth
	scoreWrong  = 2  // found wrong: minus a half
)

// lower takes one part in n of the score, down to ScoreMin.
func (w *Worker) lower(n uint16) { w.Score = max(w.Score-w.Score/n, ScoreMin) }

// change gives a worker's record to a verb and stores it.
func change(c *native.Call, a chain.Address, do func(*Worker)) {
	r := c.As(chain.AddrRegistry)
	w, raw := load(r, a)
	if c.Failed() || w.State == Unknown {
		return
	}
	do(&w)
	w.store(r, raw)
}

// Pass counts a batch of a worker that has passed.
func Pass(c *native.Call, a chain.Address) {
	change(c, a, func(w *Worker) {
		w.Passed++
		w.Score += (ScoreFull - w.Score + scorePassed - 1) / scorePassed
	})
}

// Late counts a batch that another worker has done first, at no cost in bond.
func Late(c *native.Call, a chain.Address) {
	change(c, a, func(w *Worker) {
		w.LateCount++
		w.lower(scoreLate)
	})
}

// runStanding shows a worker's passed batches since it was found wrong last, batches that others did first, score, open
// leases and their time.
func runStanding(c *native.Call) {
	a := c.Args.Address()
	if !c.Ready() {
		return
	}
	w, _ := load(c, a)
	n, backlog := leases(c, a)
	c.Out.Uint64(uint64(w.Passed))
	c.Out.Uint64(uint64(w.LateCount))
	c.Out.Uint64(uint64(w.Score))
	c.Out.Uint64(n)
	c.Out.Uint64(backlog)
}
