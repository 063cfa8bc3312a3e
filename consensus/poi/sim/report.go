package sim

import (
	"errors"
	"slices"
)

// Report sums up many runs. Zero Failures is what is wanted.
type Report struct {
	From          uint64   `json:"from"`
	Seeds         uint64   `json:"seeds"`
	Nodes         int      `json:"nodes"` // 0: 4 to 10, by the seed
	Failures      int      `json:"failures"`
	Errors        []string `json:"errors"` // of the first seeds that failed, each with its replay command
	Views         uint64   `json:"views"`
	Heights       uint64   `json:"heights"`
	Events        uint64   `json:"events"`
	Nullified     uint64   `json:"nullifiedViews"`
	Crashes       uint64   `json:"crashes"`
	Evidences     uint64   `json:"evidences"`
	Equivocations uint64   `json:"equivocationsSeen"`
	HonestViews   uint64   `json:"honestViewsAfterCalm"`
	HonestBlocks  uint64   `json:"honestBlocksAfterCalm"`
	SimulatedMs   uint64   `json:"simulatedMs"`
}

// reportErrorsMax is how many failures a report quotes.
const reportErrorsMax = 10

// Add enters one run and what it returned.
func (r *Report) Add(x Result, err error) {
	r.Seeds++
	r.Views += x.Views
	r.Heights += x.Heights
	r.Events += x.Events
	r.Nullified += x.Nullified
	r.Crashes += x.Crashes
	r.Evidences += x.Evidences
	r.Equivocations += x.Equivocations
	r.HonestViews += x.HonestViews
	r.HonestBlocks += x.HonestBlocks
	r.SimulatedMs += x.SimulatedMs
	if err != nil {
		r.fail(err.Error())
	}
}

func (r *Report) fail(text string) {
	r.Failures++
	if len(r.Errors) < reportErrorsMax {
		r.Errors = append(r.Errors, text)
	}
}

// Merge enters the runs of another report, for instance of another goroutine.
func (r *Report) Merge(o Report) {
	r.From = min(r.From, o.From)
	r.Seeds += o.Seeds
	r.Failures += o.Failures
	r.Errors = append(r.Errors, o.Errors...)
	r.Errors = slices.Clip(r.Errors[:min(len(r.Errors), reportErrorsMax)])
	r.Views += o.Views
	r.Heights += o.Heights
	r.Events += o.Events
	r.Nullified += o.Nullified
	r.Crashes += o.Crashes
	r.Evidences += o.Evidences
	r.Equivocations += o.Equivocations
	r.HonestViews += o.HonestViews
	r.HonestBlocks += o.HonestBlocks
	r.SimulatedMs += o.SimulatedMs
}

// Check states SIM-10 over all runs together, without the leeway that a single short run has.
func (r *Report) Check() error {
	if r.Failures > 0 {
		return errors.New(r.Errors[0])
	}
	if r.HonestBlocks*100 < r.HonestViews*95 {
		return errors.New("SIM-10: fewer than 95 % of the honest leaders' views brought a block after the calm")
	}
	return nil
}

// RunMany plays the seeds from c.Seed on, every stride-th of n: goroutine k of many starts at c.Seed + k
// with as many as stride. progress, if not nil, is called after each run, and stops the rest by false.
func RunMany(c Config, n, stride uint64, progress func(Report) bool) Report {
	r := Report{From: c.Seed, Nodes: c.Nodes}
	first := c.Seed
	for i := uint64(0); i < n; i += max(stride, 1) {
		c.Seed = first + i
		r.Add(Run(c))
		if progress != nil && !progress(r) {
			break
		}
	}
	return r
}
