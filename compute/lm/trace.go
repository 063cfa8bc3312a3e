package lm

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/pass"
	"github.com/aiwork/aiwork-node/compute/quant"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// A Trace is one pass over some tokens and the draw of the next, with its values in the canonical form of a tensor (NET-5). Value v lies at v
// less First. The pass is the runner's own, told as it goes: what a Trace tells is what a Batch has computed.
type Trace struct {
	Pass   pass.Pass
	First  net.Value
	Values [][]byte     // nil where they are not kept
	Roots  []chain.Hash // of all values, if they are wanted
	Token  int32        // that was drawn

	watch  Watch
	begins [][]float32 // the rows that each layer begins with, if they are kept
	path   kernel.Path
	input  net.Value
	layers []pass.Layer
	last   pass.End
	blocks quant.Activations
	scales []float32
}

// A Watch says what is done with the values of a pass. Its zero value keeps them all.
type Watch struct {
	Keep   func(v net.Value) bool      // which values are kept; nil: all
	Roots  bool                        // their roots are wanted
	Begins bool                        // what each layer begins with is kept, for Again
	Change func(v net.Value, b []byte) // changes a value that was computed; what follows from it stays as it is
}

// PassOf says what a trace of a model over so many tokens is about.
func (c Config) PassOf(tokens int, d pass.Draw) pass.Pass {
	return pass.Pass{Shape: c.Shape(), Tokens: tokens, Draw: d}
}

// SamplingOf gives how tokens are drawn, of the whole numbers that stand for it (LANG-2).
func SamplingOf(d pass.Draw) Sampling {
	return Sampling{
		Temperature: ofPpm(d.TemperaturePpm), TopK: int(d.TopK), TopPPpm: d.TopPPpm,
		Penalty: ofPpm(d.PenaltyPpm), PenaltyReach: int(d.PenaltyReach), Seed: d.Seed,
	}
}

func ofPpm(n uint32) float32 { return float32(n) / 1_000_000 }

// RunTrace runs tokens through the model, all in one step, and draws the next one. It takes the memory of one layer's values beside what is
// kept: pass.Pass.LayerBytes.
func RunTrace(ctx context.Context, m *Model, threads int, tokens []int32, d pass.Draw, w Watch) (*Trace, error) {
	how := SamplingOf(d)
	if err := how.Check(); err != nil {
		return nil, err
	}
	if len(tokens) == 0 || len(tokens) > pass.TokensMax {
		return nil, fmt.Errorf("a trace over %d tokens, want 1 to %d", len(tokens), pass.TokensMax)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t := newTrace(m, len(tokens), d, w)
	r, seq := NewRunner(m, threads), NewCache(m.Config, len(tokens)/PageLen+1).NewSequence()
	r.trace = t
	part := &Part{Seq: seq, Tokens: tokens, Want: 1}
	if err := r.Step([]*Part{part}); err != nil {
		return nil, err
	}
	if part.Err != nil {
		return nil, part.Err
	}
	t.end(r.normed.Float, part.Logits[0], tokens, how)
	return t, nil
}

func newTrace(m *Model, tokens int, d pass.Draw, w Watch) *Trace {
	t := &Trace{Pass: m.PassOf(tokens, d), path: m.path, watch: w}
	t.First = net.Value(1 + t.Pass.Shape.Places())
	t.input, _ = t.Pass.LayerAt(0)
	_, t.last = t.Pass.EndAt()
	t.Values = make([][]byte, t.Pass.Values()-t.First)
	if w.Roots {
		t.Roots = make([]chain.Hash, len(t.Values))
	}
	for i := range m.Layers {
		_, v := t.Pass.LayerAt(i)
		t.layers = append(t.layers, v)
	}
	return t
}

// Again computes the values of one layer again, from what it begins with. The trace that it gives holds these alone.
func (t *Trace) Again(m *Model, threads, index int) (*Trace, error) {
	n := t.Pass.Tokens
	again := newTrace(m, n, t.Pass.Draw, Watch{Change: t.watch.Change})
	r, seq := NewRunner(m, threads), NewCache(m.Config, n/PageLen+1).NewSequence()
	part := &Part{Seq: seq, Tokens: make([]int32, n)}
	if err := seq.reserve(n); err != nil {
		return nil, err
	}
	r.prepare([]*Part{part}, n)
	copy(r.x, t.begins[index])
	r.trace = again
	r.layer([]*Part{part}, index)
	return again, part.Err
}

// Begin gives the rows that a layer begins with.
func (t *Trace) Begin(index int) []byte {
	b := make([]byte, 4*len(t.begins[index]))
	putFloats(b, t.begins[index])
	if v, _ := t.Pass.LayerAt(index); t.watch.Change != nil {
		t.watch.Change(v, b)
	}
	return b
}

// enter makes room for the values of a layer: they are written from several goroutines, each to places of its own.
func (t *Trace) enter(index int, x []float32) pass.Layer {
	if t == nil {
		return pass.Layer{}
	}
	if t.watch.Begins {
		t.begins = append(t.begins, slices.Clone(x))
	}
	v, s, n := t.layers[index], &t.Pass.Shape, t.Pass.Tokens
	room := func(columns int, list ...net.Value) {
		for _, v := range list {
			*t.at(v) = make([]byte, 4*n*columns)
		}
	}
	rows := func(columns int, r pass.Rows) {
		room(columns, r.Float)
		if r.Whole != net.None {
			*t.at(r.Whole), *t.at(r.Scale) = make([]byte, n*columns), make([]byte, n*columns/quant.BlockLen*4)
		}
	}
	queries, keys := s.Heads*s.HeadDim, s.KeyHeads*s.HeadDim
	rows(s.Dim, v.Normed)
	room(queries, v.Query, v.TurnedQuery)
	room(keys, v.Key, v.Value, v.TurnedKey)
	room(s.Heads*n, v.Scores, v.Weights)
	rows(queries, v.Mixed)
	room(s.Dim, v.Attended, v.Middle, v.Down, v.Out)
	rows(s.Dim, v.NormedAgain)
	room(s.Hidden, v.Gate, v.Up)
	rows(s.Hidden, v.Gated)
	return v
}

// leave settles the values of a layer.
func (t *Trace) leave(v pass.Layer) {
	if t == nil {
		return
	}
	for i := v.Normed.Float; i <= v.Out; i++ {
		four := i != v.Normed.Whole && i != v.Mixed.Whole && i != v.NormedAgain.Whole && i != v.Gated.Whole
		t.settle(i, four)
	}
}

// settle does with a value what is wanted; its elements have four bytes or eight.
func (t *Trace) settle(v net.Value, four bool) {
	b := t.at(v)
	if t.watch.Change != nil {
		t.watch.Change(v, *b)
	}
	if t.watch.Roots {
		kind := net.Uint64
		if four {
			kind = net.Float32
		}
		t.Roots[v-t.First] = net.TensorRoot(kind, *b)
	}
	if t.watch.Keep != nil && !t.watch.Keep(v) {
		*b = nil
	}
}

// Of gives a value that operators have made.
func (t *Trace) Of(v net.Value) []byte { return t.Values[v-t.First] }

func (t *Trace) at(v net.Value) *[]byte { return &t.Values[v-t.First] }

// layer gives the values of a layer; a trace that is nil has none, and is told nothing.
func (t *Trace) layer(index int) pass.Layer {
	if t == nil {
		return pass.Layer{}
	}
	return t.layers[index]
}

// begin takes the rows of tokens.
func (t *Trace) begin(x []float32) {
	if t != nil {
		t.floats(t.input, x)
		t.settle(t.input, true)
	}
}

// put takes rows of a value, from a row on.
func (t *Trace) put(v net.Value, row int, x []float32) {
	if t == nil {
		return
	}
	b := *t.at(v)
	columns := len(b) / 4 / t.Pass.Tokens
	putFloats(b[4*row*columns:], x)
}

// rows takes all rows, and makes their blocks.
func (t *Trace) rows(r pass.Rows, x []float32) {
	if t == nil {
		return
	}
	t.put(r.Float, 0, x)
	if r.Whole != net.None {
		t.quantise(r, x, len(x)/t.Pass.Tokens)
	}
}

// quantise makes the blocks of rows.
func (t *Trace) quantise(r pass.Rows, x []float32, columns int) {
	t.blocks.Resize(len(x)/columns, columns)
	copy(t.blocks.Float, x)
	t.blocks.Quantise(t.path, 0, t.blocks.Rows)
	to := *t.at(r.Whole)
	for i, q := range t.blocks.Whole() {
		to[i] = byte(q)
	}
	t.scales = t.blocks.AppendScales(t.scales[:0])
	putFloats(*t.at(r.Scale), t.scales)
}

// spread takes what a row of scores, or of weights, begins with; the rest of it is +0.
func (t *Trace) spread(v net.Value, row int, x []float32) {
	if t == nil {
		return
	}
	b := (*t.at(v))[4*row*t.Pass.Tokens:]
	for i, s := range x {
		binary.LittleEndian.PutUint32(b[4*i:], canonical(s+0)) // the end of AIW-2: -0 becomes +0
	}
}

func putFloats(b []byte, list []float32) {
	for i, x := range list {
		binary.LittleEndian.PutUint32(b[4*i:], canonical(x))
	}
}

// canonical gives a float's bits, NaN having one form.
func canonical(x float32) uint32 {
	if x != x {
		return 0x7fc00000
	}
	return math.Float32bits(x)
}
