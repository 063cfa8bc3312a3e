package capability

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/quant"
	"github.com/aiwork/aiwork-node/internal/chain"
)

const (
	kernelFor   = 100 * time.Millisecond // that each kernel is run
	modelFor    = 2 * time.Second        // that each model is run, after its first item
	modelRuns   = 5                      // at most, of each engine
	productSize = 256                    // rows, columns and depth of the timed products
)

// Engine runs items; the pool of a worker is one. It is safe for as many calls at once as the record says engines.
type Engine interface {
	Run(ctx context.Context, model chain.Hash, input []byte) ([]byte, error)
}

// A Measurer fills in the models of a record.
type Measurer struct {
	Engine Engine
	Input  func(id chain.Hash, seed [32]byte) ([]byte, error)
	Report func(id chain.Hash, err error) // of what was left out; nil: nobody
}

// Measure runs each model on its drawn item, first alone for the answer, then on all engines at once for the time. Models that fail
// are left out (CAP-3).
func (m *Measurer) Measure(ctx context.Context, r *Record, models []chain.Hash) error {
	r.Models = nil
	for _, id := range models[:min(len(models), ModelsMax)] {
		one, err := m.model(ctx, r, id)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			if m.Report != nil {
				m.Report(id, err)
			}
			continue
		}
		r.Models = append(r.Models, one)
	}
	return nil
}

func (m *Measurer) model(ctx context.Context, r *Record, id chain.Hash) (out Model, err error) {
	input, err := m.Input(id, Seed(r.Genesis, r.Session, r.Seed, r.Worker, id))
	if err != nil {
		return out, err
	}
	began := time.Now()
	answer, err := m.Engine.Run(ctx, id, input)
	if err != nil {
		return out, err
	}
	times, err := m.times(ctx, max(1, int(r.Engines)), id, input)
	if err != nil {
		return out, err
	}
	if len(times) == 0 {
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	item := max(times[len(times)/2].Microseconds(), 1)
	speed := 3_600_000_000 * uint64(max(1, r.Engines)) / uint64(item)
	return Model{ID: id, Answer: Answer(answer), ItemMicros: uint64(item), ItemsPerHour: uint32(min(max(speed, 1), math.MaxUint32))}, nil
}

// times runs an item on all engines at once, over and over, and gives how long each run took.
func (m *Measurer) times(ctx context.Context, engines int, id chain.Hash, input []byte) (all []time.Duration, err error) {
	var mu sync.Mutex
	var running sync.WaitGroup
	end := time.Now().Add(modelFor)
	for range engines {
		running.Go(func() {
			for n := 0; n < modelRuns && time.Now().Before(end); n++ {
				began := time.Now()
				_, fault := m.Engine.Run(ctx, id, input)
				took := time.Since(began)
				mu.Lock()
				if err == nil {
					err = fault
				}
				all = append(all, took)
				mu.Unlock()
				if fault != nil {
					return
				}
			}
		})
	}
	running.Wait()
	return all, err
}

// Kernels times products of matrices on one thread of a path: of float32, of bytes, and of the block formats of language models.
func Kernels(p kernel.Path) []Kernel {
	const n = productSize
	a, b, c := make([]float32, n*n), make([]float32, n*n), make([]float32, n*n)
	for i := range a {
		a[i], b[i] = float32(i%255-127)/127, float32(i%253-126)/127
	}
	panels, post := kernel.Pack(b, n, n), kernel.NewPost(n)
	list := []Kernel{rate("float32", func() { p.Gemm(c, a, n, panels, post) }), rate("int8", bytesProduct(p))}
	for _, f := range []quant.Format{quant.Q8_0, quant.Q4_0, quant.Q4_K} {
		if run := blockProduct(p, f, a, b, c); run != nil {
			list = append(list, rate(f.String(), run))
		}
	}
	return list
}

// rate runs a product of productSize in all dimensions for a while, and gives its best.
func rate(name string, run func()) Kernel {
	best := time.Duration(math.MaxInt64)
	for began := time.Now(); time.Since(began) < kernelFor; {
		start := time.Now()
		run()
		best = min(best, max(time.Since(start), 1))
	}
	const ops = 2 * productSize * productSize * productSize
	return Kernel{Name: name, OpsPerSec: uint64(ops) * uint64(time.Second) / uint64(best)}
}

func bytesProduct(p kernel.Path) func() {
	const n = productSize
	rows, bytes, offsets := make([]int16, n*n), make([]uint8, n*n), make([]int32, n)
	for i := range rows {
		rows[i], bytes[i] = int16(i%255-127), uint8(i)
	}
	for i := range offsets {
		offsets[i] = int32(i * n)
	}
	a, b := kernel.PackIntRows(rows, n, n), &kernel.ByteColumns{X: bytes, Offsets: offsets, N: n, Zero: 128}
	var s kernel.IntScratch
	return func() { p.MultiplyBytes(a, b, kernel.IntParts(a, b), &s, func(int, int, []int32) {}) }
}

// blockProduct gives the product of n rows by a matrix in a block format, nil where this build has it not.
func blockProduct(p kernel.Path, f quant.Format, x, weights, out []float32) func() {
	const n = productSize
	raw, err := quant.Encode(f, weights)
	if err != nil {
		return nil
	}
	m, err := quant.New(p, f, n, n, raw)
	if err != nil {
		return nil
	}
	var in quant.Activations
	in.Resize(n, n)
	copy(in.Float, x)
	in.Quantise(p, 0, n)
	return func() { m.Mul(out, n, &in, 0, m.Panels()) }
}
