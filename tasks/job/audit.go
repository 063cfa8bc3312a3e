package job

import (
	"math/bits"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/consensus/poi/beacon"
	"github.com/aiwork/aiwork-node/consensus/poi/stake"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/registry"
	"github.com/aiwork/aiwork-node/vm/native"
)

// drawAudit draws the sample and the first panel with a seed that nobody knew at the commitment (JOB-5).
func (w *work) drawAudit() bool {
	seed, wait, again := w.seed()
	if wait || w.Uint64(auditingKey()) >= AuditItemsMax || w.Failed() {
		return again
	}
	w.b.Sample = Sample(DrawSeed(DrawSample, seed, w.place(), w.b.Asked), int(w.b.Count), uint64(w.b.AuditPpm))
	if !w.invite(DrawSeed(DrawPanel, seed, w.place(), w.b.Asked), int(w.j.Panel)) && !w.Failed() {
		w.again(NoVerdict) // nobody can audit: the safe end is to pay nobody and take nothing
	}
	return true
}

// widen asks all other eligible validators, when panel and worker do not all agree (JOB-8).
func (w *work) widen() bool {
	if w.b.Wide || w.Failed() {
		return false
	}
	w.b.Wide = true
	// The seed matters only where there are more validators than can be asked. Should it have left the
	// ring, zero serves: the commitments were made before.
	seed, _ := beacon.SeedIn(w.Call, w.b.Asked+beacon.Lookahead)
	return w.invite(DrawSeed(DrawWider, seed, w.place(), w.b.Asked), AuditorsMax)
}

// invite asks up to n validators that may audit this batch and have not been asked, in drawn order. It
// reports whether there was one.
func (w *work) invite(seed [32]byte, n int) bool {
	runners := w.eligible()
	if w.Failed() || !w.Charge(native.GasStep*uint64(len(runners))*8) {
		return false
	}
	order, p, from := NewOrder(seed, runners), w.place(), w.b.Auditors
	var names []chain.Address
	for len(names) < n && w.b.Auditors < AuditorsMax && w.Charge(native.GasStep*uint64(1+len(runners)/16)) {
		r, more := order.Next()
		if !more {
			break
		}
		a := Auditor{Address: r.Address, Weight: r.Weight}
		w.Set(auditorKey(p, uint64(w.b.Auditors)), a.word())
		w.b.Auditors++
		names = append(names, r.Address)
	}
	if w.Failed() || w.b.Auditors == from {
		return false
	}
	w.move(Auditing)
	w.enter(Auditing, w.p.AuditCommitMs*windows(w.Uint64(auditingKey())))
	logAudit(w.Call, &w.b, names)
	return true
}

// windows tells how many times auditCommitMs auditors need when so many sampled items wait for them (JOB-16).
func windows(items uint64) uint64 { return (items + AuditPaceItems - 1) / AuditPaceItems }

// eligible lists the validators that may be asked now: fit, not asked yet, and neither worker nor
// requester nor where one of them is paid (JOB-4).
func (w *work) eligible() []Runner {
	worker := registry.Get(w.Call, w.b.Worker)
	requester := registry.Get(w.Call, w.j.Requester)
	barred := map[chain.Address]bool{
		w.b.Worker: true, worker.Payout: true, w.j.Requester: true, requester.Payout: true,
	}
	for i := range uint64(w.b.Auditors) {
		barred[auditorOf(w.Get(auditorKey(w.place(), i))).Address] = true
	}
	var out []Runner
	for _, a := range stake.Auditors(w.Call) {
		if a.Fit && a.Weight > 0 && !barred[a.Address] && len(out) < stake.ValidatorsMax {
			out = append(out, Runner{Address: a.Address, Weight: a.Weight})
		}
	}
	return out
}

// sealed ends the time in which auditors commit.
func (w *work) sealed() bool {
	missing := w.b.Sealed != full(w.b.Auditors)
	if missing && w.widen() {
		return true
	}
	switch {
	case w.Failed():
		return false
	case w.b.Opened:
		w.reveal()
	case w.b.Sealed == 0:
		w.again(NoVerdict) // nobody could audit it
	default:
		w.enter(Opening, w.p.OpenMs)
	}
	return true
}

// reveal begins the time in which auditors reveal; the worker has opened, or has not in its time.
func (w *work) reveal() bool {
	w.enter(Revealing, w.p.AuditRevealMs)
	w.hasten()
	return true
}

// hasten lets the batch be decided as soon as results have lain open for contestMs, if nobody is left to reveal (JOB-19).
func (w *work) hasten() {
	if w.b.Revealed != w.b.Sealed || w.Failed() {
		return
	}
	w.b.DeadlineMs -= w.p.AuditRevealMs
	if w.b.Opened {
		w.b.DeadlineMs += w.p.ContestMs
		setDue(w.Call, w.b.DeadlineMs)
	}
}

// decide ends an audit when all have revealed or their time is over (JOB-7, JOB-8, JOB-9).
func (w *work) decide() bool {
	list := auditors(w.Call, &w.b)
	if w.Failed() {
		return false
	}
	if !w.b.Opened {
		// Only where all were asked do two thirds show that an auditor was false: a panel may be few.
		digest, sure := quorum(w.Call, list)
		w.settle(list, digest, sure && w.b.Wide, Unopened)
		return true
	}
	if !w.b.Wide && w.unanimous() {
		w.settle(list, w.b.Digest, true, Passed)
		return true
	}
	if w.widen() {
		return true
	}
	digest, sure := quorum(w.Call, list)
	switch {
	case w.Failed():
		return false
	case !sure:
		w.settle(list, digest, false, NoVerdict)
	case digest == w.b.Digest:
		w.settle(list, digest, true, Passed)
	default:
		w.settle(list, digest, true, Wrong)
	}
	return true
}

// unanimous reports whether every auditor that was asked has revealed what the worker opened.
func (w *work) unanimous() bool {
	if w.b.Revealed != full(w.b.Auditors) {
		return false
	}
	for i := range uint64(w.b.Auditors) {
		if w.Get(sealKey(w.place(), i)) != w.b.Digest {
			return false
		}
	}
	return !w.Failed()
}

// quorum gives the digest that two thirds of the stake of all that were asked have revealed.
func quorum(c *native.Call, list []Auditor) (digest chain.Hash, sure bool) {
	if !c.Charge(native.GasStep * uint64(len(list)) * uint64(len(list))) {
		return digest, false
	}
	for i := range list {
		same := func(a *Auditor) bool { return a.Revealed && a.Seal == list[i].Seal }
		if list[i].Revealed && twoThirds(list, same) {
			return list[i].Seal, true
		}
	}
	return digest, false
}

// twoThirds reports whether some have two thirds of the stake of all.
func twoThirds(list []Auditor, some func(*Auditor) bool) bool {
	var all, part uint256.Int
	for i := range list {
		all.AddUint64(&all, list[i].Weight)
		if some(&list[i]) {
			part.AddUint64(&part, list[i].Weight)
		}
	}
	return !part.Mul(&part, uint256.NewInt(3)).Lt(all.Lsh(&all, 1))
}

// settle pays and punishes after an audit, and ends the attempt.
func (w *work) settle(list []Auditor, digest chain.Hash, sure bool, v Verdict) {
	penalty := w.punish(list, digest, sure)
	if v == Wrong || v == Unopened {
		lost := registry.Slash(w.Call, w.b.Worker, w.p.WorkerSlashPpm)
		logWorkerSlashed(w.Call, &w.b, &lost)
		penalty.Add(&penalty, &lost)
	}
	w.payAuditors(list, &penalty)
	w.Burn(&penalty)
	w.b.Verdict = v
	logVerdict(w.Call, &w.b)
	if v == Passed {
		w.payWorker()
		return
	}
	w.again(v)
}

// punish takes part of the service bonds of auditors that did not reveal in time or, where two thirds
// agree, revealed something else. It gives the sum and marks them. Who is missing is at fault only where
// two thirds could do it, for an input may be withheld from all; and it costs no more than the batch is
// worth, so that nobody's bond can be worn down with audits of dust.
func (w *work) punish(list []Auditor, digest chain.Hash, sure bool) (sum uint256.Int) {
	value := w.value()
	attended := twoThirds(list, func(a *Auditor) bool { return a.Revealed })
	for i := range list {
		a, most := &list[i], &value
		a.Slashed = !a.Revealed && attended
		if a.Revealed && sure && a.Seal != digest {
			a.Slashed, most = true, nil
		}
		if !a.Slashed || w.Failed() {
			continue
		}
		w.Set(auditorKey(w.place(), uint64(i)), a.word())
		lost := stake.SlashAtMost(w.Call, a.Address, w.p.AuditorSlashPpm, most)
		sum.Add(&sum, &lost)
		logAuditorSlashed(w.Call, &w.b, a.Address, &lost)
	}
	return sum
}

// payAuditors pays every auditor that revealed and was not punished the same: its due, or its part of what
// is there when that is less. Penalties pay first and are lowered by it; the batch's audit line pays the rest.
func (w *work) payAuditors(list []Auditor, penalty *uint256.Int) {
	var payees uint64
	for i := range list {
		if list[i].Revealed && !list[i].Slashed {
			payees++
		}
	}
	if payees == 0 || w.Failed() {
		return
	}
	due := auditorPay(&w.j.AuditItem, &w.j.AuditGas, bits.OnesCount64(w.b.Sample))
	pool := new(uint256.Int).Add(penalty, &w.b.Line)
	if most := pool.Div(pool, uint256.NewInt(payees)); most.Lt(&due) {
		due = *most
	}
	w.b.AuditorPay = due
	for i := range list {
		if a := &list[i]; a.Revealed && !a.Slashed {
			a.Paid = true
			w.Set(auditorKey(w.place(), uint64(i)), a.word())
			w.Pay(a.Address, &due)
			logAuditorPaid(w.Call, &w.b, a.Address, &due)
		}
	}
	w.charge(due.Mul(&due, uint256.NewInt(payees)), penalty)
}

// charge books what auditors were paid: on the penalties as far as they go, then on the audit line.
func (w *work) charge(spent, penalty *uint256.Int) {
	if w.Failed() {
		return
	}
	if !spent.Gt(penalty) {
		penalty.Sub(penalty, spent)
		return
	}
	spent.Sub(spent, penalty)
	penalty.Clear()
	take(&w.b.Line, spent)
	take(&w.j.Escrow, spent)
	w.j.PaidAuditors.Add(&w.j.PaidAuditors, spent)
}

// payWorker pays for a batch that passed: the price for each result, a part of it for each input at
// fault; and burns the fee on that.
func (w *work) payWorker() {
	worker := registry.Get(w.Call, w.b.Worker)
	if w.Failed() {
		return
	}
	faults := uint64(bits.OnesCount64(w.b.Faults))
	paid := new(uint256.Int).Mul(&w.j.Price, uint256.NewInt(uint64(w.b.Count)-faults))
	each := share(&w.j.Price, min(w.p.InputFaultPpm, ppm))
	paid.Add(paid, each.Mul(&each, uint256.NewInt(faults)))
	fee := share(paid, w.p.RequesterFeePpm)

	w.Pay(worker.Payout, paid)
	w.Burn(&fee)
	registry.Release(w.Call, w.b.Worker, &w.b.Collateral)
	registry.Pass(w.Call, w.b.Worker)
	if w.Failed() {
		return
	}
	take(&w.j.Escrow, paid)
	take(&w.j.Escrow, &fee)
	w.j.PaidWorkers.Add(&w.j.PaidWorkers, paid)
	w.j.Fees.Add(&w.j.Fees, &fee)
	w.b.Paid, w.b.Collateral = *paid, uint256.Int{}
	logPaid(w.Call, &w.b, worker.Payout)
	w.finish(Settled)
}
