package language

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/lm"
	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/pass"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/compute/tile"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// ErrNotDisputed says that two answers do not differ in a way that the contract decides, or that a dispute is about another answer.
var ErrNotDisputed = errors.New("the auditors' vote decides about these answers")

// An Advocate makes the calls of a party to a dispute about an answer: it has answered the item, and runs the pass that a dispute comes
// down to when it is asked for. It is for one caller at a time, and uses the model that it is of.
type Advocate struct {
	ready  *Ready
	id     chain.Hash
	leaves [][]byte
	item   []byte
	prompt *Prompt
	tokens []int32 // of the prompt
	result []byte
	answer *Answer

	pass *receipt.Advocate // of the pass that was run last
	of   dispute.Question

	lie Lie // usually nil
}

// A Lie changes values of a pass that were computed, as a worker would who lies. It does the same whenever it is asked about a value.
type Lie func(p *pass.Pass, v net.Value, b []byte)

// Advocate stands for an answer to an item, or, if that is empty, for what it answers. Its error is as that of Run.
func (r *Ready) Advocate(ctx context.Context, id chain.Hash, item, result []byte) (*Advocate, error) {
	a := &Advocate{ready: r, id: id, item: item}
	var err error
	if a.prompt, err = DecodePrompt(item); err != nil {
		return nil, err
	}
	if a.tokens, err = r.Tokens(a.prompt); err != nil {
		return nil, err
	}
	if len(result) == 0 {
		if result, err = r.Run(ctx, item); err != nil {
			return nil, err
		}
	}
	if len(item) > pass.ItemBytesMax || len(result) > pass.AnswerBytesMax || a.prompt.Wants.pool() != lm.PoolNone {
		return nil, fmt.Errorf("%w: the item or the answer is over %d bytes, or a vector", ErrNotDisputed, pass.AnswerBytesMax)
	}
	return a, a.StandBy(result, nil)
}

// StandBy makes the advocate stand for another answer, and lie about the passes that it runs. Only tests and builds that are made to be caught lie.
func (a *Advocate) StandBy(result []byte, lie Lie) (err error) {
	a.result, a.lie, a.pass = result, lie, nil
	if a.answer, err = DecodeAnswer(result); err != nil {
		return fmt.Errorf("%w: %w", ErrNotDisputed, err)
	}
	return nil
}

// Misread makes the advocate take the prompt for other tokens. Only tests ask for it.
func (a *Advocate) Misread(change func(tokens []int32)) {
	a.tokens, a.pass = slices.Clone(a.tokens), nil
	change(a.tokens)
}

// Claim gives the answer, without a receipt: which pass is in question depends on the other answer.
func (a *Advocate) Claim() *dispute.Claim {
	return &dispute.Claim{Kind: dispute.Language, Result: a.result}
}

// Against gives the claim with which another answer to the item is disputed.
func (a *Advocate) Against(ctx context.Context, given []byte) (*dispute.Claim, error) {
	q, p, _, err := dispute.Ask(a.shapeLeaf(), a.item, given, a.result)
	if err != nil {
		return nil, fmt.Errorf("%w: their tokens do not differ, or one is the other's beginning, or they are too long", ErrNotDisputed)
	}
	if err := a.run(ctx, q, &p); err != nil {
		return nil, err
	}
	k := a.pass.AnswerClaim()
	head := dispute.Quarrel{Shape: q.Shape, Item: a.item, Given: given}
	k.Head, k.Result = head.Encode(), a.result
	for _, h := range pass.Prove(a.leaves, []uint64{0}) {
		k.InModel = append(k.InModel, h)
	}
	return k, nil
}

// Plead gives the call that a dispute asks of a side now; see receipt.Advocate.
func (a *Advocate) Plead(ctx context.Context, d *dispute.Dispute, s dispute.Side, shown [2][]byte) ([]byte, error) {
	if d.Kind != dispute.Language || d.Model != a.id {
		return nil, fmt.Errorf("dispute %d is about the model %s: %w", d.ID, d.Model, ErrNotDisputed)
	}
	shape := a.ready.Shape.Shape()
	p := pass.Pass{Shape: shape, Tokens: int(d.Tokens), Draw: a.prompt.Draw()}
	q := dispute.Question{Shape: a.shapeLeaf(), Pass: p.Encode()}
	text, err := a.before(p.Tokens)
	if err != nil {
		return nil, fmt.Errorf("dispute %d: %w", d.ID, err)
	}
	if len(a.prompt.Tokens) > 0 {
		q.Tokens = net.TensorRoot(net.Int32, raw(text))
	}
	if err := a.run(ctx, q, &p); err != nil {
		return nil, err
	}
	if d.Phase == dispute.Answering && s == dispute.Defender {
		k := a.pass.AnswerClaim()
		k.Head = q.Encode()
		return dispute.PackAnswer(d.ID, k), nil
	}
	return a.pass.Plead(d, s, shown)
}

func (a *Advocate) shapeLeaf() []byte {
	shape := a.ready.Shape.Shape()
	return shape.Encode()
}

// Draw says how the answer's tokens are drawn.
func (p *Prompt) Draw() pass.Draw {
	return pass.Draw{
		TemperaturePpm: p.TemperaturePpm, TopK: p.TopK, TopPPpm: p.TopPPpm, PenaltyPpm: p.PenaltyPpm, PenaltyReach: p.PenaltyReach, Seed: p.Seed,
	}
}

// before gives so many tokens that the answer's next one follows.
func (a *Advocate) before(tokens int) ([]int32, error) {
	n := tokens - len(a.tokens)
	if n < 0 || n >= len(a.answer.Tokens) {
		return nil, fmt.Errorf("a pass over %d tokens is not of this answer: %w", tokens, ErrNotDisputed)
	}
	return append(a.tokens[:len(a.tokens):len(a.tokens)], a.answer.Tokens[:n]...), nil
}

// run runs a pass, unless that was done before.
func (a *Advocate) run(ctx context.Context, q dispute.Question, p *pass.Pass) error {
	if a.pass != nil && string(a.of.Encode()) == string(q.Encode()) {
		return nil
	}
	text, err := a.before(p.Tokens)
	if err != nil {
		return err
	}
	if a.leaves == nil {
		a.leaves = a.ready.Leaves()
	}
	a.ready.batch, a.pass = nil, nil // whose memory is needed
	_, end := p.EndAt()
	w := lm.Watch{Roots: true, Begins: true, Keep: func(v net.Value) bool { return v >= end.Normed.Float }}
	if a.lie != nil {
		w.Change = func(v net.Value, b []byte) { a.lie(p, v, b) }
	}
	t, err := lm.RunTrace(ctx, a.ready.weights, a.ready.threads, text, p.Draw, w)
	if err != nil {
		return a.ready.explain(err)
	}
	values, digests, err := a.ready.asNetwork(t, text, a.leaves)
	if err != nil {
		return err
	}
	a.pass = receipt.NewAnswer(values, receipt.Answer{Model: a.id, Question: q.Encode(), Leaves: a.leaves, Digests: digests})
	a.of = q
	return nil
}

func raw(tokens []int32) []byte {
	b := make([]byte, 0, 4*len(tokens))
	for _, t := range tokens {
		b = binary.LittleEndian.AppendUint32(b, uint32(t))
	}
	return b
}

// A passed is a pass whose values are computed again, a layer at a time, when they are asked for.
type passed struct {
	ready *Ready
	trace *lm.Trace
	again *lm.Trace // of the layer that was asked for last
	index int
}

// of gives a value that operators have made.
func (x *passed) of(v net.Value) []byte {
	if b := x.trace.Of(v); b != nil {
		return b
	}
	p := &x.trace.Pass
	for i := range p.Shape.Layers {
		rows, layer := p.LayerAt(i)
		switch {
		case v == rows:
			return x.trace.Begin(i)
		case v > layer.Out:
			continue
		}
		if x.again == nil || x.index != i {
			x.again = nil // whose memory is needed
			t, err := x.trace.Again(x.ready.weights, x.ready.threads, i)
			must.Hold(err == nil, "a layer that was run is not run again")
			x.again, x.index = t, i
		}
		return x.again.Of(v)
	}
	must.Hold(false, "a value that no layer makes, and that is not kept")
	return nil
}

// asNetwork gives a trace the form that traces of networks have: its values by their numbers, weights among them, its operators, and the digests of
// all.
func (r *Ready) asNetwork(t *lm.Trace, tokens []int32, leaves [][]byte) (*receipt.Trace, []net.Digest, error) {
	x := &passed{ready: r, trace: t}
	of := &net.Net{Head: net.Head{Opset: tile.LanguageSet, Inputs: []net.Port{{Type: net.Int32, Known: true}}}}
	out := &receipt.Trace{Model: &lower.Model{Net: of}, Values: []*tensor.Tensor{tensor.Of([]int{len(tokens)}, tokens)}}
	digests := []net.Digest{{Type: net.Int32, Shape: []uint32{uint32(len(tokens))}, Root: net.TensorRoot(net.Int32, raw(tokens))}}
	tensors := make([]pass.Tensor, t.Pass.Shape.Places())
	for i, name := range t.Pass.Shape.TensorNames() {
		var err error
		if tensors[i], err = pass.DecodeTensor(leaves[1+i]); err != nil {
			return nil, nil, fmt.Errorf("tensor %s: %w", name, err)
		}
		digests = append(digests, tensors[i].Digest())
		of.WeightList = append(of.WeightList, net.Weight(digests[1+i]))
		out.Values = append(out.Values, r.words(name))
	}
	for i := range t.Pass.Ops() {
		op, err := t.Pass.Op(i, func(place int) pass.Tensor { return tensors[place] })
		if err != nil {
			return nil, nil, fmt.Errorf("operator %d: %w", i, err)
		}
		of.OpList = append(of.OpList, op)
		task := tile.Task{Opset: of.Opset, Op: &of.OpList[i]}
		for _, v := range op.In {
			var o tile.Operand
			if v != net.None {
				o = tile.Operand{Type: digests[v].Type, Shape: digests[v].Shape}
			}
			task.In = append(task.In, o)
		}
		for task.Out = range op.Outs {
			plan, err := tile.Resolve(task, nil)
			if err != nil {
				return nil, nil, fmt.Errorf("operator %d, %s: %w", i, op.Name, err)
			}
			v := net.Value(len(out.Values))
			g := net.Digest{Type: plan.Type, Root: t.Roots[v-t.First]}
			for _, d := range plan.Shape {
				g.Shape = append(g.Shape, uint32(d))
			}
			digests = append(digests, g)
			out.Values = append(out.Values, later(plan.Type, plan.Shape, func() []byte { return x.of(v) }))
		}
	}
	of.Weights, of.Ops = uint32(len(of.WeightList)), uint32(len(of.OpList))
	return out, digests, nil
}

// later gives a tensor whose bytes are made when they are asked for.
func later(kind net.Type, shape []int, bytes func() []byte) *tensor.Tensor {
	own := typeOf(kind)
	return tensor.Later(own, shape, func() *tensor.Tensor {
		v, err := tensor.ViewRaw(own, shape, bytes())
		must.Hold(err == nil, "a tensor of another size than its shape")
		return v
	})
}

// words gives a tensor of the file as words; nil for one that is not there.
func (m *Model) words(name string) *tensor.Tensor {
	t, ok := m.File.Tensor(name)
	if !ok {
		return nil
	}
	return later(net.Uint64, []int{(len(t.Data) + 7) / 8}, func() []byte { return pass.Words(t.Data) })
}

// typeOf gives the type of tensors of one that passes have.
func typeOf(kind net.Type) tensor.Type {
	for _, t := range []tensor.Type{tensor.Int32, tensor.Uint64} {
		if onnx.NumberOf(t) == int64(kind) {
			return t
		}
	}
	return tensor.Float32
}
