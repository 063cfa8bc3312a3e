package driver

import (
	"context"
	"hash/fnv"
	"runtime"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/mempool/recover"
)

// arrival is a message that the loop may take: decoded, and its signature checked where that was worth it.
type arrival struct {
	from string
	frame
}

// intake decodes and checks messages on goroutines of its own. Messages of one peer go through one of
// them, so they stay in order (DRV-4).
type intake struct {
	d       *Driver
	workers []chan Message
}

func newIntake(d *Driver) *intake {
	in := &intake{d: d, workers: make([]chan Message, runtime.GOMAXPROCS(0))}
	for i := range in.workers {
		in.workers[i] = make(chan Message, inQueueMax)
	}
	return in
}

// run hands messages to the workers. A full worker makes the network wait.
func (in *intake) run(ctx context.Context) {
	for {
		select {
		case m := <-in.d.opt.Net.Inbox():
			h := fnv.New32a()
			h.Write([]byte(m.From))
			select {
			case in.workers[h.Sum32()%uint32(len(in.workers))] <- m:
			case <-ctx.Done():
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func (in *intake) work(ctx context.Context, messages <-chan Message) {
	for {
		select {
		case m := <-messages:
			if a, ok := in.check(m); ok {
				in.d.tell(ctx, a)
			}
		case <-ctx.Done():
			return
		}
	}
}

// check decodes a message and refuses what is certainly wrong. The machine checks the rest.
func (in *intake) check(m Message) (arrival, bool) {
	f, err := decodeFrame(m.Kind, m.Payload)
	if err != nil {
		in.punish(m.From, FaultDecode)
		return arrival{}, false
	}
	e := in.d.epoch.Load()
	switch {
	case f.msg.Proposal != nil:
		return arrival{m.From, f}, in.proposal(m.From, &f, e)
	case f.msg.Vote != nil:
		return arrival{m.From, f}, in.vote(m.From, f.msg.Vote, e)
	}
	return arrival{m.From, f}, true
}

func (in *intake) punish(from string, f Fault) {
	in.d.metrics.faults.Inc()
	in.d.opt.Net.Punish(from, f)
}

// vote checks the signature of a vote that can still matter. Others are left to the machine, which
// mostly drops them unchecked.
func (in *intake) vote(from string, v *chain.Vote, e *epoch) bool {
	if v.Session != e.session || int(v.Signer) >= e.set.Len() {
		return true
	}
	view := chain.View(in.d.view.Load())
	if v.View > view+1 || v.View < view && v.Kind != chain.VoteFinalize || v.View <= chain.View(in.d.finalView.Load()) {
		return true
	}
	if in.d.signer.VerifyVote(e.set, v) {
		return true
	}
	in.punish(from, FaultSignature)
	return false
}

// proposal checks the leader's signature, and takes the body if it is the one that the proposal names and
// the proposal is one that the machine may ask for. The body's transactions are those of the pool where
// it has them, so that no sender is recovered twice.
func (in *intake) proposal(from string, f *frame, e *epoch) bool {
	p := f.msg.Proposal
	if p.Session != e.session || int(p.Signer) >= e.set.Len() || len(f.body) == 0 {
		return true
	}
	if e.set.Leader(in.d.opt.Genesis, p.Session, p.View, e.seed) != p.Signer {
		return true // the machine refuses it
	}
	v := asVote(p)
	if !in.d.signer.VerifyVote(e.set, &v) {
		in.punish(from, FaultSignature)
		return false
	}
	if in.d.bodies.get(p.BlockHash) != nil {
		return true
	}
	b, err := in.d.decodeBody(f.body, p.BlockHash)
	if err != nil {
		in.punish(from, FaultBody)
		return false
	}
	in.d.bodies.push(b)
	return true
}

// decodeBody reads a body, holds it against the hash it was asked for by, and warms up its transactions.
func (d *Driver) decodeBody(enc []byte, want chain.Hash) (*body, error) {
	b, err := chain.DecodeBlock(enc)
	if err != nil {
		return nil, err
	}
	if b.Hash() != want {
		return nil, FaultBody
	}
	if err := b.CheckBody(); err != nil {
		return nil, err
	}
	d.warm(b)
	return newBody(b, enc), nil
}

// warm puts the pool's transactions in the place of a block's, and recovers the other senders on all
// cores. The block is not shared yet.
func (d *Driver) warm(b *chain.Block) {
	for i, tx := range b.Txs {
		if known := d.opt.Pool.Get(tx.Hash()); known != nil {
			b.Txs[i] = known
		}
	}
	recover.Senders(b.Txs)
}
