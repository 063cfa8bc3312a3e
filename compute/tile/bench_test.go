package tile_test

import (
	"math/rand/v2"
	"testing"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/compute/tile"
)

// What a step takes for each unit of work, which is what the contract of disputes charges for: chains, rows, elements
// with dear functions, and the understanding of the case itself.
func BenchmarkStep(b *testing.B) {
	r := &gen{Rand: rand.New(rand.NewPCG(1, 1))}
	f := tensor.Float32
	for _, c := range []struct {
		op    string
		in    []*tensor.Tensor
		attrs []onnx.Attr
	}{
		{"Conv", []*tensor.Tensor{r.tensor(f, 1, 96, 28, 28), r.tensor(f, 24, 96, 1, 1)}, nil},
		{"Conv", []*tensor.Tensor{r.tensor(f, 1, 32, 28, 28), r.tensor(f, 32, 1, 3, 3)}, []onnx.Attr{{Name: "group", Kind: onnx.AttrInt, Int: 32}}},
		{"MatMul", []*tensor.Tensor{r.tensor(f, 64, 512), r.tensor(f, 512, 64)}, nil},
		{"GlobalAveragePool", []*tensor.Tensor{r.tensor(f, 1, 64, 7, 7)}, nil},
		{"Softmax", []*tensor.Tensor{r.tensor(f, 1, 1000)}, nil},
		{"Pow", []*tensor.Tensor{r.tensor(f, 64), r.tensor(f, 64)}, nil},
		{"Sin", []*tensor.Tensor{r.tensor(f, 64)}, nil},
		{"Transpose", []*tensor.Tensor{r.tensor(f, 8, 8, 8, 8)}, nil},
	} {
		name := c.op
		if len(c.attrs) > 0 {
			name += "Depthwise"
		}
		b.Run("op="+name, func(b *testing.B) {
			g := &gen{Rand: r.Rand, in: c.in, attrs: c.attrs}
			trace := mustRun(b, c.op, g)
			task, from := taskOf(trace, 0, 0)
			plan, err := tile.Resolve(task, from)
			if err != nil {
				b.Fatal(err)
			}
			w := plan.Tile(0)
			units := 0
			for b.Loop() {
				s := w.Begin()
				ask := w.Needs(s)
				units = ask.Work
				if err := w.Step(&s, ask, served(from, ask.Runs)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(units), "ns/unit")
		})
	}
}

// served gives the tiles of runs, as a feeder does.
func served(from *operands, runs []tile.Run) *tile.Served {
	var tiles [][]byte
	for _, r := range runs {
		all := net.Tiles(from.kinds[r.Port], from.raw[r.Port])
		tiles = append(tiles, all[r.First:][:r.Count]...)
	}
	return tile.NewServed(from.kinds, runs, tiles)
}
