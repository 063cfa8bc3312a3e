package driver

import (
	"slices"
	"sync"
	"time"

	"github.com/aiwork/aiwork-node/consensus/poi"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// Status shows where consensus stands, for RPC and readiness.
type Status struct {
	Session      chain.Session
	View         chain.View
	Leader       uint16
	FinalHeight  chain.Height // last committed
	FinalHash    chain.Hash
	FinalTimeMs  uint64
	PeersHeight  chain.Height // highest that a peer has told of
	Member       bool         // in the validator set of this session
	Index        uint16       // valid if Member
	Silent       string       // why this validator signs nothing; empty if it does
	Delta        time.Duration
	Views        uint64 // entered since the start of the machine
	Nullified    uint64 // of them without a block
	LastFinality time.Duration
	Syncing      bool
}

// statusBoard is written by the loop and the syncer and read by anyone.
type statusBoard struct {
	mu       sync.Mutex
	now      Status
	evidence []poi.Evidence
}

func (b *statusBoard) set(change func(*Status)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.now)
}

func (b *statusBoard) addEvidence(e poi.Evidence) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.evidence = append(b.evidence, e)
	b.evidence = slices.Delete(b.evidence, 0, max(0, len(b.evidence)-evidenceMax))
}

// Status gives the last state of the loop. It is safe for concurrent use.
func (d *Driver) Status() Status {
	d.status.mu.Lock()
	defer d.status.mu.Unlock()
	return d.status.now
}

// Evidence gives the last provable faults of validators that this node has seen.
func (d *Driver) Evidence() []poi.Evidence {
	d.status.mu.Lock()
	defer d.status.mu.Unlock()
	return slices.Clone(d.status.evidence)
}

// show publishes what the turn has changed.
func (d *Driver) show() {
	s := d.machine.Standing()
	old := d.Status()
	d.view.Store(uint64(s.View))
	d.finalView.Store(uint64(d.finalViewOf(s)))
	silent := s.Silent
	if why := d.hush.reason(); why != "" {
		silent = why
	}
	if d.halted != nil {
		silent = d.halted.Error()
	}
	peers := d.opt.Peers.Height()
	d.status.set(func(now *Status) {
		now.Session, now.View, now.Leader = s.Session, s.View, s.Leader
		now.FinalHeight, now.FinalHash, now.FinalTimeMs = d.head.Header.Number, d.head.Hash, d.head.Ext.TimeMs
		now.PeersHeight, now.Member, now.Index, now.Silent = peers, s.Member, s.Index, silent
		now.Delta = time.Duration(s.Delta) * time.Millisecond
		now.Views, now.Nullified = s.Views, s.Nullified
	})
	d.count(&old, &s, silent)
	if s.View != old.View && s.Member && s.Leader == s.Index && silent == "" {
		d.runner.jobs.put(prove{s.Session, s.View})
	}
	if s.View != old.View && d.work.kind == poi.WorkTx {
		d.forward()
	}
}

// finalViewOf is a view up to which votes are over.
func (d *Driver) finalViewOf(s poi.Standing) chain.View {
	if d.head.Ext.Session == s.Session && d.head.Header.Number > 0 {
		return d.head.Ext.View
	}
	return 0
}

func (d *Driver) count(old *Status, s *poi.Standing, silent string) {
	m := d.metrics
	m.session.Set(float64(s.Session))
	m.view.Set(float64(s.View))
	m.delta.Set(float64(s.Delta) / 1000)
	m.silent.Set(0)
	if silent != "" {
		m.silent.Set(1)
	}
	if s.Views >= old.Views && s.Nullified >= old.Nullified { // else the machine was started anew
		m.views.Add(float64(s.Views - old.Views))
		m.nullified.Add(float64(s.Nullified - old.Nullified))
	}
}
