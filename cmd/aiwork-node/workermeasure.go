package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/capability"
	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/pipeline"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/home"
	"github.com/aiwork/aiwork-node/internal/term"
	"github.com/aiwork/aiwork-node/internal/whole"
)

// recordPath is where a worker keeps its last capability record.
func recordPath(h home.Home) string { return filepath.Join(h.Work(), "capability.record") }

// storedRecord reads the last record of a home, nil if there is none that can be read.
func storedRecord(h home.Home) *capability.Record {
	b, err := os.ReadFile(recordPath(h))
	if err != nil {
		return nil
	}
	r, err := capability.Decode(b)
	if err != nil || r.Verify() != nil {
		return nil // it is measured anew
	}
	return r
}

// libraryAt is what engines of a home run.
func libraryAt(h home.Home) (engine.Library, error) {
	models, err := libraryOf(h.Models())
	return engine.Library{Models: models, Pipelines: pipeline.Store{Dir: h.Models()}}, err
}

// errNoSeed says that the chain has only begun.
var errNoSeed = errors.New("the node knows no seed yet")

// measureOnce sees to it that there is a record of this machine, if the worker is to have one. Where it cannot be measured no speed is
// offered; its error is that of the node, which is asked again.
func (w *worker) measureOnce(ctx context.Context, genesis chain.Hash) error {
	if !w.measures || w.enrol.Record != nil {
		return nil
	}
	r, err := w.record(ctx, genesis, false)
	if _, local := errors.AsType[*localError](err); local && ctx.Err() == nil {
		w.measures = false
		w.log.Warn("no speed is offered", "error", err)
		return nil
	}
	w.enrol.Record = r
	return err
}

// localError is one of this machine.
type localError struct{ err error }

func (e *localError) Error() string { return e.err.Error() }
func (e *localError) Unwrap() error { return e.err }

// record gives the stored record while it holds, or measures anew.
func (w *worker) record(ctx context.Context, genesis chain.Hash, anew bool) (*capability.Record, error) {
	library, err := libraryAt(w.home)
	if err != nil {
		return nil, &localError{err}
	}
	now := w.machine(genesis)
	if was := storedRecord(w.home); was != nil && !anew && was.SameMachine(now) && w.covers(was, library) {
		seed, err := seedOf(ctx, w.client, was.Session)
		if err != nil {
			return nil, err
		}
		if seed != nil && *seed == was.Seed {
			return was, nil
		}
	}
	if err := draw(ctx, w.client, now); err != nil {
		return nil, err
	}
	began := time.Now()
	m := capability.Measurer{
		Engine: w.engines,
		Input:  func(id chain.Hash, seed [32]byte) ([]byte, error) { return capability.Input(library, id, seed) },
		Report: func(id chain.Hash, err error) { w.log.Info("speed not measured", "model", id, "error", err) },
	}
	if err := m.Measure(ctx, now, w.enrol.Models); err != nil {
		return nil, err // that of ctx
	}
	now.Kernels = capability.Kernels(kernel.Best())
	now.MeasuredMs = uint64(time.Now().UnixMilli())
	now.Sign(w.key)
	w.log.Info("measured", "models", len(now.Models), "of", len(w.enrol.Models), "took", time.Since(began).Round(time.Millisecond))
	if err := os.MkdirAll(w.home.Work(), 0o700); err != nil {
		return nil, &localError{fmt.Errorf("capability record: %w", err)}
	}
	if err := whole.Write(recordPath(w.home), now.Encode(), 0o644); err != nil {
		return nil, &localError{fmt.Errorf("capability record: %w", err)}
	}
	return now, nil
}

// covers reports whether a record tells of the models that are served, as far as an item can be drawn for them.
func (w *worker) covers(r *capability.Record, library engine.Library) bool {
	served := map[chain.Hash]bool{}
	for _, id := range w.enrol.Models {
		served[id] = true
		if r.Of(id) != nil {
			continue
		}
		if _, err := capability.Input(library, id, [32]byte{}); !errors.Is(err, capability.ErrNoInput) {
			return false
		}
	}
	for i := range r.Models {
		if !served[r.Models[i].ID] {
			return false
		}
	}
	return true
}

// machine begins a record with what is known without measuring.
func (w *worker) machine(genesis chain.Hash) *capability.Record {
	r := &capability.Record{
		Genesis: genesis, Worker: w.who, Engine: shorten(version), System: runtime.GOOS + "/" + runtime.GOARCH,
		Processor: shorten(fieldOf("/proc/cpuinfo", "model name")), Processors: uint16(runtime.NumCPU()), Engines: uint16(w.atOnce),
		Threads: uint16(w.threads), Path: kernel.Best().String(),
	}
	kib, err := strconv.ParseUint(strings.TrimSuffix(fieldOf("/proc/meminfo", "MemTotal"), " kB"), 10, 42)
	if err == nil {
		r.MemoryMiB = uint32(kib >> 10)
	}
	for _, p := range kernel.Paths() {
		r.Paths = append(r.Paths, p.String())
	}
	return r
}

// fieldOf reads the first line NAME: VALUE of a file, "" if there is none.
func fieldOf(path, name string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func shorten(text string) string {
	text = strings.ToValidUTF8(text, "?")
	for len(text) > capability.TextBytesMax {
		text = strings.ToValidUTF8(text[:capability.TextBytesMax], "")
	}
	return text
}

// draw puts the latest seed that the node knows into a record.
func draw(ctx context.Context, cl *client.Client, r *capability.Record) error {
	var status nodeStatus
	if err := cl.Call(ctx, &status, "aiwork_status"); err != nil {
		return err
	}
	for session := uint64(status.Consensus.Session); ; session-- {
		seed, err := seedOf(ctx, cl, session)
		if err != nil {
			return err
		}
		if seed != nil {
			r.Session, r.Seed = session, *seed
			return nil
		}
		if session == 0 || uint64(status.Consensus.Session)-session == 2 {
			return errNoSeed
		}
	}
}

func seedOf(ctx context.Context, cl *client.Client, session uint64) (seed *chain.Hash, err error) {
	err = cl.Call(ctx, &seed, "aiwork_getSeed", client.Uint64(session))
	return seed, err
}

func measureCommand() *cli.Command {
	return &cli.Command{
		Name:  "measure",
		Usage: "measure this machine anew, store its capability record, and offer the speeds if the account is a worker",
		Flags: append(engineFlags(), append(signerFlags(),
			&cli.StringFlag{Name: "ask", Usage: "least price of an item, in `TOKENS`; rounded up by a quarter at most", Value: "0"})...),
		Action: workerMeasure,
	}
}

func workerMeasure(c *cli.Context) error {
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
	if err := w.startEngines(c); err != nil {
		return err
	}
	defer w.engines.Close()
	genesis, err := w.remote.Genesis(c.Context)
	if err != nil {
		return err
	}
	if w.enrol.Record, err = w.record(c.Context, genesis, true); err != nil {
		return err
	}
	offered, err := w.remote.Offer(c.Context, w.enrol)
	if err != nil {
		return err
	}
	return printer(c).Result(w.enrol.Record, func(out io.Writer) {
		printRecord(out, w.enrol.Record)
		if !offered {
			fmt.Fprintln(out, "\nThe account is no worker, or the chain shows this already: nothing was sent.")
		}
	})
}

func printRecord(w io.Writer, r *capability.Record) {
	term.Pairs(w,
		[2]string{"worker", r.Worker.Checksum()}, [2]string{"measured", time.UnixMilli(int64(r.MeasuredMs)).UTC().Format(time.RFC3339)},
		[2]string{"program", r.Engine}, [2]string{"system", r.System}, [2]string{"processor", r.Processor},
		[2]string{"processors, memory", fmt.Sprintf("%d, %d MiB", r.Processors, r.MemoryMiB)},
		[2]string{"engines, threads", fmt.Sprintf("%d, %d", r.Engines, r.Threads)},
		[2]string{"path", r.Path + " of " + strings.Join(r.Paths, ", ")})
	var rows [][]string
	for _, k := range r.Kernels {
		rows = append(rows, []string{k.Name, fmt.Sprintf("%.1f", float64(k.OpsPerSec)/1e9)})
	}
	fmt.Fprintln(w)
	term.Table(w, []string{"kernel, one thread", ">Gop/s"}, rows)
	rows = nil
	for i := range r.Models {
		m := &r.Models[i]
		rows = append(rows, []string{short(m.ID), fmt.Sprintf("%.2f", float64(m.ItemMicros)/1e3), fmt.Sprint(m.ItemsPerHour), short(m.Answer)})
	}
	fmt.Fprintln(w)
	term.Table(w, []string{"model", ">ms an item", ">items an hour", "answer"}, rows)
}
