package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/internal/term"
	"github.com/aiwork/aiwork-node/vm"
	"github.com/aiwork/aiwork-node/vm/fork"
	"github.com/aiwork/aiwork-node/vm/statetest"
)

func evmCommand() *cli.Command {
	trace := &cli.BoolFlag{Name: "trace", Usage: "write each instruction to standard error, in the form of EIP-3155"}
	return &cli.Command{
		Name:  "evm",
		Usage: "run the virtual machine by itself",
		Subcommands: []*cli.Command{
			{
				Name: "statetest", Usage: "run Ethereum's state tests; ends with code 1 if one fails", ArgsUsage: "PATH...",
				Flags:  []cli.Flag{trace},
				Action: evmStateTest,
			},
			{
				Name: "run", Usage: "run code in an empty state, without the costs of a transaction",
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "code", Usage: "the program, in `HEX`", Required: true},
					&cli.StringFlag{Name: "input", Usage: "the call's data, in `HEX`"},
					&cli.Uint64Flag{Name: "gas", Usage: "at most `N` gas", Value: 10_000_000},
					&cli.StringFlag{Name: "fork", Usage: "`NAME` of the rule set", Value: fork.Latest.String()},
					&cli.BoolFlag{Name: "bench", Usage: "run again and again for a second and print the times"},
					trace,
				},
				Action: evmRun,
			},
		},
	}
}

// tally is what became of all cases.
type tally struct {
	Passed   int      `json:"passed"`
	Failed   int      `json:"failed"`
	Skipped  int      `json:"skipped"`
	Failures []string `json:"failures,omitempty"` // where, and the first difference
}

func (t *tally) add(file string, r statetest.Result) {
	switch {
	case r.Skipped != "":
		t.Skipped++
		t.Failures = append(t.Failures, fmt.Sprintf("SKIP %s: %s %s %d: %s", file, r.Name, r.Fork, r.Index, r.Skipped))
	case r.Err != nil:
		t.Failed++
		t.Failures = append(t.Failures, fmt.Sprintf("FAIL %s: %s %s %d: %v", file, r.Name, r.Fork, r.Index, r.Err))
	default:
		t.Passed++
	}
}

func evmStateTest(c *cli.Context) error {
	if c.NArg() == 0 {
		return usagef("want at least one PATH: `%s --help` shows how", c.Command.HelpName)
	}
	files, err := jsonFiles(c.Args().Slice())
	if err != nil {
		return err
	}
	p := printer(c)
	workers, trace := runtime.GOMAXPROCS(0), (*statetest.Trace)(nil)
	if c.Bool("trace") {
		workers, trace = 1, statetest.NewTrace(p.Err)
	}
	total, err := runFiles(c.Context, files, workers, trace)
	if err != nil {
		return err
	}
	slices.Sort(total.Failures)
	if err := p.Result(total, func(w io.Writer) {
		for _, f := range total.Failures {
			fmt.Fprintln(w, f)
		}
		fmt.Fprintf(w, "%d passed, %d failed, %d skipped\n", total.Passed, total.Failed, total.Skipped)
	}); err != nil {
		return err
	}
	if total.Failed > 0 {
		return fmt.Errorf("%d state tests failed", total.Failed)
	}
	return nil
}

// jsonFiles finds the files of tests under the paths that a user gave.
func jsonFiles(paths []string) (files []string, err error) {
	for _, path := range paths {
		err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (name == path || strings.HasSuffix(name, ".json")) {
				files = append(files, name)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(files) == 0 {
		return nil, usagef("no .json file under %s", strings.Join(paths, ", "))
	}
	return files, nil
}

// runFiles runs files on several cores. The first file that cannot be read ends it.
func runFiles(ctx context.Context, files []string, workers int, trace *statetest.Trace) (total tally, err error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	next := 0
	take := func() (string, bool) {
		mu.Lock()
		defer mu.Unlock()
		if next == len(files) || err != nil || ctx.Err() != nil {
			return "", false
		}
		next++
		return files[next-1], true
	}
	for range workers {
		wg.Go(func() {
			r := statetest.NewRunner()
			if trace != nil {
				r.Trace(trace)
			}
			for name, ok := take(); ok; name, ok = take() {
				results, fault := runFile(r, name)
				mu.Lock()
				for _, res := range results {
					total.add(name, res)
				}
				if fault != nil && err == nil {
					err = fault
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if err == nil {
		err = ctx.Err()
	}
	if trace != nil && err == nil {
		err = trace.Close()
	}
	return total, err
}

func runFile(r *statetest.Runner, name string) (results []statetest.Result, err error) {
	file, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if err := r.Run(file, func(res statetest.Result) { results = append(results, res) }); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return results, nil
}

// runReport is what `evm run` prints.
type runReport struct {
	Output   string  `json:"output"`
	GasUsed  uint64  `json:"gasUsed"`
	Refund   uint64  `json:"refund"`
	Error    string  `json:"error,omitempty"`
	Runs     int     `json:"runs,omitempty"`
	BestNs   int64   `json:"bestNs,omitempty"`
	MedianNs int64   `json:"medianNs,omitempty"`
	MgasPerS float64 `json:"mgasPerSecond,omitempty"` // of the median
}

func evmRun(c *cli.Context) error {
	if err := want(c, 0, "no arguments"); err != nil {
		return err
	}
	code, err := hexFlag(c, "code")
	if err != nil {
		return err
	}
	input, err := hexFlag(c, "input")
	if err != nil {
		return err
	}
	f, ok := fork.Parse(c.String("fork"))
	if !ok {
		return usagef("--fork %s: no such rule set", c.String("fork"))
	}
	p := printer(c)
	var tracer vm.Tracer
	if c.Bool("trace") {
		t := statetest.NewTrace(p.Err)
		defer t.Close()
		tracer = t
	}
	m := vm.New(f, nil, vm.NewCodes(vm.CodesBytesMax))
	run := statetest.RunCode(m, code, input, c.Uint64("gas"), tracer)
	out := run()
	report := runReport{Output: "0x" + hex.EncodeToString(out.Output), GasUsed: out.GasUsed, Refund: out.Refunded}
	if out.Fault != 0 {
		report.Error = out.Fault.Error()
	}
	if c.Bool("bench") {
		m.Trace(nil)
		report.measure(run)
	}
	return p.Result(report, report.print)
}

func hexFlag(c *cli.Context, name string) ([]byte, error) {
	b, err := hex.DecodeString(strings.TrimPrefix(c.String(name), "0x"))
	if err != nil {
		return nil, usagef("--%s: want hexadecimal digits in pairs", name)
	}
	return b, nil
}

// benchTime and benchRunsMax bound what --bench does.
const (
	benchTime    = time.Second
	benchRunsMax = 1_000_000
)

func (r *runReport) measure(run func() vm.Outcome) {
	var times []time.Duration
	for end := time.Now().Add(benchTime); len(times) == 0 || time.Now().Before(end) && len(times) < benchRunsMax; {
		start := time.Now()
		run()
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	r.Runs, r.BestNs, r.MedianNs = len(times), int64(times[0]), int64(times[len(times)/2])
	r.MgasPerS = float64(r.GasUsed) * 1e3 / float64(max(r.MedianNs, 1))
}

func (r *runReport) print(w io.Writer) {
	rows := [][2]string{{"output", r.Output}, {"gas used", fmt.Sprint(r.GasUsed)}, {"refund", fmt.Sprint(r.Refund)}}
	if r.Error != "" {
		rows = append(rows, [2]string{"fault", r.Error})
	}
	if r.Runs > 0 {
		rows = append(rows, [2]string{"time", fmt.Sprintf("best %s, median %s of %d runs, %.0f Mgas/s",
			time.Duration(r.BestNs), time.Duration(r.MedianNs), r.Runs, r.MgasPerS)})
	}
	term.Pairs(w, rows...)
}
