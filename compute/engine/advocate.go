package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/aiwork/aiwork-node/compute/image"
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

// Brief starts an advocate and has it run an item. Its error is an *InputError, an *UnknownModelError, a *LocalError, or that of ctx.
func Brief(ctx context.Context, options Options, id chain.Hash, input []byte) (*Advocate, error) {
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
	claim, err := c.brief(ctx, id, input)
	if err != nil {
		if !c.dead.Load() {
			c.close()
		}
		return nil, err
	}
	return &Advocate{timeout: o.ItemTimeout, claim: claim, child: c}, nil
}

func (c *child) brief(ctx context.Context, id chain.Hash, input []byte) (*dispute.Claim, error) {
	kind, body, err := c.ask(ctx, briefTimeout, kindBrief, append(id[:], input...))
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
	}
	return nil, c.broken()
}

// Claim gives the result of the run and its receipt.
func (a *Advocate) Claim() *dispute.Claim { return a.claim }

// errNoPlea says that a run does not fit a dispute.
var errNoPlea = errors.New("engine: the dispute is not about this run")

// Plead gives the call that a dispute asks of a side now, nil for none; see receipt.Advocate. After a *LocalError the advocate is
// dead: brief another.
func (a *Advocate) Plead(ctx context.Context, d *dispute.Dispute, s dispute.Side, shown [2][]byte) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.child.dead.Load() {
		return nil, ErrClosed
	}
	kind, body, err := a.child.ask(ctx, a.timeout, kindPlea, encodePlea(d, s, shown))
	switch {
	case err != nil:
		return nil, err
	case kind == kindCall && len(body) > 0:
		return body, nil
	case kind == kindCall:
		return nil, nil
	case kind == kindNoCall:
		return nil, fmt.Errorf("%w: %s", errNoPlea, body)
	}
	return nil, a.child.broken()
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

// brief is the child's side: it runs an item and keeps every value, and nothing else from before.
func (s *shop) brief(out io.Writer, id chain.Hash, input []byte) error {
	s.advocate = nil
	run, err := Trace(s.models.Models, id, input)
	if _, ok := errors.AsType[*UnknownModelError](err); ok {
		return writeFrame(out, kindUnknownModel, id[:])
	}
	if bad, ok := errors.AsType[*InputError](err); ok {
		return writeFrame(out, kindInputFault, []byte{byte(bad.Fault)})
	}
	if err != nil {
		return err
	}
	s.advocate = receipt.NewAdvocate(run)
	return writeFrame(out, kindClaim, s.advocate.Claim().Encode())
}

// plead is the child's side: it answers with a call, an empty one for none, or with words.
func (s *shop) plead(out io.Writer, body []byte) error {
	d, side, shown, err := decodePlea(body)
	if err != nil || s.advocate == nil {
		return errFrame
	}
	call, err := s.advocate.Plead(&d, side, shown)
	if err != nil {
		return writeFrame(out, kindNoCall, []byte(err.Error()))
	}
	return writeFrame(out, kindCall, call)
}
