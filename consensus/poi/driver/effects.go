package driver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aiwork/aiwork-node/consensus/poi"
	"github.com/aiwork/aiwork-node/consensus/poi/votelog"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
)

// perform does what the machine said: first what it logs, then the rest in order (DRV-1, DRV-2).
func (d *Driver) perform(ctx context.Context) {
	if !d.logAll() {
		d.out.Reset() // nothing of this turn may leave
		d.hush.reboot = true
		return
	}
	for _, e := range d.out.Effects {
		d.effect(ctx, e)
		if d.halted != nil {
			break
		}
	}
	d.out.Reset()
}

// logAll appends the log effects of the turn and syncs if a vote is among them. It reports false when the
// log failed.
func (d *Driver) logAll() bool {
	signed := false
	for _, e := range d.out.Effects {
		switch e := e.(type) {
		case poi.LogVote:
			signed = true
			if !e.Body.IsZero() {
				d.logBody(e.Body)
			}
			v := e.Vote
			d.append(votelog.Vote, v.Session, v.View, v.Kind, v.Encode())
		case poi.LogProposal:
			signed = true
			p := e.Proposal
			d.logBody(p.BlockHash)
			d.append(votelog.Vote, p.Session, p.View, chain.VotePropose, p.Encode())
		case poi.LogCertificate:
			c := e.Certificate
			if d.votes != nil {
				d.append(votelog.Certificate, c.Session, c.View, c.Kind, c.Encode())
			}
		}
	}
	return !signed || d.syncLog()
}

func (d *Driver) append(kind votelog.Kind, s chain.Session, v chain.View, vote chain.VoteKind, payload []byte) {
	d.votes.Append(votelog.Record{Kind: kind, Session: s, View: v, VoteKind: vote, Payload: payload})
}

// logBody puts a body into the group, once (rule 8).
func (d *Driver) logBody(h chain.Hash) {
	if d.logged[h] {
		return
	}
	b := d.bodies.get(h)
	must.Hold(b != nil, "vote for a body that is not held")
	d.append(votelog.Block, b.ref.Session, b.ref.View, 0, b.enc)
	d.logged[h] = true
}

// syncLog makes the group durable. After an error the validator is silent until it is restarted.
func (d *Driver) syncLog() bool {
	start := time.Now()
	if err := d.votes.Sync(); err != nil {
		d.logFailed(err)
		return false
	}
	d.metrics.logSync.Observe(time.Since(start).Seconds())
	return true
}

func (d *Driver) logFailed(err error) {
	d.log.Error("vote log failed: this validator signs nothing until it is restarted", "err", err)
	d.hush.log, d.hush.reboot = "vote log: "+err.Error(), true
}

func (d *Driver) effect(ctx context.Context, e poi.Effect) {
	switch e := e.(type) {
	case poi.LogVote, poi.LogProposal, poi.LogCertificate: // see logAll
	case poi.Broadcast:
		d.broadcast(e.Message)
	case poi.Send:
		kind, payload := encodeFrame(e.Message, nil)
		if id, ok := d.peers.id(e.To); ok {
			d.opt.Net.SendPeer(id, kind, payload)
		}
	case poi.Ask:
		d.ask(e)
	case poi.Build:
		d.runner.jobs.put(e)
	case poi.Execute:
		d.runner.jobs.put(e.Block)
	case poi.Finalize:
		d.finalize(e)
	case poi.FetchBlock:
		d.fetch(ctx, e)
	case poi.SetTimer:
		d.setTimer(e.At)
	case poi.Evidence:
		d.accuse(e)
	case poi.Refuse:
		d.refuse(e)
	case poi.Behind:
		id, _ := d.peers.id(e.From)
		d.syncer.behind(id)
	case poi.Silenced:
		d.silenced(e.Reason)
	case poi.Halt:
		d.halt(e.Reason, e.Dump)
	default:
		panic(fmt.Sprintf("driver: effect %T", e))
	}
}

// broadcast sends a message to all validators. The body goes with a proposal the first time only, and
// not at all where the block is that of an earlier view: everyone has it then, or asks for it.
func (d *Driver) broadcast(m poi.Message) {
	if d.opt.Keys == nil && m.Status == nil {
		return // who follows has nothing to say
	}
	var enc []byte
	if p := m.Proposal; p != nil && !d.sent[p.BlockHash] {
		d.sent[p.BlockHash] = true
		if b := d.bodies.get(p.BlockHash); b != nil && b.ref.View == p.View {
			enc = b.enc
		}
	}
	kind, payload := encodeFrame(m, enc)
	d.opt.Net.Broadcast(kind, payload)
}

func (d *Driver) ask(e poi.Ask) {
	kind, payload := encodeFrame(e.Message, nil)
	if d.opt.Net.SendTo(int(e.Validator), kind, payload) {
		return
	}
	n := d.epoch.Load().set.Len()
	for i := range n {
		if d.opt.Net.SendTo((int(e.Validator)+1+i)%n, kind, payload) {
			return
		}
	}
}

func (d *Driver) finalize(e poi.Finalize) {
	now := time.Now()
	for _, ref := range e.Blocks {
		if b := d.bodies.get(ref.Hash); b != nil {
			d.metrics.finality.Observe(now.Sub(b.seen).Seconds())
			d.status.set(func(s *Status) { s.LastFinality = now.Sub(b.seen) })
		}
	}
	d.runner.final.put(commit{blocks: e.Blocks, cert: e.Certificate})
}

// fetched is the answer to a request for a body.
type fetched struct {
	hash chain.Hash
	body *body // nil if nobody gave it
}

// fetch gives the machine a body that is here, or asks peers for it.
func (d *Driver) fetch(ctx context.Context, f poi.FetchBlock) {
	if b := d.bodies.ask(f.Hash); b != nil {
		d.work.chainMoved = true
		d.feed(poi.Available{Block: b.ref})
		return
	}
	if d.fetching[f.Hash] {
		return
	}
	if len(d.fetching) >= fetchesMax {
		d.feed(poi.FetchFailed{Hash: f.Hash})
		return
	}
	d.fetching[f.Hash] = true
	d.fetchers.Go(func() { d.tell(ctx, fetched{f.Hash, d.request(ctx, int(f.From), f.Hash)}) })
}

func (d *Driver) request(ctx context.Context, validator int, h chain.Hash) *body {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	enc, from, err := d.opt.Peers.Block(ctx, validator, h)
	if err != nil {
		return nil
	}
	b, err := d.decodeBody(enc, h)
	if err != nil {
		d.opt.Net.Punish(from, FaultAnswer)
		return nil
	}
	return b
}

func (d *Driver) tookFetched(f fetched) {
	delete(d.fetching, f.hash)
	if f.body == nil {
		d.feed(poi.FetchFailed{Hash: f.hash})
		return
	}
	d.bodies.pin(f.body)
	d.feed(poi.Available{Block: f.body.ref})
}

func (d *Driver) setTimer(at poi.Tick) {
	now := d.now()
	d.timer.Reset(time.Duration(max(at, now)-now) * time.Millisecond)
}

func (d *Driver) accuse(e poi.Evidence) {
	d.metrics.evidence.Inc()
	d.log.Warn("validator signed what excludes each other", "signer", e.First.Signer, "evidence", e.Kind,
		"session", e.First.Session, "view", e.First.View)
	d.status.addEvidence(e)
}

func (d *Driver) refuse(e poi.Refuse) {
	id, ok := d.peers.id(e.From)
	if !ok {
		return
	}
	d.metrics.faults.Inc()
	d.log.Debug("message refused", "peer", id, "reason", e.Fault)
	f := FaultProtocol
	if errors.Is(e.Fault, poi.FaultSignature) {
		f = FaultSignature
	}
	d.opt.Net.Punish(id, f)
}

// peerNumbers gives peers the numbers by which the machine knows them.
type peerNumbers struct {
	last  poi.Peer
	byID  map[string]poi.Peer
	names map[poi.Peer]string
}

func (p *peerNumbers) number(id string) poi.Peer {
	if n, ok := p.byID[id]; ok {
		return n
	}
	if p.byID == nil || len(p.byID) >= peersMax {
		p.byID, p.names = make(map[string]poi.Peer), make(map[poi.Peer]string)
	}
	p.last++
	p.byID[id], p.names[p.last] = p.last, id
	return p.last
}

func (p *peerNumbers) id(n poi.Peer) (string, bool) {
	id, ok := p.names[n]
	return id, ok
}
