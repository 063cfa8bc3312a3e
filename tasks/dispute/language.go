package dispute

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"lukechampine.com/blake3"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/pass"
	"github.com/aiwork/aiwork-node/compute/tile"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/vm/native"
)

// Answers of language models: two that begin alike differ in one token at last, which is the draw of one pass over what they agree about
// (package pass). That pass is narrowed down like a network (DISPUTE-10).

// A Quarrel is what the challenger's claim shows of an answer, as its Head.
type Quarrel struct {
	Shape []byte // the model's first leaf
	Item  []byte // the job's
	Given []byte // the defender's answer
}

const quarrelMax = pass.ItemBytesMax + pass.AnswerBytesMax + questionMax

// Encode gives the head of a claim.
func (q *Quarrel) Encode() []byte {
	w := codec.NewWriter(16 + len(q.Shape) + len(q.Item) + len(q.Given))
	w.Bytes(q.Shape)
	w.Bytes(q.Item)
	w.Bytes(q.Given)
	return w.Out()
}

func decodeQuarrel(b []byte) (q Quarrel, err error) {
	r := codec.NewReader(b)
	q.Shape, q.Item, q.Given = r.Bytes(questionMax), r.Bytes(pass.ItemBytesMax), r.Bytes(pass.AnswerBytesMax)
	return q, r.End()
}

// A Question is the pass that two answers come down to. The contract keeps its hash as the scope of the dispute; the defender's claim has it as its
// Head.
type Question struct {
	Shape  []byte     // the model's first leaf
	Pass   []byte     // see pass.Pass
	Tokens chain.Hash // the root of the tokens; zero where the item is a text: the parties say which tokens it is
}

// Encode gives the bytes whose hash the contract keeps.
func (q *Question) Encode() []byte {
	w := codec.NewWriter(256)
	w.Bytes(q.Shape)
	w.Bytes(q.Pass)
	w.Fixed(q.Tokens[:])
	return w.Out()
}

const questionMax = 1 << 10

// DecodeQuestion reads what Encode wrote, and gives the pass.
func DecodeQuestion(b []byte) (q Question, p pass.Pass, err error) {
	r := codec.NewReader(b)
	q.Shape, q.Pass = r.Bytes(questionMax), r.Bytes(questionMax)
	r.Fixed(q.Tokens[:])
	if err := r.End(); err != nil {
		return q, p, err
	}
	s, err := pass.DecodeShape(q.Shape)
	if err != nil {
		return q, p, err
	}
	p, err = pass.Decode(s, q.Pass)
	return q, p, err
}

// Ask finds the pass that two answers to an item come down to, and the tokens that follow it, the defender's first. An error says that they do
// not come down to one that can be disputed.
func Ask(shape, item, given, answer []byte) (q Question, p pass.Pass, next [2]uint32, err error) {
	it, err := pass.DecodeItem(item)
	if err != nil {
		return q, p, next, err
	}
	var a [2]pass.Answer
	for i, b := range [][]byte{given, answer} {
		if a[i], err = pass.DecodeAnswer(b); err != nil {
			return q, p, next, err
		}
	}
	n, ok := pass.Agreed(a[0].Tokens, a[1].Tokens)
	prompt := a[0].PromptTokens
	if !ok || a[1].PromptTokens != prompt || len(it.Tokens) > 0 && len(it.Tokens) != prompt {
		return q, p, next, pass.ErrItem
	}
	s, err := pass.DecodeShape(shape)
	if err != nil {
		return q, p, next, err
	}
	p = pass.Pass{Shape: s, Tokens: prompt + n, Draw: it.Draw}
	q = Question{Shape: shape, Pass: p.Encode()}
	if len(it.Tokens) > 0 {
		q.Tokens = tokensRoot(slices.Concat(it.Tokens, a[0].Tokens[:n]))
	}
	p, err = pass.Decode(s, q.Pass) // which looks at the number of tokens
	return q, p, [2]uint32{a[0].Tokens[n], a[1].Tokens[n]}, err
}

// tokensRoot is the root of tokens as the pass takes them.
func tokensRoot(tokens []uint32) chain.Hash {
	b := make([]byte, 0, 4*len(tokens))
	for _, t := range tokens {
		b = binary.LittleEndian.AppendUint32(b, t)
	}
	return net.TensorRoot(net.Int32, b)
}

// answer says whether the operators that are narrowed down are those of a pass.
func (d *Dispute) answer() bool { return d.Kind == Language && d.Depth == 0 }

// takeQuarrel checks the challenger's claim about an answer: item and answers are those of the job, the shape is the model's, and its token
// follows from its receipt.
func (d *Dispute) takeQuarrel(c *native.Call, about *Subject, k *Claim) bool {
	if !chargeHashes(c, len(k.Head)+len(k.Result)+len(k.InModel)*64+sizeOf(k.Entries), 64+len(k.InModel)+len(k.Entries)*16) || !c.Charge(gasStep) {
		return false
	}
	h, err := decodeQuarrel(k.Head)
	if !c.Require(err == nil, "disputes: the head is malformed") ||
		!c.Require(blake3.Sum256(h.Item) == about.Item, "disputes: the item is another") ||
		!c.Require(about.gave(h.Given), "disputes: the defender gave another answer") {
		return false
	}
	q, p, next, err := Ask(h.Shape, h.Item, h.Given, k.Result)
	if !c.Require(err == nil, "disputes: the answers do not come down to two tokens of a pass: auditors judge") ||
		!c.Require(pass.Verify(d.Model, &p.Shape, [][]byte{h.Shape}, []uint64{0}, proofOf(k.InModel)) == nil, "disputes: the shape is not the model's") {
		return false
	}
	d.Opset, d.Inputs, d.Weights, d.Ops = tile.LanguageSet, 1, uint32(p.Shape.Places()), uint32(p.Ops())
	d.Tokens, d.Given, d.Scope = uint32(p.Tokens), next[Defender], sha256.Sum256(q.Encode())
	return d.draws(c, Challenger, k, &q, next[Challenger])
}

// takeAnswer checks the defender's claim: its token follows from its receipt.
func (d *Dispute) takeAnswer(c *native.Call, k *Claim) bool {
	if !chargeHashes(c, len(k.Head)+sizeOf(k.Entries), 8+len(k.Entries)*16) ||
		!c.Require(sha256.Sum256(k.Head) == d.Scope, "disputes: this is not the question") {
		return false
	}
	q, _, err := DecodeQuestion(k.Head)
	return c.Require(err == nil, "disputes: this is not the question") && d.draws(c, Defender, k, &q, d.Given)
}

// draws checks that a receipt begins with the tokens and ends with a token that is drawn, and notes it.
func (d *Dispute) draws(c *native.Call, s Side, k *Claim, q *Question, token uint32) bool {
	entries, ok := entriesAt(c, k.Receipt, d.entries(), k.Entries, k.Places, k.Proof)
	if !ok || !c.Require(slices.Equal(k.Places, []uint64{0, uint64(d.Ops)}), "disputes: the first and the last entry are wanted") {
		return false
	}
	root := q.Tokens
	if root.IsZero() && len(entries[0].Digests) == 1 { // of a text: who says otherwise than the other ends the dispute undecided
		root = entries[0].Digests[0].Root
	}
	begins := Entry{Digests: []net.Digest{{Type: net.Int32, Shape: []uint32{d.Tokens}, Root: root}}}
	drawn := net.Digest{Type: net.Int32, Shape: []uint32{1}, Root: tokensRoot([]uint32{token})}
	last := entries[1].Digests
	if !c.Require(string(entries[0].Encode()) == string(begins.Encode()), "disputes: the receipt begins with other tokens") ||
		!c.Require(len(last) > 0 && sameDigest(&last[0], &drawn), "disputes: the token does not follow from the receipt") {
		return false
	}
	d.Receipts[s] = k.Receipt
	return true
}

// ofAnswer makes the operator of the pass, of tensors that are shown under the model's id.
func (w *work) ofAnswer(j *Judgement, entries []Entry, b *bench) bool {
	_, p, err := DecodeQuestion(j.Scope)
	if !w.Require(err == nil && sha256.Sum256(j.Scope) == w.Scope, "disputes: this is not the question") {
		return false
	}
	must.Hold(w.Entry >= 1 && w.Entry <= uint64(p.Ops()), "dispute: an operator beyond the last")
	i := int(w.Entry) - 1
	tensors, ok := w.tensors(j, &p, p.Needs(i))
	if !ok {
		return false
	}
	if b.op, err = p.Op(i, func(place int) pass.Tensor { return tensors[place] }); err != nil {
		w.end(w.Call, Undecided) // a model that cannot be run
		return false
	}
	b.opset, b.raw, b.first = tile.LanguageSet, b.op.Encode(), p.FirstOf(i)
	b.operand = func(v net.Value) (g net.Digest, ok bool) {
		if v > 0 && int(v) <= p.Shape.Places() {
			t := tensors[int(v)-1]
			return t.Digest(), true
		}
		g, ok = digestIn(entries, v)
		return g, w.Require(ok, "disputes: an operand is missing")
	}
	return true
}

// tensors checks that a judgement shows the leaves of some tensors, and no others.
func (w *work) tensors(j *Judgement, p *pass.Pass, places []int) (map[int]pass.Tensor, bool) {
	out := map[int]pass.Tensor{}
	if !w.Require(len(j.InModel) == len(places), "disputes: the tensors that the operator reads are wanted") ||
		!w.Require(pass.Verify(w.Model, &p.Shape, j.Parts, j.InModel, proofOf(j.PartProof)) == nil, "disputes: the parts are not the model's") {
		return nil, false
	}
	for i, place := range places {
		t, err := pass.DecodeTensor(j.Parts[i])
		if !w.Require(err == nil && j.InModel[i] == uint64(1+place), "disputes: the tensors that the operator reads are wanted") {
			return nil, false
		}
		out[place] = t
	}
	return out, true
}
