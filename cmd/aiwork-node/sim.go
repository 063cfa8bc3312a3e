package main

import (
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/consensus/poi/sim"
	"github.com/aiwork/aiwork-node/internal/term"
)

func simCommand() *cli.Command {
	return &cli.Command{
		Name:  "sim",
		Usage: "run the consensus machine against faults, in simulated time",
		Subcommands: []*cli.Command{{
			Name:  "consensus",
			Usage: "play seeds: each decides a network, its faults and its chance; a seed that fails is played again with --from",
			Flags: []cli.Flag{
				&cli.Uint64Flag{Name: "seeds", Usage: "`N` seeds", Value: 1000},
				&cli.IntFlag{Name: "nodes", Usage: "`N` validators; 0 lets the seed choose"},
				&cli.Uint64Flag{Name: "from", Usage: "first `SEED`"},
				&cli.BoolFlag{Name: "real-signatures", Usage: "sign with BIP-340 instead of the stub"},
				&cli.BoolFlag{Name: "trace", Usage: "print what every machine does (one seed)"},
			},
			Action: simConsensus,
		}},
	}
}

func simConsensus(c *cli.Context) error {
	if err := want(c, 0, "no arguments"); err != nil {
		return err
	}
	p, n := printer(c), c.Uint64("seeds")
	cfg := sim.Config{Seed: c.Uint64("from"), Nodes: c.Int("nodes"), RealSignatures: c.Bool("real-signatures")}
	if c.Bool("trace") {
		if n != 1 {
			return usagef("--trace prints one run: give --seeds 1")
		}
		cfg.Trace = func(line string) { fmt.Fprintln(p.Err, line) }
	}
	start := time.Now()
	report := playSeeds(c, p, cfg, n)
	out := struct {
		sim.Report
		Seconds float64 `json:"seconds"`
	}{report, time.Since(start).Seconds()}
	if err := p.Result(out, func(w io.Writer) { printReport(w, &report, time.Since(start)) }); err != nil {
		return err
	}
	if err := report.Check(); err != nil {
		return faultError{err}
	}
	return nil
}

// playSeeds plays the seeds on all cores and joins the reports.
func playSeeds(c *cli.Context, p *term.Printer, cfg sim.Config, n uint64) sim.Report {
	workers := min(uint64(runtime.GOMAXPROCS(0)), max(n, 1))
	bar := p.Progress("seeds", n)
	defer bar.Done()
	var mu sync.Mutex
	var wg sync.WaitGroup
	total := sim.Report{From: cfg.Seed, Nodes: cfg.Nodes}
	counts := make([]uint64, workers)
	for i := range workers {
		part := cfg
		part.Seed += i
		wg.Go(func() {
			r := sim.RunMany(part, n-i, workers, func(r sim.Report) bool {
				mu.Lock()
				defer mu.Unlock()
				counts[i] = r.Seeds
				sum := uint64(0)
				for _, k := range counts {
					sum += k
				}
				bar.Set(sum, "")
				return c.Context.Err() == nil
			})
			mu.Lock()
			defer mu.Unlock()
			total.Merge(r)
		})
	}
	wg.Wait()
	return total
}

func printReport(w io.Writer, r *sim.Report, took time.Duration) {
	term.Pairs(w,
		[2]string{"seeds", fmt.Sprintf("%d in %s, %d failed", r.Seeds, took.Round(time.Millisecond), r.Failures)},
		[2]string{"blocks", fmt.Sprintf("%d finalised in %d views, %d views without one", r.Heights, r.Views, r.Nullified)},
		[2]string{"faults", fmt.Sprintf("%d crashes, %d equivocations seen and reported", r.Crashes, r.Equivocations)})
	for _, e := range r.Errors {
		fmt.Fprintln(w, "\n"+e)
	}
}
