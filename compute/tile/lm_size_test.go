package tile_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/tile"
)

// What a tile of a large model takes, whatever its elements are: each step fits a transaction, and their number and bytes are those of
// docs/protocol/disputes.md.

// A sized is an operator of a model with 7 billion weights in Q8_0 (4,096 columns, 11,008 in between, 32 heads of 128, 32,000 tokens to draw
// from) and a text of 2,048 tokens.
type sized struct {
	name  string
	in    []tile.Operand
	attrs []net.Attr
	tile  int
	steps int // wanted, at most
}

func sizes() []sized {
	const text, dim, hidden, heads, vocab = 2048, 4096, 11008, 32, 32000
	s := &sketch{}
	f := func(shape ...int) tile.Operand { return s.of(net.Float32, shape...) }
	u := func(shape ...int) tile.Operand { return s.of(net.Uint64, shape...) }
	product := func(rows, columns int) ([]tile.Operand, []net.Attr) {
		w := u(tile.FormatQ8_0.Words(rows, columns))
		return []tile.Operand{{}, u(text, columns/8), f(text, columns/32), w},
			[]net.Attr{{Name: "weights", Kind: net.KindInts, Ints: []int64{int64(tile.FormatQ8_0), int64(rows), int64(columns)}}}
	}
	attention := []net.Attr{whole("head", dim/heads), whole("heads", heads), whole("keys", heads)}
	wide, wideAttrs := product(dim, dim)
	long, longAttrs := product(dim, hidden)
	weight := []net.Attr{{Name: "weights", Kind: net.KindInts, Ints: []int64{0, 1, dim}}}
	lastRow, row := text*heads-1, vocab/64/2
	return []sized{
		{tile.LMProduct, wide, wideAttrs, 1000, 6},
		{tile.LMProduct, long, longAttrs, 1000, 20},
		{tile.LMNorm, []tile.Operand{f(text, dim), u(dim / 2)}, weight, 1000, 1},
		{tile.LMQuantise, []tile.Operand{f(text, dim)}, nil, 1000, 1},
		{tile.LMScores, []tile.Operand{f(text, dim), f(text, dim)}, attention, lastRow*text/64 + 7, 2},
		{tile.LMWeights, []tile.Operand{f(text, heads, text)}, nil, lastRow*text/64 + 7, 1},
		{tile.LMMix, []tile.Operand{f(text, heads, text), f(text, dim)}, attention, text*dim/64 - 1, 29},
		{tile.LMBest, []tile.Operand{f(1, vocab)}, nil, 0, 3},
		{tile.LMOrder, []tile.Operand{f(1, vocab), u(1, vocab)}, nil, row, 8},
		{tile.LMPick, []tile.Operand{u(1, vocab), u(1), s.of(net.Int32, 1), f(1)}, nil, 0, 5},
	}
}

func (z *sized) work(t testing.TB) *tile.Work {
	t.Helper()
	task := tile.Task{Opset: tile.LanguageSet, Op: &net.Op{Name: z.name, Outs: []bool{true}, Attrs: z.attrs}, In: z.in}
	plan, err := tile.Resolve(task, nil)
	if err != nil {
		t.Fatalf("%s: %v", z.name, err)
	}
	return plan.Tile(z.tile)
}

func TestLanguageSizes(t *testing.T) {
	for _, z := range sizes() {
		w := z.work(t)
		s := w.Begin()
		steps, units, bytes, most, longest := 0, 0, 0, 0, 0
		for ; !w.Done(s); steps++ {
			ask := w.Needs(s)
			own := 0
			for _, r := range ask.Runs {
				own += r.Count * net.TileLen * z.in[r.Port].Type.Size()
			}
			units, bytes, most, longest = units+ask.Work, bytes+own, max(most, ask.Work), max(longest, own)
			if err := w.Step(&s, ask, zeros{}); err != nil {
				t.Fatal(err)
			}
		}
		if steps > z.steps {
			t.Errorf("%s of %v: %d steps, want %d at most", z.name, z.in[1:], steps, z.steps)
		}
		t.Logf("%-18s %2d steps, %7d units (%5d at most), tiles of %7d bytes (%5d at most)", z.name, steps, units, most, bytes, longest)
	}
}

// zeros are elements that are all +0.
type zeros struct{}

func (zeros) Element(int, int) (uint64, bool) { return 0, true }

// BenchmarkLanguageStep measures units of work (gasWork of package dispute pays for one).
func BenchmarkLanguageStep(b *testing.B) {
	for _, z := range sizes() {
		b.Run(fmt.Sprintf("op=%s/tile=%d/%v", z.name, z.tile, z.in[min(3, len(z.in)-1)].Shape), func(b *testing.B) {
			w := z.work(b)
			from := anything{rand.New(rand.NewPCG(1, 1))}
			units := 0
			for b.Loop() {
				s := w.Begin()
				ask := w.Needs(s)
				if err := w.Step(&s, ask, from); err != nil {
					b.Fatal(err)
				}
				units += ask.Work
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(units), "ns/unit")
		})
	}
}
