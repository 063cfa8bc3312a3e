package plan

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Whole graphs that are drawn at random: what is joined, shared, folded or laid into the same memory must
// not change a bit. And control flow, limits, and runs at the same time.

// A drawing is a graph that grows; values are kept with their shapes.
type drawing struct {
	sketch
	m      maker
	values []string
	shapes map[string][]int
}

func (d *drawing) add(name string, shape []int) {
	d.values = append(d.values, name)
	d.shapes[name] = shape
}

func (d *drawing) pick() string {
	if d.m.IntN(2) == 0 { // mostly what was made last, so that chains arise
		return d.values[len(d.values)-1]
	}
	return d.values[d.m.IntN(len(d.values))]
}

// operand draws something that broadcasts to a shape: a constant of some form, or a value of that shape.
func (d *drawing) operand(shape []int) string {
	for range 4 {
		if v := d.pick(); slices.Equal(d.shapes[v], shape) && d.m.IntN(2) == 0 {
			return v
		}
	}
	form := slices.Clone(shape)
	switch d.m.IntN(5) {
	case 0:
		return d.constant(d.m.floats())
	case 1:
		form[0], form[2], form[3] = 1, 1, 1
	case 2:
		form = form[3:]
	case 3:
		form[1] = 1
	}
	return d.constant(d.m.floats(form...))
}

func (d *drawing) node4(shape []int, op string, in []string, attrs ...onnx.Attr) {
	d.add(d.node(op, in, attrs...), shape)
}

func (d *drawing) grow() {
	x := d.pick()
	shape := d.shapes[x]
	switch d.m.IntN(15) {
	case 14:
		perm := [][]int{{1, 0, 2, 3}, {0, 1, 3, 2}, {0, 2, 1, 3}}[d.m.IntN(3)]
		turned := make([]int, 4)
		for i, axis := range perm {
			turned[i] = shape[axis]
		}
		if turned[2] >= 5 && turned[3] >= 5 && turned[0]*turned[1] < 40 {
			d.node4(turned, "Transpose", []string{x}, ints("perm", perm...))
		}
	case 0, 1, 2:
		op := []string{"Add", "Sub", "Mul", "Div", "Max", "Min"}[d.m.IntN(6)]
		in := []string{x, d.operand(shape)}
		if d.m.IntN(3) == 0 {
			slices.Reverse(in)
		}
		d.node4(shape, op, in)
	case 3, 4:
		op := []string{"Relu", "Sigmoid", "Tanh", "HardSwish", "Neg", "LeakyRelu", "HardSigmoid", "Abs"}[d.m.IntN(8)]
		d.node4(shape, op, []string{x})
	case 5:
		d.node4(shape, "Clip", []string{x, d.constant(tensor.Scalar(float32(-0.5))), d.constant(tensor.Scalar(float32(1)))})
	case 6, 7:
		outs, size := 1+d.m.IntN(12), 1+2*d.m.IntN(2)
		out := []int{shape[0], outs, shape[2], shape[3]}
		d.node4(out, "Conv", []string{x, d.constant(d.m.floats(outs, shape[1], size, size)), d.constant(d.m.floats(outs))}, ints("pads", size/2, size/2, size/2, size/2))
	case 8:
		d.node4(shape, "Conv", []string{x, d.constant(d.m.floats(shape[1], 1, 3, 3))}, ints("pads", 1, 1, 1, 1), number("group", shape[1]))
	case 9:
		n := shape[1]
		positive := d.m.floats(n)
		for i := range tensor.Values[float32](positive) {
			tensor.Values[float32](positive)[i] = 1 + d.m.Float32()
		}
		d.node4(shape, "BatchNormalization", []string{x, d.constant(d.m.floats(n)), d.constant(d.m.floats(n)), d.constant(d.m.floats(n)), d.constant(positive)})
	case 10:
		op := []string{"MaxPool", "AveragePool"}[d.m.IntN(2)]
		stride := 1
		if shape[2] > 6 && shape[3] > 6 {
			stride += d.m.IntN(2)
		}
		out := []int{shape[0], shape[1], (shape[2]-1)/stride + 1, (shape[3]-1)/stride + 1}
		d.node4(out, op, []string{x}, ints("kernel_shape", 3, 3), ints("strides", stride, stride), ints("pads", 1, 1, 1, 1))
	case 11:
		y := d.pick()
		if other := d.shapes[y]; slices.Equal(other[2:], shape[2:]) && other[0] == shape[0] && other[1]+shape[1] < 40 {
			d.node4([]int{shape[0], shape[1] + other[1], shape[2], shape[3]}, "Concat", []string{x, y}, number("axis", 1))
		}
	case 12:
		turned := []int{shape[0], shape[1], shape[3], shape[2]}
		d.node4(turned, "Reshape", []string{x, d.constant(tensor.Of([]int{4}, []int64{int64(turned[0]), int64(turned[1]), int64(turned[2]), int64(turned[3])}))})
	case 13:
		d.node4(shape, "MatMul", []string{x, d.constant(d.m.floats(shape[3], shape[3]))})
	}
}

func TestDrawnGraphsEqualTheProgram(t *testing.T) {
	for seed := range uint64(250) {
		m := maker{rand.New(rand.NewPCG(seed, 2)), seed%4 == 0}
		d := &drawing{m: m, shapes: map[string][]int{}}
		for range 1 + m.IntN(2) {
			shape := []int{1 + m.IntN(2), 1 + m.IntN(6), 5 + m.IntN(9), 5 + m.IntN(9)}
			d.add(d.input(m.floats(shape...)), shape)
		}
		for range 3 + m.IntN(25) {
			d.grow()
		}
		outputs := []string{d.values[len(d.values)-1]}
		if other := d.pick(); other != outputs[0] {
			outputs = append(outputs, other)
		}
		checkEqual(t, fmt.Sprintf("seed %d", seed), d.compile(t, outputs...), d.inputs, someOptions(m))
		if t.Failed() {
			return
		}
	}
}

// A value of a batch is what it is alone.
func TestBatchesDoNotMix(t *testing.T) {
	m := maker{rand.New(rand.NewPCG(7, 7)), false}
	s := &sketch{}
	x := s.input(m.floats(1, 3, 17, 13))
	x = s.node("Conv", []string{x, s.constant(m.floats(8, 3, 3, 3)), s.constant(m.floats(8))}, ints("strides", 2, 2), ints("pads", 1, 1, 1, 1))
	x = s.node("Relu", []string{x})
	x = s.node("Conv", []string{x, s.constant(m.floats(8, 1, 3, 3))}, number("group", 8), ints("pads", 1, 1, 1, 1))
	x = s.node("MaxPool", []string{x}, ints("kernel_shape", 2, 2), ints("strides", 2, 2))
	x = s.node("Flatten", []string{x})
	p := s.compile(t, s.node("Gemm", []string{x, s.constant(m.floats(96, 10)), s.constant(m.floats(10))}))
	r := newRunner(t, p, Options{Threads: 2, Path: kernel.Best()})
	run := func(x *tensor.Tensor) []float32 {
		out, err := r.Run(context.Background(), []*tensor.Tensor{x}, program.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		return tensor.Values[float32](out[0])
	}
	const each = 3 * 17 * 13
	batch := m.floats(5, 3, 17, 13)
	all := run(batch)
	for i := range 5 {
		one := run(tensor.Of([]int{1, 3, 17, 13}, tensor.Values[float32](batch)[i*each:][:each]))
		if !slices.Equal(one, all[i*10:][:10]) {
			t.Errorf("element %d of a batch: got %v, alone %v", i, all[i*10:][:10], one)
		}
	}
}

func graphAttr(name string, g *onnx.Graph) onnx.Attr {
	return onnx.Attr{Name: name, Kind: onnx.AttrGraph, Graph: g}
}

// controlled is a model with an If in a Loop, whose bodies have convolutions, and a Scan.
func controlled(t *testing.T, m maker) (*program.Program, []*tensor.Tensor) {
	s := &sketch{}
	x, flag, rounds := s.input(m.floats(1, 4, 6, 6)), s.input(tensor.Scalar(true)), s.input(tensor.Scalar(int64(3)))
	w := s.constant(m.floats(4, 4, 3, 3))
	branch := func(name, op string) *onnx.Graph {
		return &onnx.Graph{
			Nodes: []onnx.Node{
				{Op: "Conv", Inputs: []string{"a", w}, Outputs: []string{name + "c"}, Attrs: []onnx.Attr{ints("pads", 1, 1, 1, 1)}},
				{Op: op, Inputs: []string{name + "c"}, Outputs: []string{name}},
			},
			Outputs: []onnx.Value{{Name: name}},
		}
	}
	body := &onnx.Graph{
		Inputs: []onnx.Value{{Name: "i"}, {Name: "going"}, {Name: "a"}},
		Nodes: []onnx.Node{
			{Op: "If", Inputs: []string{flag}, Outputs: []string{"b"}, Attrs: []onnx.Attr{graphAttr("then_branch", branch("t", "Tanh")), graphAttr("else_branch", branch("e", "Sigmoid"))}},
			{Op: "Identity", Inputs: []string{"going"}, Outputs: []string{"on"}},
			{Op: "Relu", Inputs: []string{"b"}, Outputs: []string{"kept"}},
		},
		Outputs: []onnx.Value{{Name: "on"}, {Name: "b"}, {Name: "kept"}},
	}
	s.graph.Nodes = append(s.graph.Nodes, onnx.Node{Op: "Loop", Inputs: []string{rounds, "", x}, Outputs: []string{"last", "all"}, Attrs: []onnx.Attr{graphAttr("body", body)}})
	sum := s.node("ReduceSum", []string{"all"})
	chosen := s.node("NonZero", []string{s.node("Relu", []string{"last"})})
	return s.compile(t, s.node("Add", []string{"last", sum}), chosen), s.inputs
}

func TestControlFlowEqualsTheProgram(t *testing.T) {
	m := maker{rand.New(rand.NewPCG(3, 3)), false}
	p, in := controlled(t, m)
	for _, flag := range []bool{true, false} {
		for _, rounds := range []int64{0, 1, 4} {
			inputs := []*tensor.Tensor{in[0], tensor.Scalar(flag), tensor.Scalar(rounds)}
			checkEqual(t, fmt.Sprintf("flag %v, %d rounds", flag, rounds), p, inputs, options())
		}
	}
}

// Values that are part of the key may vary without end: then they are none any more, and results stay right.
func TestManyShapesAndValues(t *testing.T) {
	s := &sketch{}
	x, n := s.input(wave(2, 8)), s.input(tensor.Scalar(int64(1)))
	p := s.compile(t, s.node("Mul", []string{x, s.node("Cast", []string{n}, number("to", 1))}))
	r := newRunner(t, p, Default())
	for i := range 3 * plansMax {
		in := []*tensor.Tensor{wave(1+i%5, 8), tensor.Scalar(int64(i))}
		want, err := p.Run(in, program.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Run(context.Background(), in, program.DefaultLimits())
		if d := differ(got, want); err != nil || d != "" {
			t.Fatalf("run %d: %v %s", i, err, d)
		}
	}
	if most := 5 * (varietyMax + 1); len(r.plans) > most {
		t.Errorf("%d plans for 5 shapes, want at most %d", len(r.plans), most)
	}
	for i := range 2 * plansMax {
		if _, err := r.Run(context.Background(), []*tensor.Tensor{wave(1+i, 8), tensor.Scalar(int64(1))}, program.DefaultLimits()); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.plans) > plansMax {
		t.Errorf("%d plans, want at most %d", len(r.plans), plansMax)
	}
}

// PLAN-4.
func TestLimits(t *testing.T) {
	s := &sketch{}
	x := s.input(wave(1, 8, 32, 32))
	m := maker{rand.New(rand.NewPCG(1, 1)), false}
	p := s.compile(t, s.node("Conv", []string{x, s.constant(m.floats(8, 8, 3, 3))}))
	r := newRunner(t, p, Default())
	run := func(ctx context.Context, l program.Limits) error {
		_, err := r.Run(ctx, s.inputs, l)
		return err
	}
	enough := program.Limits{Bytes: 1 << 20, Steps: 8*8*9*30*30 + 20_000}
	if err := run(context.Background(), enough); err != nil {
		t.Errorf("enough: %v", err)
	}
	var limit *operator.LimitError
	few := enough
	few.Steps = 8 * 8 * 9 * 30 * 30 / 2
	if err := run(context.Background(), few); !errors.As(err, &limit) || limit.What != "steps" {
		t.Errorf("few steps: got %v", err)
	}
	few = enough
	few.Bytes = 8 * 30 * 30 * 4
	if err := run(context.Background(), few); !errors.As(err, &limit) || limit.What != "memory" {
		t.Errorf("little memory: got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := run(ctx, enough); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

// PLAN-5.
func TestRunsAtTheSameTime(t *testing.T) {
	m := maker{rand.New(rand.NewPCG(9, 9)), false}
	p, in := controlled(t, m)
	want, err := p.Run(in, program.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	r := newRunner(t, p, Options{Threads: 3, Path: kernel.Best()})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 10 {
				got, err := r.Run(context.Background(), in, program.DefaultLimits())
				if d := differ(got, want); err != nil || d != "" {
					t.Errorf("%v %s", err, d)
				}
			}
		})
	}
	all.Wait()
}

// The arena: values that live at once do not meet, and what is free is used again.
func TestLayOut(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for range 200 {
		var list []*buffer
		total := 0
		for range 1 + r.IntN(30) {
			first := r.IntN(20)
			b := &buffer{elements: 1 + r.IntN(1000), first: first, last: first + r.IntN(6)}
			list = append(list, b)
			total += b.room()
		}
		size := layOut(list)
		for i, a := range list {
			if a.at < 0 || a.at+a.room() > size {
				t.Fatalf("a buffer at %d, of %d, in %d", a.at, a.room(), size)
			}
			for _, b := range list[:i] {
				if a.first <= b.last && b.first <= a.last && a.at < b.at+b.room() && b.at < a.at+a.room() {
					t.Fatalf("two buffers meet: %+v and %+v", a, b)
				}
			}
		}
		if size > total {
			t.Fatalf("%d elements for buffers of %d", size, total)
		}
	}
	one, two, three := &buffer{elements: 100, last: 1}, &buffer{elements: 100, first: 1, last: 2}, &buffer{elements: 100, first: 2, last: 3}
	if size := layOut([]*buffer{one, two, three}); size != one.room()+two.room() {
		t.Errorf("a chain of three takes %d, want two", size)
	}
}
