package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/photos"
	"github.com/aiwork/aiwork-node/internal/requester"
	"github.com/aiwork/aiwork-node/internal/system"
	"github.com/aiwork/aiwork-node/internal/term"
	"github.com/aiwork/aiwork-node/testnet"
)

const (
	paceDefaultMs = 300

	firstBlockMax = 20 * time.Second
	workersMax    = 20 * time.Second
	demoMax       = 2 * time.Minute

	restartPause     = 500 * time.Millisecond
	restartSettled   = 5 * time.Second // a process that lived longer has started well
	restartsEarlyMax = 3
)

func devnetCommand() *cli.Command {
	d := testnet.DefaultLayout()
	flags := []cli.Flag{
		&cli.StringFlag{Name: "dir", Usage: "`FOLDER` of the network; one that exists is taken up again", Value: "devnet-data"},
		&cli.IntFlag{Name: "validators", Usage: "`N` validators of a new network", Value: d.Validators},
		&cli.IntFlag{Name: "workers", Usage: "`N` workers of a new network", Value: d.Workers},
		&cli.Uint64Flag{Name: "chain-id", Usage: "chain `ID` of a new network", Value: d.ChainID},
		&cli.IntFlag{Name: "rpc-port", Usage: "first JSON-RPC `PORT` of a new network", Value: d.RPCPort},
		&cli.IntFlag{Name: "metrics-port", Usage: "first metrics `PORT` of a new network", Value: d.MetricsPort},
		&cli.IntFlag{Name: "p2p-port", Usage: "first peer `PORT` of a new network", Value: d.P2PPort},
		&cli.StringFlag{Name: "models", Usage: "`FOLDER` of models that validators and workers run beside those that ship: see model pull"},
		&cli.StringFlag{Name: "worker-binary", Usage: "another `FILE` for the workers, to test the audit", Hidden: true},
	}
	pace := &cli.IntFlag{
		Name: "pace-ms", Value: paceDefaultMs,
		Usage: "`MS` that a transaction rests before a block takes it, for clients that remember nonces for 250 ms; 0: none",
	}
	return &cli.Command{
		Name:   "devnet",
		Usage:  "run a whole network on this machine, each node a process of its own",
		Flags:  append(slices.Clone(flags), pace),
		Action: devnetStart,
		Subcommands: []*cli.Command{
			{Name: "start", Usage: "run it in the foreground; Ctrl-C stops every process", Flags: append(slices.Clone(flags), pace), Action: devnetStart},
			{Name: "demo", Usage: "run it, order a real AI job over the photographs in the binary, print its result, stop", Flags: flags, Action: devnetDemo},
		},
	}
}

// openCluster opens the network in --dir, or makes it.
func openCluster(c *cli.Context) (*testnet.Cluster, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir := c.String("dir")
	cluster, err := testnet.Open(dir, exe, c.String("worker-binary"))
	if !errors.Is(err, testnet.ErrNoCluster) {
		return cluster, err
	}
	l := testnet.Layout{
		ChainID: c.Uint64("chain-id"), Validators: c.Int("validators"), Workers: c.Int("workers"),
		RPCPort: c.Int("rpc-port"), MetricsPort: c.Int("metrics-port"), P2PPort: c.Int("p2p-port"),
	}
	if err := testnet.Create(dir, l, system.Modules()); err != nil {
		return nil, err
	}
	return testnet.Open(dir, exe, c.String("worker-binary"))
}

// launch starts every process and waits for the first new block.
func launch(c *cli.Context, p *term.Printer) (*testnet.Cluster, error) {
	if err := want(c, 0, "no arguments"); err != nil {
		return nil, err
	}
	cluster, err := openCluster(c)
	if err != nil {
		return nil, err
	}
	if err := cluster.CheckPorts(); err != nil {
		return nil, err
	}
	cluster.Pace(c.Int("pace-ms"))
	if folder := c.String("models"); folder != "" {
		if err := cluster.ShareModels(folder); err != nil {
			return nil, err
		}
	}
	start := time.Now()
	if err := cluster.Start(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(c.Context, firstBlockMax)
	defer cancel()
	for i := range cluster.Validators {
		if err := cluster.WaitHeight(ctx, i, 1); err != nil {
			return nil, errors.Join(err, cluster.Stop())
		}
	}
	p.Note("%d validators and %d workers run; first block after %s", len(cluster.Validators), len(cluster.Workers), time.Since(start).Round(time.Millisecond))
	return cluster, nil
}

// devnetInfo is what devnet start prints.
type devnetInfo struct {
	Dir      string          `json:"dir"`
	ChainID  uint64          `json:"chainId"`
	RPC      []string        `json:"rpc"`
	Mnemonic string          `json:"mnemonic"`
	Accounts []devnetAccount `json:"accounts"`
}

type devnetAccount struct {
	Address string `json:"address"`
	Key     string `json:"privateKey"`
}

func devnetStart(c *cli.Context) error {
	p := printer(c)
	cluster, err := launch(c, p)
	if err != nil {
		return err
	}
	info := describeDevnet(cluster)
	if err := p.Result(info, func(w io.Writer) { info.print(w) }); err != nil {
		return errors.Join(err, cluster.Stop())
	}
	err = attend(c.Context, p, cluster)
	p.Note("\nstopping")
	return errors.Join(err, cluster.Stop())
}

func describeDevnet(cluster *testnet.Cluster) devnetInfo {
	info := devnetInfo{Dir: cluster.Dir, ChainID: cluster.Layout.ChainID, Mnemonic: testnet.Mnemonic}
	for i := range cluster.Validators {
		info.RPC = append(info.RPC, cluster.URL(i))
	}
	for i := range testnet.AccountsMax {
		key := testnet.Account(i)
		b := key.Bytes()
		info.Accounts = append(info.Accounts, devnetAccount{checksum(key.Public().Address()), "0x" + hex.EncodeToString(b[:])})
	}
	return info
}

func (d *devnetInfo) print(w io.Writer) {
	term.Pairs(w,
		[2]string{"JSON-RPC", d.RPC[0] + " (HTTP and WebSocket)"}, [2]string{"chain id", fmt.Sprint(d.ChainID)},
		[2]string{"folder", d.Dir}, [2]string{"mnemonic", d.Mnemonic})
	fmt.Fprintln(w, "\nTest accounts, 1000000 AWO each at the start. Their keys are public: never use them elsewhere.")
	var rows [][]string
	for i, a := range d.Accounts {
		rows = append(rows, []string{fmt.Sprint(i), a.Address, a.Key})
	}
	term.Table(w, []string{">", "address", "private key"}, rows)
	fmt.Fprintln(w, "\nCtrl-C stops the network; the same command takes it up again.")
}

// attend waits for Ctrl-C. A process that ends by itself, or is killed, is reported and started again, as an
// operator's service manager would; one that keeps dying ends the network with its log.
func attend(ctx context.Context, p *term.Printer, cluster *testnet.Cluster) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var watching sync.WaitGroup
	for _, process := range cluster.All() {
		watching.Go(func() {
			if err := keepAlive(ctx, p, process); err != nil {
				cancel(err)
			}
		})
	}
	<-ctx.Done()
	watching.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// keepAlive starts a process again whenever it ends, unless it does so soon after its start too often.
func keepAlive(ctx context.Context, p *term.Printer, process *testnet.Process) error {
	started := time.Now()
	for early := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-process.Done():
		}
		if time.Since(started) > restartSettled {
			early = 0
		}
		if early++; early > restartsEarlyMax {
			return process.Failure()
		}
		p.Note("%s: %s; starting it again", process.Name, process.How())
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(restartPause):
		}
		started = time.Now()
		if err := process.Start(); err != nil {
			return err
		}
	}
}

func devnetDemo(c *cli.Context) error {
	p := printer(c)
	start := time.Now()
	cluster, err := launch(c, p)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context, demoMax)
	defer cancel()
	err = demoJob(ctx, p, cluster)
	p.Note("\n%s from start to result; the network's folder is %s:", time.Since(start).Round(100*time.Millisecond), cluster.Dir)
	p.Note("  %s devnet start --dir %s", filepath.Base(os.Args[0]), cluster.Dir)
	return errors.Join(err, cluster.Stop())
}

// demoJob orders the safety check of the photographs in the binary, audited in full.
func demoJob(ctx context.Context, p *term.Printer, cluster *testnet.Cluster) error {
	cl := cluster.Client(0)
	defer cl.Close()
	var inputs []requester.Input
	for _, photo := range photos.All() {
		in, err := requester.NewInput(photo.Name, photo.JPEG)
		if err != nil {
			return err
		}
		inputs = append(inputs, in)
	}
	enrolling, cancel := context.WithTimeout(ctx, workersMax)
	defer cancel()
	if err := testnet.WaitWorkers(enrolling, cl, len(cluster.Workers)); err != nil {
		return err
	}
	model, err := requester.FindModel(ctx, cl, "")
	if err != nil {
		return err
	}
	price, err := term.ParseAWO("1")
	if err != nil {
		return err
	}
	plan, err := requester.NewPlan(ctx, cl, model, inputs, requester.Terms{Price: price, AuditPpm: 1_000_000})
	if err != nil {
		return err
	}
	if !p.JSON {
		printQuote(p.Err, plan)
	}
	id, _, err := plan.Fund(ctx, client.NewSender(cl, testnet.Account(0)))
	if err != nil {
		return err
	}
	if err := uploadInputs(ctx, cl, p, plan); err != nil {
		return err
	}
	return watchJob(ctx, cl, p, id, plan)
}
