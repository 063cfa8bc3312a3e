package job

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/registry"
)

// Shares of items that should be audited.
const (
	rateNewPpm    = ppm // of the first batch of a worker
	rateFloorPpm  = 31_250
	rateBatches   = 8 // passed batches after which half of a newcomer's share is left
	rateSafetyNum = 3 // what a lie could gain counts one and a half times
	rateSafetyDen = 2
)

// Rate gives the share of a batch's items, in millionths, that should be audited, so that no worker gains by lying about any
// number of them: from the price of an item, what the worker loses when it is found, and how many of its batches have
// passed since it was found last. docs/protocol/jobs.md derives it.
//
//	rate = max(c·price / (loss + c·price), 1 / (1 + passed/8), 1/32), c = 3/2
func Rate(price, loss *uint256.Int, passed uint64) uint32 {
	young := uint64(rateNewPpm) * rateBatches / (rateBatches + min(passed, ppm))
	return uint32(max(deterrent(price, loss), young, rateFloorPpm))
}

// deterrent gives c·gain / (loss + c·gain) in millionths, rounded up; all where there is nothing to lose.
func deterrent(gain, loss *uint256.Int) uint64 {
	part := new(uint256.Int).Mul(gain, uint256.NewInt(rateSafetyNum))
	all := new(uint256.Int).Mul(loss, uint256.NewInt(rateSafetyDen))
	all.Add(all, part)
	if all.IsZero() {
		return ppm
	}
	part.Mul(part, uint256.NewInt(ppm))
	part.Add(part, new(uint256.Int).SubUint64(all, 1))
	return part.Div(part, all).Uint64()
}

// Share gives the share of a batch's items that is audited when the job leaves it to the formula, as it is fixed when a
// worker is drawn (JOB-21): the Rate that deters this worker, but at least the chain's auditSharePpm, and so much that the
// batch stands on at most half of what is free of the worker's bond (REG-4).
func Share(p *chain.JobParams, price *uint256.Int, items uint64, w *registry.Worker) uint32 {
	loss := share(&w.Bond, p.WorkerSlashPpm)
	value := new(uint256.Int).Mul(price, uint256.NewInt(items))
	var free uint256.Int
	if w.Exposure.Lt(&w.Bond) {
		free.Rsh(free.Sub(&w.Bond, &w.Exposure), 1)
	}
	least := min(p.AuditSharePpm, ppm)
	return uint32(max(uint64(Rate(price, &loss, uint64(w.Passed))), deterrent(value, &free), least))
}

// Detection is the chance, in millionths rounded down, that a sample of m of n items holds at least one of k.
func Detection(n, m, k int) uint64 {
	if k <= 0 || m <= 0 {
		return 0
	}
	if k+m > n {
		return ppm
	}
	// 1 - C(n-k,m)/C(n,m), the factors of the quotient being (n-k-i)/(n-i) for i < m.
	missed := uint256.NewInt(1 << 62)
	for i := range m {
		missed.Mul(missed, uint256.NewInt(uint64(n-k-i)))
		up := uint64(n - i)
		missed.Add(missed, uint256.NewInt(up-1))
		missed.Div(missed, uint256.NewInt(up))
	}
	part := missed.Mul(missed, uint256.NewInt(ppm))
	part.Rsh(part.Add(part, uint256.NewInt(1<<62-1)), 62)
	return ppm - part.Uint64()
}
