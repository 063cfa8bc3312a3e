package language

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/lm"
	"github.com/aiwork/aiwork-node/compute/packed"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
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

// A Ready model runs items: one with Run, or several at once with Begin and Step. It is for one caller at a time.
type Ready struct {
	*Model
	weights *lm.Model
	shelf   *packed.Shelf // nil: the weights are in memory
	threads int
	pages   int       // of the cache of keys and values, at most
	batch   *lm.Batch // nil until an item is run, and while one is checked, so that there is one cache at a time
	begun   map[int]*item
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
	weights, shelf, err := Weights(m.File, kernel.Best(), o.Packed, o.ID, o.Note)
	if err != nil {
		return nil, err
	}
	r := &Ready{Model: m, weights: weights, shelf: shelf, threads: max(1, o.Threads), begun: map[int]*item{}}
	r.pages = int(cache / int64(lm.NewCache(weights.Config, 1).PageBytes()))
	return r, nil
}

// Weights lays the weights of a file out for a path, or finds them laid out in a folder under an id. The shelf, which may be nil, is
// closed when nothing of them is used any more.
func Weights(f *gguf.File, path kernel.Path, folder packed.Folder, id chain.Hash, note func(text string)) (*lm.Model, *packed.Shelf, error) {
	if folder.Dir == "" {
		weights, err := lm.Load(f, path)
		return weights, nil, err
	}
	return packed.Load(folder, id, path.String(), note, func(s *packed.Shelf) (*lm.Model, error) { return lm.LoadKept(f, path, s) })
}

// Close gives the model's file back.
func (r *Ready) Close() {
	_ = r.shelf.Close()
	_ = r.Model.Close() // both were only read
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

// Follows says whether a result is what Run would give, in one pass over it, while no item is begun (LANG-6). Its error is as that
// of Run: an item that is at fault has no result.
func (r *Ready) Follows(ctx context.Context, item, result []byte) (bool, error) {
	must.Hold(len(r.begun) == 0, "a result is checked while items are begun")
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
	if a.End == EndVector {
		again, err := r.Run(ctx, item)
		return err == nil && bytes.Equal(again, result), err
	}
	pages := (len(prompt)+len(a.Tokens))/lm.PageLen + 1
	if pages > r.pages {
		return false, r.explain(fmt.Errorf("%w: %d needed of %d", lm.ErrCacheFull, pages, r.pages))
	}
	r.batch = nil
	runner, cache := lm.NewRunner(r.weights, r.threads), lm.NewCache(r.weights.Config, pages)
	n, err := lm.VerifyWith(ctx, runner, cache.NewSequence(), prompt, a.Tokens, p.Sampling(), a.asLikely)
	if err != nil {
		return false, r.explain(err)
	}
	return n == len(a.Tokens), nil
}

// asLikely says whether what is told of the likelihood of token i is that of these logits.
func (a *Answer) asLikely(s *lm.Sampler, i int, logits []float32) bool {
	if len(a.Likelihoods) == 0 {
		return true
	}
	told := &a.Likelihoods[i]
	again := Likelihood{}
	again.Logprob, again.Top = s.Likelihoods(logits, a.Tokens[i], len(told.Top))
	return again.equal(told)
}

// Told says whether text and end of an answer follow from its tokens, its length from the prompt, and whether all that was asked for is
// told and nothing else. It computes nothing.
func (m *Model) Told(p *Prompt, promptTokens int, a *Answer) bool {
	if a.PromptTokens != promptTokens || (a.End == EndVector) != (p.Wants.pool() != lm.PoolNone) {
		return false
	}
	if a.End == EndVector {
		return len(a.Vector) == m.Shape.Dim
	}
	if !m.has(a.Tokens) || !m.toldLikelihoods(p, a) {
		return false
	}
	again := item{prompt: p, teller: NewTeller(m.Texts, m.ends(p), p.StopTexts)}
	for i, t := range a.Tokens {
		e := lm.Event{Token: t}
		if i+1 == p.TokensMax {
			e.End = lm.EndLength
		}
		if again.answer.End != Goes {
			return false
		}
		again.take(e)
	}
	return again.answer.End == a.End && again.answer.Text == a.Text
}

func (m *Model) toldLikelihoods(p *Prompt, a *Answer) bool {
	if p.Wants != WantsLikelihoods {
		return len(a.Likelihoods) == 0
	}
	top := min(int(p.Top), m.Shape.Vocab)
	return len(a.Likelihoods) == len(a.Tokens) &&
		!slices.ContainsFunc(a.Likelihoods, func(l Likelihood) bool { return len(l.Top) != top })
}
