package lm

import (
	"errors"
	"fmt"
	"slices"
)

// A Request is a prompt and how its answer is drawn.
type Request struct {
	Prompt    []int32
	TokensMax int     // of the answer
	Stop      []int32 // tokens that end the answer; the one that does is its last
	Sampling  Sampling
	Logprobs  bool // events tell how likely their tokens were
	Top       int  // and the likeliest, so many
	Pool      Pool // wants one vector of the prompt instead of an answer
	Form      Form // nil: any text
}

// A Form limits the tokens of one answer, by those that have come so far.
type Form interface {
	// Mask makes the logits of tokens that may not come next negative infinity, and says whether one may.
	Mask(logits []float32) (left bool)
	// Take is told the token that was drawn.
	Take(token int32)
}

// ErrNoForm says that no token can go on with the form that an answer is to have.
var ErrNoForm = errors.New("the model has no token with which the answer can go on in its form")

// An End says why an answer has ended.
type End uint8

// The ends.
const (
	Goes       End = iota // it has not
	EndStop               // by a stop token
	EndLength             // it has TokensMax tokens
	EndContext            // the model's context is full
	EndFault              // Event.Err says why
	EndPooled             // Event.Vector is what was wanted
)

// An Event is a token that was drawn for a request, or the end of one that drew none.
type Event struct {
	ID    int
	Token int32
	End   End
	Err   error // with EndFault

	Logprob float32 // of Token, where the request wants it
	Top     []Likely
	Vector  []float32 // with EndPooled
}

// BatchOptions are the bounds of a batch.
type BatchOptions struct {
	Threads    int
	Pages      int // of the cache, PageLen tokens each
	Requests   int // that run or wait
	StepTokens int // that go through the model at a time; 0 for DefaultStepTokens
}

// DefaultStepTokens lets tokens of a prompt share weights, and those that answer not wait long.
const DefaultStepTokens = 128

// ErrBatchFull says that as many requests wait as may.
var ErrBatchFull = errors.New("too many requests wait")

// A Batch answers requests that come and go: those that run share each step, and no bit of an answer depends on the
// others (LM-2). A request begins when the cache has room for its whole answer; the first to come begins first. A Batch
// is not safe for concurrent use.
type Batch struct {
	model   *Model
	runner  *Runner
	cache   *Cache
	sampler *Sampler
	options BatchOptions
	next    int
	waiting []*work
	running []*work
	pages   int // promised to those that run
	parts   []*Part
	masked  []float32 // logits of a request with a form
}

// work is a request on its way.
type work struct {
	Request
	id    int
	seq   *Sequence
	text  []int32 // prompt and answer
	pages int
	part  Part
	sum   []float32 // of states, for a pool
}

// NewBatch makes an empty batch.
func NewBatch(m *Model, o BatchOptions) *Batch {
	if o.StepTokens == 0 {
		o.StepTokens = DefaultStepTokens
	}
	o.StepTokens = min(o.StepTokens, StepTokensMax)
	return &Batch{
		model: m, runner: NewRunner(m, o.Threads), cache: NewCache(m.Config, o.Pages), sampler: NewSampler(m.path), options: o,
	}
}

// Add puts a request in line and gives its number.
func (b *Batch) Add(q Request) (id int, err error) {
	if err := q.Sampling.Check(); err != nil {
		return 0, err
	}
	switch {
	case len(q.Prompt) == 0 || (q.Pool == PoolNone) != (q.TokensMax > 0):
		return 0, fmt.Errorf("a prompt of %d tokens, an answer of %d", len(q.Prompt), q.TokensMax)
	case len(q.Prompt) > b.model.Context || len(q.Prompt) == b.model.Context && q.Pool == PoolNone:
		return 0, fmt.Errorf("a prompt of %d tokens, the model's context is %d", len(q.Prompt), b.model.Context)
	case len(b.waiting)+len(b.running) >= b.options.Requests:
		return 0, ErrBatchFull
	}
	for _, t := range q.Prompt {
		if t < 0 || int(t) >= b.model.Vocab {
			return 0, fmt.Errorf("token %d of a vocabulary of %d", t, b.model.Vocab)
		}
	}
	length := min(len(q.Prompt)+q.TokensMax, b.model.Context)
	w := &work{Request: q, id: b.next, text: slices.Clone(q.Prompt), pages: (length + PageLen - 1) / PageLen}
	if w.pages > b.options.Pages {
		return 0, fmt.Errorf("%w: %d needed of %d", ErrCacheFull, w.pages, b.options.Pages)
	}
	b.next++
	b.waiting = append(b.waiting, w)
	return w.id, nil
}

// Cancel ends a request without an event; one that is not there has ended already.
func (b *Batch) Cancel(id int) {
	b.waiting = slices.DeleteFunc(b.waiting, func(w *work) bool { return w.id == id })
	for _, w := range b.running {
		if w.id == id {
			b.end(w)
			return
		}
	}
}

// Busy says whether a request runs or waits.
func (b *Batch) Busy() bool { return len(b.waiting)+len(b.running) > 0 }

func (b *Batch) end(w *work) {
	w.seq.Release()
	b.pages -= w.pages
	b.running = slices.DeleteFunc(b.running, func(o *work) bool { return o == w })
}

// admit begins those that the cache has room for.
func (b *Batch) admit() {
	for len(b.waiting) > 0 && len(b.running) < b.options.StepTokens && b.pages+b.waiting[0].pages <= b.options.Pages {
		w := b.waiting[0]
		b.waiting = b.waiting[1:]
		w.seq = b.cache.NewSequence()
		b.pages += w.pages
		b.running = append(b.running, w)
	}
}

// Step runs one step and gives its events in the order of the requests. An error is of the machine or of this program,
// not of a request.
func (b *Batch) Step() ([]Event, error) {
	b.admit()
	b.parts = b.parts[:0]
	var at []*work
	left := b.options.StepTokens - len(b.running) // each has one token at least
	for _, w := range b.running {
		ahead := w.text[w.seq.Len():]
		n := 1 + min(left, len(ahead)-1)
		left -= n - 1
		w.part = Part{Seq: w.seq, Tokens: ahead[:n], WantStates: w.Pool != PoolNone}
		if n == len(ahead) && w.Pool == PoolNone {
			w.part.Want = 1
		}
		b.parts, at = append(b.parts, &w.part), append(at, w)
	}
	if len(b.parts) == 0 {
		return nil, nil
	}
	if err := b.runner.Step(b.parts); err != nil {
		return nil, err
	}
	var events []Event
	for _, w := range at {
		if e, news := b.draw(w); news {
			events = append(events, e)
		}
	}
	return events, nil
}

// draw takes the next token of a request whose text has all been read.
func (b *Batch) draw(w *work) (Event, bool) {
	if w.part.Err != nil {
		b.end(w)
		return Event{ID: w.id, End: EndFault, Err: w.part.Err}, true
	}
	if w.Pool != PoolNone {
		return b.pool(w)
	}
	if w.part.Want == 0 {
		return Event{}, false
	}
	logits := w.part.Logits[0]
	if w.Form != nil {
		b.masked = append(b.masked[:0], logits...)
		if logits = b.masked; !w.Form.Mask(logits) {
			b.end(w)
			return Event{ID: w.id, End: EndFault, Err: ErrNoForm}, true
		}
	}
	e := Event{ID: w.id, Token: b.sampler.Next(logits, w.text, w.Sampling)}
	if w.Form != nil {
		w.Form.Take(e.Token)
	}
	if w.Logprobs {
		e.Logprob, e.Top = b.sampler.Likelihoods(w.part.Logits[0], e.Token, w.Top)
	}
	w.text = append(w.text, e.Token)
	switch {
	case slices.Contains(w.Stop, e.Token):
		e.End = EndStop
	case len(w.text)-len(w.Prompt) == w.TokensMax:
		e.End = EndLength
	case len(w.text) > b.model.Context:
		e.End = EndContext
	}
	if e.End != Goes {
		b.end(w)
	}
	return e, true
}
