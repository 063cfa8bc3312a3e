package receipt

import (
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/pass"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// An Answer is what an advocate knows of a language model's answer beside a trace of the pass that is in question.
type Answer struct {
	Model    chain.Hash
	Question []byte       // see dispute.Question
	Leaves   [][]byte     // what the model's id is the root of
	Digests  []net.Digest // of all values
}

// NewAnswer stands for whoever has run a pass of a language model. The trace has the pass's operators as a network; its tensors that the model
// lacks are nil, and its values may be made when they are asked for.
func NewAnswer(t *Trace, about Answer) *Advocate {
	t.digest = about.Digests // which to make anew takes long
	return &Advocate{base: &layer{trace: t, answer: &about}}
}

// AnswerClaim gives the receipt of a pass, with the entries of its tokens and of the draw. Head, result and proof of the shape are the caller's.
func (a *Advocate) AnswerClaim() *dispute.Claim {
	l := a.base
	k := &dispute.Claim{Kind: dispute.Language, Receipt: l.root()}
	last := l.entries[len(l.entries)-1].First
	k.Entries, k.Places, k.Proof = l.showValues([]net.Value{0, last})
	return k
}

// showTensors adds the question, and the tensors that the operator behind an entry may read, to a judgement.
func (x *Answer) showTensors(entry uint64, j *dispute.Judgement) error {
	_, p, err := dispute.DecodeQuestion(x.Question)
	if err != nil {
		return err
	}
	j.Scope = x.Question
	for _, place := range p.Needs(int(entry) - 1) {
		j.InModel = append(j.InModel, uint64(1+place))
		j.Parts = append(j.Parts, x.Leaves[1+place])
	}
	j.PartProof = hashList(pass.Prove(x.Leaves, j.InModel))
	return nil
}
