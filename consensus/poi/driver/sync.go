package driver

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// syncBad tells the loop that the ledger refuses a block that a quorum made final.
type syncBad struct{ err error }

// syncer brings the ledger to where others are (R10): it fetches blocks in order, checks the hash links
// and, for each run of blocks, the one finalization that covers it, and has them executed and committed.
// A node that only follows lives by it.
type syncer struct {
	d    *Driver
	wake chan struct{}

	mu     sync.Mutex
	peer   string // who is ahead; "" for anyone
	target chain.Height
}

func newSyncer(d *Driver) *syncer { return &syncer{d: d, wake: make(chan struct{}, 1)} }

// slack is how far others may be ahead of a validator that keeps up: blocks that are on their way.
const slack = 2

// hear notes that a peer has a final block of this height.
func (s *syncer) hear(peer string, h chain.Height) {
	head := s.d.head.Header.Number
	if s.d.opt.Keys != nil {
		head += slack
	}
	if h > head {
		s.want(peer, h)
	}
}

// behind notes that the machine heard of a session or height beyond its own.
func (s *syncer) behind(peer string) { s.want(peer, s.d.head.Header.Number+1) }

func (s *syncer) want(peer string, h chain.Height) {
	s.mu.Lock()
	s.peer, s.target = peer, max(s.target, h)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *syncer) take() (peer string, target chain.Height) {
	s.mu.Lock()
	defer s.mu.Unlock()
	peer, target = s.peer, s.target
	s.target = 0
	return peer, target
}

func (s *syncer) run(ctx context.Context) {
	for {
		select {
		case <-s.wake:
		case <-ctx.Done():
			return
		}
		peer, target := s.take()
		if s.height() >= target {
			continue
		}
		s.d.status.set(func(st *Status) { st.Syncing = true })
		err := s.catchUp(ctx, peer, target)
		s.d.status.set(func(st *Status) { st.Syncing = false })
		if errors.Is(err, ErrBad) {
			s.d.tell(ctx, syncBad{err})
		} else if err != nil && ctx.Err() == nil {
			s.d.log.Warn("catching up stopped", "height", s.height(), "target", target, "err", err)
		}
	}
}

func (s *syncer) height() chain.Height { return s.d.opt.Chain.Head().Header.Number }

// catchUp fetches until nobody has more. First it asks who claimed to be ahead, then anyone.
func (s *syncer) catchUp(ctx context.Context, peer string, target chain.Height) error {
	for ctx.Err() == nil {
		run := run{s: s, next: s.d.opt.Chain.Head()}
		moved, err := run.fetch(ctx, peer)
		if err != nil {
			return err
		}
		if s.height() >= target && !moved {
			return nil
		}
		if !moved && peer == "" {
			return nil
		}
		if !moved {
			peer = ""
		}
	}
	return nil
}

// run is a row of blocks above the head whose finalization has not come yet.
type run struct {
	s      *syncer
	next   Head // the block that the next one must follow
	blocks []*chain.Block
}

// fetch asks for blocks until it could commit some. moved is false if nobody gave any. A peer that gives
// wrong ones is punished, which is no error.
func (r *run) fetch(ctx context.Context, peer string) (moved bool, err error) {
	for !moved {
		items, by, err := r.ask(ctx, peer)
		if err != nil || len(items) == 0 {
			return false, nil // not there, busy or gone: somebody else, or later
		}
		peer = by
		for _, item := range items {
			final, err := r.add(item)
			if f := Fault(0); errors.As(err, &f) {
				r.s.d.log.Warn("peer gave a wrong block", "peer", by, "height", r.next.Header.Number+1, "reason", err)
				r.s.d.metrics.faults.Inc()
				r.s.d.opt.Net.Punish(by, f)
				return moved, nil
			}
			if err != nil {
				return moved, err
			}
			if final == nil {
				continue
			}
			if err := r.commit(ctx, final); err != nil {
				return moved, err
			}
			moved = true
		}
	}
	return moved, nil
}

func (r *run) ask(ctx context.Context, peer string) ([][]byte, string, error) {
	ctx, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	return r.s.d.opt.Peers.Blocks(ctx, peer, r.next.Header.Number+1, syncBlocksMax)
}

// add checks one block and appends it. It gives the finalization that makes it and all before it final.
func (r *run) add(item []byte) (*chain.Certificate, error) {
	sealed, err := DecodeSealedBlock(item)
	if err != nil {
		return nil, FaultAnswer
	}
	b := sealed.Block
	switch {
	case b.Header.Number != r.next.Header.Number+1:
		return nil, FaultAnswer
	case b.Header.ParentHash != r.next.Hash, b.Ext.Session != chain.SessionOf(b.Header.Number), b.CheckBody() != nil:
		return nil, FaultBlock
	case len(r.blocks) > 0 && b.Ext.Session != r.next.Ext.Session:
		return nil, FaultBlock // a session begins only when the last block before it is final
	}
	hash := b.Hash()
	r.blocks = append(r.blocks, b)
	r.next = Head{hash, b.Header, b.Ext}
	cert := sealed.Seal.Finalization
	if cert == nil || cert.BlockHash != hash {
		return nil, nil
	}
	return cert, r.verify(cert, b)
}

// verify checks a finalization against the set of its session, whose boundary is committed.
func (r *run) verify(c *chain.Certificate, b *chain.Block) error {
	validators, err := r.s.d.opt.Chain.Validators(b.Ext.Session)
	if err != nil {
		return fmt.Errorf("validators of session %d: %w", b.Ext.Session, err)
	}
	set, err := memberSet(validators)
	if err != nil {
		return fmt.Errorf("validators of session %d: %w", b.Ext.Session, err)
	}
	if c.Session != b.Ext.Session || !r.s.d.signer.finalBy(set, c) {
		return FaultBlock
	}
	return nil
}

// commit executes the run and makes it final. What the machine has committed meanwhile is left out.
func (r *run) commit(ctx context.Context, cert *chain.Certificate) error {
	d := r.s.d
	c := commit{cert: cert, synced: true, done: make(chan error, 1)}
	for _, b := range r.blocks {
		if err := r.execute(ctx, b); err != nil && r.s.height() < b.Header.Number {
			return fmt.Errorf("block %d: %w", b.Header.Number, err)
		}
		c.blocks = append(c.blocks, refOf(Head{b.Hash(), b.Header, b.Ext}))
	}
	r.blocks = nil
	d.runner.final.put(c)
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *run) execute(ctx context.Context, b *chain.Block) error {
	if r.s.height() >= b.Header.Number {
		return nil
	}
	r.s.d.warm(b)
	job := syncExecute{b, make(chan error, 1)}
	r.s.d.runner.jobs.put(job)
	select {
	case err := <-job.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
