package job

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/consensus/poi/stake"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
	"github.com/aiwork/aiwork-node/tasks/registry"
	"github.com/aiwork/aiwork-node/vm/native"
)

// runChallenge disputes the result that a worker has opened for an item (JOB-19). The value is the challenger's bond.
func runChallenge(c *native.Call) {
	id, index := readBatch(c.Args)
	item := uint32(c.Args.Uint64())
	claim := dispute.ReadClaim(c.Args)
	if !c.Ready() {
		return
	}
	w, _, ok := begin(c, id, index)
	if !ok || !w.contestable(item) {
		return
	}
	given, ok := DecodeOutput(c.Bytes(outputKey(id, item)))
	if !c.Require(ok && given.Fault == NoFault, "jobs: a fault of the input is for auditors to judge") {
		return
	}
	bond := c.Value()
	c.Pay(chain.AddrDisputes, &bond)
	if c.Failed() {
		return
	}
	about := dispute.Subject{
		Model: w.j.Model, Item: c.Get(blobKey(id, item)), Defender: w.b.Worker, Result: given.Result, Blob: given.Blob, Size: given.Size,
	}
	w.b.Dispute = dispute.Open(c.As(chain.AddrDisputes), &about, c.Caller(), &claim, &bond)
	w.b.Disputed, w.b.Paused = item, w.b.State
	w.b.Disputes++
	w.move(Disputed)
	w.b.DeadlineMs = 0
	logDisputed(c, &w.b)
	w.end()
	c.Out.Uint64(w.b.Dispute)
}

// contestable requires that an item's result can be challenged: it is on chain, and its batch not settled.
func (w *work) contestable(item uint32) bool {
	return w.Require(w.b.Opened && (w.b.State == Revealing || w.b.State == Auditing), "jobs: the batch is "+w.b.State.String()+", or not opened") &&
		w.Require(item >= w.b.First && item-w.b.First < uint32(w.b.Count), "jobs: the batch has no such item") &&
		w.Require(w.b.Disputes < DisputesMax, "jobs: the batch was disputed three times already")
}

// disputed goes on when the dispute has ended: the worker was found wrong, or everything as before (DISPUTE-7).
func (w *work) disputed() bool {
	v, ended := dispute.Outcome(w.As(chain.AddrDisputes), w.b.Dispute)
	switch {
	case !ended:
		return false
	case v == dispute.Wrong || v == dispute.Both:
		w.refuted(v == dispute.Wrong)
	case w.b.Paused == Auditing:
		w.move(Auditing)
		w.enter(Auditing, w.p.AuditCommitMs*windows(w.Uint64(auditingKey())))
	default:
		w.reveal()
	}
	return true
}

// refuted ends an attempt whose worker a dispute has found wrong: it loses bond as after a vote. Auditors that have
// agreed with a result that is wrong lose service bond; those that said otherwise are paid. Of what is left half
// goes to the challenger, if it was right, and the rest is burned.
func (w *work) refuted(right bool) {
	list := auditors(w.Call, &w.b)
	if w.Failed() {
		return
	}
	penalty := w.punishAgreed(list)
	lost := registry.Slash(w.Call, w.b.Worker, w.p.WorkerSlashPpm)
	logWorkerSlashed(w.Call, &w.b, &lost)
	penalty.Add(&penalty, &lost)
	w.payAuditors(list, &penalty)
	if right {
		w.rewardChallenger(&penalty)
	}
	w.Burn(&penalty)
	w.b.Verdict = Wrong
	logVerdict(w.Call, &w.b)
	w.again(Wrong)
}

// punishAgreed takes part of the service bonds of auditors that have revealed what the worker opened, where the
// disputed item is in the sample. It gives the sum and marks them.
func (w *work) punishAgreed(list []Auditor) (sum uint256.Int) {
	if w.b.Sample>>(w.b.Disputed-w.b.First)&1 == 0 {
		return sum
	}
	for i := range list {
		a := &list[i]
		if !a.Revealed || a.Seal != w.b.Digest || w.Failed() {
			continue
		}
		a.Slashed = true
		w.Set(auditorKey(w.place(), uint64(i)), a.word())
		lost := stake.SlashAtMost(w.Call, a.Address, w.p.AuditorSlashPpm, nil)
		sum.Add(&sum, &lost)
		logAuditorSlashed(w.Call, &w.b, a.Address, &lost)
	}
	return sum
}

// rewardChallenger pays half of what is left of the penalties.
func (w *work) rewardChallenger(penalty *uint256.Int) {
	half := new(uint256.Int).Rsh(penalty, 1)
	who := dispute.ChallengerOf(w.As(chain.AddrDisputes), w.b.Dispute)
	w.Pay(who, half)
	logChallengerPaid(w.Call, &w.b, who, half)
	penalty.Sub(penalty, half)
}
