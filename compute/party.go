package compute

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
	"github.com/aiwork/aiwork-node/tasks/job"
)

// PartyOptions configure a Party.
type PartyOptions struct {
	Address chain.Address
	Market  Market
	Court   Court
	Counsel Counsel
	BondMax uint256.Int // what one challenge may cost; zero: this party challenges nobody
	Log     *slog.Logger
	Metrics *Metrics
}

// A Party takes part in disputes for one address: it opens them, and makes the calls that their records ask of it, from either
// side. What it knows of a dispute it can find again from the chain. It is safe for concurrent use.
type Party struct {
	opts   PartyOptions
	docket *docket

	mu   sync.Mutex
	open map[uint64]dispute.Side // disputes that were seen and whose end is not known
	poor uint64                  // the dispute that was told last to be out of funds
}

// NewParty gives a party that has done nothing.
func NewParty(o PartyOptions) *Party {
	return &Party{opts: o, docket: newDocket(), open: map[uint64]dispute.Side{}}
}

// Close ends the processes of its advocates.
func (p *Party) Close() { p.docket.close() }

// asks says whether a dispute waits for a side.
func asks(d *dispute.Dispute, s dispute.Side) bool {
	switch d.Phase {
	case dispute.Answering:
		return s == dispute.Defender
	case dispute.Entries, dispute.Showing, dispute.Expanding, dispute.Tiles:
		return d.Shown>>s&1 == 0
	case dispute.Judging, dispute.Feeding:
		return s == dispute.Challenger
	}
	return false
}

func (t *Task) side() dispute.Side {
	if t.Role == RoleChallenger {
		return dispute.Challenger
	}
	return dispute.Defender
}

// Plead makes the call that a disputed task asks of its owner now. The item is run again if no advocate has it.
func (p *Party) Plead(ctx context.Context, t *Task) error {
	var shown [2][]byte
	if t.Dispute.Phase == dispute.Judging {
		var err error
		if shown, err = p.opts.Court.Shown(ctx, t.Dispute); err != nil {
			return err
		}
	}
	input, err := p.call(ctx, t, shown)
	if err != nil || input == nil {
		return err
	}
	call, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	err = p.opts.Market.Send(call, Call{To: chain.AddrDisputes, Data: input})
	if errors.Is(err, ErrFunds) {
		return p.outOfFunds(ctx, t)
	}
	return err
}

// A FundsError says that a party cannot pay for the call that a dispute asks of it. Once it has more, the dispute goes on.
type FundsError struct {
	Dispute uint64
	Side    dispute.Side
	Account chain.Address
	Held    uint256.Int
	Until   time.Time // when the dispute is lost for want of the call
}

func (e *FundsError) Error() string {
	lost := "the result counts as false, and the worker is slashed"
	if e.Side == dispute.Challenger {
		lost = "its bond is lost"
	}
	return fmt.Sprintf("dispute %d: account %s has %s wei, too little for the gas of the next call: send it more before %s, else %s",
		e.Dispute, e.Account.Checksum(), e.Held.Dec(), e.Until.Format(time.TimeOnly), lost)
}

// outOfFunds makes the error and tells it once for each dispute.
func (p *Party) outOfFunds(ctx context.Context, t *Task) error {
	e := &FundsError{Dispute: t.Dispute.ID, Side: t.side(), Account: p.opts.Address, Until: time.UnixMilli(int64(t.Dispute.DeadlineMs))}
	var err error
	if _, e.Held, err = p.opts.Court.Bond(ctx); err != nil {
		return err
	}
	p.mu.Lock()
	told := p.poor == e.Dispute
	p.poor = e.Dispute
	p.mu.Unlock()
	if !told {
		p.opts.Log.Error("a dispute cannot be paid for", "error", e)
	}
	return e
}

// call asks the advocate of a task's disputed item.
func (p *Party) call(ctx context.Context, t *Task, shown [2][]byte) ([]byte, error) {
	if err := p.docket.take(ctx); err != nil {
		return nil, err
	}
	defer p.docket.leave()
	a, err := p.advocate(ctx, t, t.Disputed)
	if err != nil {
		return nil, err
	}
	input, err := a.Plead(ctx, t.Dispute, t.side(), shown)
	if err != nil && broken(err) {
		p.docket.drop(a)
	}
	return input, err
}

// broken says whether an advocate that gave an error is of no use any more.
func broken(err error) bool {
	_, local := errors.AsType[*engine.LocalError](err)
	return local || errors.Is(err, engine.ErrClosed) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// advocate gives the advocate of an item of a task. The caller has the docket's turn.
func (p *Party) advocate(ctx context.Context, t *Task, item uint32) (Advocate, error) {
	place := item - t.First
	if int(place) >= len(t.Blobs) {
		return nil, &unreachable{fmt.Errorf("%s: the node does not tell its item %d", t.String(), item)}
	}
	key := itemKey{t.Model, t.Blobs[place]}
	if a := p.docket.find(key); a != nil {
		return a, nil
	}
	input, err := fetch(ctx, p.opts.Market, key.blob, 0)
	if err != nil {
		return nil, err
	}
	own, err := p.own(ctx, t, int(place))
	if err != nil {
		return nil, err
	}
	p.docket.room()
	a, err := p.opts.Counsel.Brief(ctx, t.Model, input, own)
	if _, unknown := errors.AsType[*engine.UnknownModelError](err); unknown {
		return nil, fmt.Errorf("%w about %s: it is no model that this program has", ErrNoDisputes, t.Model)
	}
	if errors.Is(err, engine.ErrNoPlea) {
		return nil, fmt.Errorf("%w: %w", ErrNoDisputes, err)
	}
	if err != nil {
		return nil, fmt.Errorf("item %d is run again for a dispute: %w", item, err)
	}
	p.docket.add(key, a)
	return a, nil
}

// own gets the result that a defender has given itself; nil for anybody else.
func (p *Party) own(ctx context.Context, t *Task, place int) ([]byte, error) {
	if t.side() != dispute.Defender || t.Worker != p.opts.Address {
		return nil, nil
	}
	return p.given(ctx, t, place)
}

// look learns from an agenda which disputes go on, and what became of those that do not any more.
func (p *Party) look(ctx context.Context, tasks []Task) {
	needed := map[itemKey]bool{}
	now := map[uint64]dispute.Side{}
	for i := range tasks {
		t := &tasks[i]
		if t.Dispute == nil {
			continue
		}
		now[t.Dispute.ID] = t.side()
		if place := t.Disputed - t.First; int(place) < len(t.Blobs) {
			needed[itemKey{t.Model, t.Blobs[place]}] = true
		}
	}
	p.docket.tidy(needed)
	var over []uint64
	p.mu.Lock()
	for id, s := range now {
		if _, known := p.open[id]; !known {
			p.open[id] = s
			p.opts.Metrics.dispute(s, "begun")
			p.opts.Log.Warn("a result is disputed", "dispute", id, "as", sideName(s))
		}
	}
	for id := range p.open {
		if _, goes := now[id]; !goes {
			over = append(over, id)
		}
	}
	p.mu.Unlock()
	for _, id := range over {
		p.learn(ctx, id)
	}
}

func sideName(s dispute.Side) string {
	if s == dispute.Challenger {
		return "challenger"
	}
	return "defender"
}

// learn asks how a dispute has ended, and counts it.
func (p *Party) learn(ctx context.Context, id uint64) {
	d, err := p.opts.Court.Dispute(ctx, id)
	if err != nil || d.Phase != dispute.Ended {
		return // the node lags, or is gone: the next look asks again
	}
	p.mu.Lock()
	s, known := p.open[id]
	delete(p.open, id)
	p.mu.Unlock()
	if known {
		p.opts.Metrics.dispute(s, outcome(d.Verdict, s))
		p.opts.Log.Info("dispute ended", "dispute", id, "verdict", d.Verdict, "as", sideName(s), "rounds", d.Rounds, "steps", d.Steps)
	}
}

// outcome says what a verdict is to a side.
func outcome(v dispute.Verdict, s dispute.Side) string {
	switch {
	case v == dispute.Undecided:
		return "undecided"
	case v == dispute.Both, (v == dispute.Wrong) == (s == dispute.Defender):
		return "lost"
	}
	return "won"
}

// contestable says whether the contract may take a dispute about an output: it must be a result.
func contestable(output []byte) bool {
	o, ok := job.DecodeOutput(output)
	return ok && o.Fault == job.NoFault
}
