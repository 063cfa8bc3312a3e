package plan

import (
	"context"
	"time"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A Profile collects what each step of a run takes. It is for one run at a time; runs of the same plan are added up.
type Profile struct {
	Runs  int
	Lines []Line
	at    int // in the run under way
}

// A Line is a step of a plan: a node of the model, with those that were joined to it.
type Line struct {
	Label string // of the node
	Ops   string // operators, those that run on what the first one makes behind a plus sign
	Time  time.Duration
	Steps int  // multiply-adds of a run where Dense is set, else elements
	Dense bool // it is a product or convolution, whose steps are multiply-adds
}

// A note is what a profile tells of a step.
type note struct {
	label, ops string
	steps      int
}

// RunProfiled is Run, and adds to p what each step took.
func (r *Runner) RunProfiled(ctx context.Context, inputs []*tensor.Tensor, limits program.Limits, p *Profile) ([]*tensor.Tensor, error) {
	p.at = 0
	p.Runs++
	return r.run(ctx, inputs, limits, p, nil)
}

func (p *Profile) begin() (t time.Time) {
	if p == nil {
		return t
	}
	return time.Now()
}

func (p *Profile) end(began time.Time, s step, n *note) {
	if p == nil {
		return
	}
	took := time.Since(began)
	if _, none := s.(nothing); none {
		return
	}
	if p.at == len(p.Lines) {
		p.Lines = append(p.Lines, Line{Label: n.label, Ops: n.ops, Steps: n.steps, Dense: multiplies(s)})
	}
	p.Lines[p.at].Time += took
	p.at++
}

// multiplies reports whether a step multiplies and adds.
func multiplies(s step) bool {
	switch s.(type) {
	case *convStep, *turnedStep, *depthwiseStep, *transposedStep, *matrixStep:
		return true
	}
	return false
}

// Peak measures how many floating-point operations a second the Runner's threads reach where everything lies in the first cache. It
// takes some milliseconds.
func (r *Runner) Peak() float64 {
	const m, n, k, rounds, tries = 48, 32, 128, 100, 12
	c := r.team.hire()
	defer c.leave()
	rows := r.path.PackRows(make([]float32, m*k), m, k, nil)
	columns := r.path.PackColumns(kernel.MatrixColumns(make([]float32, k*n+kernel.Slack), k, n))
	best := 0.0
	for range tries {
		began := time.Now()
		c.split(c.threads(), aloneSteps, func(_ int, w *worker) {
			out := make([]float32, m*n)
			for range rounds {
				r.path.Multiply(out, n, rows, columns, &kernel.End{}, r.path.Parts(rows, columns), &w.Scratch)
			}
		})
		best = max(best, 2*float64(m*n*k*rounds*c.threads())/time.Since(began).Seconds())
	}
	return best
}
