package language

import (
	"context"
	"errors"
	"fmt"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/lm"
	"github.com/aiwork/aiwork-node/compute/packed"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// Options say how a model is made ready.
type Options struct {
	Threads     int
	MemoryBytes int64 // of the process; 0: no limit. A model's weights may take three quarters, its keys and values the fourth

	Packed packed.Folder     // where weights are kept as kernels take them; its zero value is nowhere
	ID     chain.Hash        // of the model, by which they are found there
	Note   func(text string) // takes what the operator may want to know of that; may be nil
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
	shelf   *packed.Shelf // nil: the weights are in memory
	threads int
	pages   int       // of the cache of keys and values, at most
	batch   *lm.Batch // nil until an item is run, and while one is checked, so that there is one cache at a time
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
	weights, shelf, err := m.Weights(kernel.Best(), o.Packed, o.ID, o.Note)
	if err != nil {
		return nil, err
	}
	r := &Ready{Model: m, weights: weights, shelf: shelf, threads: max(1, o.Threads)}
	r.pages = int(cache / int64(lm.NewCache(weights.Config, 1).PageBytes()))
	return r, nil
}

// Weights lays the weights out for a path, or finds them laid out in a folder under an id. The shelf, which may be nil, is closed when
// nothing of them is used any more.
func (m *Model) Weights(path kernel.Path, folder packed.Folder, id chain.Hash, note func(text string)) (*lm.Model, *packed.Shelf, error) {
	if folder.Dir == "" {
		weights, err := lm.Load(m.File, path)
		return weights, nil, err
	}
	return packed.Load(folder, id, path.String(), note, func(s *packed.Shelf) (*lm.Model, error) { return lm.LoadKept(m.File, path, s) })
}

// Close gives the model's file back.
func (r *Ready) Close() {
	_ = r.shelf.Close()
	_ = r.Model.Close() // both were only read
}

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
	if r.batch == nil {
		r.batch = lm.NewBatch(r.weights, lm.BatchOptions{Threads: r.threads, Pages: r.pages, Requests: 1, StepTokens: stepTokens})
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
	r.batch = nil
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
