package chain

import "github.com/holiman/uint256"

// System contract addresses: native modules that keep their records in the slots of their address.
var (
	AddrStake    = Address{18: 0xA1, 19: 0x00} // validators, stakes and service bonds
	AddrBeacon   = Address{18: 0xA1, 19: 0x01} // ring of session seeds
	AddrRegistry = Address{18: 0xA1, 19: 0x02} // compute workers and their bonds
	AddrJobs     = Address{18: 0xA1, 19: 0x03} // jobs, items, audits and escrow
	AddrDisputes = Address{18: 0xA1, 19: 0x04} // disputes about runs of networks
)

// Params is what every node of a chain must agree on. It lives in genesis, never in configuration.
type Params struct {
	ChainID            uint64    `json:"chainId"`
	BlockGasLimit      uint64    `json:"blockGasLimit"`
	GasTargetPerSecond uint64    `json:"gasTargetPerSecond"` // gas at which the base fee stands still
	BaseFeeFloor       uint64    `json:"baseFeeFloor"`       // wei per gas, also the first base fee
	HeartbeatMs        uint64    `json:"heartbeatMs"`        // time between blocks with nothing to do
	DrawIntervalMs     uint64    `json:"drawIntervalMs"`     // time between blocks while a draw or deadline is open
	DeltaFloorMs       uint64    `json:"deltaFloorMs"`       // least message delay that timers assume
	FutureMs           uint64    `json:"futureMs"`           // a proposal further ahead than this is held
	EpochMs            uint64    `json:"epochMs"`
	Forks              []Fork    `json:"forks"`
	Jobs               JobParams `json:"jobs"`
}

// Fork names a change of rules and the block time in milliseconds from which it is in force.
type Fork struct {
	Name         string `json:"name"`
	ActivationMs uint64 `json:"activationMs"`
}

// JobParams are the market's parameters. Times are milliseconds of protocol time.
type JobParams struct {
	PanelSize        uint64 `json:"panelSize"`        // auditors drawn for a commitment
	AuditSharePpm    uint64 `json:"auditSharePpm"`    // default share of items that is sampled
	RedrawsMax       uint64 `json:"redrawsMax"`       // assignments or panels drawn anew before a refund
	LeaseMs          uint64 `json:"leaseMs"`          // a drawn worker commits within this
	AuditCommitMs    uint64 `json:"auditCommitMs"`    // drawn auditors commit within this
	OpenMs           uint64 `json:"openMs"`           // the worker opens its outputs within this
	AuditRevealMs    uint64 `json:"auditRevealMs"`    // auditors reveal within this
	BlobGraceMs      uint64 `json:"blobGraceMs"`      // blobs are kept this long after their job closes
	WorkerBondMin    uint64 `json:"workerBondMin"`    // in gwei (10^9 base units)
	ServiceBondMin   uint64 `json:"serviceBondMin"`   // in gwei
	UnbondMs         uint64 `json:"unbondMs"`         // a worker's bond is free this long after it leaves
	WorkerSlashPpm   uint64 `json:"workerSlashPpm"`   // share of the bond lost for a wrong or withheld output
	AuditorSlashPpm  uint64 `json:"auditorSlashPpm"`  // share of the service bond lost for a false or missing attestation
	MissedLeaseBurn  uint64 `json:"missedLeaseBurn"`  // gwei of bond lost for a lease that ran out
	RequesterFeePpm  uint64 `json:"requesterFeePpm"`  // share of what workers earn that is burned
	AuditItemPpm     uint64 `json:"auditItemPpm"`     // an auditor's pay for a sampled item, as a share of the item's price
	AuditGas         uint64 `json:"auditGas"`         // gas that an auditor is refunded for one batch
	InputFaultPpm    uint64 `json:"inputFaultPpm"`    // a worker's pay for an item whose input is at fault, as a share of its price
	PokeTip          uint64 `json:"pokeTip"`          // gwei paid from escrow for a poke that moves a job on
	JobDeadlineMaxMs uint64 `json:"jobDeadlineMaxMs"` // longest life of a job
	DisputeBond      uint64 `json:"disputeBond"`      // gwei that a challenger risks at least; 0: the vote alone decides
	DisputeFirstMs   uint64 `json:"disputeFirstMs"`   // a defender names its receipt within this: it runs the item again, and hashes all values
	DisputeAnswerMs  uint64 `json:"disputeAnswerMs"`  // each other answer of a party
	DisputeFeedMs    uint64 `json:"disputeFeedMs"`    // each step that anybody may take
	ContestMs        uint64 `json:"contestMs"`        // results lie open this long before their batch can settle
}

// Validator is one member of the validator set. Account, vote and VRF keys are separate keys.
type Validator struct {
	Name        string      `json:"name"`
	Address     Address     `json:"address"` // account: receives rewards and sends audit transactions
	VoteKey     [32]byte    `json:"-"`       // BIP-340 x-only public key
	VRFKey      [33]byte    `json:"-"`       // compressed secp256k1 public key
	Stake       uint256.Int `json:"-"`       // base units
	ServiceBond uint256.Int `json:"-"`       // base units; what audits can slash
}
