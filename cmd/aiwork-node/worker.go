package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute"
	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/health"
	"github.com/aiwork/aiwork-node/internal/home"
	"github.com/aiwork/aiwork-node/internal/term"
	"github.com/aiwork/aiwork-node/testnet"
)

const (
	drainCallMax = 5 * time.Second // for telling the chain that no more work is wanted
	enrolPause   = 500 * time.Millisecond
)

func workerCommand() *cli.Command {
	return &cli.Command{
		Name:  "worker",
		Usage: "run inference for jobs of a network and be paid for it; SIGTERM finishes what is begun, a second one stops at once",
		Flags: []cli.Flag{
			rpcFlag(),
			&cli.StringFlag{Name: "bond", Usage: "`TOKENS` that stand for the work's correctness", Value: "1000"},
			&cli.StringFlag{Name: "payout", Usage: "`ADDRESS` that is paid; default: the worker's own"},
			&cli.StringFlag{Name: "about", Usage: "free `TEXT` for the worker's record"},
			&cli.StringFlag{Name: "password-file", Usage: "`FILE` with the account key's password"},
			&cli.StringFlag{Name: "metrics", Usage: "`ADDRESS` of metrics, /livez and /readyz; none if empty"},
			&cli.IntFlag{Name: "engine-threads", Usage: "threads of the engine; 0: one less than the machine has"},
			&cli.IntFlag{Name: "engine-memory-mib", Usage: "memory ceiling of the engine's process", Value: 2048},
			&cli.DurationFlag{Name: "drain-max", Usage: "how long SIGTERM waits for what is begun; a restart takes the rest up", Value: 5 * time.Minute},
		},
		Action:      runWorker,
		Subcommands: workerSubcommands(),
	}
}

// worker is a running worker process.
type worker struct {
	home     home.Home
	client   *client.Client
	remote   *compute.Remote
	engine   *engine.Engine
	log      *slog.Logger
	who      chain.Address
	enrol    compute.Enrolment
	drainMax time.Duration
	reg      *prometheus.Registry
	stats    *compute.Metrics
	runner   atomic.Pointer[compute.Runner] // nil until the worker is enrolled
}

func runWorker(c *cli.Context) error {
	if err := want(c, 0, "no arguments, or status, leave or withdraw"); err != nil {
		return err
	}
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	w := &worker{home: nodeHome(c), log: newLogger(cfg, os.Stderr), reg: prometheus.NewRegistry(), drainMax: c.Duration("drain-max")}
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
		Exe: exe, Args: []string{"engine", "--models", w.home.Models()}, ThreadsMax: c.Int("engine-threads"), MemoryMaxBytes: int64(c.Int("engine-memory-mib")) << 20,
	})
	if err != nil {
		return err
	}
	for _, m := range w.engine.Models() {
		w.enrol.Models = append(w.enrol.Models, m.ID)
	}
	return nil
}

// healthy is the worker's condition of readiness.
func (w *worker) healthy() error {
	if r := w.runner.Load(); r != nil {
		return r.Health()
	}
	return errors.New("not enrolled yet: see the log")
}

// serveHealth opens the metrics port, if there is to be one.
func (w *worker) serveHealth(addr string) (stop func(), err error) {
	if addr == "" {
		return func() {}, nil
	}
	s, err := health.Listen(addr, w.reg, []health.Check{{Name: "node", Failing: w.healthy}})
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

// run enrols and works until stop ends and what is begun is finished.
func (w *worker) run(stop context.Context) error {
	genesis, err := w.enter(stop)
	if err != nil || stop.Err() != nil {
		return err
	}
	journal, err := compute.OpenJournal(w.home.Work(), genesis, w.who)
	if err != nil {
		return err
	}
	defer journal.Close()
	r := compute.NewRunner(compute.Options{
		Address: w.who, Roles: []compute.Role{compute.RoleWorker}, Market: w.remote, Engine: w.engine, Tracer: tracer{w.home.Models()}, Journal: journal,
		Genesis: genesis, Poke: true, Log: w.log, Metrics: w.stats,
	})
	w.runner.Store(r)
	work, cancel := context.WithCancel(context.WithoutCancel(stop))
	drained, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		w.drainWhenTold(work, stop, drained, cancel)
	}()
	err = r.Run(work, drained)
	if err == nil && work.Err() == nil {
		w.log.Info("stopped: nothing more to do now")
	}
	cancel()
	<-watched
	return err
}

// enter reaches the node and enrols, however long that takes. The log says once what is in the way.
func (w *worker) enter(stop context.Context) (genesis chain.Hash, err error) {
	told := ""
	for {
		var steps []string
		kind := "no node"
		if genesis, err = w.remote.Genesis(stop); err == nil {
			kind = "not enrolled"
			steps, err = w.remote.Enrol(stop, w.enrol)
		}
		if err == nil {
			w.log.Info("worker ready", "address", w.who.Checksum(), "node", w.client.URL(), "genesis", genesis, "steps", steps)
			return genesis, nil
		}
		if errors.Is(err, compute.ErrLeaving) {
			return genesis, err
		}
		level := slog.LevelDebug
		if _, refused := errors.AsType[*client.Error](err); refused {
			kind += err.Error() // a new reason is told too
		}
		if kind != told {
			level, told = slog.LevelWarn, kind
		}
		if stop.Err() == nil {
			w.log.Log(stop, level, "waiting for work", "address", w.who.Checksum(), "node", w.client.URL(), "error", err)
		}
		select {
		case <-time.After(enrolPause):
		case <-stop.Done():
			return genesis, nil
		}
	}
}

// drainWhenTold asks for no more work once stop ends, and cuts a drain short that takes too long.
func (w *worker) drainWhenTold(work, stop context.Context, drained chan struct{}, cancel func()) {
	select {
	case <-stop.Done():
	case <-work.Done():
		return
	}
	w.log.Info("stopping: finishing what is begun")
	late := time.NewTimer(w.drainMax)
	defer late.Stop()
	call, done := context.WithTimeout(work, min(drainCallMax, w.drainMax))
	err := w.remote.Drain(call)
	done()
	if _, refused := errors.AsType[*compute.Refused](err); err != nil && !refused && work.Err() == nil {
		w.log.Warn("not drained on chain", "error", err)
	}
	close(drained)
	select {
	case <-late.C:
		w.log.Warn("work is left: it is taken up after the next start")
		cancel()
	case <-work.Done():
	}
}

// A tracer runs disputed items with the models that the engine has. They are read when there is a dispute.
type tracer struct{ folder string }

func (t tracer) Trace(ctx context.Context, id chain.Hash, input []byte) (*receipt.Trace, error) {
	library, err := libraryOf(t.folder)
	if err != nil {
		return nil, err
	}
	return engine.Tracer{Models: library}.Trace(ctx, id, input)
}
