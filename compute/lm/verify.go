package lm

import (
	"context"
	"fmt"
	"slices"
)

// logitsMax is about how many logits are held at a time.
const logitsMax = 8 << 20

// chunkLen is how many tokens go through the model at a time where each one's logits are wanted.
func (m *Model) chunkLen() int { return min(max(logitsMax/m.Vocab, 1), 256) }

// Verify runs prompt and answer through the model in one pass and draws each token of the answer again (LM-8). It gives
// the index of the first token that does not follow, or len(answer) where all do. The sequence must be empty; it holds
// prompt and answer but its last token afterwards.
func Verify(ctx context.Context, r *Runner, seq *Sequence, prompt, answer []int32, how Sampling) (follows int, err error) {
	return VerifyWith(ctx, r, seq, prompt, answer, how, func(*Sampler, int, []float32) bool { return true })
}

// VerifyWith is Verify that also asks holds, with the logits from which token i of the answer was drawn: where it says no, the token
// does not follow.
func VerifyWith(ctx context.Context, r *Runner, seq *Sequence, prompt, answer []int32, how Sampling,
	holds func(s *Sampler, i int, logits []float32) bool,
) (follows int, err error) {
	if len(prompt) == 0 || seq.Len() > 0 {
		return 0, fmt.Errorf("a prompt of %d tokens on a sequence of %d", len(prompt), seq.Len())
	}
	if err := how.Check(); err != nil {
		return 0, err
	}
	if len(answer) == 0 {
		return 0, nil
	}
	text := slices.Concat(prompt, answer)
	sampler := NewSampler(r.model.path)
	for at := 0; at < len(text)-1; {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n := min(r.model.chunkLen(), len(text)-1-at)
		part := &Part{Seq: seq, Tokens: text[at : at+n], Want: max(0, at+n-max(at, len(prompt)-1))}
		if err := r.Step([]*Part{part}); err != nil {
			return 0, err
		}
		if part.Err != nil {
			return 0, part.Err
		}
		at += n
		for i, logits := range part.Logits {
			next := at - len(part.Logits) + i + 1
			if sampler.Next(logits, text[:next], how) != text[next] || !holds(sampler, next-len(prompt), logits) {
				return next - len(prompt), nil
			}
		}
	}
	return len(answer), nil
}
