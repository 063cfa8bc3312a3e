package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// briefTimeout is for loading a model, running it by its definition and hashing all values; each plea has as long as an item. A
// defender's first answer is due in two minutes.
const briefTimeout = 100 * time.Second

// pleaBytesMax bounds what an advocate is asked with: a record and two entries.
const pleaBytesMax = dispute.EntryBytesMax

// An Advocate is a child process that has run one item, keeps every value of the run, and makes the calls of a party to a dispute
// about its result. It lives under the same ceiling of memory as an engine's child. It is safe for concurrent use.
type Advocate struct {
	timeout time.Duration
	claim   *dispute.Claim

	mu    sync.Mutex // held by whoever uses the child
	child *child
}

// Brief starts an advocate and has it run an item. A result that was given for it before may be handed in, nil for none: to answer a prompt again can take
// longer than there is time. Its error is an *InputError, an *UnknownModelError, a *LocalError, or that of ctx.
func Brief(ctx context.Context, options Options, id chain.Hash, input, own []byte) (*Advocate, error) {
	if err := options.Check(); err != nil {
		return nil, err
	}
	if len(input) > image.InputBytesMax {
		return nil, &InputError{Fault: image.FaultBytes}
	}
	o := options.filled()
	c, _, err := startChild(ctx, o)
	if err != nil {
		return nil, err
	}
	claim, err := c.brief(ctx, id, input, own)
	if err != nil {
		if !c.dead.Load() {
			c.close()
		}
		return nil, err
	}
	return &Advocate{timeout: o.ItemTimeout, claim: claim, child: c}, nil
}

func (c *child) brief(ctx context.Context, id chain.Hash, input, own []byte) (*dispute.Claim, error) {
	kind, body, err := c.ask(ctx, briefTimeout, kindBrief, encodeCheck(id, input, own))
	if err != nil {
		return nil, err
	}
	switch kind {
	case kindClaim:
		if claim, err := dispute.DecodeClaim(body); err == nil {
			return &claim, nil
		}
	case kindInputFault:
		if fault, err := decodeFault(body); err == nil {
			return nil, &InputError{Fault: fault}
		}
	case kindUnknownModel:
		if string(body) == string(id[:]) {
			return nil, &UnknownModelError{ID: id}
		}
	case kindNoCall:
		return nil, fmt.Errorf("%w: %s", ErrNoPlea, body)
	}
	return nil, c.broken()
}

// Claim gives the result of the run; of a network, with its receipt.
func (a *Advocate) Claim() *dispute.Claim { return a.claim }

// Against gives the claim with which another result is disputed. Its error is as that of Plead.
func (a *Advocate) Against(ctx context.Context, given []byte) (*dispute.Claim, error) {
	if a.claim.Kind == dispute.Network {
		return a.claim, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.child.dead.Load() {
		return nil, ErrClosed
	}
	kind, body, err := a.child.ask(ctx, briefTimeout, kindAgainst, given)
	switch {
	case err != nil:
		return nil, err
	case kind == kindNoCall:
		return nil, fmt.Errorf("%w: %s", ErrNoPlea, body)
	case kind == kindClaim:
		if k, err := dispute.DecodeClaim(body); err == nil {
			return &k, nil
		}
	}
	return nil, a.child.broken()
}

// ErrNoPlea says that a run does not fit a dispute, or that none can be about it.
var ErrNoPlea = errors.New("engine: the dispute is not about this run")

// Plead gives the call that a dispute asks of a side now, nil for none; see receipt.Advocate. After a *LocalError the advocate is
// dead: brief another.
func (a *Advocate) Plead(ctx context.Context, d *dispute.Dispute, s dispute.Side, shown [2][]byte) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.child.dead.Load() {
		return nil, ErrClosed
	}
	kind, body, err := a.child.ask(ctx, a.pleaTimeout(), kindPlea, encodePlea(d, s, shown))
	switch {
	case err != nil:
		return nil, err
	case kind == kindCall && len(body) > 0:
		return body, nil
	case kind == kindCall:
		return nil, nil
	case kind == kindNoCall:
		return nil, fmt.Errorf("%w: %s", ErrNoPlea, body)
	}
	return nil, a.child.broken()
}

// pleaTimeout is that of an item; of a language model or a pipeline that of a brief, since a pass or a step is run again when it is asked about.
func (a *Advocate) pleaTimeout() time.Duration {
	if a.claim.Kind != dispute.Network {
		return max(a.timeout, briefTimeout)
	}
	return a.timeout
}

// Close ends the child.
func (a *Advocate) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.child.dead.Load() {
		a.child.close()
	}
}

func encodePlea(d *dispute.Dispute, s dispute.Side, shown [2][]byte) []byte {
	w := codec.NewWriter(1024)
	w.U8(uint8(s))
	w.U64(d.ID)
	w.Bytes(d.Encode())
	w.Bytes(shown[0])
	w.Bytes(shown[1])
	return w.Out()
}

func decodePlea(b []byte) (d dispute.Dispute, s dispute.Side, shown [2][]byte, err error) {
	r := codec.NewReader(b)
	s = dispute.Side(r.U8())
	id, record := r.U64(), r.Bytes(pleaBytesMax)
	shown[0], shown[1] = r.Bytes(pleaBytesMax), r.Bytes(pleaBytesMax)
	if err := r.End(); err != nil {
		return d, s, shown, err
	}
	d, err = dispute.DecodeDispute(id, record)
	return d, s, shown, err
}

// A pleader stands for a run in the child.
type pleader interface {
	Claim() *dispute.Claim
	// Against gives the claim with which another result is disputed.
	Against(ctx context.Context, given []byte) (*dispute.Claim, error)
	Plead(ctx context.Context, d *dispute.Dispute, s dispute.Side, shown [2][]byte) ([]byte, error)
}

// A traced is a run of a network, whose claim is the same against every other result.
type traced struct{ *receipt.Advocate }

func (t traced) Against(context.Context, []byte) (*dispute.Claim, error) { return t.Claim(), nil }

func (t traced) Plead(_ context.Context, d *dispute.Dispute, s dispute.Side, shown [2][]byte) ([]byte, error) {
	return t.Advocate.Plead(d, s, shown)
}

// brief is the child's side: it runs an item and keeps every value, or what they can be made of again, and nothing else from before.
func (s *shop) brief(ctx context.Context, out io.Writer, id chain.Hash, body []byte) (err error) {
	s.advocate = nil
	input, own, ok := decodeCheck(body)
	if !ok {
		return errFrame
	}
	if s.models.Languages.Has(id) {
		s.advocate, err = s.spoken(ctx, id, input, own)
	} else if spec, none := s.models.Pipelines.Get(id); none == nil {
		s.advocate, err = s.staged(ctx, spec, input)
	} else {
		var run *receipt.Trace
		if run, err = Trace(s.models.Models, id, input); err == nil {
			s.advocate = traced{receipt.NewAdvocate(run)}
		}
	}
	if _, ok := errors.AsType[*UnknownModelError](err); ok {
		return writeFrame(out, kindUnknownModel, id[:])
	}
	if bad, ok := errors.AsType[*InputError](err); ok {
		return writeFrame(out, kindInputFault, []byte{byte(bad.Fault)})
	}
	if errors.Is(err, language.ErrNotDisputed) {
		return writeFrame(out, kindNoCall, []byte(err.Error()))
	}
	if err != nil {
		return err
	}
	return writeFrame(out, kindClaim, s.advocate.Claim().Encode())
}

// spoken stands for an answer to an item of a language model, which it gives itself if there is none.
func (s *shop) spoken(ctx context.Context, id chain.Hash, input, own []byte) (pleader, error) {
	r, err := s.find(id)
	if err != nil {
		return nil, err
	}
	return r.(*speaker).advocate(ctx, id, input, own)
}

// against is the child's side: it answers with a claim, or with words.
func (s *shop) against(ctx context.Context, out io.Writer, given []byte) error {
	if s.advocate == nil {
		return errFrame
	}
	k, err := s.advocate.Against(ctx, given)
	if err != nil {
		return writeFrame(out, kindNoCall, []byte(err.Error()))
	}
	return writeFrame(out, kindClaim, k.Encode())
}

// plead is the child's side: it answers with a call, an empty one for none, or with words.
func (s *shop) plead(ctx context.Context, out io.Writer, body []byte) error {
	d, side, shown, err := decodePlea(body)
	if err != nil || s.advocate == nil {
		return errFrame
	}
	call, err := s.advocate.Plead(ctx, &d, side, shown)
	if err != nil {
		return writeFrame(out, kindNoCall, []byte(err.Error()))
	}
	return writeFrame(out, kindCall, call)
}
