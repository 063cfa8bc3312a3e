package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/home"
	"github.com/aiwork/aiwork-node/internal/system"
	"github.com/aiwork/aiwork-node/internal/term"
	"github.com/aiwork/aiwork-node/testnet"
)

const (
	overloadFactor = 10 // of the peak that was just measured
	benchPorts     = 12_000
)

func testnetCommand() *cli.Command {
	return &cli.Command{
		Name:        "testnet",
		Usage:       "put a network under load and look what it does",
		Subcommands: []*cli.Command{loadCommand(), chaosCommand(), abuseCommand()},
	}
}

// portFlags keep test networks out of the way of a devnet that runs.
func portFlags() []cli.Flag {
	d := testnet.DefaultLayout()
	return []cli.Flag{
		&cli.IntFlag{Name: "validators", Usage: "`N` validators of a new network", Value: d.Validators},
		&cli.IntFlag{Name: "workers", Usage: "`N` workers of a new network", Value: d.Workers},
		&cli.Uint64Flag{Name: "chain-id", Usage: "chain `ID` of a new network", Value: d.ChainID},
		&cli.IntFlag{Name: "rpc-port", Usage: "first JSON-RPC `PORT` of a new network", Value: d.RPCPort + benchPorts},
		&cli.IntFlag{Name: "metrics-port", Usage: "first metrics `PORT` of a new network", Value: d.MetricsPort + benchPorts},
		&cli.IntFlag{Name: "p2p-port", Usage: "first peer `PORT` of a new network", Value: d.P2PPort + benchPorts},
		&cli.StringFlag{Name: "worker-binary", Usage: "another `FILE` for the workers, to test the audit", Hidden: true},
	}
}

func loadCommand() *cli.Command {
	return &cli.Command{
		Name:  "load",
		Usage: "send signed transfers from many accounts over JSON-RPC, to any Ethereum-like nodes, and measure",
		Flags: append([]cli.Flag{
			&cli.StringSliceFlag{Name: "rpc", Usage: "`URL` of a node; several are used in turn", Value: cli.NewStringSlice("http://127.0.0.1:8545")},
			&cli.StringSliceFlag{Name: "metrics-url", Usage: "`URL` of a node's metrics page, for the time to finality"},
			&cli.IntSliceFlag{Name: "pid", Usage: "`PID` of a node's process, for CPU and memory"},
			&cli.StringFlag{Name: "dir", Aliases: []string{"cluster"}, Usage: "start the network in `FOLDER` (made if there is none) and load that, in place of --rpc"},
			&cli.IntFlag{Name: "senders", Usage: "`N` accounts that send", Value: 1000},
			&cli.IntFlag{Name: "seconds", Usage: "`N` seconds of each phase", Value: 60},
			&cli.Float64Flag{Name: "rate", Usage: "offer `N` transfers a second; 0 with --saturate leaves this phase out", Value: 100},
			&cli.BoolFlag{Name: "saturate", Usage: "then offer as many as the nodes take"},
			&cli.BoolFlag{Name: "overload", Usage: "then offer ten times as many as they took (implies --saturate)"},
			&cli.IntFlag{Name: "dev", Usage: "test account `I` pays", Value: 0},
			&cli.StringFlag{Name: "key-file", Usage: "`FILE` with the hexadecimal private key of the account that pays, in place of --dev"},
			&cli.IntFlag{Name: "batch", Usage: "`N` transfers in one request", Value: 50},
			&cli.IntFlag{Name: "backlog", Usage: "`N` transfers wait for a block at once when saturating", Value: 4096},
		}, portFlags()...),
		Action: runLoad,
	}
}

func runLoad(c *cli.Context) error {
	if err := want(c, 0, "no arguments"); err != nil {
		return err
	}
	p := printer(c)
	o, stop, err := loadTarget(c, p)
	if err != nil {
		return err
	}
	reports, err := loadPhases(c, p, o)
	if err := errors.Join(err, stop()); err != nil {
		return err
	}
	return p.Result(map[string]any{"phases": reports}, func(w io.Writer) { testnet.PrintLoads(w, reports) })
}

// loadTarget finds the nodes, or starts them.
func loadTarget(c *cli.Context, p *term.Printer) (o testnet.LoadOptions, stop func() error, err error) {
	payer, err := loadPayer(c)
	if err != nil {
		return o, nil, err
	}
	stop = func() error { return nil }
	if c.IsSet("dir") {
		cluster, err := launch(c, p)
		if err != nil {
			return o, nil, err
		}
		o, stop = clusterLoad(cluster, payer), cluster.Stop
	} else {
		o = testnet.DefaultLoad(c.StringSlice("rpc"), payer)
		o.MetricsURLs = c.StringSlice("metrics-url")
		if pids := c.IntSlice("pid"); len(pids) > 0 {
			o.PIDs = func() (out []testnet.Target) {
				for _, pid := range pids {
					out = append(out, testnet.Target{Name: fmt.Sprint(pid), PID: pid})
				}
				return out
			}
		}
	}
	o.Senders, o.BatchItems, o.Backlog, o.Seed = c.Int("senders"), c.Int("batch"), c.Int("backlog"), randomSeed()
	return o, stop, nil
}

// clusterLoad is a load on all validators of a cluster, with the cost of all its processes.
func clusterLoad(cluster *testnet.Cluster, payer secp.PrivateKey) testnet.LoadOptions {
	var urls []string
	for i := range cluster.Validators {
		urls = append(urls, cluster.URL(i))
	}
	o := testnet.DefaultLoad(urls, payer)
	o.MetricsURLs, o.PIDs, o.Seed = cluster.MetricsURLs(), cluster.Targets, randomSeed()
	return o
}

func loadPayer(c *cli.Context) (secp.PrivateKey, error) {
	if !c.IsSet("key-file") {
		if i := c.Int("dev"); i < 0 || i >= testnet.AccountsMax {
			return secp.PrivateKey{}, usagef("--dev: want 0 to %d", testnet.AccountsMax-1)
		}
		return testnet.Account(c.Int("dev")), nil
	}
	text, err := os.ReadFile(c.String("key-file"))
	if err != nil {
		return secp.PrivateKey{}, fmt.Errorf("--key-file: %w", err)
	}
	return home.ParseKey(strings.TrimSpace(string(text)))
}

func randomSeed() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint64(b[:])
}

func loadPhases(c *cli.Context, p *term.Printer, o testnet.LoadOptions) ([]*testnet.LoadReport, error) {
	l, err := testnet.NewLoad(o)
	if err != nil {
		return nil, usagef("%v", err)
	}
	defer l.Close()
	length := time.Duration(c.Int("seconds")) * time.Second
	if length <= 0 || length > testnet.LoadSecondsMax*time.Second {
		return nil, usagef("--seconds: want 1 to %d", testnet.LoadSecondsMax)
	}
	var plan []testnet.Phase
	if rate := c.Float64("rate"); rate > 0 && (c.IsSet("rate") || !c.Bool("saturate") && !c.Bool("overload")) {
		plan = append(plan, testnet.Phase{Name: fmt.Sprintf("%g/s", rate), Duration: length, Rate: rate})
	}
	if c.Bool("saturate") || c.Bool("overload") {
		plan = append(plan, testnet.Phase{Name: "saturation", Duration: length})
	}
	return runPhases(c.Context, p, l, plan, c.Bool("overload"))
}

// runPhases funds the senders and runs one phase after the other; overload adds one at ten times the
// peak that the last has shown.
func runPhases(ctx context.Context, p *term.Printer, l *testnet.Load, plan []testnet.Phase, overload bool) (out []*testnet.LoadReport, err error) {
	p.Note("funding the senders")
	if err := l.Fund(ctx, testnet.FundTransfers); err != nil {
		return nil, err
	}
	for len(plan) > 0 {
		ph := plan[0]
		plan = plan[1:]
		p.Note("%s: signing, then sending for %s", ph.Name, ph.Duration)
		r, err := l.Run(ctx, ph)
		if err != nil {
			return out, err
		}
		out = append(out, r)
		if overload && len(plan) == 0 {
			overload = false
			plan = append(plan, testnet.Phase{
				Name: "overload x10", Duration: ph.Duration, Rate: min(overloadFactor*r.PerSecond+1, testnet.LoadRateMax), Overload: true,
			})
		}
	}
	return out, nil
}

func chaosCommand() *cli.Command {
	d := testnet.DefaultChaos(nil)
	return &cli.Command{
		Name:  "chaos",
		Usage: "kill processes of a local network under load, then check that nothing was lost; exit code 4 if something was",
		Flags: append([]cli.Flag{
			&cli.IntFlag{Name: "kills", Usage: "`N` processes killed, one after the other", Value: d.Kills},
			&cli.Uint64Flag{Name: "seed", Usage: "`N` that fixes aims, delays and choices; 0: a random one", Value: 0},
			&cli.StringFlag{Name: "dir", Usage: "`FOLDER` of the network; it is made and stays for inspection. Default: one that is removed if all is well"},
			&cli.Float64Flag{Name: "rate", Usage: "`N` transfers a second meanwhile", Value: d.Rate},
			&cli.IntFlag{Name: "dead-seconds", Usage: "at the end one validator stays dead for `N` seconds", Value: int(d.DeadFor.Seconds())},
		}, portFlags()...),
		Action: runChaos,
	}
}

func runChaos(c *cli.Context) error {
	p := printer(c)
	o := testnet.DefaultChaos(system.Modules())
	o.Kills, o.Seed, o.Rate, o.Note = c.Int("kills"), c.Uint64("seed"), c.Float64("rate"), p.Note
	o.DeadFor = time.Duration(c.Int("dead-seconds")) * time.Second
	if o.Seed == 0 {
		o.Seed = randomSeed() >> 32
	}
	if err := o.Check(); err != nil {
		return usagef("%v", err)
	}
	remove, err := ownFolder(c, "aiwork-chaos-")
	if err != nil {
		return err
	}
	cluster, err := launch(c, p)
	if err != nil {
		return err
	}
	replay := fmt.Sprintf("aiwork-node testnet chaos --kills %d --seed %d", o.Kills, o.Seed)
	p.Note("seed %d; the same plan again: %s", o.Seed, replay)
	r, err := testnet.RunChaos(c.Context, cluster, o)
	if err != nil {
		return errors.Join(err, cluster.Stop(), fmt.Errorf("chaos broke off; the data is in %s; replay: %s", cluster.Dir, replay))
	}
	if err := p.Result(r, func(w io.Writer) { r.Print(w) }); err != nil {
		return err
	}
	if len(r.Violations) > 0 {
		return faultError{fmt.Errorf("%d violations; the data is in %s; replay: %s", len(r.Violations), cluster.Dir, replay)}
	}
	return remove()
}

// ownFolder makes a temporary folder where --dir is not given, and gives what removes it.
func ownFolder(c *cli.Context, prefix string) (remove func() error, err error) {
	if c.String("dir") != "" {
		return func() error { return nil }, nil
	}
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		return nil, err
	}
	return func() error { return os.RemoveAll(dir) }, c.Set("dir", dir)
}
