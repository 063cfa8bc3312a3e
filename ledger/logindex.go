package ledger

import (
	"context"
	"errors"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/store"
)

// blocks are the heights at which a log query may find something, in order.
type blocks interface {
	// seek gives the first of them from a height on; found is false if there is none. With an error it gives
	// the height below which none has been missed.
	seek(ctx context.Context, from chain.Height) (h chain.Height, found bool, err error)
	Close() error
}

// blocksOf gives the heights up to and including to that q has to open.
func (l *Ledger) blocksOf(q *LogQuery, to chain.Height) (blocks, error) {
	if !q.indexed() {
		return everyBlock{to}, nil
	}
	x := &termBlocks{snap: l.db.Snapshot(), to: to}
	for _, terms := range q.terms() {
		r, err := x.snap.Terms()
		if err != nil {
			return nil, errors.Join(err, x.Close())
		}
		x.places = append(x.places, place{terms: terms, index: r})
	}
	return x, nil
}

// everyBlock is what is left where no term helps: all heights, whose blooms are looked at.
type everyBlock struct{ to chain.Height }

func (e everyBlock) seek(ctx context.Context, from chain.Height) (chain.Height, bool, error) {
	return from, from <= e.to, ctx.Err()
}

func (everyBlock) Close() error { return nil }

// indexed reports whether the index of logs knows a part of q.
func (q *LogQuery) indexed() bool {
	for _, p := range q.Topics {
		if len(p) > 0 {
			return true
		}
	}
	return len(q.Addresses) > 0
}

// terms gives, for each place of q that is not open to anything, the terms of its alternatives.
func (q *LogQuery) terms() [][]store.Term {
	var places [][]store.Term
	if len(q.Addresses) > 0 {
		terms := make([]store.Term, len(q.Addresses))
		for i := range q.Addresses {
			terms[i] = store.AddressTerm(q.Addresses[i])
		}
		places = append(places, terms)
	}
	for position, topics := range q.Topics {
		if len(topics) == 0 {
			continue
		}
		terms := make([]store.Term, len(topics))
		for i := range topics {
			terms[i] = store.TopicTerm(position, topics[i])
		}
		places = append(places, terms)
	}
	return places
}

// termBlocks are the heights at which every place finds one of its terms. The terms may be those of
// several logs of the block, or of others by chance: receipts decide.
type termBlocks struct {
	snap   *store.Snapshot
	to     chain.Height
	places []place
}

// place is one place of a query: heights at which one of its terms stands.
type place struct {
	terms []store.Term
	next  []chain.Height // of each term, from the height last asked for on; nil before the first question
	index *store.TermReader
}

// never is the height of what the index does not have.
const never = ^chain.Height(0)

// seek lets the places leap over each other until all stand at the same height.
func (x *termBlocks) seek(ctx context.Context, from chain.Height) (chain.Height, bool, error) {
	for i, agreed := 0, 0; agreed < len(x.places); i = (i + 1) % len(x.places) {
		if err := ctx.Err(); err != nil {
			return from, false, err
		}
		h, err := x.places[i].seek(from)
		switch {
		case err != nil:
			return from, false, err
		case h == from:
			agreed++
		default:
			from, agreed = h, 1
		}
		if from > x.to {
			return 0, false, nil
		}
	}
	return from, from <= x.to, nil
}

// seek gives the first height from a height on at which one of the terms stands, or never.
func (p *place) seek(from chain.Height) (chain.Height, error) {
	asked := p.next != nil
	if !asked {
		p.next = make([]chain.Height, len(p.terms))
	}
	first := never
	for i := range p.next {
		if !asked || p.next[i] < from {
			h, found, err := p.index.Seek(p.terms[i], from)
			if err != nil {
				return 0, err
			}
			if !found {
				h = never
			}
			p.next[i] = h
		}
		first = min(first, p.next[i])
	}
	return first, nil
}

// Close lets go of the index.
func (x *termBlocks) Close() error {
	var errs []error
	for i := range x.places {
		errs = append(errs, x.places[i].index.Close())
	}
	return errors.Join(append(errs, x.snap.Close())...)
}
