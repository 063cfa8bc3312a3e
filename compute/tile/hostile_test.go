package tile_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/tile"
)

// Tasks of any form: TILE-3. Whatever is understood also gives tiles of the right size, in bounded steps, from any
// elements.

// anything gives some element for each place.
type anything struct{ r *rand.Rand }

func (a anything) Element(int, int) (uint64, bool) {
	switch a.r.IntN(4) {
	case 0:
		return a.r.Uint64(), true
	case 1:
		return 0, true
	}
	return uint64(int64(a.r.IntN(9) - 3)), true
}

func anyTask(r *rand.Rand) tile.Task {
	names := tile.Names()
	op := &net.Op{Name: names[r.IntN(len(names))]}
	number := func() int64 {
		big := []int64{math.MinInt64, math.MaxInt64, 1 << 31, -1 << 31, 1 << 20, 1 << 28, 1 << 40}
		if r.IntN(10) == 0 {
			return big[r.IntN(len(big))]
		}
		return int64(r.IntN(6) - 1)
	}
	for _, name := range attrsOf(op.Name) {
		if r.IntN(2) > 0 && name != "blocksize" && name != "to" {
			continue
		}
		kinds := []net.Kind{net.KindInt, net.KindInts, net.KindFloat, net.KindText, net.KindFloats}
		a := net.Attr{Name: name, Kind: kinds[r.IntN(len(kinds))], Int: number(), Float: r.Uint32()}
		switch name {
		case "axes", "dilations", "ends", "kernel_shape", "output_padding", "output_shape", "pads", "perm", "split", "starts", "strides", "value_ints":
			a.Kind = net.KindInts
		case "axis", "blocksize", "ceil_mode", "group", "keepdims", "num_outputs", "to", "transA", "transB":
			a.Kind = net.KindInt
		}
		for range r.IntN(6) {
			a.Ints, a.Floats = append(a.Ints, number()), append(a.Floats, r.Uint32())
		}
		a.Text = []string{"SAME_UPPER", "SAME_LOWER", "linear", "nearest", "reflect", "wrap", "edge"}[r.IntN(7)]
		op.Attrs = append(op.Attrs, a)
	}
	t := tile.Task{Opset: uint16(7 + r.IntN(16)), Op: op}
	op.Outs = []bool{true}
	if r.IntN(5) == 0 {
		op.Outs, t.Out = []bool{true, true, true}, r.IntN(3)
	}
	kinds := []net.Type{net.Float32, net.Float32, net.Float32, net.Int64, net.Int64, net.Uint8, net.Int32, net.Bool, 0, 200}
	kind := kinds[r.IntN(len(kinds))]
	for range r.IntN(6) {
		o := tile.Operand{Type: kind}
		if len(t.In) > 0 && r.IntN(3) == 0 {
			o.Shape = slices.Clone(t.In[0].Shape)
			t.In = append(t.In, o)
			continue
		}
		if r.IntN(3) == 0 {
			o.Type = kinds[r.IntN(len(kinds))]
		}
		for range []int{0, 1, 1, 2, 3, 4, 4, 5}[r.IntN(8)] {
			n := uint32(r.IntN(7))
			if r.IntN(12) == 0 {
				n = []uint32{1 << 31, 1 << 28, 1 << 20, 1000}[r.IntN(4)]
			}
			o.Shape = append(o.Shape, n)
		}
		t.In = append(t.In, o)
	}
	return t
}

// attrsOf lists attributes that an operator reads.
func attrsOf(name string) []string {
	window := []string{"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"}
	switch name {
	case "Conv", "ConvInteger", "QLinearConv":
		return window
	case "ConvTranspose":
		return append(window, "output_padding", "output_shape")
	case "MaxPool", "AveragePool":
		return []string{"auto_pad", "ceil_mode", "kernel_shape", "pads", "strides"}
	case "Gemm":
		return []string{"alpha", "beta", "transA", "transB"}
	case "Slice":
		return []string{"axes", "ends", "starts"}
	case "Pad":
		return []string{"mode", "pads"}
	case "Split":
		return []string{"axis", "num_outputs", "split"}
	case "Cast":
		return []string{"to"}
	case "DepthToSpace", "SpaceToDepth":
		return []string{"blocksize"}
	case "Upsample":
		return []string{"mode", "scales"}
	case "Constant":
		return []string{"value_ints"}
	case "Transpose":
		return []string{"perm"}
	case "Squeeze", "Unsqueeze":
		return []string{"axes"}
	case "Resize":
		return []string{"mode"}
	case "Concat", "Flatten", "Gather", "GatherElements", "Softmax", "LogSoftmax", "LayerNormalization", "QuantizeLinear":
		return []string{"axis"}
	case "ArgMax", "ArgMin":
		return []string{"axis", "keepdims"}
	}
	if len(name) > 6 && name[:6] == "Reduce" {
		return []string{"axes", "keepdims"}
	}
	return nil
}

func TestHostile(t *testing.T) {
	tries := uint64(20_000)
	if testing.Short() {
		tries = 4_000
	}
	understood := 0
	for seed := range tries {
		if tryTask(t, seed) {
			understood++
		}
	}
	if understood < int(tries)/50 {
		t.Errorf("%d of %d tasks were understood: too few to prove much", understood, tries)
	}
}

func FuzzTask(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { tryTask(t, seed) })
}

func tryTask(t *testing.T, seed uint64) bool {
	r := rand.New(rand.NewPCG(seed, 13))
	task := anyTask(r)
	if _, err := tile.Params(task); err != nil {
		return false
	}
	plan, err := tile.Resolve(task, anything{r})
	if err != nil {
		return false
	}
	if plan.Tiles() == 0 {
		return true
	}
	walkSteps(t, r, seed, task, plan.Tile(r.IntN(plan.Tiles())))
	return true
}

// walkSteps does a few steps of a work with any elements.
func walkSteps(t *testing.T, r *rand.Rand, seed uint64, task tile.Task, w *tile.Work) {
	t.Helper()
	s := w.Begin()
	for range 3 {
		if w.Done(s) {
			break
		}
		ask := w.Needs(s)
		tiles := 0
		for _, run := range ask.Runs {
			tiles += run.Count
			if run.First < 0 || run.First+run.Count > (int(net.Count(task.In[run.Port].Shape))+net.TileLen-1)/net.TileLen {
				t.Fatalf("seed %d: %s needs %+v of %+v", seed, task.Op.Name, run, task.In[run.Port])
			}
		}
		if ask.Work > 2*tile.WorkMax || tiles > 700 {
			t.Fatalf("seed %d: %s needs %d tiles and %d of work", seed, task.Op.Name, tiles, ask.Work)
		}
		if err := w.Step(&s, ask, anything{r}); err != nil {
			t.Fatalf("seed %d: %s: %v", seed, task.Op.Name, err)
		}
		if _, err := w.DecodeState(s.Encode()); err != nil {
			t.Fatalf("seed %d: %s: own state: %v", seed, task.Op.Name, err)
		}
	}
}
