package genesis

import (
	"fmt"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/job"
)

// Bounds of the market's parameters; beyond them jobs cannot end, punish nobody, or take more than there is.
const (
	ppm             = 1_000_000
	redrawsMax      = 16                 // an attempt is one byte, and each binds the escrow again
	windowMsMin     = 100                // several blocks, or nobody can be in time
	windowMsMax     = 3_600_000          // an hour
	blobGraceMsMax  = 7 * 86_400_000     // a week: the quota for blobs is small
	unbondMsMax     = 90 * 86_400_000    // three months
	jobDeadlineMin  = 1000               // a second
	jobDeadlineMax  = 30 * 86_400_000    // a month
	bondGweiMax     = 1_000_000_000 * gw // 10^9 tokens, a tenth of all
	pokeTipMax      = 1000 * gw          // 1,000 tokens
	auditItemPpmMax = 10 * ppm           // ten times the price of the item
	gw              = 1_000_000_000      // gwei of one token
)

type bound struct {
	name            string
	value, low, top uint64
}

// jobBounds lists every parameter of the market with what it may be.
func jobBounds(j *chain.JobParams) []bound {
	return []bound{
		{"panelSize", j.PanelSize, 1, job.PanelMax},
		{"auditSharePpm", j.AuditSharePpm, 1, ppm},
		{"redrawsMax", j.RedrawsMax, 0, redrawsMax},
		{"leaseMs", j.LeaseMs, windowMsMin, windowMsMax},
		{"auditCommitMs", j.AuditCommitMs, windowMsMin, windowMsMax},
		{"openMs", j.OpenMs, windowMsMin, windowMsMax},
		{"auditRevealMs", j.AuditRevealMs, windowMsMin, windowMsMax},
		{"blobGraceMs", j.BlobGraceMs, 0, blobGraceMsMax},
		{"workerBondMin", j.WorkerBondMin, 1, bondGweiMax},
		{"serviceBondMin", j.ServiceBondMin, 1, bondGweiMax},
		{"unbondMs", j.UnbondMs, 0, unbondMsMax},
		{"workerSlashPpm", j.WorkerSlashPpm, 1, ppm},
		{"auditorSlashPpm", j.AuditorSlashPpm, 1, ppm},
		{"missedLeaseBurn", j.MissedLeaseBurn, 0, j.WorkerBondMin},
		{"requesterFeePpm", j.RequesterFeePpm, 0, ppm},
		{"auditItemPpm", j.AuditItemPpm, 0, auditItemPpmMax},
		{"auditGas", j.AuditGas, 0, chain.TxGasMaxLimit},
		{"inputFaultPpm", j.InputFaultPpm, 0, ppm},
		{"pokeTip", j.PokeTip, 0, pokeTipMax},
		{"jobDeadlineMaxMs", j.JobDeadlineMaxMs, jobDeadlineMin, jobDeadlineMax},
		{"disputeBond", j.DisputeBond, 0, bondGweiMax},
		{"disputeFirstMs", j.DisputeFirstMs, windowMsMin, windowMsMax},
		{"disputeAnswerMs", j.DisputeAnswerMs, windowMsMin, windowMsMax},
		{"disputeFeedMs", j.DisputeFeedMs, windowMsMin, windowMsMax},
		{"contestMs", j.ContestMs, 0, j.AuditRevealMs},
	}
}

func checkJobs(j *chain.JobParams) error {
	for _, b := range jobBounds(j) {
		if b.value < b.low || b.value > b.top {
			return fmt.Errorf("jobs: %s: %d, want %d to %d", b.name, b.value, b.low, b.top)
		}
	}
	return nil
}
