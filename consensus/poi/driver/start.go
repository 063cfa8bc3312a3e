package driver

import (
	"context"
	"errors"
	"fmt"

	"github.com/aiwork/aiwork-node/consensus/poi"
	"github.com/aiwork/aiwork-node/consensus/poi/votelog"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// hush holds the reasons why this validator may not sign. Each alone is enough.
type hush struct {
	log    string // the vote log failed: until the process is restarted
	disk   string // the disk is almost full: until there is room again
	ahead  string // the log is of a later session than the ledger: until the ledger has caught up
	lost   string // votes are missing: until an epoch begins
	lostAt uint64 // Unix milliseconds from which on an epoch counts as new
	reboot bool   // the machine must be started again, as the reasons changed
}

func (h *hush) reason() string {
	for _, why := range []string{h.log, h.disk, h.lost, h.ahead} {
		if why != "" {
			return why
		}
	}
	return ""
}

// openLog takes the vote log. A lost one is no error.
func (d *Driver) openLog() error {
	if d.opt.Keys == nil {
		return nil
	}
	votes, replay, err := d.openVotes()
	if err != nil {
		return err
	}
	d.votes = votes
	if replay.Torn > 0 {
		d.log.Info("vote log: cut off an unfinished end", "bytes", replay.Torn)
	}
	if replay.Loss != votelog.LossNone {
		d.hush.lost, d.hush.lostAt = replay.Loss.String(), d.opt.Clock.NowMs()
		d.log.Error("validator is silent until the next epoch: its votes may be missing", "reason", replay.Loss)
	}
	d.checkDisk()
	return nil
}

// boot starts a machine where ledger and vote log end.
func (d *Driver) boot() error {
	d.head = d.opt.Chain.Head()
	opening, err := d.opening(chain.SessionOf(d.head.Header.Number + 1))
	if err != nil {
		return err
	}
	d.checkAhead(opening.Session)
	start := poi.Start{Opening: opening, Final: opening.Boundary, Lost: d.hush.reason() != ""}
	if d.head.Header.Number > opening.Boundary.Height {
		start.Final = refOf(d.head)
		if start.FinalCert, err = d.finalization(d.head.Header.Number); err != nil {
			return err
		}
	}
	if d.votes != nil {
		if err := d.replay(&start); err != nil {
			return err
		}
	}
	d.machine = poi.New(d.opt.machineConfig(), d.signer)
	d.work.chainMoved, d.work.kind = true, poi.WorkNone
	d.step(start)
	return nil
}

// reboot puts a new machine in the place of the old one, as if the process had been restarted. Answers to
// what the old one asked for mean nothing to the new one.
func (d *Driver) reboot(ctx context.Context) {
	if d.votes.Err() == nil {
		d.syncLog() // certificates that wait for the next vote; a failure only adds a reason for silence
	}
	d.hush.reboot = false
	d.out.Reset()
	d.inputs = nil
	if err := d.boot(); err != nil {
		d.halted = fmt.Errorf("consensus: restart of the machine: %w", err)
		return
	}
	d.perform(ctx) // what it leads to is the loop's next turn
}

// opening gathers what a session starts from. Its boundary is committed.
func (d *Driver) opening(s chain.Session) (poi.SessionStart, error) {
	fail := func(err error) (poi.SessionStart, error) {
		return poi.SessionStart{}, fmt.Errorf("open session %d: %w", s, err)
	}
	height := s.FirstHeight() - 1
	boundary, err := d.opt.Archive.HeadAt(height)
	if err != nil {
		return fail(err)
	}
	validators, err := d.opt.Chain.Validators(s)
	if err != nil {
		return fail(err)
	}
	set, err := memberSet(validators)
	if err != nil {
		return fail(err)
	}
	seed, err := d.seed(s)
	if err != nil {
		return fail(err)
	}
	o := poi.SessionStart{Session: s, Set: set, Seed: seed, Boundary: refOf(boundary)}
	if height > 0 {
		if o.BoundaryCert, err = d.finalization(height); err != nil {
			return fail(err)
		}
	}
	d.epoch.Store(&epoch{session: s, set: set, validators: validators, seed: seed})
	return o, nil
}

// seed reads R_s from the state after the head, which is the session's boundary or later. The head may
// move meanwhile when the syncer is at work.
func (d *Driver) seed(s chain.Session) (seed [32]byte, err error) {
	for {
		head := d.opt.Chain.Head().Hash
		seed, err = d.opt.Chain.Seed(s, head)
		if err == nil || d.opt.Chain.Head().Hash == head {
			return seed, err
		}
	}
}

func (d *Driver) finalization(h chain.Height) (*chain.Certificate, error) {
	_, seal, err := d.opt.Archive.BlockAt(h)
	if err != nil {
		return nil, err
	}
	if seal == nil || seal.Finalization == nil {
		return nil, fmt.Errorf("block %d has no finalization", h)
	}
	return seal.Finalization, nil
}

// replay gives the machine what the log holds from its session on.
func (d *Driver) replay(start *poi.Start) error {
	clear(d.logged)
	for _, r := range d.votes.Records() {
		if r.Session < start.Opening.Session {
			continue
		}
		if err := d.replayOne(&r, start); err != nil {
			return fmt.Errorf("vote log: record of session %d view %d: %w", r.Session, r.View, err)
		}
	}
	return nil
}

func (d *Driver) replayOne(r *votelog.Record, start *poi.Start) error {
	switch {
	case r.Kind == votelog.Block:
		b, err := chain.DecodeBlock(r.Payload)
		if err != nil {
			return err
		}
		d.logged[b.Hash()] = true
		if b.Header.Number > start.Final.Height {
			body, err := d.decodeBody(r.Payload, b.Hash())
			if err != nil {
				return err
			}
			d.bodies.pin(body)
			start.Blocks = append(start.Blocks, body.ref)
		}
	case r.Kind == votelog.Vote && r.VoteKind == chain.VotePropose:
		p, err := chain.DecodeProposal(r.Payload)
		start.Log = append(start.Log, poi.Message{Proposal: p})
		return err
	case r.Kind == votelog.Vote:
		v, err := chain.DecodeVote(r.Payload)
		start.Log = append(start.Log, poi.Message{Vote: v})
		return err
	case r.Kind == votelog.Certificate:
		c, err := chain.DecodeCertificate(r.Payload)
		start.Log = append(start.Log, poi.Message{Certificate: c})
		return err
	}
	return nil
}

// silenced takes the machine's word that it votes no more. At a start the driver said so itself;
// otherwise peers have shown a vote of ours that the log does not hold.
func (d *Driver) silenced(reason string) {
	if d.hush.reason() != "" {
		return
	}
	d.lose(reason)
}

// lose marks the own votes as incomplete, in memory and on disk.
func (d *Driver) lose(reason string) {
	d.log.Error("validator is silent until the next epoch", "reason", reason)
	d.hush.lost, d.hush.lostAt = reason, d.opt.Clock.NowMs()
	if !d.syncLog() {
		return
	}
	if err := d.votes.Lose(); err != nil {
		d.logFailed(err)
	}
}

// checkOwn looks for the own vote in a finalization that the syncer found. One beyond all that the log
// remembers was cast by a later self, whose log was put back from a copy. (Rule 12; the machine does the
// same with certificates that it is sent.)
func (d *Driver) checkOwn(c *chain.Certificate) {
	if d.votes == nil || d.hush.reason() != "" {
		return
	}
	e := d.epoch.Load()
	me, ok := e.set.Index(d.opt.voteKey())
	if !ok || c.Session != e.session || !c.Has(int(me)) {
		return
	}
	if d.votes.High().Less(votelog.Mark{Session: c.Session, View: c.View, VoteKind: c.Kind}) {
		d.lose("peers hold a vote of this validator that its log does not")
		d.hush.reboot = true
	}
}

// resume is DRV-6: a session that begins an epoch ends the silence after a loss, if its boundary is
// later than the loss. Sessions that were over before, which a node meets when it catches up, may be
// those in which the missing votes were cast.
func (d *Driver) resume(o *poi.SessionStart) {
	if d.hush.lost == "" || d.hush.log != "" || !d.newEpoch(o) {
		return
	}
	if !d.votes.High().Less(votelog.Mark{Session: o.Session}) {
		return // signed in this session before: the clock was set back, and a later epoch will do
	}
	d.votes.Append(votelog.Record{Kind: votelog.Resume, Session: o.Session})
	if !d.syncLog() {
		return
	}
	d.log.Info("a new epoch began: validator signs again", "session", o.Session)
	d.hush.lost = ""
	o.NewEpoch = d.hush.reason() == ""
}

// checkAhead compares the vote log with the session that the ledger has come to. A ledger that was emptied
// or put back from a copy stands behind its own votes. Sessions that were signed in already must not be
// signed in again, so the validator only follows until it is back where its log ends; the machine is then
// started again, with what the log holds of that session.
func (d *Driver) checkAhead(s chain.Session) {
	if d.votes == nil {
		return
	}
	switch high := d.votes.High().Session; {
	case high > s && d.hush.ahead == "":
		d.hush.ahead = fmt.Sprintf("the vote log ends in session %d and the chain's data in session %d: silent until it has caught up", high, s)
		d.log.Warn("validator signs nothing", "reason", d.hush.ahead)
	case high <= s && d.hush.ahead != "":
		d.hush.ahead, d.hush.reboot = "", true
		d.log.Info("the chain's data has caught up with the vote log: validator signs again", "session", s)
	}
}

// newEpoch reports whether an epoch ended in the session before o, after the loss. Epochs are counted by
// block time from genesis.
func (d *Driver) newEpoch(o *poi.SessionStart) bool {
	length := d.opt.Params.EpochMs
	if length == 0 || o.Session == 0 || o.Boundary.TimeMs <= d.hush.lostAt+d.opt.Params.FutureMs {
		return false
	}
	genesis, err1 := d.opt.Archive.HeadAt(0)
	before, err2 := d.opt.Archive.HeadAt(o.Boundary.Height - chain.SessionHeights)
	if err := errors.Join(err1, err2); err != nil {
		d.log.Error("epoch not found", "session", o.Session, "err", err)
		return false
	}
	start := genesis.Ext.TimeMs
	return (o.Boundary.TimeMs-start)/length > (before.Ext.TimeMs-start)/length
}

// guardDisk stops signing before the disk is full, and starts again when there is room (rule 38).
func (d *Driver) guardDisk() {
	if d.votes == nil {
		return
	}
	before := d.hush.reason()
	d.checkDisk()
	if (before == "") != (d.hush.reason() == "") {
		d.hush.reboot = true
	}
}

func (d *Driver) checkDisk() {
	free, err := d.opt.DiskFree()
	switch {
	case err != nil:
		d.log.Warn("free disk space unknown", "err", err)
	case free < DiskFreeMin && d.hush.disk == "":
		d.hush.disk = fmt.Sprintf("%d MiB of disk left, %d MiB are needed: free some space", free>>20, DiskFreeMin>>20)
		d.log.Error("validator signs nothing", "reason", d.hush.disk)
	case free >= diskFreeBack && d.hush.disk != "":
		d.hush.disk = ""
		d.log.Info("disk has room again: validator signs")
	}
}
