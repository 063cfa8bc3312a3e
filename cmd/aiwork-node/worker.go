package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holiman/uint256"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute"
	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/model/builtin"
	"github.com/aiwork/aiwork-node/compute/pool"
	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/health"
	"github.com/aiwork/aiwork-node/internal/home"
	"github.com/aiwork/aiwork-node/internal/term"
	"github.com/aiwork/aiwork-node/tasks/registry"
	"github.com/aiwork/aiwork-node/testnet"
)

const (
	drainCallMax = 5 * time.Second // for telling the chain that no more work is wanted
	enrolPause   = 500 * time.Millisecond
	aheadShare   = 2 // items under way for each engine: one runs, the input of another is there already
)

func workerCommand() *cli.Command {
	return &cli.Command{
		Name:  "worker",
		Usage: "run inference for jobs of a network and be paid for it; SIGTERM finishes what is begun, a second one stops at once",
		Flags: append(append(fetchFlags(), engineFlags()...),
			&cli.StringFlag{Name: "bond", Usage: "`TOKENS` that stand for the work's correctness", Value: "1000"},
			&cli.StringFlag{Name: "payout", Usage: "`ADDRESS` that is paid; default: the worker's own"},
			&cli.StringFlag{Name: "about", Usage: "free `TEXT` for the worker's record"},
			&cli.StringFlag{Name: "ask", Usage: "least price of an item, in `TOKENS`; rounded up by a quarter at most", Value: "0"},
			&cli.BoolFlag{Name: "measure", Usage: "measure this machine at the first start and whenever it has changed, and offer its speed", Value: true},
			&cli.StringFlag{Name: "password-file", Usage: "`FILE` with the account key's password"},
			&cli.StringFlag{Name: "metrics", Usage: "`ADDRESS` of metrics, /livez and /readyz; none if empty"},
			&cli.Float64Flag{Name: "watch", Usage: "`SHARE` of the open results of other workers to run again, 0 to 1; a false one is challenged"},
			&cli.StringFlag{Name: "challenge-bond-max", Usage: "most `TOKENS` to risk on a challenge of a false result; 0: challenge nothing", Value: "100"},
			&cli.StringSliceFlag{Name: "pull", Usage: "`ID` of a model to fetch from peers before starting, if it is not here"},
			&cli.DurationFlag{Name: "drain-max", Usage: "how long SIGTERM waits for what is begun; a restart takes the rest up", Value: 5 * time.Minute}),
		Action:      runWorker,
		Subcommands: workerSubcommands(),
	}
}

// engineFlags say how engines are run.
func engineFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "engines", Usage: "engine processes, each of which runs an item at a time, or several of one language model", Value: 1},
		&cli.IntFlag{Name: "engine-threads", Usage: "threads of all engines together; 0: one less than the machine has"},
		&cli.IntFlag{Name: "engine-memory-mib", Usage: "memory ceiling of each engine's process", Value: 2048},
		&cli.DurationFlag{Name: "item-timeout", Usage: "how long an engine may take for an item", Value: 30 * time.Second},
		&cli.IntFlag{Name: "item-tries", Usage: "runs of an item whose engine crashes or hangs, before its batch is given back", Value: 3},
		packedFlag(),
		&cli.StringSliceFlag{Name: "device", Usage: "`DEVICE` to run networks on, as `device list` calls it; of several each gets an engine of its own; default: the processor"},
		deviceMemoryFlag(),
	}
}

// worker is a running worker process.
type worker struct {
	home     home.Home
	client   *client.Client
	remote   *compute.Remote
	depot    *depot
	engines  *pool.Pool
	atOnce   int // items that run
	log      *slog.Logger
	who      chain.Address
	key      secp.PrivateKey
	threads  int  // of all engines together
	measures bool // offers a speed
	enrol    compute.Enrolment
	drainMax time.Duration
	reg      *prometheus.Registry
	stats    *compute.Metrics
	counsel  counsel
	bondMax  uint256.Int                    // of a challenge
	watch    uint32                         // ppm of the open results of others
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
	sweepModels(w.home.Models(), w.log)
	if err := w.open(c); err != nil {
		return err
	}
	ctx, cancel := testnet.WithLifeline(c.Context)
	defer cancel()
	stop, err := w.serveHealth(c.String("metrics"))
	if err != nil {
		return err
	}
	defer stop()
	if w.depot, err = w.openDepot(ctx, c); err != nil || w.depot == nil {
		return err
	}
	defer w.depot.fetcher.Close()
	if err := w.supply(ctx, c); err != nil || ctx.Err() != nil {
		return err
	}
	if err := w.startEngines(c); err != nil {
		return err
	}
	defer w.engines.Close()
	return w.run(ctx)
}

// supply brings the models that the worker is to have.
func (w *worker) supply(stop context.Context, c *cli.Context) error {
	ids, err := wanted(c)
	if err != nil || len(ids) == 0 {
		return err
	}
	shipped, err := builtin.Models()
	if err != nil {
		return err
	}
	w.depot.pull(stop, model.Library{Files: shipped, Store: w.depot.models}, ids)
	return nil
}

func (w *worker) open(c *cli.Context) (err error) {
	if w.client, err = dial(c); err != nil {
		return err
	}
	key, err := w.home.LoadAccount(c.String("password-file"))
	if err != nil {
		return err
	}
	w.who, w.key = chain.Address(key.Public().Address()), key
	w.threads = threads(c)
	w.measures = c.Bool("measure")
	w.remote = compute.NewRemote(w.client, key)
	w.reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	w.stats = compute.NewMetrics(w.reg)
	w.enrol = compute.Enrolment{Payout: w.who, About: c.String("about")}
	if w.enrol.Bond, err = term.ParseAWO(c.String("bond")); err != nil {
		return usagef("--bond: %v", err)
	}
	if w.bondMax, err = term.ParseAWO(c.String("challenge-bond-max")); err != nil {
		return usagef("--challenge-bond-max: %v", err)
	}
	share := c.Float64("watch")
	if !(share >= 0 && share <= 1) {
		return usagef("--watch %v: want a share of 0 to 1", share)
	}
	w.watch = uint32(math.Round(share * 1e6))
	if w.enrol.Ask, err = term.ParseAWO(c.String("ask")); err != nil {
		return usagef("--ask: %v", err)
	}
	if _, fits := registry.BucketOf(&w.enrol.Ask); !fits {
		return usagef("--ask %s: more than there is", c.String("ask"))
	}
	if p := c.String("payout"); p != "" {
		if w.enrol.Payout, err = chain.ParseAddress(p); err != nil {
			return usagef("--payout: %v", err)
		}
	}
	_, err = wanted(c)
	return err
}

// startEngines starts the children, which share the threads, and learns from them which models they run.
func (w *worker) startEngines(c *cli.Context) error {
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	w.atOnce = enginesOf(c)
	w.counsel = counsel{engineOptions(c, w.home, exe, 0)}
	o := pool.Options{Engines: w.atOnce, TriesMax: c.Int("item-tries"), Log: w.log, Metrics: pool.NewMetrics(w.reg)}
	o.Start = func(ctx context.Context, i int) (pool.Engine, error) {
		options := engineOptions(c, w.home, exe, i)
		options.Note = func(n engine.Note) {
			o.Metrics.Noted(n.Kind)
			logNote(w.log, i, n)
		}
		e, err := engine.Start(ctx, options)
		if err == nil && i == 0 {
			for _, m := range e.Models() {
				w.enrol.Models = append(w.enrol.Models, m.ID)
			}
		}
		return e, err
	}
	w.engines, err = pool.New(context.WithoutCancel(c.Context), o)
	return err
}

// threads is how many the engines may have together: one processor is left to the rest of the machine.
func threads(c *cli.Context) int {
	spare := max(1, runtime.NumCPU()-1)
	if n := c.Int("engine-threads"); n > 0 {
		return min(n, spare)
	}
	return spare
}

// shareOf splits threads over engines, at least one each.
func shareOf(threads, engines, i int) int {
	n := threads / engines
	if i < threads%engines {
		n++
	}
	return max(1, n)
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
	market := &supplied{w.remote, w.depot}
	party := compute.NewParty(compute.PartyOptions{
		Address: w.who, Market: market, Court: w.remote, Counsel: w.counsel, BondMax: w.bondMax, Log: w.log, Metrics: w.stats,
	})
	r := compute.NewRunner(compute.Options{
		Address: w.who, Roles: []compute.Role{compute.RoleWorker, compute.RoleChallenger}, Market: market, Engine: w.engines,
		Party: party, Watch: w.watch, AtOnce: aheadShare * w.atOnce, Together: w.engines.Together, Journal: journal,
		Genesis: genesis, Poke: true, Log: w.log, Metrics: w.stats,
	})
	w.runner.Store(r)
	work, cancel := context.WithCancel(context.WithoutCancel(stop))
	drained := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() { w.drainWhenTold(work, stop, drained, cancel) })
	watching.Go(func() { w.renewPeers(work) })
	err = r.Run(work, drained)
	if err == nil && work.Err() == nil {
		w.log.Info("stopped: nothing more to do now")
	}
	cancel()
	watching.Wait()
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
			err = w.measureOnce(stop, genesis)
		}
		if err == nil {
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

// A counsel starts advocates as children like the worker's engines.
type counsel struct{ options engine.Options }

// Brief implements compute.Counsel.
func (c counsel) Brief(ctx context.Context, model chain.Hash, input, own []byte) (compute.Advocate, error) {
	a, err := engine.Brief(ctx, c.options, model, input, own)
	if err != nil {
		return nil, err
	}
	return a, nil
}
