package graph

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/kernel"
)

// A maker draws networks: each operator with legal attributes for the shape before it.
type maker struct {
	*rand.Rand
	g      Graph
	shapes []Shape
}

func randomGraph(seed uint64) *Graph {
	m := &maker{Rand: rand.New(rand.NewPCG(seed, 7))}
	m.g.Input = Shape{1 + m.IntN(12), 1 + m.IntN(12), 1 + m.IntN(24)}
	m.shapes = []Shape{m.g.Input}
	for range 1 + m.IntN(10) {
		m.layer()
	}
	m.push(Op{Kind: GlobalAveragePool, Inputs: m.last()}, Shape{1, 1, m.top().Channels})
	outs := 1 + m.IntN(40)
	m.push(Op{Kind: Dense, Inputs: m.last(), Params: m.weights([]int{m.top().Channels, outs}, []int{outs})}, Shape{1, 1, outs})
	m.push(Op{Kind: Softmax, Inputs: m.last()}, Shape{1, 1, outs})
	return &m.g
}

func (m *maker) top() Shape  { return m.shapes[len(m.shapes)-1] }
func (m *maker) last() []int { return []int{len(m.g.Ops)} }

func (m *maker) push(op Op, out Shape) {
	m.g.Ops = append(m.g.Ops, op)
	m.shapes = append(m.shapes, out)
}

// weights adds tensors and gives their indexes.
func (m *maker) weights(dims ...[]int) []int {
	var params []int
	for _, d := range dims {
		size := 1
		for _, n := range d {
			size *= n
		}
		data := make([]float32, size)
		for i := range data {
			data[i] = m.Float32()*2 - 0.9
		}
		params = append(params, len(m.g.Tensors))
		m.g.Tensors = append(m.g.Tensors, Tensor{d, data})
	}
	return params
}

func (m *maker) layer() {
	in := m.top()
	switch m.IntN(5) {
	case 0, 1:
		m.conv(in)
	case 2:
		c := []int{in.Channels}
		m.push(Op{Kind: BatchNorm, Inputs: m.last(), Params: m.weights(c, c, c, c), Epsilon: 1}, in)
	case 3:
		m.push(Op{Kind: ReLU6 - Kind(m.IntN(2)), Inputs: m.last()}, in)
	case 4: // a side branch that comes back: its value must outlive what lies between
		from := len(m.g.Ops)
		m.push(Op{Kind: ReLU6, Inputs: m.last()}, in)
		if m.IntN(2) == 0 {
			m.push(Op{Kind: ReLU, Inputs: m.last()}, in)
		}
		m.push(Op{Kind: Add, Inputs: []int{from, len(m.g.Ops)}}, in)
	}
}

func (m *maker) conv(in Shape) {
	w := kernel.Window{
		Height: in.Height, Width: in.Width, Channels: in.Channels,
		KernelHeight: 1 + m.IntN(3), KernelWidth: 1 + m.IntN(3), StrideHeight: 1 + m.IntN(2), StrideWidth: 1 + m.IntN(2),
		Top: m.IntN(2), Bottom: 2, Left: m.IntN(2), Right: 2,
	}
	attributes := w
	attributes.Height, attributes.Width, attributes.Channels = 0, 0, 0
	out := Shape{w.OutHeight(), w.OutWidth(), in.Channels}
	op := Op{Kind: DepthwiseConv, Inputs: m.last(), Window: attributes}
	dims := [][]int{{w.KernelHeight, w.KernelWidth, in.Channels}, {in.Channels}}
	if m.IntN(2) == 0 {
		op.Kind, out.Channels = Conv, 1+m.IntN(40)
		dims = [][]int{{w.KernelHeight, w.KernelWidth, in.Channels, out.Channels}, {out.Channels}}
	}
	op.Params = m.weights(dims[:1+m.IntN(2)]...)
	m.push(op, out)
}

// A plan gives the bits of the definition: for any network, path and number of threads, and again when
// its memory has been used before.
func TestPlanEqualsDefinition(t *testing.T) {
	for seed := range uint64(150) {
		g := randomGraph(seed)
		shapes, err := g.Check()
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		r := rand.New(rand.NewPCG(seed, 8))
		input := make([]float32, shapes[0].Len())
		for i := range input {
			input[i] = r.Float32()*4 - 2
		}
		if seed%10 == 0 {
			input[r.IntN(len(input))] = float32(math.Inf(1)) // brings NaN about further on
		}
		values := g.Define(shapes, input)
		want := values[len(values)-1]
		for _, path := range kernel.Paths() {
			plan := Compile(g, shapes, path)
			for threads := 1; threads <= 3; threads++ {
				runner := NewRunner(plan, threads)
				for range 2 {
					got, err := runner.Run(context.Background(), input)
					if err != nil {
						t.Fatal(err)
					}
					compare(t, fmt.Sprintf("seed %d, %v, %d threads", seed, path, threads), got, want)
				}
			}
		}
	}
}

func compare(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		g, w := math.Float32bits(kernel.Canonical(got[i])), math.Float32bits(kernel.Canonical(want[i]))
		if g != w {
			t.Fatalf("%s: element %d: got %08x, want %08x", what, i, g, w)
		}
	}
}

// No two values that are needed at the same time overlap, by a check that knows only steps and offsets.
func TestPlacesDoNotOverlap(t *testing.T) {
	for seed := range uint64(150) {
		g := randomGraph(seed)
		shapes, err := g.Check()
		if err != nil {
			t.Fatal(err)
		}
		p := Compile(g, shapes, kernel.PathGo)
		total := 0
		for i, s := range p.steps {
			total += shapes[s.output].Len()
			for _, other := range neededAfter(p, i) {
				if other != s.output && overlap(p, s.output, other) {
					t.Fatalf("seed %d: step %d writes value %d over value %d", seed, i, s.output, other)
				}
			}
		}
		if p.arenaLen > total+shapes[0].Len()+16*len(shapes) {
			t.Errorf("seed %d: arena of %d elements for values of %d", seed, p.arenaLen, total)
		}
	}
}

// neededAfter lists the values made before step i that it or a later step reads.
func neededAfter(p *Plan, i int) []int {
	made := map[int]bool{0: true}
	for _, s := range p.steps[:i] {
		made[s.output] = true
	}
	var needed []int
	for _, s := range p.steps[i:] {
		for _, in := range s.inputs {
			if made[in] {
				needed = append(needed, in)
			}
		}
	}
	return needed
}

func overlap(p *Plan, a, b int) bool {
	aFrom, bFrom := p.offsets[a], p.offsets[b]
	return aFrom < bFrom+p.shapes[b].Len() && bFrom < aFrom+p.shapes[a].Len()
}

// A batch normalisation or activation that something else reads as well must not be fused away.
func TestFusionKeepsSharedValues(t *testing.T) {
	g := &Graph{
		Input: Shape{1, 1, 2},
		Ops: []Op{
			{Kind: Dense, Inputs: []int{0}, Params: []int{0}},
			{Kind: ReLU, Inputs: []int{1}},
			{Kind: Add, Inputs: []int{1, 2}},
		},
		Tensors: []Tensor{{Dims: []int{2, 2}, Data: []float32{1, -1, 1, -1}}},
	}
	shapes, err := g.Check()
	if err != nil {
		t.Fatal(err)
	}
	if p := Compile(g, shapes, kernel.PathGo); len(p.steps) != 3 {
		t.Errorf("got %d steps, want 3", len(p.steps))
	}
	got, err := NewRunner(Compile(g, shapes, kernel.Best()), 1).Run(context.Background(), []float32{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "shared", got, []float32{6, -3})
}

func TestRunStopsWhenCancelled(t *testing.T) {
	g := randomGraph(1)
	shapes, err := g.Check()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := NewRunner(Compile(g, shapes, kernel.Best()), 1)
	if _, err := r.Run(ctx, make([]float32, r.InputLen())); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestCheckRefuses(t *testing.T) {
	nan := float32(math.NaN())
	window := kernel.Window{KernelHeight: 3, KernelWidth: 3, StrideHeight: 1, StrideWidth: 1}
	tensor := func(dims ...int) Tensor {
		size := 1
		for _, n := range dims {
			size *= n
		}
		return Tensor{dims, make([]float32, size)}
	}
	image := Shape{4, 4, 2}
	cases := []struct {
		name string
		g    Graph
		want string
	}{
		{"no operators", Graph{Input: image}, "0 operators"},
		{"no input", Graph{Ops: []Op{{Kind: ReLU, Inputs: []int{0}}}}, "sides must be"},
		{"huge input", Graph{Input: Shape{8000, 8000, 3}, Ops: []Op{{Kind: ReLU, Inputs: []int{0}}}}, "over"},
		{"unknown kind", Graph{Input: image, Ops: []Op{{Kind: kindEnd, Inputs: []int{0}}}}, "no such operator"},
		{"future input", Graph{Input: image, Ops: []Op{{Kind: ReLU, Inputs: []int{1}}}}, "not an earlier value"},
		{"two inputs", Graph{Input: image, Ops: []Op{{Kind: ReLU, Inputs: []int{0, 0}}}}, "2 inputs, want 1"},
		{"unused value", Graph{Input: image, Ops: []Op{{Kind: ReLU, Inputs: []int{0}}, {Kind: ReLU, Inputs: []int{0}}}}, "value 1 is not used"},
		{"unused tensor", Graph{Input: image, Ops: []Op{{Kind: ReLU, Inputs: []int{0}}}, Tensors: []Tensor{tensor(1)}}, "tensor 0 is not used"},
		{"tensor out of order", Graph{Input: image, Ops: []Op{{Kind: Conv, Inputs: []int{0}, Params: []int{1}, Window: window}}, Tensors: []Tensor{tensor(1), tensor(1)}}, "not the next one"},
		{"missing weights", Graph{Input: image, Ops: []Op{{Kind: Conv, Inputs: []int{0}, Window: window}}}, "weights of 4 dimensions"},
		{"wrong weights", Graph{Input: image, Ops: []Op{{Kind: Conv, Inputs: []int{0}, Params: []int{0}, Window: window}}, Tensors: []Tensor{tensor(3, 3, 3, 5)}}, "want [3 3 2 5]"},
		{"weights cut short", Graph{Input: image, Ops: []Op{{Kind: Conv, Inputs: []int{0}, Params: []int{0}, Window: window}}, Tensors: []Tensor{{[]int{3, 3, 2, 5}, make([]float32, 7)}}}, "7 elements"},
		{"NaN weight", Graph{Input: Shape{1, 1, 1}, Ops: []Op{{Kind: Dense, Inputs: []int{0}, Params: []int{0}}}, Tensors: []Tensor{{[]int{1, 1}, []float32{nan}}}}, "not finite"},
		{"infinite weight", Graph{Input: Shape{1, 1, 1}, Ops: []Op{{Kind: Dense, Inputs: []int{0}, Params: []int{0}}}, Tensors: []Tensor{{[]int{1, 1}, []float32{float32(math.Inf(-1))}}}}, "not finite"},
		{"kernel too large", Graph{Input: Shape{2, 2, 2}, Ops: []Op{{Kind: Conv, Inputs: []int{0}, Params: []int{0}, Window: window}}, Tensors: []Tensor{tensor(3, 3, 2, 5)}}, "larger than"},
		{"stride 0", Graph{Input: image, Ops: []Op{{Kind: Conv, Inputs: []int{0}, Params: []int{0}, Window: kernel.Window{KernelHeight: 1, KernelWidth: 1, StrideHeight: 1}}}, Tensors: []Tensor{tensor(1, 1, 2, 5)}}, "out of range"},
		{"stray stride", Graph{Input: image, Ops: []Op{{Kind: ReLU, Inputs: []int{0}, Window: kernel.Window{StrideWidth: 1}}}}, "where none is used"},
		{"stray padding", Graph{Input: image, Ops: []Op{{Kind: ReLU, Inputs: []int{0}, Window: kernel.Window{Top: 1}}}}, "out of place"},
		{"stray epsilon", Graph{Input: image, Ops: []Op{{Kind: ReLU, Inputs: []int{0}, Epsilon: 1}}}, "epsilon"},
		{"NaN epsilon", Graph{Input: image, Ops: []Op{{Kind: BatchNorm, Inputs: []int{0}, Params: []int{0, 1, 2, 3}, Epsilon: nan}}, Tensors: []Tensor{tensor(2), tensor(2), tensor(2), tensor(2)}}, "epsilon"},
		{"negative variance", Graph{Input: Shape{1, 1, 1}, Ops: []Op{{Kind: BatchNorm, Inputs: []int{0}, Params: []int{0, 1, 2, 3}, Epsilon: 1e-3}}, Tensors: []Tensor{tensor(1), tensor(1), tensor(1), {[]int{1}, []float32{-1}}}}, "not finite"},
		{"unequal add", Graph{Input: image, Ops: []Op{{Kind: GlobalAveragePool, Inputs: []int{0}}, {Kind: Add, Inputs: []int{0, 1}}}}, "differ"},
		{"softmax of an image", Graph{Input: image, Ops: []Op{{Kind: Softmax, Inputs: []int{0}}}}, "not a vector"},
		{"dense of an image", Graph{Input: image, Ops: []Op{{Kind: Dense, Inputs: []int{0}, Params: []int{0}}}, Tensors: []Tensor{tensor(2, 2)}}, "not a vector"},
		{"too much work", tooMuchWork(), "multiply-adds"},
		{"weights that swell", Graph{
			Input:   Shape{64, 64, 1025},
			Ops:     []Op{{Kind: Conv, Inputs: []int{0}, Params: []int{0}, Window: kernel.Window{KernelHeight: 64, KernelWidth: 64, StrideHeight: 1, StrideWidth: 1}}},
			Tensors: []Tensor{tensor(64, 64, 1025, 1)},
		}, "laid out"},
	}
	for _, c := range cases {
		if _, err := c.g.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.want)
		}
	}
}

// tooMuchWork is small to store and slow to run.
func tooMuchWork() Graph {
	g := Graph{Input: Shape{512, 512, 64}}
	w := kernel.Window{KernelHeight: 7, KernelWidth: 7, StrideHeight: 1, StrideWidth: 1, Top: 3, Bottom: 3, Left: 3, Right: 3}
	for i := range 40 {
		g.Ops = append(g.Ops, Op{Kind: Conv, Inputs: []int{i}, Params: []int{i}, Window: w})
		g.Tensors = append(g.Tensors, Tensor{[]int{7, 7, 64, 64}, make([]float32, 7*7*64*64)})
	}
	return g
}
