package receipt

import (
	"math"
	"math/bits"
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// stepsOfByte is how many steps of work pay for a byte that is digested. A processor with AVX2 makes 15 to 40 multiply-adds in a nanosecond and
// hashes 1.2 bytes of tiles in it, so that a checkpoint takes 1 to 2 % of a run.
const stepsOfByte = 1024

// A Form is what a tensor is but for its elements.
type Form struct {
	Type  net.Type
	Shape []int
}

// FormOf gives a tensor's.
func FormOf(t *tensor.Tensor) Form {
	return Form{net.Type(onnx.NumberOf(t.Type())), slices.Clone(t.Shape())}
}

// Elements is how many there are.
func (f Form) Elements() int {
	n := 1
	for _, d := range f.Shape {
		n = product(n, d)
	}
	return n
}

// Bytes is what the elements take.
func (f Form) Bytes() int { return product(f.Elements(), f.Type.Size()) }

// product multiplies sizes; what is too large becomes the largest number.
func product(a, b int) int {
	if high, low := bits.Mul64(uint64(a), uint64(b)); high == 0 && low <= math.MaxInt {
		return int(low)
	}
	return math.MaxInt
}

// Work counts a network's steps as RECEIPT-3 has them. Weights need no form.
func Work(n *net.Net, form func(v net.Value) Form) (steps int) {
	known := func(v net.Value) Form {
		if i := int(v) - len(n.Inputs); i >= 0 && i < len(n.WeightList) {
			w := &n.WeightList[i]
			f := Form{Type: w.Type}
			for _, d := range w.Shape {
				f.Shape = append(f.Shape, int(d))
			}
			return f
		}
		return form(v)
	}
	first := n.FirstOf(0)
	for i := range n.OpList {
		op := &n.OpList[i]
		t := terms(op, known)
		if op.Name == "ConvTranspose" { // an element that goes in meets each of the kernel's once
			steps = sum(steps, product(known(op.In[0]).Elements(), t))
			first += net.Value(op.Made())
			continue
		}
		for range op.Made() {
			steps = sum(steps, product(known(first).Elements(), t))
			first++
		}
	}
	return steps
}

func sum(a, b int) int {
	if a > math.MaxInt-b {
		return math.MaxInt
	}
	return a + b
}

// terms is how many terms an element of an operator's outputs is the sum of.
func terms(op *net.Op, form func(v net.Value) Form) int {
	at := func(i int) Form {
		if i >= len(op.In) || op.In[i] == net.None {
			return Form{}
		}
		return form(op.In[i])
	}
	switch op.Name {
	case "Conv", "ConvInteger", "ConvTranspose":
		return each(at(1))
	case "QLinearConv":
		return each(at(3))
	case "MatMul", "MatMulInteger", "QLinearMatMul":
		if s := at(0).Shape; len(s) > 0 {
			return s[len(s)-1]
		}
	case "Gemm":
		if s := at(0).Shape; len(s) == 2 {
			if flag(op, "transA") {
				return s[0]
			}
			return s[1]
		}
	case "RNN", "GRU", "LSTM":
		if w, r := at(1).Shape, at(2).Shape; len(w) == 3 && len(r) == 3 && r[2] > 0 {
			return product(w[1]/r[2], sum(w[2], r[2]))
		}
	}
	return 1
}

// each is how many elements of a kernel there are for an index of its first axis.
func each(kernel Form) int {
	if len(kernel.Shape) == 0 || kernel.Shape[0] == 0 {
		return 1
	}
	return kernel.Elements() / kernel.Shape[0]
}

func flag(op *net.Op, name string) bool {
	return slices.ContainsFunc(op.Attrs, func(a net.Attr) bool { return a.Name == name && a.Kind == net.KindInt && a.Int != 0 })
}
