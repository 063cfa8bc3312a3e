package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/npy"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/packed"
	"github.com/aiwork/aiwork-node/compute/plan"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/term"
)

// runFlags are those of `model run` and `model bench`.
func runFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "threads", Usage: "`N` threads; the result is the same", Value: 1},
		&cli.StringFlag{Name: "path", Usage: "kernels to use: go, avx2, avx512, avx512vnni or neon; default: the quickest of this machine; the result is the same"},
		&cli.BoolFlag{Name: "reference", Usage: "run the definitions one by one instead: slow"},
		&cli.StringFlag{Name: "device", Usage: "`DEVICE` to run on, as `device list` calls it; the result is the same"},
		deviceMemoryFlag(),
		&cli.StringFlag{Name: "dims", Usage: "sizes of free dimensions as `d0=1,d1=320`; default 1; for made-up inputs"},
		packedFlag(),
	}
}

// A runner runs a model that was loaded.
type runner struct {
	file    *model.File
	program *program.Program
	plans   *plan.Runner // nil: by definitions
	device  *onDevice    // nil: on the processor
	shelf   *packed.Shelf
	unmap   func() error // of the model's file
}

func loadRunner(c *cli.Context) (*runner, error) {
	if c.NArg() == 0 {
		return nil, usagef("want a MODEL: `%s --help` shows how", c.Command.HelpName)
	}
	if err := noLanguage(c, c.Args().First()); err != nil {
		return nil, err
	}
	path, err := pathOf(c.String("path"))
	if err != nil {
		return nil, err
	}
	r := &runner{}
	if err := r.load(c, path); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *runner) load(c *cli.Context, path kernel.Path) (err error) {
	if err := r.read(c, path); err != nil {
		return err
	}
	if r.program, err = r.file.Compile(); err != nil || c.Bool("reference") {
		return err
	}
	o := plan.Options{Threads: c.Int("threads"), Path: path}
	if r.shelf != nil {
		o.Shelf = r.shelf
	}
	if r.plans, err = plan.New(r.program, o); err != nil {
		return usagef("%v", err)
	}
	r.device, err = openDevice(c, r.file)
	return err
}

// read gets the model. Weights of one that is stored lie in files.
func (r *runner) read(c *cli.Context, path kernel.Path) (err error) {
	text, store := c.Args().First(), modelStore(c)
	id, err := store.Find(text)
	if err != nil || c.Bool("reference") {
		r.file, err = loadModel(c, text)
		return err
	}
	r.shelf = packedOf(c, store.Dir).Shelf(id, path.String(), func(text string) { printer(c).Note("%s", text) })
	m, err := store.Open(id, r.shelf)
	if err != nil {
		return err
	}
	r.file, r.unmap = m.File, m.Close
	return nil
}

// pathOf finds a way of computing by its name; the best one has none.
func pathOf(name string) (kernel.Path, error) {
	if name == "" {
		return kernel.Best(), nil
	}
	var known []string
	for _, p := range kernel.Paths() {
		if p.String() == name {
			return p, nil
		}
		known = append(known, p.String())
	}
	return 0, usagef("--path %s: this machine has %s", name, strings.Join(known, ", "))
}

func (r *runner) run(ctx context.Context, inputs []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if r.device != nil {
		if outputs, done, err := r.device.run(ctx, inputs); done {
			return outputs, err
		}
	}
	if r.plans == nil {
		return r.program.Run(inputs, program.DefaultLimits())
	}
	return r.plans.Run(ctx, inputs, program.DefaultLimits())
}

func (r *runner) close() {
	if r.device != nil {
		r.device.close()
	}
	if r.plans != nil {
		r.plans.Close()
	}
	_, _ = r.shelf.Save() // what is not kept is packed again
	if r.unmap != nil {
		_ = r.unmap()
	}
	_ = r.shelf.Close()
}

// An outcome is an output as `model run` prints it.
type outcome struct {
	Type  string     `json:"type"`
	Shape []int      `json:"shape"`
	Root  chain.Hash `json:"root"`
	First []string   `json:"first"`
	File  string     `json:"file,omitempty"`
}

func modelRun(c *cli.Context) error {
	r, err := loadRunner(c)
	if err != nil {
		return err
	}
	defer r.close()
	inputs, err := readTensors(c.Args().Tail())
	if err == nil && len(inputs) == 0 && len(r.program.Inputs) > 0 {
		inputs, err = r.madeUp(c.String("dims"))
		printer(c).Note("no inputs were given: made-up ones are taken")
	}
	if err != nil {
		return err
	}
	outputs, err := r.run(c.Context, inputs)
	if err != nil {
		return err
	}
	results, err := describe(outputs, c.String("out"))
	if err != nil {
		return err
	}
	return printer(c).Result(results, func(w io.Writer) {
		var rows [][]string
		for i, o := range results {
			rows = append(rows, []string{fmt.Sprint(i), o.Type + fmt.Sprint(o.Shape), o.Root.String()[:14], strings.Join(o.First, " ")})
		}
		term.Table(w, []string{"output", "type", "root", "first elements"}, rows)
	})
}

func readTensors(paths []string) (list []*tensor.Tensor, err error) {
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, usagef("%v", err)
		}
		var t *tensor.Tensor
		switch filepath.Ext(path) {
		case ".npy":
			t, err = npy.Decode(b)
		case ".pb":
			t, err = onnx.DecodeTensor(b)
		default:
			err = usagef("want a tensor in a .npy or .pb file")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		list = append(list, t)
	}
	return list, nil
}

const firstElements = 5

// describe tells what came out, and writes it into a folder where one is named.
func describe(outputs []*tensor.Tensor, folder string) (list []outcome, err error) {
	if folder != "" {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, err
		}
	}
	for i, t := range outputs {
		o := outcome{Type: t.Type().String(), Shape: slices.Clone(t.Shape()), Root: lower.DigestOf(t).Root, First: firstOf(t)}
		if folder != "" {
			o.File = filepath.Join(folder, fmt.Sprintf("output_%d.npy", i))
			if err := os.WriteFile(o.File, npy.Encode(t), 0o644); err != nil {
				return nil, err
			}
		}
		list = append(list, o)
	}
	return list, nil
}

func firstOf(t *tensor.Tensor) (list []string) {
	n := min(t.Len(), firstElements)
	for i := range n {
		switch t.Type() {
		case tensor.Float32:
			list = append(list, strconv.FormatFloat(float64(tensor.Values[float32](t)[i]), 'g', -1, 32))
		case tensor.Bool:
			list = append(list, fmt.Sprint(tensor.Values[bool](t)[i]))
		default:
			list = append(list, fmt.Sprint(t.Ints()[i]))
		}
	}
	return list
}

// madeUp gives inputs of the declared shapes: a slow wave for floats, zeros for the rest.
func (r *runner) madeUp(dims string) (list []*tensor.Tensor, err error) {
	free, err := parseDims(dims)
	if err != nil {
		return nil, err
	}
	for i, p := range r.file.Net.Inputs {
		if !p.Known {
			return nil, usagef("input %d has no declared shape: give it as a file", i)
		}
		var shape []int
		for _, d := range p.Shape {
			n := int(d.N)
			if d.Free {
				if n = free[d.N]; n == 0 {
					n = 1
				}
			}
			shape = append(shape, n)
		}
		if err := tensor.CheckShape(shape); err != nil {
			return nil, usagef("input %d: %v", i, err)
		}
		t := tensor.New(r.program.Inputs[i].Type, shape)
		if t.Type() == tensor.Float32 {
			wave(tensor.Values[float32](t))
		}
		list = append(list, t)
	}
	return list, nil
}

// wave fills v with numbers in [-1, 1] that change from one to the next, exactly.
func wave(v []float32) {
	for i := range v {
		v[i] = float32(i*37%257-128) / 128
	}
}

func parseDims(text string) (map[uint32]int, error) {
	free := map[uint32]int{}
	if text == "" {
		return free, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		name, size, _ := strings.Cut(part, "=")
		number, ok := strings.CutPrefix(name, "d")
		at, err := strconv.ParseUint(number, 10, 32)
		n, err2 := strconv.ParseUint(size, 10, 28)
		if !ok || err != nil || err2 != nil {
			return nil, usagef("--dims: %q, want d0=SIZE,d1=SIZE as `model inspect` shows them", part)
		}
		free[uint32(at)] = int(n)
	}
	return free, nil
}

// A benched is what `model bench` prints. Times are in milliseconds.
type benched struct {
	Model  string  `json:"model"`
	Runs   int     `json:"runs"`
	MinMs  float64 `json:"minMs"`
	P50Ms  float64 `json:"p50Ms"`
	MaxMs  float64 `json:"maxMs"`
	CPUMs  float64 `json:"cpuMs"` // of a run, all threads
	RSSMiB float64 `json:"peakRSSMiB"`

	PeakGFlops float64      `json:"peakGflops,omitempty"`
	Profile    []profiled   `json:"profile,omitempty"`
	Receipt    *receiptCost `json:"receipt,omitempty"`
}

const runsMax = 100_000

func modelBench(c *cli.Context) error {
	if c.NArg() == 1 && isLanguage(c, c.Args().First()) {
		return benchLanguage(c)
	}
	r, err := loadRunner(c)
	if err != nil {
		return err
	}
	defer func() { r.close() }()
	runs := c.Int("runs")
	if runs < 1 || runs > runsMax || c.NArg() > 1 {
		return usagef("want one MODEL and 1 to %d runs", runsMax)
	}
	if (c.Bool("profile") || c.Bool("receipt")) && (r.plans == nil || r.device != nil) {
		return usagef("--profile and --receipt are of plans on the processor: leave out --reference and --device")
	}
	inputs, err := r.madeUp(c.String("dims"))
	if err != nil {
		return err
	}
	if _, err := r.run(c.Context, inputs); err != nil { // the first run packs weights
		return err
	}
	if saved, _ := r.shelf.Save(); saved { // from here on it is as it is at every other start
		r.close()
		*r = runner{}
		debug.FreeOSMemory()
		next, err := loadRunner(c)
		if err != nil {
			return err
		}
		r = next
		if _, err := r.run(c.Context, inputs); err != nil {
			return err
		}
	}
	times := make([]float64, runs)
	cpu := cpuTime()
	for i := range times {
		began := time.Now()
		if _, err := r.run(c.Context, inputs); err != nil {
			return err
		}
		times[i] = float64(time.Since(began).Microseconds()) / 1e3
		if c.Context.Err() != nil {
			return c.Context.Err()
		}
	}
	b := benched{Model: r.file.Name, Runs: runs, CPUMs: float64((cpuTime() - cpu).Microseconds()) / 1e3 / float64(runs), RSSMiB: peakRSS()}
	slices.Sort(times)
	b.MinMs, b.P50Ms, b.MaxMs = times[0], times[runs/2], times[runs-1]
	if c.Bool("profile") {
		list, peak, err := r.profile(c.Context, inputs, runs)
		if err != nil {
			return err
		}
		b.Profile, b.PeakGFlops = list, peak/1e9
	}
	if c.Bool("receipt") {
		if b.Receipt, err = r.receiptCost(c, inputs, runs); err != nil {
			return err
		}
	}
	return printer(c).Result(b, func(w io.Writer) {
		term.Table(w, []string{"model", "runs", "min ms", "p50 ms", "max ms", "CPU ms", "peak MiB"}, [][]string{{
			b.Model, fmt.Sprint(b.Runs), ms(b.MinMs), ms(b.P50Ms), ms(b.MaxMs), ms(b.CPUMs), fmt.Sprintf("%.0f", b.RSSMiB),
		}})
		if b.Profile != nil {
			printProfile(w, b.Profile, b.PeakGFlops*1e9)
		}
		if b.Receipt != nil {
			printReceipt(w, b.Receipt)
		}
	})
}

func ms(v float64) string { return fmt.Sprintf("%.2f", v) }

// cpuTime is what this process has used so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakRSS is the most memory that this process held, in MiB.
func peakRSS() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Maxrss) / 1024 // Linux counts in KiB
}
