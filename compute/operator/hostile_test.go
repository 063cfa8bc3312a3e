package operator

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Every operator with attributes and inputs of the right types but any shape and value: rules OP-1, OP-2
// and OP-4. Most calls end in an error; the rest must give what the signature says, the same twice and on
// every path, and leave the inputs alone.

func TestOperatorsOnAnyInput(t *testing.T) {
	tries := 300
	if testing.Short() {
		tries = 60
	}
	for _, o := range NewTable().All() {
		if o.Signature == "" {
			continue
		}
		worked := 0
		for seed := range uint64(tries) {
			if tryOperator(t, o, seed) {
				worked++
			}
		}
		if worked == 0 && !testing.Short() && o.Name != "Constant" { // which has no input and one of many attributes
			t.Errorf("%s of %d: no call was valid, so this proves nothing", o.Name, o.Since)
		}
	}
}

func FuzzOperators(f *testing.F) {
	all := NewTable().All()
	for i := range all {
		f.Add(uint16(i), uint64(i))
	}
	f.Fuzz(func(t *testing.T, which uint16, seed uint64) {
		if o := all[int(which)%len(all)]; o.Signature != "" {
			tryOperator(t, o, seed)
		}
	})
}

// tryOperator says whether the call was a valid one.
func tryOperator(t *testing.T, o Operator, seed uint64) bool {
	t.Helper()
	r := hostile{rand.New(rand.NewPCG(seed, 7))}
	where := fmt.Sprintf("%s of %d, seed %d", o.Name, o.Since, seed)
	attrs := NewAttrs(r.attrs(o))
	run := o.Make(attrs)
	in, kinds := r.inputs(o)
	outs := 1 + r.IntN(3)
	result := attrs.Result
	if result == 0 && len(kinds) > 0 {
		result = kinds[0]
	}
	want, err := Infer(o.Signature, kinds, outs, result)
	if attrs.Err() != nil || err != nil {
		return false
	}
	before := encode(in)
	first, err := callOnce(run, in, outs, kernel.PathGo)
	if got := encode(in); got != before {
		t.Fatalf("%s: an input was changed", where)
	}
	second, err2 := callOnce(run, in, outs, kernel.Best())
	if (err == nil) != (err2 == nil) || encode(first) != encode(second) {
		t.Fatalf("%s: two calls differ: %v, %v", where, err, err2)
	}
	if err != nil {
		return false
	}
	for i, x := range first[:min(outs, len(first))] {
		if x != nil && (x.Type() != want[i] || tensor.CheckShape(x.Shape()) != nil) {
			t.Fatalf("%s: output %d is %v of shape %v, want %v", where, i, x.Type(), x.Shape(), want[i])
		}
	}
	return true
}

func callOnce(run Func, in []*tensor.Tensor, outs int, path kernel.Path) ([]*tensor.Tensor, error) {
	budget := &Budget{Bytes: 1 << 22, Steps: 1 << 20}
	return run(&Call{In: slices.Clone(in), Outs: outs, Path: path, Budget: budget})
}

// encode gives the canonical bytes of tensors.
func encode(list []*tensor.Tensor) string {
	var b strings.Builder
	for _, t := range list {
		if t == nil {
			b.WriteString("-")
			continue
		}
		fmt.Fprint(&b, t.Shape())
		if t.Type() == tensor.Float32 {
			c := slices.Clone(floatsOf(t))
			for i := range c {
				c[i] = kernel.Canonical(c[i])
			}
			t = tensor.Of(t.Shape(), c)
		}
		b.Write(onnx.EncodeTensor("", t))
	}
	return b.String()
}

// hostile makes attributes and inputs.
type hostile struct{ *rand.Rand }

func pickOne[E any](r hostile, list ...E) E { return list[r.IntN(len(list))] }

func (r hostile) int() int64 {
	switch r.IntN(12) {
	case 0:
		return pickOne[int64](r, math.MinInt64, math.MaxInt64, 1<<31, -1<<31, 1<<28, 1<<40)
	case 1, 2:
		return int64(r.IntN(9) - 4)
	}
	return int64(r.IntN(4))
}

func (r hostile) float() float32 {
	switch r.IntN(12) {
	case 0:
		return math.Float32frombits(r.Uint32())
	case 1:
		return pickOne(r, 0, infinity(), -infinity(), kernel.NaN(), 1e30, 1e-30)
	}
	return float32(r.IntN(17)-8) / 4
}

func (r hostile) attrs(o Operator) (list []onnx.Attr) {
	spy := NewAttrs(nil)
	o.Make(spy)
	rare := 1 + r.IntN(4)
	for _, q := range spy.asked {
		if r.IntN(4) < rare && !slices.Contains(needed(), q.name) && o.Name != "Pad" || slices.ContainsFunc(list, func(a onnx.Attr) bool { return a.Name == q.name }) {
			continue
		}
		a := onnx.Attr{Name: q.name, Kind: q.kind, Int: r.int(), Float: r.float()}
		for range r.IntN(6) {
			a.Ints, a.Floats = append(a.Ints, r.int()), append(a.Floats, r.float())
		}
		a.Text = pickOne(r, "constant", "reflect", "edge", "wrap", "SAME_UPPER", "SAME_LOWER", "VALID", "linear", "cubic",
			"align_corners", "asymmetric", "tf_crop_and_resize", "half_pixel", "floor", "ceil", "LEFT", "RIGHT", "add",
			"mul", "none", "sum", "mean", "bidirectional", "reverse", "DCR", "CRD", "ij,jk->ik", "...ij->...ji", "ii->i",
			"zeros", "border", "reflection", "bilinear", "bicubic", "not_larger", "not_smaller", "max", "tanh", "?")
		switch {
		case q.name == "direction":
			a.Text = pickOne(r, "LEFT", "RIGHT", "forward", "reverse", "bidirectional", "?")
		case q.name == "mode":
			a.Text = pickOne(r, "constant", "reflect", "edge", "wrap", "nearest", "linear", "cubic", "bilinear", "max", "CRD", "?")
		case q.name == "pads" && o.Name == "Pad":
			a.Ints = slices.Repeat([]int64{int64(r.IntN(3) - 1)}, 8)
		case q.name == "to" || q.name == "dtype":
			a.Int = int64(r.IntN(15))
		case slices.Contains(needed(), q.name) && r.IntN(4) > 0:
			a.Int = int64(1 + r.IntN(2))
			a.Ints = slices.Repeat([]int64{1 + int64(r.IntN(3))}, 1+r.IntN(3))
			a.Floats = []float32{1, 1, 2, 0.5}
		}
		a.Tensor = r.tensor(pickOne(r, class('a')...))
		list = append(list, a)
	}
	return list
}

// needed lists attributes without which a node is never valid.
func needed() []string {
	return []string{"kernel_shape", "hidden_size", "num_groups", "blocksize", "size", "k", "to", "value", "scales", "p", "starts", "ends"}
}

// fitting gives shapes of inputs that are right for operators which random ones hardly ever fit.
func fitting(name string) [][]int {
	four := []int{2, 4, 3, 3}
	switch name {
	case "Conv":
		return [][]int{four, {2, 4, 2, 2}, {2}}
	case "ConvTranspose":
		return [][]int{four, {4, 2, 2, 2}, {2}}
	case "ConvInteger":
		return [][]int{four, {2, 4, 2, 2}, {}, {}}
	case "QLinearConv":
		return [][]int{four, {}, {}, {2, 4, 2, 2}, {}, {}, {}, {}, {2}}
	case "QLinearMatMul":
		return [][]int{{2, 3}, {}, {}, {3, 2}, {}, {}, {}, {}}
	case "AveragePool", "MaxPool", "LpPool", "Upsample":
		return [][]int{four, four}
	case "MaxUnpool":
		return [][]int{{1, 1, 2}, {1, 1, 2}}
	case "Resize":
		return [][]int{four, {8}, {4}, {4}}
	case "Pad":
		return [][]int{four, {8}, {}, {4}}
	case "BatchNormalization", "InstanceNormalization", "GroupNormalization":
		return [][]int{four, {4}, {4}, {4}, {4}}
	case "RNN", "GRU", "LSTM": // of hidden size 1
		n := map[string]int{"RNN": 1, "GRU": 3, "LSTM": 4}[name]
		return [][]int{{3, 2, 2}, {1, n, 2}, {1, n, 1}, {1, 2 * n}, {2}, {1, 2, 1}, {1, 2, 1}, {1, 3}}
	case "QuantizeLinear":
		return [][]int{four, {4}, {4}}
	case "GridSample":
		return [][]int{four, {2, 2, 2, 2}}
	case "RoiAlign":
		return [][]int{four, {2, 4}, {2}}
	case "AffineGrid":
		return [][]int{{2, 2, 3}, {4}}
	case "NonMaxSuppression":
		return [][]int{{2, 4, 4}, {2, 3, 4}, {}, {}, {}}
	case "NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss":
		return [][]int{four, {2, 3, 3}, {4}}
	case "STFT":
		return [][]int{{2, 5, 1}, {}, {2}, {}}
	case "MelWeightMatrix":
		return [][]int{{}, {}, {}, {}, {}}
	case "ReverseSequence":
		return [][]int{{2, 2, 3}, {2}}
	case "ScatterND":
		return [][]int{{2, 2, 3}, {3, 1}, {3, 2, 3}}
	case "OneHot":
		return [][]int{{3}, {}, {2}}
	}
	return nil
}

// inputs fills a signature.
func (r hostile) inputs(o Operator) (in []*tensor.Tensor, kinds []tensor.Type) {
	known := fitting(o.Name)
	if r.IntN(4) == 0 {
		known = nil
	}
	left, _, _ := strings.Cut(o.Signature, ">")
	chosen := map[byte]tensor.Type{}
	shape := r.shape()
	for _, word := range words(left) {
		if chosen[word[0]] == 0 {
			chosen[word[0]] = pickOne(r, class(word[0])...)
		}
		n := 1
		if strings.HasSuffix(word, "*") {
			n = 1 + r.IntN(3)
		}
		for range n {
			if strings.HasSuffix(word, "?") && r.IntN(3) == 0 {
				in, kinds = append(in, nil), append(kinds, 0)
				continue
			}
			x := r.tensor(chosen[word[0]])
			if len(in) < len(known) {
				x = r.filled(chosen[word[0]], known[len(in)])
			} else if r.IntN(2) == 0 { // shapes that fit each other
				x = r.filled(chosen[word[0]], shape)
			}
			in, kinds = append(in, x), append(kinds, x.Type())
		}
	}
	return in, kinds
}

func (r hostile) shape() []int {
	shape := make([]int, pickOne(r, 0, 1, 1, 2, 2, 3, 4, 4, 5, 8))
	for i := range shape {
		shape[i] = pickOne(r, 0, 1, 1, 1, 2, 2, 3, 4)
	}
	return shape
}

func (r hostile) tensor(kind tensor.Type) *tensor.Tensor { return r.filled(kind, r.shape()) }

func (r hostile) filled(kind tensor.Type, shape []int) *tensor.Tensor {
	t := tensor.New(kind, shape)
	switch kind {
	case tensor.Float32:
		for i := range floatsOf(t) {
			floatsOf(t)[i] = r.float()
		}
	case tensor.Bool:
		for i := range t.Len() {
			tensor.Values[bool](t)[i] = r.IntN(2) == 0
		}
	default:
		setInts(t, func(int) int64 { return r.int() })
	}
	return t
}
