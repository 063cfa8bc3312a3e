package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/plan"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/term"
)

// What `model bench` tells beyond the time of a run: where it goes, and what a checkpoint adds to it.

// A profiled is what one step of a run takes.
type profiled struct {
	Operators string  `json:"operators"`
	Node      string  `json:"node"`
	Us        float64 `json:"us"` // mean
	Share     float64 `json:"share"`
	GFlops    float64 `json:"gflops,omitempty"` // of products and convolutions
	OfPeak    float64 `json:"ofPeak,omitempty"`
}

// profiledRows is how many steps the table has; the others are added up.
const profiledRows = 40

// profile runs a model some times, step by step, the longest steps first.
func (r *runner) profile(ctx context.Context, inputs []*tensor.Tensor, runs int) (list []profiled, peak float64, err error) {
	var p plan.Profile
	for range runs {
		if _, err := r.plans.RunProfiled(ctx, inputs, program.DefaultLimits(), &p); err != nil {
			return nil, 0, err
		}
	}
	peak = r.plans.Peak()
	var all time.Duration
	for _, l := range p.Lines {
		all += l.Time
	}
	for _, l := range p.Lines {
		s := profiled{Operators: l.Ops, Node: l.Label, Us: l.Time.Seconds() * 1e6 / float64(p.Runs), Share: float64(l.Time) / float64(max(all, 1))}
		if l.Dense {
			s.GFlops = 2 * float64(l.Steps) * float64(p.Runs) / l.Time.Seconds() / 1e9
			s.OfPeak = s.GFlops * 1e9 / peak
		}
		list = append(list, s)
	}
	slices.SortStableFunc(list, func(a, b profiled) int { return cmp.Compare(b.Us, a.Us) })
	return list, peak, nil
}

func printProfile(w io.Writer, list []profiled, peak float64) {
	var rows [][]string
	for _, s := range list[:min(len(list), profiledRows)] {
		speed, share := "", ""
		if s.GFlops > 0 {
			speed, share = fmt.Sprintf("%.1f", s.GFlops), percentOf(s.OfPeak)
		}
		rows = append(rows, []string{fmt.Sprintf("%.1f", s.Us), percentOf(s.Share), speed, share, s.Operators, s.Node})
	}
	if rest := list[len(rows):]; len(rest) > 0 {
		us, share := 0.0, 0.0
		for _, s := range rest {
			us, share = us+s.Us, share+s.Share
		}
		rows = append(rows, []string{fmt.Sprintf("%.1f", us), percentOf(share), "", "", fmt.Sprintf("%d others", len(rest)), ""})
	}
	fmt.Fprintln(w)
	term.Table(w, []string{">us", ">share", ">GFLOP/s", fmt.Sprintf(">of %.1f", peak/1e9), "operators", "node"}, rows)
}

func percentOf(v float64) string { return fmt.Sprintf("%.1f%%", 100*v) }

// A receiptCost is what a checkpoint of every run costs.
type receiptCost struct {
	Root     chain.Hash `json:"root"`
	Cuts     int        `json:"cuts"`
	Values   int        `json:"values"`
	Bytes    int        `json:"bytes"`    // that are digested
	DigestMs float64    `json:"digestMs"` // that digests take of a run, at least
	MinMs    float64    `json:"minMs"`    // of runs with it
	Overhead float64    `json:"overhead"`
}

// receiptCost runs a model by turns with and without a checkpoint, and compares the quickest runs.
func (r *runner) receiptCost(c *cli.Context, inputs []*tensor.Tensor, runs int) (*receiptCost, error) {
	n := r.file.Net
	forms, err := r.forms(inputs)
	if err != nil {
		return nil, err
	}
	form := func(v net.Value) receipt.Form { return forms[v] }
	cuts := receipt.Chosen(n, receipt.Stretches, form)
	path, err := pathOf(c.String("path"))
	if err != nil {
		return nil, err
	}
	watch, values := watchOf(n, cuts)
	watching, err := plan.New(r.program, plan.Options{Threads: c.Int("threads"), Path: path, Watch: watch})
	if err != nil {
		return nil, err
	}
	defer watching.Close()
	out := &receiptCost{Cuts: len(cuts), Values: len(watch), Bytes: receipt.Bytes(cuts, form)}
	var digests time.Duration
	with := func() error {
		cp, took := receipt.NewCheckpoint(cuts), time.Duration(0)
		observe := func(v net.Value, t *tensor.Tensor) {
			began := time.Now()
			cp.Observe(v, t)
			took += time.Since(began)
		}
		for i, t := range inputs {
			observe(net.Value(i), t)
		}
		_, err := watching.RunObserved(c.Context, inputs, program.DefaultLimits(), func(o plan.Output, t *tensor.Tensor) { observe(values[o], t) })
		began := time.Now()
		out.Root = cp.Root()
		took += time.Since(began)
		if digests == 0 || took < digests {
			digests = took
		}
		return err
	}
	plain := func() error { _, err := r.run(c.Context, inputs); return err }
	if err := with(); err != nil {
		return nil, err
	}
	var best [2]time.Duration
	for i := range runs {
		for j, f := range []func() error{plain, with} {
			began := time.Now()
			if err := f(); err != nil {
				return nil, err
			}
			if took := time.Since(began); i == 0 || took < best[j] {
				best[j] = took
			}
		}
	}
	out.DigestMs = digests.Seconds() * 1e3
	out.MinMs = best[1].Seconds() * 1e3
	out.Overhead = best[1].Seconds()/best[0].Seconds() - 1
	return out, nil
}

// forms gives the forms of all values, which the definitions make once.
func (r *runner) forms(inputs []*tensor.Tensor) (map[net.Value]receipt.Form, error) {
	forms := map[net.Value]receipt.Form{}
	for i, t := range inputs {
		forms[net.Value(i)] = receipt.FormOf(t)
	}
	next := r.file.Net.FirstOf(0)
	_, err := r.program.RunObserved(inputs, program.DefaultLimits(), func(_ int, outs []*tensor.Tensor) {
		for _, t := range outs {
			forms[next] = receipt.FormOf(t)
			next++
		}
	})
	return forms, err
}

// watchOf lists the outputs that lie at cuts, and the values that they are.
func watchOf(n *net.Net, cuts []receipt.Cut) (watch []plan.Output, values map[plan.Output]net.Value) {
	values = map[plan.Output]net.Value{}
	for _, cut := range cuts {
		for _, v := range cut.Live {
			op, out, ok := receipt.OutputOf(n, v)
			o := plan.Output{Node: op, Out: out}
			if _, known := values[o]; ok && !known {
				values[o] = v
				watch = append(watch, o)
			}
		}
	}
	return watch, values
}

func printReceipt(w io.Writer, r *receiptCost) {
	fmt.Fprintln(w)
	term.Table(w, []string{"checkpoint", "cuts", "values", "MB", "digest ms", "min ms", "overhead"}, [][]string{{
		r.Root.String()[:14], fmt.Sprint(r.Cuts), fmt.Sprint(r.Values), fmt.Sprintf("%.2f", float64(r.Bytes)/1e6), fmt.Sprintf("%.3f", r.DigestMs), ms(r.MinMs), percentOf(r.Overhead),
	}})
}
