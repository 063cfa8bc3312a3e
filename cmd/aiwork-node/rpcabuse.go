package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/internal/term"
	"github.com/aiwork/aiwork-node/testnet"
	"github.com/aiwork/aiwork-node/testnet/rpcabuse"
)

const (
	abuseSenders = 100
	abuseNice    = 19 // of the attackers, which in earnest run on other machines
)

func abuseCommand() *cli.Command {
	return &cli.Command{
		Name:  "rpcabuse",
		Usage: "measure the time to finality of a fresh network, then again while its JSON-RPC is abused in every known way",
		Flags: append([]cli.Flag{
			&cli.IntFlag{Name: "seconds", Usage: "`N` seconds with, and as many without, abuse", Value: 30},
			&cli.Float64Flag{Name: "rate", Usage: "`N` transfers a second at which finality is measured", Value: 50},
			&cli.IntFlag{Name: "targets", Usage: "abuse `N` of the validators", Value: 1},
			&cli.Float64Flag{Name: "ratio-max", Usage: "fail when the 99th percentile grows by more than this `FACTOR`", Value: 1.25},
			&cli.StringFlag{Name: "dir", Usage: "`FOLDER` of the network; default: one that is removed afterwards"},
		}, portFlags()...),
		Action: abuse,
	}
}

// abuseReport is what rpcabuse prints.
type abuseReport struct {
	Targets  int                   `json:"targets"`
	RatioP50 float64               `json:"finalityP50Ratio"`
	RatioP99 float64               `json:"finalityP99Ratio"`
	RatioMax float64               `json:"finalityP99RatioMax"`
	Phases   []*testnet.LoadReport `json:"phases"`
	Attacks  []rpcabuse.Tally      `json:"attacks"`
}

func abuse(c *cli.Context) error {
	switch {
	case c.Int("seconds") < 1 || c.Int("seconds") > testnet.LoadSecondsMax:
		return usagef("--seconds: want 1 to %d", testnet.LoadSecondsMax)
	case c.Int("targets") < 1 || c.Int("targets") > c.Int("validators"):
		return usagef("--targets: want 1 to %d", c.Int("validators"))
	}
	p := printer(c)
	remove, err := ownFolder(c, "aiwork-abuse-")
	if err != nil {
		return err
	}
	cluster, err := launch(c, p)
	if err != nil {
		return err
	}
	r := &abuseReport{Targets: c.Int("targets"), RatioMax: c.Float64("ratio-max")}
	err = errors.Join(yieldToOthers(), r.run(c, p, cluster))
	if err := errors.Join(err, cluster.Stop(), remove()); err != nil {
		return err
	}
	if err := p.Result(r, r.print); err != nil {
		return err
	}
	if r.RatioP99 > r.RatioMax {
		return faultError{fmt.Errorf("finality p99 grew by a factor of %.2f under abuse, more than %.2f", r.RatioP99, r.RatioMax)}
	}
	return nil
}

func (r *abuseReport) run(c *cli.Context, p *term.Printer, cluster *testnet.Cluster) error {
	o := clusterLoad(cluster, testnet.Account(0))
	// The load goes to nodes that are not abused, where there are any: how long a caller waits among so many is
	// not what is measured.
	if spared := o.URLs[r.Targets:]; len(spared) > 0 {
		o.URLs = spared
	}
	o.Senders = abuseSenders
	l, err := testnet.NewLoad(o)
	if err != nil {
		return err
	}
	defer l.Close()
	length := time.Duration(c.Int("seconds")) * time.Second
	rate := c.Float64("rate")
	if err := l.Fund(c.Context, int(rate*length.Seconds())*2/abuseSenders+2); err != nil {
		return err
	}
	var urls []string
	for i := range r.Targets {
		urls = append(urls, cluster.URL(i))
	}
	for _, name := range []string{"in peace", "under abuse"} {
		p.Note("%s for %s", name, length)
		ctx, stop := context.WithCancel(c.Context)
		attacked := make(chan error, 1)
		go func() { attacked <- r.attack(ctx, name == "under abuse", urls, cluster.Layout.ChainID) }()
		report, err := l.Run(c.Context, testnet.Phase{Name: name, Duration: length, Rate: rate})
		stop()
		if err := errors.Join(err, <-attacked); err != nil {
			return err
		}
		r.Phases = append(r.Phases, report)
	}
	peace, war := r.Phases[0].Finality, r.Phases[1].Finality
	if peace.P50 == 0 || peace.P99 == 0 {
		return errors.New("no block became final while it was measured")
	}
	r.RatioP50, r.RatioP99 = war.P50/peace.P50, war.P99/peace.P99
	return nil
}

func (r *abuseReport) attack(ctx context.Context, now bool, urls []string, chainID uint64) (err error) {
	if now {
		r.Attacks, err = rpcabuse.Run(ctx, urls, rpcabuse.All(chainID))
	}
	return err
}

func (r *abuseReport) print(w io.Writer) {
	testnet.PrintLoads(w, r.Phases)
	fmt.Fprintln(w)
	var rows [][]string
	for _, a := range r.Attacks {
		rows = append(rows, []string{
			a.Attack, strconv.Itoa(a.Shots), strconv.Itoa(a.Answered), strconv.Itoa(a.Refused), strconv.Itoa(a.Broken), mostly(a.Errors),
		})
	}
	term.Table(w, []string{"abuse", ">shots", ">answered", ">refused", ">unanswered", "mostly because"}, rows)
	fmt.Fprintf(w, "\nfinality under abuse of %d node(s): p50 x %.2f, p99 x %.2f (at most %.2f)\n", r.Targets, r.RatioP50, r.RatioP99, r.RatioMax)
}

// mostly gives the commonest reason.
func mostly(reasons map[string]int) string {
	var most string
	for why, n := range reasons {
		if n > reasons[most] || n == reasons[most] && why < most {
			most = why
		}
	}
	return most
}

// yieldToOthers lowers the priority of this process, thread by thread, as Linux has it.
func yieldToOthers() error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("own priority: %w", err)
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		if err := syscall.Setpriority(syscall.PRIO_PROCESS, id, abuseNice); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("own priority: %w", err)
		}
	}
	return nil
}
