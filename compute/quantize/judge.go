package quantize

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/plan"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A Report says how far two models are from each other on some inputs.
type Report struct {
	Inputs   int     // that both ran on
	Rows     int     // of outputs of floats, along the last dimension; maps of places have none
	Agree    int     // rows whose largest element is the same
	Greatest float64 // difference of an element
	Mean     float64 // absolute difference
	Squared  float64 // mean squared difference
	Scale    float64 // mean absolute element of the first model
	elements int
}

// Agreement is the part of rows in which both have the same largest element.
func (r *Report) Agreement() float64 { return float64(r.Agree) / float64(max(1, r.Rows)) }

// A Bench is a model that is ready to run, on one thread.
type Bench struct{ runner *plan.Runner }

// NewBench compiles a model. Close it.
func NewBench(m *lower.Model) (*Bench, error) {
	o, err := m.ONNX()
	if err != nil {
		return nil, err
	}
	p, err := program.Compile(o)
	if err != nil {
		return nil, err
	}
	r, err := plan.New(p, plan.Default())
	return &Bench{r}, err
}

// Close ends it.
func (b *Bench) Close() { b.runner.Close() }

// Run computes outputs.
func (b *Bench) Run(ctx context.Context, inputs []*tensor.Tensor) ([]*tensor.Tensor, error) {
	return b.runner.Run(ctx, inputs, program.DefaultLimits())
}

// Best is the quickest of some runs, after a first one that packs weights.
func (b *Bench) Best(ctx context.Context, inputs []*tensor.Tensor, runs int) (time.Duration, error) {
	best := time.Duration(math.MaxInt64)
	for i := range runs + 1 {
		began := time.Now()
		if _, err := b.Run(ctx, inputs); err != nil {
			return 0, err
		}
		if i > 0 {
			best = min(best, time.Since(began))
		}
	}
	return best, nil
}

// Compare runs two models on the same inputs.
func Compare(ctx context.Context, a, b *Bench, examples [][]*tensor.Tensor) (*Report, error) {
	r := &Report{}
	for i, inputs := range examples {
		x, err := a.Run(ctx, inputs)
		if err != nil {
			return nil, fmt.Errorf("example %d: %w", i, err)
		}
		y, err := b.Run(ctx, inputs)
		if err != nil {
			return nil, fmt.Errorf("example %d, in int8: %w", i, err)
		}
		if err := r.add(x, y); err != nil {
			return nil, fmt.Errorf("example %d: %w", i, err)
		}
	}
	n := float64(max(1, r.elements))
	r.Mean, r.Squared, r.Scale = r.Mean/n, r.Squared/n, r.Scale/n
	return r, nil
}

func (r *Report) add(x, y []*tensor.Tensor) error {
	r.Inputs++
	for i := range x {
		if x[i].Type() != tensor.Float32 || y[i].Type() != tensor.Float32 {
			continue
		}
		if !slices.Equal(x[i].Shape(), y[i].Shape()) {
			return fmt.Errorf("output %d has the shapes %v and %v", i, x[i].Shape(), y[i].Shape())
		}
		r.floats(tensor.Values[float32](x[i]), tensor.Values[float32](y[i]), x[i].Shape())
	}
	return nil
}

func (r *Report) floats(x, y []float32, shape []int) {
	if n := len(shape); n > 0 && n <= rowsRankMax {
		r.rows(x, y, shape[n-1])
	}
	for i, v := range x {
		d := math.Abs(float64(v) - float64(y[i]))
		r.Greatest = max(r.Greatest, d)
		r.Mean += d
		r.Squared += float64(d * d)
		r.Scale += math.Abs(float64(v))
	}
	r.elements += len(x)
}

// rowsRankMax is the number of dimensions from which on a tensor is a map of places, whose rows are no classes.
const rowsRankMax = 3

func (r *Report) rows(x, y []float32, row int) {
	for at := 0; at+row <= len(x) && row > 0; at += row {
		r.Rows++
		if largest(x[at:][:row]) == largest(y[at:][:row]) {
			r.Agree++
		}
	}
}

func largest(v []float32) int {
	best := 0
	for i := range v {
		if v[i] > v[best] {
			best = i
		}
	}
	return best
}

// A Result is the best model that was found.
type Result struct {
	Model  *lower.Model
	Method Method
	Report *Report // on the examples that ranges were found on
}

// Best tries all methods and takes the one whose outputs are nearest to the model's on the examples.
func Best(ctx context.Context, m *lower.Model, examples [][]*tensor.Tensor) (best Result, err error) {
	original, err := NewBench(m)
	if err != nil {
		return best, err
	}
	defer original.Close()
	for _, method := range Methods() {
		q, err := Model(ctx, m, examples, method)
		if err != nil {
			return best, err
		}
		r, err := judge(ctx, original, q, examples)
		if err != nil {
			return best, err
		}
		if best.Report == nil || r.Squared < best.Report.Squared {
			best = Result{q, method, r}
		}
	}
	return best, nil
}

func judge(ctx context.Context, original *Bench, q *lower.Model, examples [][]*tensor.Tensor) (*Report, error) {
	b, err := NewBench(q)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	return Compare(ctx, original, b, examples)
}
