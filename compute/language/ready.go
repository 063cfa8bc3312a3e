package language

import (
	"context"
	"errors"
	"fmt"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/lm"
	"github.com/aiwork/aiwork-node/compute/packed"
)

// Options say how a model is made ready.
type Options struct {
	Threads     int
	MemoryBytes int64         // of the process; 0: no limit. A model's weights may take three quarters, its keys and values the fourth
	Shelf       *packed.Shelf // of weights as they are laid out; the Ready model closes it. Nil: each lays out its own
}

const (
	stepTokens  = 256
	cacheShare  = 4       // of the memory, for keys and values
	cacheUsual  = 1 << 30 // where there is no limit
	weightShare = 4       // what weights leave of the memory
)

// A Ready model runs items. It is for one caller at a time.
type Ready struct {
	*Model
	weights *lm.Model
	shelf   *packed.Shelf
	threads int
	pages   int // of the cache of keys and values, at most
	batch   *lm.Batch
}

// Load lays the weights out for the quickest path of this machine. An error is of this machine or of the file.
func (m *Model) Load(o Options) (*Ready, error) {
	cache := int64(cacheUsual)
	if o.MemoryBytes > 0 {
		cache = o.MemoryBytes / cacheShare
		if most := o.MemoryBytes - o.MemoryBytes/weightShare; m.WeightBytes() > most {
			return nil, fmt.Errorf("weights of %d MiB do not fit into %d MiB beside the rest: allow the engine more memory", m.WeightBytes()>>20, o.MemoryBytes>>20)
		}
	}
	weights, err := lm.LoadKept(m.File, kernel.Best(), o.Shelf)
	if err != nil {
		return nil, err
	}
	r := &Ready{Model: m, weights: weights, shelf: o.Shelf, threads: max(1, o.Threads)}
	r.pages = int(cache / int64(lm.NewCache(weights.Config, 1).PageBytes()))
	r.batch = lm.NewBatch(weights, lm.BatchOptions{Threads: r.threads, Pages: r.pages, Requests: 1, StepTokens: stepTokens})
	return r, nil
}

// Weights is the model that computes.
func (r *Ready) Weights() *lm.Model { return r.weights }

// Close gives the model's files back.
func (r *Ready) Close() { _, _ = r.Model.Close(), r.shelf.Close() } // they were only read

// Run answers an item. Its error is an image.Fault, that of ctx, or one of this machine.
func (r *Ready) Run(ctx context.Context, item []byte) ([]byte, error) {
	p, err := DecodePrompt(item)
	if err != nil {
		return nil, err
	}
	tokens, err := r.Tokens(p)
	if err != nil {
		return nil, err
	}
	ends := r.ends(p)
	id, err := r.batch.Add(lm.Request{Prompt: tokens, TokensMax: p.TokensMax, Stop: ends, Sampling: p.Sampling()})
	if err != nil {
		return nil, r.explain(err)
	}
	defer r.batch.Cancel(id)
	a := &Answer{PromptTokens: len(tokens)}
	teller := NewTeller(r.Texts, ends, p.StopTexts)
	for a.End == Goes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		events, err := r.batch.Step()
		if err != nil {
			return nil, err
		}
		if err := a.take(teller, events); err != nil {
			return nil, r.explain(err)
		}
	}
	return a.Encode(), nil
}

// take adds what a step has drawn.
func (a *Answer) take(teller *Teller, events []lm.Event) error {
	for _, e := range events {
		if e.End == lm.EndFault {
			return e.Err
		}
		text, end := teller.Next(e.Token)
		a.Tokens, a.Text = append(a.Tokens, e.Token), a.Text+text
		if end == Goes && e.End != lm.Goes {
			end = EndLength
		}
		if end != Goes {
			text, a.End = teller.Rest(end)
			a.Text += text
			return nil
		}
	}
	return nil
}

// explain tells a fault of the input, which is the same everywhere, from what this machine lacks.
func (r *Ready) explain(err error) error {
	if errors.Is(err, lm.ErrNotFinite) {
		return image.FaultShape
	}
	if errors.Is(err, lm.ErrCacheFull) {
		return fmt.Errorf("%w: allow the engine more memory", err)
	}
	return err
}

// Follows says whether a result is what Run would give, in one pass over it (LANG-6). Its error is as that of Run: an item that
// is at fault has no result.
func (r *Ready) Follows(ctx context.Context, item, result []byte) (bool, error) {
	p, err := DecodePrompt(item)
	if err != nil {
		return false, err
	}
	prompt, err := r.Tokens(p)
	if err != nil {
		return false, err
	}
	a, err := DecodeAnswer(result)
	if err != nil || !r.Told(p, len(prompt), a) {
		return false, ctx.Err()
	}
	pages := (len(prompt)+len(a.Tokens))/lm.PageLen + 1
	if pages > r.pages {
		return false, r.explain(fmt.Errorf("%w: %d needed of %d", lm.ErrCacheFull, pages, r.pages))
	}
	runner, cache := lm.NewRunner(r.weights, r.threads), lm.NewCache(r.weights.Config, pages)
	n, err := lm.Verify(ctx, runner, cache.NewSequence(), prompt, a.Tokens, p.Sampling())
	if err != nil {
		return false, r.explain(err)
	}
	return n == len(a.Tokens), nil
}

// Told says whether text and end of an answer follow from its tokens, and its length from the prompt. It computes nothing.
func (m *Model) Told(p *Prompt, promptTokens int, a *Answer) bool {
	if !m.has(a.Tokens) || a.PromptTokens != promptTokens {
		return false
	}
	teller, again := NewTeller(m.Texts, m.ends(p), p.StopTexts), &Answer{}
	for i, t := range a.Tokens {
		e := lm.Event{Token: t}
		if i+1 == p.TokensMax {
			e.End = lm.EndLength
		}
		if again.End != Goes || again.take(teller, []lm.Event{e}) != nil {
			return false
		}
	}
	return again.End == a.End && again.Text == a.Text
}
