package lm

// Traces of passes: every operator of every layer and of the draw is computed again, tile by tile, by package tile from the operands that
// the trace holds, and must give what it holds; the token must be that of a batch. On random models of each format, on one whose heads
// and rows fit no tile, and on stories260K.

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/pass"
	"github.com/aiwork/aiwork-node/compute/quant"
	"github.com/aiwork/aiwork-node/compute/tile"
)

// A witness recomputes a trace from a file.
type witness struct {
	t      testing.TB
	file   *gguf.File
	trace  *Trace
	tokens []byte
	names  []string
	steps  map[string]int // the most that a tile of an operator took
}

func newWitness(t testing.TB, f *gguf.File, tr *Trace, tokens []int32) *witness {
	w := &witness{t: t, file: f, trace: tr, names: tr.Pass.Shape.TensorNames(), steps: map[string]int{}}
	for _, n := range tokens {
		w.tokens = binary.LittleEndian.AppendUint32(w.tokens, uint32(n))
	}
	return w
}

// tensor gives what the id of a model says of a tensor.
func (w *witness) tensor(place int) pass.Tensor {
	t, ok := w.file.Tensor(w.names[place])
	if !ok {
		return pass.Tensor{}
	}
	out := pass.Tensor{Name: t.Name, Format: tile.Format(t.Type)}
	for _, d := range t.Dims {
		out.Dims = append(out.Dims, uint64(d))
	}
	again, err := pass.DecodeTensor(out.Encode())
	if err != nil {
		w.t.Fatalf("%s: %v", t.Name, err)
	}
	return again
}

// raw gives the bytes of a value.
func (w *witness) raw(v net.Value) []byte {
	switch {
	case v == 0:
		return w.tokens
	case v < w.trace.First:
		t, _ := w.file.Tensor(w.names[v-1])
		return append(slices.Clone(t.Data), make([]byte, 7)...)
	}
	return w.trace.Of(v)
}

// operands are those of an operator.
type operands struct {
	kinds []net.Type
	raw   [][]byte
}

func (o *operands) Element(port, index int) (uint64, bool) {
	return tile.Word(o.kinds[port], o.raw[port], index)
}

// check computes tiles of every operator again: those that pick names, of so many.
func (w *witness) check(pick func(op string, tiles int) []int) {
	w.t.Helper()
	known := map[net.Value]tile.Operand{0: {Type: net.Int32, Shape: []uint32{uint32(len(w.tokens) / 4)}}}
	next := w.trace.First
	for i := range w.trace.Pass.Ops() {
		op, err := w.trace.Pass.Op(i, w.tensor)
		if err != nil {
			w.t.Fatalf("operator %d: %v", i, err)
		}
		if got, err := net.DecodeOp(op.Encode()); err != nil || fmt.Sprint(got) != fmt.Sprint(op) {
			w.t.Fatalf("operator %d, %s, is not canonical: %v", i, op.Name, err)
		}
		if got := w.trace.Pass.FirstOf(i); got != next {
			w.t.Fatalf("operator %d, %s, makes value %d, want %d", i, op.Name, got, next)
		}
		from := &operands{}
		task := tile.Task{Opset: tile.LanguageSet, Op: &op}
		for _, v := range op.In {
			o, raw := tile.Operand{}, []byte(nil)
			if v != net.None {
				o, raw = known[v], w.raw(v)
				if v > 0 && v < w.trace.First {
					t := w.tensor(int(v) - 1)
					d := t.Digest()
					o = tile.Operand{Type: d.Type, Shape: d.Shape}
				}
				if o.Type == 0 {
					w.t.Fatalf("operator %d, %s, reads value %d, which is not known", i, op.Name, v)
				}
			}
			task.In = append(task.In, o)
			from.kinds, from.raw = append(from.kinds, o.Type), append(from.raw, raw)
		}
		for task.Out = range op.Outs {
			known[next] = w.output(i, task, from, w.trace.Of(next), pick)
			next++
		}
	}
	if int(next-w.trace.First) != len(w.trace.Values) {
		w.t.Errorf("%d values, want %d", len(w.trace.Values), next-w.trace.First)
	}
}

func (w *witness) output(i int, task tile.Task, from *operands, want []byte, pick func(op string, tiles int) []int) tile.Operand {
	w.t.Helper()
	plan, err := tile.Resolve(task, nil)
	if err != nil {
		w.t.Fatalf("operator %d, %s: %v: %+v", i, task.Op.Name, err, task.In)
	}
	tiles := net.Tiles(plan.Type, want)
	if root := w.trace.Roots[w.trace.Pass.FirstOf(i)+net.Value(task.Out)-w.trace.First]; root != net.TensorRoot(plan.Type, want) {
		w.t.Fatalf("operator %d, %s: its root is %x", i, task.Op.Name, root)
	}
	if plan.Tiles() != len(tiles) {
		w.t.Fatalf("operator %d, %s: %d tiles, want %d", i, task.Op.Name, len(tiles), plan.Tiles())
	}
	for _, n := range pick(task.Op.Name, len(tiles)) {
		work := plan.Tile(n)
		s := work.Begin()
		steps := 0
		for ; !work.Done(s); steps++ {
			if err := work.Step(&s, work.Needs(s), from); err != nil {
				w.t.Fatalf("operator %d, %s: %v", i, task.Op.Name, err)
			}
		}
		w.steps[task.Op.Name] = max(w.steps[task.Op.Name], steps)
		if string(s.Out) != string(tiles[n]) {
			w.t.Fatalf("operator %d, %s, output %d, tile %d: got %x, want %x", i, task.Op.Name, task.Out, n, s.Out, tiles[n])
		}
	}
	out := tile.Operand{Type: plan.Type}
	for _, d := range plan.Shape {
		out.Shape = append(out.Shape, uint32(d))
	}
	return out
}

// some picks the first tile, the last and a few by chance.
func some(r *rand.Rand, n int) func(string, int) []int {
	return func(_ string, tiles int) []int {
		list := []int{0, tiles - 1}
		for range n {
			list = append(list, r.IntN(tiles))
		}
		return list
	}
}

var draws = []pass.Draw{
	{},
	{PenaltyPpm: 1_300_000, PenaltyReach: 3},
	{TemperaturePpm: 800_000, Seed: 3},
	{TemperaturePpm: 1_500_000, TopK: 5, Seed: 1 << 63},
	{TemperaturePpm: 900_000, TopPPpm: 900_000, PenaltyPpm: 700_000},
	{TemperaturePpm: 2_000_000, TopK: 40, TopPPpm: 500_000, PenaltyPpm: 1_100_000, Seed: 9},
}

func TestTrace(t *testing.T) {
	for i, s := range []shape{
		{"llama", 2, 64, 96, 4, 2, 100, 64, quant.F32, false},
		{"qwen2", 2, 64, 96, 4, 4, 70, 64, quant.F16, true},
		{"llama", 1, 36, 50, 3, 1, 67, 64, quant.BF16, false},
		{"llama", 2, 64, 96, 4, 2, 100, 64, quant.Q8_0, true},
		{"qwen2", 2, 96, 64, 3, 3, 100, 64, quant.Q4_0, false},
		{"llama", 1, 256, 512, 4, 2, 64, 64, quant.Q4_K, false},
		{"qwen2", 1, 256, 256, 2, 1, 64, 64, quant.Q6_K, true},
	} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			f := randomFile(t, s)
			r := rand.New(rand.NewPCG(uint64(i), 3))
			for j, d := range draws {
				if testing.Short() && j != i%len(draws) {
					continue
				}
				tokens := make([]int32, 1+r.IntN(12))
				for k := range tokens {
					tokens[k] = int32(r.IntN(s.vocab))
				}
				traced(t, f, tokens, d).check(some(r, 2))
			}
		})
	}
}

// traced traces a pass and holds its token against a batch's.
func traced(t testing.TB, f *gguf.File, tokens []int32, d pass.Draw) *witness {
	t.Helper()
	m := load(t, f, kernel.Best())
	tr, err := RunTrace(context.Background(), m, 2, tokens, d, Watch{Roots: true})
	if err != nil {
		t.Fatal(err)
	}
	b := NewBatch(m, BatchOptions{Pages: len(tokens)/PageLen + 1, Requests: 1})
	if _, err := b.Add(Request{Prompt: tokens, TokensMax: 1, Sampling: SamplingOf(d)}); err != nil {
		t.Fatal(err)
	}
	var events []Event
	for b.Busy() {
		e, err := b.Step()
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e...)
	}
	if len(events) != 1 || events[0].Token != tr.Token {
		t.Errorf("the trace draws %d, the batch %+v", tr.Token, events)
	}
	return newWitness(t, f, tr, tokens)
}

func TestTraceStories(t *testing.T) {
	f := storiesFile(t)
	tokens := []int32{1}
	for i := range 299 {
		tokens = append(tokens, int32(i*7%512))
	}
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{1, 300} {
		w := traced(t, f, tokens[:n], pass.Draw{TemperaturePpm: 900_000, TopK: 40, TopPPpm: 900_000, PenaltyPpm: 1_100_000})
		w.check(some(r, 0))
		t.Logf("%d tokens: steps of a tile: %v", n, w.steps)
	}
}

// Queries and keys so large that scores are infinite, or no numbers: what follows is the same all the same, up to a draw among logits that are NaN.
func TestTraceNotFinite(t *testing.T) {
	f := randomFile(t, shape{"llama", 1, 64, 96, 4, 2, 100, 64, quant.F32, false})
	for _, name := range []string{"blk.0.attn_q.weight", "blk.0.attn_k.weight"} {
		w, _ := f.Tensor(name)
		for i := 3; i < len(w.Data); i += 8 {
			w.Data[i] = 0x69 | w.Data[i]&0x80 // about 2^83, every other weight
		}
	}
	r := rand.New(rand.NewPCG(4, 4))
	for _, d := range draws {
		w := traced(t, f, []int32{3, 50, 7, 99, 12, 7}, d)
		w.check(some(r, 1))
		_, layer := w.trace.Pass.LayerAt(0)
		if b := w.trace.Of(layer.Scores); !slices.Contains([]uint32{0x7f800000, 0xff800000, 0x7fc00000}, binary.LittleEndian.Uint32(b[4*6*4*5:])) {
			t.Errorf("a score is %x, want one that is not finite", b[4*6*4*5:][:4])
		}
	}
}
