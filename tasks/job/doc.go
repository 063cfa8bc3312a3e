// Package job is the system contract of machine work: jobs, their batches and items, commitments, audits,
// and the escrow that pays for them. docs/protocol/jobs.md tells the whole life with its table.
//
// Nouns: a requester creates a job over items (inputs, named as blobs) and funds its escrow; a batch is a
// run of consecutive items that one worker does; a lease is the time the worker has; a commitment is the
// root over a batch's salted output hashes; the sample is the set of items that is audited; auditors are
// validators that compute the sample again; an attestation is an auditor's sealed answer; a verdict ends
// an attempt.
//
//	JOB-1: the escrow is paid before any work: items * price, the fee, the audit line, tips. At the end
//	       paid + burned + refunded = funded, to the unit; divisions round down and the rest goes back.
//	JOB-2: every draw that is asked for in session s uses R_{s+2}, and depends on nothing but that seed,
//	       the place (genesis, job, batch, attempt), s, and the candidates at the end of s.
//	JOB-3: a worker's draw gives an order of all workers by weight. The batch goes to the first in it who
//	       is active, serves the model and has room on its bond: best one without a batch of this job,
//	       then one that has not tried this batch. Whoever was found wrong at it never gets it again.
//	JOB-4: nobody works on or audits what concerns him: requester, worker and the accounts that the
//	       registry pays them on are left out.
//	JOB-5: sample and panel are drawn after the commitment, with a seed nobody knew when it was made.
//	JOB-6: nothing happens by itself. Whoever calls a batch's method first makes what is due happen;
//	       poke does only that and is tipped. Time is the parent block's time.
//	JOB-7: a batch passes when every drawn auditor has attested exactly what the worker opened.
//	JOB-8: else all eligible validators (AuditorsMax at most) are asked too, and two thirds of the stake
//	       of all who were asked decide on the sample as a whole.
//	JOB-9: auditors with a valid reveal are paid the same, for each sampled item and for gas, whatever
//	       the verdict: first from the attempt's penalties, then from the audit line. Who did not reveal is not
//	       paid and may lose service bond (JOB-17), who revealed what two thirds contradict does lose it
//	       and is not paid. Penalties that are not needed are burned.
//	JOB-10: what is committed and not opened in time counts as wrong. A wrong worker loses bond, is
//	        suspended and not paid; none of the batch's outputs is accepted.
//	JOB-11: a failed attempt is drawn anew, at most redrawsMax times and only while the job is open;
//	        then the batch is void and its money goes back. Without two thirds nobody is found wrong.
//	JOB-12: every state but the end ones has a time-out, so pokes alone close every job.
//	JOB-13: an input that cannot be processed is an output too (InputFault): audited like any other, and
//	        paid with the share inputFaultPpm of the price.
//	JOB-14: an item that is not in the sample is 'not sampled', never 'verified'.
//	JOB-15: a worker whose speed was not measured has at most LeasesMax leases at once, and the n-th lasts n times
//	        leaseMs: who does one batch in leaseMs misses none, however many are thrown at it. One that has offered a speed
//	        has as much work at once as it does in leaseMs at that speed (one batch always, LeasesFastMax at most), and a
//	        lease lasts half of leaseMs and three times what all its work takes at that speed, LeaseSpanMax times leaseMs
//	        at most. A missed lease costs missedLeaseBurn, but not more than the batch would have paid.
//	JOB-16: the time to audit grows with the sampled items that wait for auditors: auditCommitMs for each
//	        AuditPaceItems begun. From AuditItemsMax on no further audit is drawn.
//	JOB-17: an auditor that is missing is punished only where two thirds of the stake of all who were
//	        asked have revealed, and loses at most what the batch is worth.
//	JOB-18: a result that does not fit lies in a blob, which the opening names like an input. Auditors reveal
//	        only when they have all blobs of the batch, sampled or not; so a worker that keeps one back is not paid.
//	JOB-19: while a result is on chain and its batch not settled, anybody may dispute it with a bond. The batch waits
//	        meanwhile. A worker found wrong is punished as after a vote (JOB-10); if it is not, the audit goes on where it
//	        stood: to lose a dispute is easy, and must not make a result true. DisputesMax for an attempt. Auditors
//	        reveal meanwhile. No batch is decided before its results have lain open for contestMs.
//	JOB-20: a drawn worker is passed over with a chance of one minus its score, on a coin that lies in the draw's seed and its
//	        address, if somebody else of the order can take the batch. The order itself is that of the snapshot (REG-2): what a
//	        worker has completed since can only have it passed over, like its load (REG-3).
//	JOB-21: a job whose auditPpm is 0 leaves the share to the formula (Share): it is fixed for each batch when its worker is drawn,
//	        from price, bond and record of that worker, and is what sample and collateral follow. The escrow holds an audit of
//	        all items until then.
//	JOB-22: a job pays at least its model's posted price (PostedPrice) when it is created, and a worker gets none that pays less
//	        than it asks.
//	JOB-23: once half of a lease has run, anybody may have a second worker drawn for the same attempt: of another owner than the
//	        first, and without any lease. Whoever commits first does the batch; the other is let go, its bond whole and free.
//	        The first loses score if it is the other. If one of both misses its lease or gives the batch back, the attempt goes
//	        on with the one that is left. One second worker for an attempt.
//
// Callers: worker and auditor programs, RPC and CLI use the packers (Pack...), readers (Load..., Urgent,
// WantsBlob), DecodeLog and the pure functions of commitments and draws. The package is pure.
//
//	j, err := job.Load(state, id)
//	root := job.Root(batch.Place(genesis), me, batch.First, salt, outputs)
//	tx.Data = job.PackCommit(id, batch.Index, root, uint32(batch.Count))
package job
