package quantize

import (
	"context"
	"fmt"
	"math"

	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/plan"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A Method says how a tensor's range follows from its values on examples.
type Method uint8

// The methods.
const (
	MethodRange      Method = iota + 1 // the least and the largest value
	MethodPercentile                   // all but one in ten thousand
	MethodMSE                          // the ends that give the least mean squared error
)

// Methods lists them.
func Methods() []Method { return []Method{MethodRange, MethodPercentile, MethodMSE} }

// String names m as it is printed.
func (m Method) String() string {
	switch m {
	case MethodRange:
		return "range"
	case MethodPercentile:
		return "percentile"
	case MethodMSE:
		return "mse"
	}
	return fmt.Sprintf("method(%d)", uint8(m))
}

const (
	binsLen     = 2048
	percentile  = 0.9999
	shrinkSteps = 80 // of the search for the best ends, a hundredth of the range each
)

// A histogram counts a tensor's values. The first pass over the examples finds its ends, the second one fills it.
type histogram struct {
	low, high float32
	bins      [binsLen]float64
	total     float64
}

func (h *histogram) widen(values []float32) {
	for _, v := range values {
		if v < h.low {
			h.low = v
		} else if v > h.high {
			h.high = v
		}
	}
}

// fill leaves out values that are infinite or NaN, for they have no bin.
func (h *histogram) fill(values []float32) {
	width := h.width()
	if width == 0 || math.IsInf(width, 0) {
		return
	}
	for _, v := range values {
		at := (float64(v) - float64(h.low)) / width
		if at >= 0 && at <= binsLen {
			h.bins[min(int(at), binsLen-1)]++
			h.total++
		}
	}
}

func (h *histogram) width() float64 { return (float64(h.high) - float64(h.low)) / binsLen }

// ends gives the range to be used; it holds 0.
func (h *histogram) ends(m Method) (low, high float64) {
	low, high = float64(h.low), float64(h.high)
	switch m {
	case MethodPercentile:
		return h.percentile()
	case MethodMSE:
		return h.best()
	}
	return low, high
}

// edge is the number at which a bin begins.
func (h *histogram) edge(bin float64) float64 { return float64(h.low) + float64(bin*h.width()) }

func (h *histogram) percentile() (low, high float64) {
	most := float64((1 - percentile) * h.total)
	from, to := 0, binsLen-1
	for sum := h.bins[0]; sum <= most && from < to; sum += h.bins[from] {
		from++
	}
	for sum := h.bins[binsLen-1]; sum <= most && to > from; sum += h.bins[to] {
		to--
	}
	return min(0, h.edge(float64(from))), max(0, h.edge(float64(to+1)))
}

// best tries to draw either end in.
func (h *histogram) best() (low, high float64) {
	low, high = float64(h.low), float64(h.high)
	least := h.loss(low, high)
	for range 2 { // one end may depend on the other
		for _, end := range []*float64{&high, &low} {
			full := *end
			found := full
			for i := range shrinkSteps {
				*end = full * float64(100-i) / 100
				if l := h.loss(low, high); l < least {
					least, found = l, *end
				}
			}
			*end = found
		}
	}
	return low, high
}

// loss is the squared error of all values: what they are cut by, and rounding.
func (h *histogram) loss(low, high float64) (sum float64) {
	step := (high - low) / levels
	for i, n := range h.bins {
		if n == 0 {
			continue
		}
		v := h.edge(float64(i) + 0.5)
		d := max(0, low-v, v-high)
		sum += float64(n * (float64(d*d) + step*step/12))
	}
	return sum
}

// measure runs the network on the examples and gives the histograms of some of its values of floats.
func (g *network) measure(ctx context.Context, names []string, examples [][]*tensor.Tensor) (map[string]*histogram, error) {
	probe := *g.model
	graph := *g.model.Graph
	graph.Outputs = nil
	for _, name := range names {
		graph.Outputs = append(graph.Outputs, onnx.Value{Name: name})
	}
	probe.Graph = &graph
	p, err := program.Compile(&probe)
	if err != nil {
		return nil, err
	}
	r, err := plan.New(p, plan.Default())
	if err != nil {
		return nil, err
	}
	defer r.Close()
	found := make(map[string]*histogram, len(names))
	for _, name := range names {
		found[name] = &histogram{}
	}
	for _, count := range []func(*histogram, []float32){(*histogram).widen, (*histogram).fill} {
		for i, inputs := range examples {
			outs, err := r.Run(ctx, inputs, program.DefaultLimits())
			if err != nil {
				return nil, fmt.Errorf("example %d: %w", i, err)
			}
			for j, name := range names {
				count(found[name], tensor.Values[float32](outs[j]))
			}
		}
	}
	return found, nil
}
