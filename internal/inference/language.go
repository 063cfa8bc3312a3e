package inference

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/aiwork/aiwork-node/compute/grammar"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/lm"
	"github.com/aiwork/aiwork-node/compute/packed"
	"github.com/aiwork/aiwork-node/compute/token"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// LanguageOptions say how a language model is served.
type LanguageOptions struct {
	Name      string // by which callers ask for it
	Template  string // of conversations; empty takes the model's own
	Threads   int
	Path      kernel.Path
	CacheMiB  int           // ceiling of its cache of keys and values
	AnswerMax int           // answers that run or wait; see Limits.QueueMax
	Packed    packed.Folder // where weights of stored models are kept as kernels take them
}

// A Language is a language model behind one scheduler: those who ask join between steps, and leave when they go away. Or it is
// one that jobs are ordered from; then only its tokenizer and shape are here.
type Language struct {
	name        string
	fingerprint string
	file        *language.Model
	model       *lm.Model // nil until it is first asked for, if it comes from a folder
	texts       *token.Tokenizer
	template    token.Template
	templateErr error // why there is no template
	path        kernel.Path
	options     lm.BatchOptions
	id          chain.Hash // of one of a folder
	ordered     bool       // its answers are paid jobs
	packed      packed.Folder
	shelf       *packed.Shelf // nil: the weights are in memory
	pieces      func() *grammar.Vocabulary

	reading chan struct{} // whoever has filled it turns a text into tokens; the others wait
	places  chan struct{} // one for each answer that runs or waits; full: refused
	orders  chan order    // to the scheduler, which takes them between steps
	stopped chan struct{} // closed when the scheduler has ended
}

// LoadLanguage takes a model from the open file at path, which must stay open as long as the Language is used.
func LoadLanguage(path string, m *language.Model, o LanguageOptions) (l *Language, err error) {
	if l, err = newLanguage(m, o); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if l.model, err = lm.Load(m.File, o.Path); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	l.fingerprint, err = fingerprint(path)
	return l, err
}

// StoredLanguage takes a model of a folder. Its weights are laid out when somebody first asks; or never, where its answers are
// ordered as jobs.
func StoredLanguage(id chain.Hash, m *language.Model, ordered bool, o LanguageOptions) (l *Language, err error) {
	if l, err = newLanguage(m, o); err != nil {
		return nil, fmt.Errorf("language model %s: %w", o.Name, err)
	}
	l.id, l.ordered, l.packed, l.fingerprint = id, ordered, o.Packed, "aiwork-"+id.String()
	return l, nil
}

func newLanguage(m *language.Model, o LanguageOptions) (*Language, error) {
	l := &Language{
		name: o.Name, file: m, texts: m.Texts, path: o.Path,
		reading: make(chan struct{}, 1), places: make(chan struct{}, o.AnswerMax), orders: make(chan order), stopped: make(chan struct{}),
	}
	l.pieces = sync.OnceValue(func() *grammar.Vocabulary { return grammar.NewVocabulary(m.Texts.Len(), m.Texts.Piece) })
	pages := int(int64(o.CacheMiB) << 20 / int64(lm.NewCache(m.Shape, 1).PageBytes()))
	if pages < 1 {
		return nil, fmt.Errorf("a cache of %d MiB is too small for one page: raise --cache-mib", o.CacheMiB)
	}
	l.options = lm.BatchOptions{Threads: o.Threads, Pages: pages, Requests: o.AnswerMax}
	return l, l.chooseTemplate(o.Template)
}

// ready lays the weights out, if they are not yet.
func (l *Language) ready() (err error) {
	if l.model == nil {
		l.model, l.shelf, err = language.Weights(l.file.File, l.path, l.packed, l.id, nil)
	}
	return err
}

// chooseTemplate finds the form of conversations. A model without one still completes texts.
func (l *Language) chooseTemplate(name string) (err error) {
	if name != "" {
		l.template, err = token.TemplateByName(name)
		return err
	}
	l.template, l.templateErr = l.file.Template()
	return nil
}

// fingerprint is the hash of a model's file.
func fingerprint(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := f.WriteTo(h); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return "sha256-" + hex.EncodeToString(h.Sum(nil)), nil
}

// An order is a request that joins, or a flow that leaves.
type order struct {
	request lm.Request
	flow    *flow
	leaves  bool
	taken   chan error // capacity 1: what became of the order
}

// A flow is an answer on its way from the scheduler to its handler. It holds at most the answer's tokens, so the
// scheduler waits for nobody.
type flow struct {
	mu     sync.Mutex
	events []lm.Event    // not yet taken
	news   chan struct{} // capacity 1

	id int // the scheduler's
}

func (f *flow) put(e lm.Event) {
	f.mu.Lock()
	f.events = append(f.events, e)
	f.mu.Unlock()
	select {
	case f.news <- struct{}{}:
	default:
	}
}

func (f *flow) get() (events []lm.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	events, f.events = f.events, nil
	return events
}

var errStopping = errors.New("the server is ending")

// Run steps the model while somebody asks, until ctx ends. An error is of the machine: nothing more can be computed.
func (l *Language) Run(ctx context.Context) error {
	defer close(l.stopped)
	defer func() { _ = l.shelf.Close() }() // it was only read
	s := scheduler{language: l, flows: map[int]*flow{}}
	for s.receive(ctx, l.orders) {
		events, err := s.batch.Step()
		if err != nil {
			s.fail(err)
			return fmt.Errorf("language model %s: %w", l.name, err)
		}
		s.tell(events)
	}
	s.fail(errStopping)
	return nil
}

// A scheduler is the goroutine that owns a model's batch.
type scheduler struct {
	language *Language
	batch    *lm.Batch // nil until the model is ready
	flows    map[int]*flow
}

func (s *scheduler) busy() bool { return s.batch != nil && s.batch.Busy() }

// start makes the batch when the first order comes.
func (s *scheduler) start() error {
	if s.batch != nil {
		return nil
	}
	if err := s.language.ready(); err != nil {
		return &loadError{err}
	}
	s.batch = lm.NewBatch(s.language.model, s.language.options)
	return nil
}

// A loadError says that a model's weights could not be laid out.
type loadError struct{ error }

// receive takes the orders that are there, and waits for one where there is nothing to do. It gives false at the end.
func (s *scheduler) receive(ctx context.Context, orders <-chan order) bool {
	for {
		if !s.busy() {
			select {
			case o := <-orders:
				s.obey(o)
			case <-ctx.Done():
				return false
			}
			continue
		}
		select {
		case o := <-orders:
			s.obey(o)
		case <-ctx.Done():
			return false
		default:
			return true
		}
	}
}

func (s *scheduler) obey(o order) {
	if o.leaves {
		if s.flows[o.flow.id] == o.flow {
			s.batch.Cancel(o.flow.id)
			delete(s.flows, o.flow.id)
		}
		o.taken <- nil
		return
	}
	if err := s.start(); err != nil {
		o.taken <- err
		return
	}
	id, err := s.batch.Add(o.request)
	if err == nil {
		o.flow.id = id
		s.flows[id] = o.flow
	}
	o.taken <- err
}

func (s *scheduler) tell(events []lm.Event) {
	for _, e := range events {
		s.flows[e.ID].put(e)
		if e.End != lm.Goes {
			delete(s.flows, e.ID)
		}
	}
}

func (s *scheduler) fail(err error) {
	for id, f := range s.flows {
		f.put(lm.Event{End: lm.EndFault, Err: err})
		delete(s.flows, id)
	}
}

// send hands an order over and waits until it is obeyed. It does not heed the caller's context: an order takes a step at
// most, and the caller's place is his until then.
func (l *Language) send(o order) error {
	o.taken = make(chan error, 1)
	select {
	case l.orders <- o:
		return <-o.taken
	case <-l.stopped:
		return errStopping
	}
}

// draw gives what is drawn for an answer one by one, until take says no. A fault is the caller's or ours.
func (l *Language) draw(ctx context.Context, q lm.Request, take func(lm.Event) (more bool)) *Fault {
	select {
	case l.places <- struct{}{}:
		defer func() { <-l.places }()
	default:
		return overloaded(fmt.Sprintf("%d requests run or wait for %s", cap(l.places), l.name))
	}
	f := &flow{news: make(chan struct{}, 1)}
	if err := l.send(order{request: q, flow: f}); err != nil {
		return faultOf(err)
	}
	defer func() { _ = l.send(order{flow: f, leaves: true}) }()
	for {
		select {
		case <-f.news:
		case <-ctx.Done():
			return runEnded(ctx)
		}
		for _, e := range f.get() {
			if e.End == lm.EndFault {
				return faultOf(e.Err)
			}
			if !take(e) || e.End != lm.Goes {
				return nil
			}
		}
	}
}

// faultOf says whose fault an error of the scheduler is.
func faultOf(err error) *Fault {
	if _, ours := errors.AsType[*loadError](err); ours {
		return faultf(http.StatusInternalServerError, "model", "the model cannot be used: %v", err)
	}
	switch {
	case errors.Is(err, errStopping):
		return faultf(http.StatusServiceUnavailable, "stopping", "%v", err)
	case errors.Is(err, lm.ErrBatchFull):
		return overloaded(err.Error())
	case errors.Is(err, context.DeadlineExceeded):
		return faultf(http.StatusGatewayTimeout, "timeout", "the answer took too long: ask for less")
	case errors.Is(err, context.Canceled):
		return faultf(statusClientGone, "cancelled", "the caller has gone")
	case errors.Is(err, lm.ErrNoForm):
		return faultf(http.StatusUnprocessableEntity, "no_form", "%v", err)
	case errors.Is(err, lm.ErrNotFinite):
		return faultf(http.StatusUnprocessableEntity, "not_finite", "%v", err)
	}
	return faultf(http.StatusBadRequest, "invalid_value", "%v", err)
}

const statusClientGone = 499 // as proxies log it; nobody is there to read it

// encode turns a text into tokens, one text at a time, since long ones take a while.
func (l *Language) encode(ctx context.Context, parts ...token.Part) ([]int32, *Fault) {
	select {
	case l.reading <- struct{}{}:
		defer func() { <-l.reading }()
		return l.texts.EncodeAll(parts...), nil
	case <-ctx.Done():
		return nil, runEnded(ctx)
	}
}

// answerRoom is how many tokens an answer to a prompt can have at most.
func (l *Language) answerRoom(prompt int) int {
	if l.ordered { // what machines of others hold is theirs to know
		return l.file.Shape.Context - prompt
	}
	return min(l.file.Shape.Context, l.options.Pages*lm.PageLen) - prompt
}

// withTimeout bounds a request; the cause of its end is told by faultOf.
func withTimeout(r *http.Request, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), d)
}
