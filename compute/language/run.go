package language

import (
	"context"

	"github.com/aiwork/aiwork-node/compute/lm"
	"github.com/aiwork/aiwork-node/internal/must"
)

// TogetherMax is how many items a model takes at once. Those that the cache of keys and values has no room for wait.
const TogetherMax = 16

// An item is on its way to its result.
type item struct {
	prompt *Prompt
	answer Answer
	text   []byte
	teller *Teller
}

// A Done is an item's end.
type Done struct {
	ID     int
	Result []byte
	Err    error // of the item, an image.Fault; or of this machine
}

// Run answers an item, while no other is begun. Its error is an image.Fault, that of ctx, or one of this machine.
func (r *Ready) Run(ctx context.Context, item []byte) ([]byte, error) {
	must.Hold(len(r.begun) == 0, "one item alone, while others are begun")
	id, err := r.Begin(item)
	if err != nil {
		return nil, err
	}
	defer r.Leave(id)
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		done, err := r.Step()
		if err != nil {
			return nil, err
		}
		if len(done) > 0 {
			return done[0].Result, done[0].Err
		}
	}
}

// Begin takes an item among those that share each Step; no bit of its result depends on the others (LM-2). Its error is as that
// of Run, and lm.ErrBatchFull where TogetherMax items are begun.
func (r *Ready) Begin(data []byte) (id int, err error) {
	p, err := DecodePrompt(data)
	if err != nil {
		return 0, err
	}
	tokens, err := r.Tokens(p)
	if err != nil {
		return 0, err
	}
	if r.batch == nil {
		r.batch = lm.NewBatch(r.weights, lm.BatchOptions{Threads: r.threads, Pages: r.pages, Requests: TogetherMax, StepTokens: stepTokens})
	}
	ends := r.ends(p)
	q := lm.Request{
		Prompt: tokens, TokensMax: p.TokensMax, Stop: ends, Sampling: p.Sampling(),
		Logprobs: p.Wants == WantsLikelihoods, Top: int(p.Top), Pool: p.Wants.pool(),
	}
	if id, err = r.batch.Add(q); err != nil {
		return 0, r.explain(err)
	}
	r.begun[id] = &item{prompt: p, answer: Answer{PromptTokens: len(tokens)}, teller: NewTeller(r.Texts, ends, p.StopTexts)}
	return id, nil
}

// Begun is how many items are on their way.
func (r *Ready) Begun() int { return len(r.begun) }

// Step brings all that are begun further, and gives those that have ended. Its error is of this machine, and ends them all.
func (r *Ready) Step() (done []Done, err error) {
	events, err := r.batch.Step()
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		it := r.begun[e.ID] // one event a step: what has ended gets none
		switch {
		case e.End == lm.EndFault:
			done = append(done, Done{ID: e.ID, Err: r.explain(e.Err)})
		case it.take(e):
			done = append(done, Done{ID: e.ID, Result: it.answer.Encode()})
		default:
			continue
		}
		r.Leave(e.ID)
	}
	return done, nil
}

// Leave ends an item without a result; one that has ended already stays so.
func (r *Ready) Leave(id int) {
	if r.begun[id] != nil {
		r.batch.Cancel(id)
		delete(r.begun, id)
	}
}

// take adds what a step has drawn, and says whether the answer has ended.
func (it *item) take(e lm.Event) (ended bool) {
	a := &it.answer
	if e.End == lm.EndPooled {
		a.End, a.Vector = EndVector, e.Vector
		return true
	}
	text, end := it.teller.Next(e.Token)
	a.Tokens, it.text = append(a.Tokens, e.Token), append(it.text, text...)
	if it.prompt.Wants == WantsLikelihoods {
		a.Likelihoods = append(a.Likelihoods, Likelihood{e.Logprob, e.Top})
	}
	if end == Goes && e.End != lm.Goes {
		end = EndLength
	}
	if end == Goes {
		return false
	}
	text, a.End = it.teller.Rest(end)
	a.Text = string(append(it.text, text...))
	return true
}
