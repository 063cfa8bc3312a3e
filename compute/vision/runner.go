package vision

import (
	"context"
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/plan"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A Runner computes a network's outputs from its inputs. It may be used by several at once.
type Runner interface {
	Run(ctx context.Context, inputs []*tensor.Tensor) ([]*tensor.Tensor, error)
}

// Planned makes a Runner of plans, which give the same bits many times as fast. Closing them is the caller's.
func Planned(r *plan.Runner) Runner { return planned{r} }

type planned struct{ plans *plan.Runner }

func (p planned) Run(ctx context.Context, inputs []*tensor.Tensor) ([]*tensor.Tensor, error) {
	return p.plans.Run(ctx, inputs, program.DefaultLimits())
}

// Run gives the elements of a network's outputs, whose shapes must be those wanted; -1 stands for any size.
func Run(ctx context.Context, r Runner, input *tensor.Tensor, want ...[]int) ([][]float32, [][]int, error) {
	out, err := r.Run(ctx, []*tensor.Tensor{input})
	if err != nil {
		return nil, nil, err
	}
	if len(out) < len(want) {
		return nil, nil, fmt.Errorf("%d outputs, want %d: another network?", len(out), len(want))
	}
	values, shapes := make([][]float32, len(want)), make([][]int, len(want))
	for i, w := range want {
		fits := func(have, want int) int {
			if have == want || want < 0 {
				return 0
			}
			return 1
		}
		if out[i].Type() != tensor.Float32 || slices.CompareFunc(out[i].Shape(), w, fits) != 0 {
			return nil, nil, fmt.Errorf("output %d is %v of shape %v, want float32 of %v: another network?", i, out[i].Type(), out[i].Shape(), w)
		}
		values[i], shapes[i] = tensor.Values[float32](out[i]), out[i].Shape()
	}
	return values, shapes, nil
}
