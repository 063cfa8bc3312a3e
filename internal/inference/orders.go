package inference

import (
	"context"
	"net/http"

	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/lm"
	"github.com/aiwork/aiwork-node/internal/requester"
)

// orderAnswers has a language model's answers made by one paid job, and tells each in one piece.
func (s *Server) orderAnswers(ctx context.Context, w http.ResponseWriter, l *Language, asks []*ask, head *reply,
	tell func(int, piece) error, ended func(int, outcome) error,
) *Fault {
	prompts := make([]*language.Prompt, len(asks))
	for i, a := range asks {
		prompts[i] = &a.prompt
		if a.request.Logprobs {
			a.prompt.Wants, a.prompt.Top = language.WantsLikelihoods, uint8(a.request.Top)
		}
	}
	done, answers, fault := s.orderPrompts(ctx, w, l, prompts)
	if fault != nil {
		return fault
	}
	head.Aiwork.Job, head.Aiwork.Verdict, head.Aiwork.Paid = w.Header().Get(jobHeader), done.verdict, done.paid
	for i, a := range answers {
		drawn := make([]lm.Event, len(a.Tokens))
		for k, t := range a.Tokens {
			drawn[k].Token = t
			if len(a.Likelihoods) > 0 {
				drawn[k].Logprob, drawn[k].Top = a.Likelihoods[k].Logprob, a.Likelihoods[k].Top
			}
		}
		if tell(i, piece{a.Text, drawn}) != nil || ended(i, outcome{finishOf(a.End), len(drawn)}) != nil {
			return gone()
		}
	}
	return nil
}

// orderVectors has texts read by one paid job.
func (s *Server) orderVectors(ctx context.Context, w http.ResponseWriter, l *Language, a *embedAsk) (vectors [][]float32, fault *Fault) {
	wants := language.WantsMean
	if a.pool == lm.PoolLast {
		wants = language.WantsLast
	}
	prompts := make([]*language.Prompt, len(a.texts))
	for i, tokens := range a.texts {
		prompts[i] = &language.Prompt{Tokens: tokens, Wants: wants}
	}
	_, answers, fault := s.orderPrompts(ctx, w, l, prompts)
	for _, a := range answers {
		vectors = append(vectors, a.Vector)
	}
	return vectors, fault
}

// orderPrompts orders a job of prompts and gives their answers, held against what can be known of them without computing.
func (s *Server) orderPrompts(ctx context.Context, w http.ResponseWriter, l *Language, prompts []*language.Prompt) (*settled, []*language.Answer, *Fault) {
	inputs := make([]requester.Input, len(prompts))
	for i, p := range prompts {
		var err error
		if inputs[i], err = requester.NewPrompt("prompt", p); err != nil {
			return nil, nil, wrong("prompt", "%v", err)
		}
	}
	if fault := s.jobs.enter(ctx); fault != nil {
		return nil, nil, fault
	}
	defer s.jobs.leave()
	done, fault := s.opts.Jobs.run(ctx, l.id, inputs...)
	if fault != nil {
		return nil, nil, fault
	}
	id := done.tell(w.Header())
	answers := make([]*language.Answer, len(prompts))
	for i := range answers {
		data, err := done.lines[i].Output.Answer(ctx, s.opts.Jobs.options.Client)
		if err != nil {
			return nil, nil, faultf(http.StatusBadGateway, "chain", "job %s: %v", id, err)
		}
		answers[i], err = language.DecodeAnswer(data)
		if err != nil || !l.file.Told(prompts[i], len(prompts[i].Tokens), answers[i]) {
			return nil, nil, faultf(http.StatusBadGateway, "chain", "job %s: what was settled is no answer to prompt %d", id, i)
		}
	}
	return done, answers, nil
}
