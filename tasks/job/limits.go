package job

import "github.com/aiwork/aiwork-node/internal/chain"

// Limits of the market. They are part of the protocol.
const (
	ItemsMax        = 1024 // items of a job
	ItemsPerCallMax = 128  // items that one call names
	BatchItemsMax   = 32   // items of a batch
	BatchesMax      = 64   // batches of a job
	LiveMax         = 1024 // jobs that are not closed
	PanelMax        = 16   // auditors of a first panel
	AuditorsMax     = 64   // auditors of a batch after widening
	OutputBytesMax  = 256  // an output with its first byte; a longer result lies in a blob
	ResultBytesMax  = 4 << 20
	LeasesMax       = 4   // batches that a worker has a lease on at once, if its speed was not measured
	LeasesFastMax   = 16  // and if it was
	LeaseSpanMax    = 4   // a lease lasts for at most so many times leaseMs
	AuditItemsMax   = 256 // sampled items that wait for auditors at once; no further audit is drawn then
	AuditPaceItems  = 8   // sampled items that an auditor does within auditCommitMs
	WalkMax         = 64  // drawn workers that are asked before the draw is repeated
	StepsMax        = 8   // transitions that one call makes
	DisputesMax     = 3   // disputes about one attempt at a batch
	TipsPerBatch    = 6   // pokes of a batch that the escrow pays for
	PriceBitsMax    = 96  // the supply is below 2^96 base units

	PriceRiseMax   = 8       // a posted price is at most so many times the median ask
	PriceDoublesMs = 600_000 // of queued work at the capacity measured; by that the median is added once

	RetryMs       = 5_000         // after this a worker's draw that nobody could take is asked for again
	LifeDefaultMs = 600_000       // life of a job that names none
	Gwei          = 1_000_000_000 // base units in the unit of money in chain.JobParams
	ppm           = 1_000_000
)

// DefaultParams gives parameters for a devnet, whose blocks follow each other in tens of milliseconds.
func DefaultParams() chain.JobParams {
	return chain.JobParams{
		PanelSize:        3,
		AuditSharePpm:    125_000,
		RedrawsMax:       3,
		LeaseMs:          20_000,
		AuditCommitMs:    10_000,
		OpenMs:           10_000,
		AuditRevealMs:    10_000,
		BlobGraceMs:      600_000,
		WorkerBondMin:    100_000_000_000,   // 100 tokens
		ServiceBondMin:   1_000_000_000_000, // 1,000 tokens
		UnbondMs:         60_000,
		WorkerSlashPpm:   200_000,
		AuditorSlashPpm:  10_000,
		MissedLeaseBurn:  1_000_000_000, // 1 token
		RequesterFeePpm:  10_000,
		AuditItemPpm:     500_000,
		AuditGas:         400_000,
		InputFaultPpm:    100_000,
		PokeTip:          500_000, // gwei: 0.0005 token, some 250,000 gas at 2 gwei
		JobDeadlineMaxMs: 86_400_000,
		DisputeBond:      10_000_000_000, // 10 tokens
		DisputeFirstMs:   60_000,         // 8 disputes at once about an item that takes 7 s by definition; MobileNet v2 takes 0.5
		DisputeAnswerMs:  20_000,
		DisputeFeedMs:    60_000,
		ContestMs:        3_000, // to fetch, run, wait for others by chance, run by definition, and send
	}
}
