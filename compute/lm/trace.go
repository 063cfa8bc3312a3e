package lm

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/pass"
	"github.com/aiwork/aiwork-node/compute/quant"
)

// A Trace holds every value of one pass over some tokens and of the draw of the next, in the canonical form of a tensor (NET-5). Value v
// lies at v less First. The pass is the runner's own, told as it goes: what a Trace holds is what a Batch has computed.
type Trace struct {
	Pass   pass.Pass
	First  net.Value
	Values [][]byte
	Token  int32 // that was drawn

	path   kernel.Path
	row    int // tokens that went through in steps before
	input  net.Value
	layers []pass.Layer
	last   pass.End
	blocks quant.Activations
	scales []float32
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

// RunTrace runs tokens through the model and draws the next one, and keeps every value. That takes 8 · heads · layers · tokens² bytes
// and more.
func RunTrace(ctx context.Context, m *Model, threads int, tokens []int32, d pass.Draw) (*Trace, error) {
	how := SamplingOf(d)
	if err := how.Check(); err != nil {
		return nil, err
	}
	if len(tokens) == 0 || len(tokens) > pass.TokensMax {
		return nil, fmt.Errorf("a trace over %d tokens, want 1 to %d", len(tokens), pass.TokensMax)
	}
	t := newTrace(m, len(tokens), d)
	r, seq := NewRunner(m, threads), NewCache(m.Config, len(tokens)/PageLen+1).NewSequence()
	r.trace = t
	part := &Part{Seq: seq}
	for t.row < len(tokens) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		part.Tokens = tokens[t.row:min(t.row+StepTokensMax, len(tokens))]
		if t.row+len(part.Tokens) == len(tokens) {
			part.Want = 1
		}
		if err := r.Step([]*Part{part}); err != nil {
			return nil, err
		}
		if part.Err != nil {
			return nil, part.Err
		}
		t.row += len(part.Tokens)
	}
	t.end(r.normed.Float, part.Logits[0], tokens, how)
	return t, nil
}

// newTrace makes room for the values of layers: they are written from several goroutines, each to places of its own.
func newTrace(m *Model, tokens int, d pass.Draw) *Trace {
	t := &Trace{Pass: m.PassOf(tokens, d), path: m.path}
	t.First = net.Value(1 + t.Pass.Shape.Places())
	t.input, _ = t.Pass.LayerAt(0)
	_, t.last = t.Pass.EndAt()
	t.Values = make([][]byte, t.Pass.Values()-t.First)
	room := func(columns int, list ...net.Value) {
		for _, v := range list {
			*t.at(v) = make([]byte, 4*tokens*columns)
		}
	}
	rows := func(columns int, r pass.Rows) {
		room(columns, r.Float)
		if r.Whole != net.None {
			*t.at(r.Whole), *t.at(r.Scale) = make([]byte, tokens*columns), make([]byte, tokens*columns/quant.BlockLen*4)
		}
	}
	room(m.Dim, t.input)
	for i := range m.Layers {
		_, v := t.Pass.LayerAt(i)
		t.layers = append(t.layers, v)
		rows(m.Dim, v.Normed)
		room(m.queryDim(), v.Query, v.TurnedQuery)
		room(m.keyDim(), v.Key, v.Value, v.TurnedKey)
		room(m.Heads*tokens, v.Scores, v.Weights)
		rows(m.queryDim(), v.Mixed)
		room(m.Dim, v.Attended, v.Middle, v.Down, v.Out)
		rows(m.Dim, v.NormedAgain)
		room(m.Hidden, v.Gate, v.Up)
		rows(m.Hidden, v.Gated)
	}
	return t
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
		t.put(t.input, 0, x)
	}
}

// put takes rows of a value, from a row of the step on.
func (t *Trace) put(v net.Value, row int, x []float32) {
	if t == nil {
		return
	}
	b := *t.at(v)
	columns := len(b) / 4 / t.Pass.Tokens
	putFloats(b[4*(t.row+row)*columns:], x)
}

// rows takes rows from the first of the step on, and makes their blocks.
func (t *Trace) rows(r pass.Rows, x []float32) {
	if t == nil {
		return
	}
	t.put(r.Float, 0, x)
	columns := len(*t.at(r.Float)) / 4 / t.Pass.Tokens
	if r.Whole != net.None {
		t.quantise(r, x, columns, t.row)
	}
}

// quantise makes the blocks of rows that begin at a row.
func (t *Trace) quantise(r pass.Rows, x []float32, columns, row int) {
	t.blocks.Resize(len(x)/columns, columns)
	copy(t.blocks.Float, x)
	t.blocks.Quantise(t.path, 0, t.blocks.Rows)
	to := (*t.at(r.Whole))[row*columns:]
	for i, q := range t.blocks.Whole() {
		to[i] = byte(q)
	}
	t.scales = t.blocks.AppendScales(t.scales[:0])
	putFloats((*t.at(r.Scale))[4*row*columns/quant.BlockLen:], t.scales)
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
