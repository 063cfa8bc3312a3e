package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute"
	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/health"
	"github.com/aiwork/aiwork-node/internal/home"
	"github.com/aiwork/aiwork-node/internal/term"
	"github.com/aiwork/aiwork-node/testnet"
)

const (
	drainMax       = 5 * time.Minute // a draining worker that still has work stops then; a restart takes it up
	reconnectPause = 500 * time.Millisecond
)

func workerCommand() *cli.Command {
	return &cli.Command{
		Name:  "worker",
		Usage: "run inference for jobs of a network and be paid for it; SIGTERM finishes what is begun, then stops",
		Flags: []cli.Flag{
			rpcFlag(),
			&cli.StringFlag{Name: "bond", Usage: "`TOKENS` that stand for the work's correctness", Value: "1000"},
			&cli.StringFlag{Name: "payout", Usage: "`ADDRESS` that is paid; default: the worker's own"},
			&cli.StringFlag{Name: "about", Usage: "free `TEXT` for the worker's record"},
			&cli.StringFlag{Name: "password-file", Usage: "`FILE` with the account key's password"},
			&cli.StringFlag{Name: "metrics", Usage: "`ADDRESS` of metrics, /livez and /readyz; none if empty"},
			&cli.IntFlag{Name: "engine-threads", Usage: "threads of the engine; 0: one less than the machine has"},
			&cli.IntFlag{Name: "engine-memory-mib", Usage: "memory ceiling of the engine's process", Value: 2048},
		},
		Action: runWorker,
	}
}

// worker is a running worker process.
type worker struct {
	home   home.Home
	client *client.Client
	remote *compute.Remote
	engine *engine.Engine
	log    *slog.Logger
	who    chain.Address
	enrol  compute.Enrolment
	reg    *prometheus.Registry
	stats  *compute.Metrics
	ready  func(error)
}

func runWorker(c *cli.Context) error {
	if err := want(c, 0, "no arguments"); err != nil {
		return err
	}
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	w := &worker{home: nodeHome(c), log: newLogger(cfg, os.Stderr), reg: prometheus.NewRegistry()}
	if err := w.open(c); err != nil {
		return err
	}
	defer w.engine.Close()
	ctx, cancel := testnet.WithLifeline(c.Context)
	defer cancel()
	stop, err := w.serveHealth(c.String("metrics"))
	if err != nil {
		return err
	}
	defer stop()
	return w.run(ctx)
}

func (w *worker) open(c *cli.Context) (err error) {
	if w.client, err = dial(c); err != nil {
		return err
	}
	key, err := w.home.LoadAccount(c.String("password-file"))
	if err != nil {
		return err
	}
	w.who = chain.Address(key.Public().Address())
	w.remote = compute.NewRemote(w.client, key)
	w.reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	w.stats = compute.NewMetrics(w.reg)
	w.enrol = compute.Enrolment{Payout: w.who, About: c.String("about")}
	if w.enrol.Bond, err = term.ParseAWO(c.String("bond")); err != nil {
		return usagef("--bond: %v", err)
	}
	if p := c.String("payout"); p != "" {
		if w.enrol.Payout, err = chain.ParseAddress(p); err != nil {
			return usagef("--payout: %v", err)
		}
	}
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	w.engine, err = engine.Start(context.WithoutCancel(c.Context), engine.Options{
		Exe: exe, Args: []string{"engine"}, ThreadsMax: c.Int("engine-threads"), MemoryMaxBytes: int64(c.Int("engine-memory-mib")) << 20,
	})
	if err != nil {
		return err
	}
	for _, m := range w.engine.Models() {
		w.enrol.Models = append(w.enrol.Models, m.ID)
	}
	return nil
}

// serveHealth opens the metrics port, if there is to be one.
func (w *worker) serveHealth(addr string) (stop func(), err error) {
	state := make(chan error, 1)
	state <- errors.New("not enrolled yet")
	w.ready = func(err error) {
		<-state
		state <- err
	}
	if addr == "" {
		return func() {}, nil
	}
	s, err := health.Listen(addr, w.reg, []health.Check{{Name: "node", Failing: func() error {
		err := <-state
		state <- err
		return err
	}}})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Run(ctx); err != nil {
			w.log.Error("metrics", "error", err)
		}
	}()
	return func() { cancel(); <-done }, nil
}

// run works until told to stop, and reconnects whenever the node is gone for a while.
func (w *worker) run(stop context.Context) error {
	work, cancel := context.WithCancel(context.WithoutCancel(stop))
	defer cancel()
	drained := make(chan struct{})
	go w.drainWhenTold(work, stop, drained, cancel)
	for {
		err := w.session(work, drained)
		switch {
		case work.Err() != nil:
			return nil
		case err == nil:
			w.log.Info("drained: nothing is left to do")
			return nil
		case stop.Err() != nil:
			return nil // the node is gone too; what is begun is taken up after the next start
		}
		w.ready(err)
		w.log.Warn("no node to work for", "url", w.client.URL(), "error", err)
		select {
		case <-time.After(reconnectPause):
		case <-stop.Done():
			return nil
		}
	}
}

// session enrols and works until the connection is lost or the work is drained.
func (w *worker) session(ctx context.Context, drained <-chan struct{}) error {
	genesis, err := w.remote.Genesis(ctx)
	if err != nil {
		return err
	}
	select {
	case <-drained:
	default:
		steps, err := w.remote.Enrol(ctx, w.enrol)
		if err != nil {
			return fmt.Errorf("enrol %s: %w", w.who.Checksum(), err)
		}
		w.log.Info("worker ready", "address", w.who.Checksum(), "node", w.client.URL(), "genesis", genesis, "steps", steps)
	}
	journal, err := compute.OpenJournal(w.home.Work(), genesis, w.who)
	if err != nil {
		return err
	}
	w.ready(nil)
	r := compute.NewRunner(compute.Options{
		Address: w.who, Roles: []compute.Role{compute.RoleWorker}, Market: w.remote, Engine: w.engine, Journal: journal,
		Genesis: genesis, Poke: true, Log: w.log, Metrics: w.stats,
	})
	return r.Run(ctx, drained)
}

// drainWhenTold asks for no more work once stop ends, and cuts a drain short that takes too long.
func (w *worker) drainWhenTold(work, stop context.Context, drained chan struct{}, cancel func()) {
	select {
	case <-stop.Done():
	case <-work.Done():
		return
	}
	w.log.Info("stopping: finishing what is begun")
	if err := w.remote.Drain(work); err != nil {
		w.log.Warn("not drained on chain", "error", err)
	}
	close(drained)
	select {
	case <-time.After(drainMax):
		w.log.Warn("work is left: it is taken up after the next start")
		cancel()
	case <-work.Done():
	}
}
