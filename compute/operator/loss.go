package operator

import (
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Losses over classes in the second dimension.

func lossOperators() []Operator {
	return []Operator{
		{"NegativeLogLikelihoodLoss", 12, "f,i,f?>f", nllLoss},
		{"SoftmaxCrossEntropyLoss", 12, "f,i,f?>f,f?", crossEntropy},
	}
}

// A loss has its attributes read.
type loss struct {
	reduce  string
	ignore  int64
	ignores bool
}

func readLoss(a *Attrs) loss {
	return loss{
		reduce: a.choice("reduction", "mean", "sum", "none"),
		ignore: a.int("ignore_index", 0), ignores: a.has("ignore_index"),
	}
}

func nllLoss(a *Attrs) Func {
	l := readLoss(a)
	return func(c *Call) ([]*tensor.Tensor, error) { return l.of(c, c.In[0]) }
}

func crossEntropy(a *Attrs) Func {
	l := readLoss(a)
	return func(c *Call) ([]*tensor.Tensor, error) {
		if c.In[0].Rank() < 2 {
			return nil, fmt.Errorf("shape %v, want batch and classes", c.In[0].Shape())
		}
		logs, err := c.mapRows(c.In[0], [tensor.RankMax]bool{1: true}, logSoftmaxRow(c.Path))
		if err != nil {
			return nil, err
		}
		out, err := l.of(c, logs[0])
		if err != nil {
			return nil, err
		}
		return append(out, logs[0]), nil
	}
}

// of takes for each place the negative of its class's number, times the weight of the class.
func (l loss) of(c *Call, x *tensor.Tensor) ([]*tensor.Tensor, error) {
	targets := c.In[1]
	classes, err := channels(x)
	if err != nil {
		return nil, err
	}
	s := x.Shape()
	if want := slices.Concat(s[:1], s[2:]); !slices.Equal(targets.Shape(), want) {
		return nil, fmt.Errorf("targets of shape %v, want %v", targets.Shape(), want)
	}
	var weights []float32
	if w := c.in(2); w != nil {
		if weights = floatsOf(w); len(weights) != classes {
			return nil, fmt.Errorf("weights of shape %v for %d classes", w.Shape(), classes)
		}
	}
	out, y, err := c.floats(targets.Shape())
	if err != nil {
		return nil, err
	}
	used, err := c.scratch(len(y))
	if err != nil {
		return nil, err
	}
	plane := tensor.Count(s[2:])
	for i, class := range targets.Ints() {
		if l.ignores && class == l.ignore {
			continue
		}
		k, err := within(class, classes)
		if err != nil || class < 0 {
			return nil, fmt.Errorf("class %d of %d", class, classes)
		}
		used[i] = 1
		if weights != nil {
			used[i] = weights[k]
		}
		y[i] = float32(-floatsOf(x)[(i/plane*classes+k)*plane+i%plane] * used[i])
	}
	switch l.reduce {
	case "none":
		return one(out), nil
	case "sum":
		return one(tensor.Scalar(c.Path.Reduce(kernel.ReductionSum, y, 0))), nil
	}
	return one(tensor.Scalar(c.Path.Reduce(kernel.ReductionSum, y, 0) / c.Path.Reduce(kernel.ReductionSum, used, 0))), nil
}
