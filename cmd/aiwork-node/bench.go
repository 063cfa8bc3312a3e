package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/internal/system"
	"github.com/aiwork/aiwork-node/internal/term"
	"github.com/aiwork/aiwork-node/testnet"
)

const (
	benchRate    = 100 // transfers a second at which the time to finality is shown
	idleDuration = 5 * time.Second
)

func benchCommand() *cli.Command {
	return &cli.Command{
		Name:  "bench",
		Usage: "run a fresh network on this machine and print its speed, cost and memory beside what the machine allows",
		Flags: append([]cli.Flag{
			&cli.IntFlag{Name: "seconds", Usage: "`N` seconds of each phase", Value: 20},
			&cli.IntFlag{Name: "senders", Usage: "`N` accounts that send", Value: 1000},
			&cli.StringFlag{Name: "dir", Usage: "`FOLDER` of the network; default: one that is removed afterwards"},
		}, portFlags()...),
		Action: bench,
	}
}

// benchReport is what bench prints.
type benchReport struct {
	Version     string                `json:"version"`
	Limits      *testnet.Limits       `json:"limits"`
	IdleSeconds float64               `json:"idleSeconds"`
	Idle        []testnet.Usage       `json:"idle"`
	Phases      []*testnet.LoadReport `json:"phases"`
	JobsDone    int                   `json:"jobsDone"` // in the phase with jobs
}

func bench(c *cli.Context) error {
	if c.Int("seconds") < 1 || c.Int("seconds") > testnet.LoadSecondsMax {
		return usagef("--seconds: want 1 to %d", testnet.LoadSecondsMax)
	}
	p := printer(c)
	remove, err := ownFolder(c, "aiwork-bench-")
	if err != nil {
		return err
	}
	// Before anything else runs on the machine.
	limits, err := testnet.MeasureLimits(".", c.Int("validators"), system.Modules())
	if err != nil {
		return err
	}
	cluster, err := launch(c, p)
	if err != nil {
		return err
	}
	r := &benchReport{Version: version, Limits: limits, IdleSeconds: idleDuration.Seconds()}
	err = r.run(c.Context, p, cluster, c.Int("senders"), time.Duration(c.Int("seconds"))*time.Second)
	if err := errors.Join(err, cluster.Stop(), remove()); err != nil {
		return err
	}
	return p.Result(r, r.print)
}

func (r *benchReport) run(ctx context.Context, p *term.Printer, cluster *testnet.Cluster, senders int, length time.Duration) (err error) {
	p.Note("idle for %s", idleDuration)
	if r.Idle, err = testnet.Idle(ctx, cluster, idleDuration); err != nil {
		return err
	}
	o := clusterLoad(cluster, testnet.Account(0))
	o.Senders = senders
	l, err := testnet.NewLoad(o)
	if err != nil {
		return usagef("%v", err)
	}
	defer l.Close()
	slow := testnet.Phase{Name: fmt.Sprintf("%d/s", benchRate), Duration: length, Rate: benchRate}
	r.Phases, err = runPhases(ctx, p, l, []testnet.Phase{slow, {Name: "saturation", Duration: length}}, true)
	if err != nil {
		return err
	}
	r.Limits.Share = math.Round(r.Phases[1].PerSecond/r.Limits.BoundPerSec*100) / 100
	r.Limits.FinalityTimes = math.Round(r.Phases[0].Finality.P50/r.Limits.BoundMillis*10) / 10
	p.Note("%d/s while jobs run: %s", benchRate, length)
	slow.Name += " and jobs"
	jobs, done, err := testnet.RunWithJobs(ctx, cluster, l, slow)
	if err != nil {
		return err
	}
	r.Phases, r.JobsDone = append(r.Phases, jobs), done
	return nil
}

func (r *benchReport) print(w io.Writer) {
	r.Limits.Print(w)
	fmt.Fprintln(w)
	testnet.PrintLoads(w, r.Phases)
	fmt.Fprintf(w, "\nTimes in ms. Latency: from send to notice of the block at a client. Finality: from proposal to certificate, all nodes.\n")
	fmt.Fprintf(w, "CPU-us/tx: of all %d processes together. Jobs that came to their end in the last phase: %d.\n\n", len(r.Idle), r.JobsDone)
	header := []string{"process", ">idle MiB", ">idle CPU %"}
	for _, ph := range r.Phases {
		header = append(header, ">MiB after "+ph.Phase)
	}
	var rows [][]string
	for i, u := range r.Idle {
		row := []string{u.Name, fmt.Sprintf("%.0f", u.RSSMiB), fmt.Sprintf("%.1f", u.CPUSecs/r.IdleSeconds*100)}
		for _, ph := range r.Phases {
			if i < len(ph.Processes) {
				row = append(row, fmt.Sprintf("%.0f", ph.Processes[i].RSSMiB))
			}
		}
		rows = append(rows, row)
	}
	term.Table(w, header, rows)
	for _, ph := range r.Phases {
		if len(ph.Reasons) > 0 {
			fmt.Fprintf(w, "\n%s, refusals: %s\n", ph.Phase, strings.Trim(fmt.Sprint(ph.Reasons), "map[]"))
		}
	}
}
