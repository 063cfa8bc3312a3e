package job

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm/native"
)

// EventKind names the contract's events.
type EventKind uint8

// The events, in the order of a job's life.
const (
	JobCreated EventKind = iota + 1
	BatchAssigned
	BatchReleased // the lease ran out, or the worker gave the batch back
	BatchCommitted
	AuditDrawn // the first panel, and again with the others when the audit widens
	AuditCommitted
	BatchOpened
	AuditRevealed
	WorkerSlashed
	AuditorSlashed
	AuditorPaid
	BatchJudged
	WorkerPaid
	BatchEnded
	JobClosing
	JobClosed
	BatchDisputed
	ChallengerPaid
	BatchHedged  // a second worker was drawn beside a late one
	BatchDropped // the other worker has done it
	eventEnd
)

// signatures of the events; the first types are indexed: job, then batch, then an account, as far as
// they are there.
func (k EventKind) event() native.Event {
	signatures := [...]native.Event{
		JobCreated:     {Signature: "JobCreated(uint64,address,bytes32,uint32,uint16,uint256,uint256,uint64)", Indexed: 2},
		BatchAssigned:  {Signature: "BatchAssigned(uint64,uint32,address,uint8,uint64,uint32)", Indexed: 3},
		BatchReleased:  {Signature: "BatchReleased(uint64,uint32,address,uint256,uint8)", Indexed: 3},
		BatchCommitted: {Signature: "BatchCommitted(uint64,uint32,address,bytes32)", Indexed: 3},
		AuditDrawn:     {Signature: "AuditDrawn(uint64,uint32,uint64,uint64,address[])", Indexed: 2},
		AuditCommitted: {Signature: "AuditCommitted(uint64,uint32,address)", Indexed: 3},
		BatchOpened:    {Signature: "BatchOpened(uint64,uint32,address,bytes32,bytes[])", Indexed: 3},
		AuditRevealed:  {Signature: "AuditRevealed(uint64,uint32,address,bool)", Indexed: 3},
		WorkerSlashed:  {Signature: "WorkerSlashed(uint64,uint32,address,uint256)", Indexed: 3},
		AuditorSlashed: {Signature: "AuditorSlashed(uint64,uint32,address,uint256)", Indexed: 3},
		AuditorPaid:    {Signature: "AuditorPaid(uint64,uint32,address,uint256)", Indexed: 3},
		BatchJudged:    {Signature: "BatchJudged(uint64,uint32,address,uint8)", Indexed: 3},
		WorkerPaid:     {Signature: "WorkerPaid(uint64,uint32,address,address,uint256)", Indexed: 3},
		BatchEnded:     {Signature: "BatchEnded(uint64,uint32,bool)", Indexed: 2},
		JobClosing:     {Signature: "JobClosing(uint64)", Indexed: 1},
		JobClosed:      {Signature: "JobClosed(uint64,address,uint256,uint256,uint256,uint256,uint256)", Indexed: 2},
		BatchDisputed:  {Signature: "BatchDisputed(uint64,uint32,address,uint64,uint32)", Indexed: 3},
		ChallengerPaid: {Signature: "ChallengerPaid(uint64,uint32,address,uint256)", Indexed: 3},
		BatchHedged:    {Signature: "BatchHedged(uint64,uint32,address,uint64,uint32)", Indexed: 3},
		BatchDropped:   {Signature: "BatchDropped(uint64,uint32,address)", Indexed: 3},
	}
	return signatures[k]
}

// String gives the event's name.
func (k EventKind) String() string {
	if k == 0 || k >= eventEnd {
		return "invalid"
	}
	name := k.event().Signature
	for i := range name {
		if name[i] == '(' {
			return name[:i]
		}
	}
	return name
}

func logCreated(c *native.Call, j *Job) {
	d := JobCreated.event().Data()
	d.Hash(j.Model)
	d.Uint64(uint64(j.Items))
	d.Uint64(uint64(j.Batches))
	d.Uint256(&j.Price)
	d.Uint256(&j.Funded)
	d.Uint64(j.DeadlineMs)
	c.Emit(JobCreated.event(), []chain.Hash{word(j.ID), native.WordOf(j.Requester)}, d)
}

// emit logs an event of a batch and an account; fill writes the values that are not indexed.
func emit(c *native.Call, k EventKind, b *Batch, who chain.Address, fill func(*native.Encoder)) {
	if c.Failed() {
		return
	}
	d := k.event().Data()
	if fill != nil {
		fill(d)
	}
	c.Emit(k.event(), []chain.Hash{word(b.Job), word(uint64(b.Index)), native.WordOf(who)}[:k.event().Indexed], d)
}

func logAssigned(c *native.Call, b *Batch) {
	emit(c, BatchAssigned, b, b.Worker, func(d *native.Encoder) {
		d.Uint64(uint64(b.Attempt))
		d.Uint64(b.DeadlineMs)
		d.Uint64(uint64(b.AuditPpm))
	})
}

func logHedged(c *native.Call, b *Batch) {
	emit(c, BatchHedged, b, b.Second.Worker, func(d *native.Encoder) {
		d.Uint64(b.Second.DeadlineMs)
		d.Uint64(uint64(b.Second.AuditPpm))
	})
}

func logDropped(c *native.Call, b *Batch, who chain.Address) { emit(c, BatchDropped, b, who, nil) }

func logReleased(c *native.Call, b *Batch, who chain.Address, lost *uint256.Int, why Reason) {
	emit(c, BatchReleased, b, who, func(d *native.Encoder) {
		d.Uint256(lost)
		d.Uint64(uint64(why))
	})
}

func logCommitted(c *native.Call, b *Batch) {
	emit(c, BatchCommitted, b, b.Worker, func(d *native.Encoder) { d.Hash(b.Root) })
}

func logAudit(c *native.Call, b *Batch, names []chain.Address) {
	emit(c, AuditDrawn, b, chain.Address{}, func(d *native.Encoder) {
		d.Uint64(b.Sample)
		d.Uint64(b.DeadlineMs)
		d.Addresses(names)
	})
}

func logAuditCommitted(c *native.Call, b *Batch) { emit(c, AuditCommitted, b, c.Caller(), nil) }

func logOpened(c *native.Call, b *Batch, salt chain.Hash, outputs [][]byte) {
	emit(c, BatchOpened, b, b.Worker, func(d *native.Encoder) {
		d.Hash(salt)
		d.BytesList(outputs)
	})
}

func logAuditRevealed(c *native.Call, b *Batch, agrees bool) {
	emit(c, AuditRevealed, b, c.Caller(), func(d *native.Encoder) { d.Bool(agrees) })
}

func logDisputed(c *native.Call, b *Batch) {
	emit(c, BatchDisputed, b, c.Caller(), func(d *native.Encoder) {
		d.Uint64(b.Dispute)
		d.Uint64(uint64(b.Disputed))
	})
}

func logChallengerPaid(c *native.Call, b *Batch, who chain.Address, paid *uint256.Int) {
	emit(c, ChallengerPaid, b, who, func(d *native.Encoder) { d.Uint256(paid) })
}

func logWorkerSlashed(c *native.Call, b *Batch, lost *uint256.Int) {
	emit(c, WorkerSlashed, b, b.Worker, func(d *native.Encoder) { d.Uint256(lost) })
}

func logAuditorSlashed(c *native.Call, b *Batch, who chain.Address, lost *uint256.Int) {
	emit(c, AuditorSlashed, b, who, func(d *native.Encoder) { d.Uint256(lost) })
}

func logAuditorPaid(c *native.Call, b *Batch, who chain.Address, paid *uint256.Int) {
	emit(c, AuditorPaid, b, who, func(d *native.Encoder) { d.Uint256(paid) })
}

func logVerdict(c *native.Call, b *Batch) {
	emit(c, BatchJudged, b, b.Worker, func(d *native.Encoder) { d.Uint64(uint64(b.Verdict)) })
}

func logPaid(c *native.Call, b *Batch, payout chain.Address) {
	emit(c, WorkerPaid, b, b.Worker, func(d *native.Encoder) {
		d.Address(payout)
		d.Uint256(&b.Paid)
	})
}

func logEnded(c *native.Call, b *Batch) {
	emit(c, BatchEnded, b, chain.Address{}, func(d *native.Encoder) { d.Bool(b.State == Settled) })
}

func logClosing(c *native.Call, j *Job) {
	c.Emit(JobClosing.event(), []chain.Hash{word(j.ID)}, JobClosing.event().Data())
}

func logClosed(c *native.Call, j *Job) {
	d := JobClosed.event().Data()
	for _, v := range []*uint256.Int{&j.Refunded, &j.PaidWorkers, &j.PaidAuditors, &j.Fees, &j.Tips} {
		d.Uint256(v)
	}
	c.Emit(JobClosed.event(), []chain.Hash{word(j.ID), native.WordOf(j.Requester)}, d)
}

// Log is one of this contract's logs in plain form. Fields that an event does not have are zero.
type Log struct {
	Kind      EventKind
	Job       uint64
	Batch     uint32
	Account   chain.Address   // requester, worker or auditor
	Auditors  []chain.Address // AuditDrawn: who was asked now
	Sample    uint64          // AuditDrawn
	Root      chain.Hash      // BatchCommitted
	Salt      chain.Hash      // BatchOpened
	Outputs   [][]byte        // BatchOpened, encoded
	Amount    uint256.Int     // lost, paid, funded or refunded
	Deadline  uint64          // in ms
	Verdict   Verdict         // BatchJudged
	Reason    Reason          // BatchReleased
	Agrees    bool            // AuditRevealed
	Accepted  bool            // BatchEnded
	Attempt   uint8           // BatchAssigned
	AuditPpm  uint32          // BatchAssigned and BatchHedged: the share of the items that will be audited
	ItemCount uint32          // JobCreated
	Payout    chain.Address   // WorkerPaid
	Dispute   uint64          // BatchDisputed
	Item      uint32          // BatchDisputed
}

// DecodeLog reads a log of this contract; ok is false for any other, or a malformed one.
func DecodeLog(l *chain.Log) (out Log, ok bool) {
	if l.Address != chain.AddrJobs {
		return out, false
	}
	for k := JobCreated; k < eventEnd; k++ {
		topics, d, match := k.event().Decode(l)
		if !match {
			continue
		}
		out.Kind, out.Job = k, number(topics[0])
		out.place(topics[1:])
		out.fill(d)
		return out, d.End() == nil
	}
	return out, false
}

func (l *Log) place(topics []chain.Hash) {
	switch {
	case l.Kind == JobCreated || l.Kind == JobClosed:
		l.Account = chain.Address(topics[0][12:])
		return
	case len(topics) > 0:
		l.Batch = uint32(number(topics[0]))
	}
	if len(topics) > 1 {
		l.Account = chain.Address(topics[1][12:])
	}
}

func (l *Log) fill(d *native.Decoder) {
	switch l.Kind {
	case JobCreated:
		d.Hash()
		l.ItemCount = uint32(d.Uint64())
		d.Uint64()
		d.Uint256()
		l.Amount, l.Deadline = d.Uint256(), d.Uint64()
	case BatchAssigned:
		l.Attempt, l.Deadline, l.AuditPpm = uint8(d.Uint64()), d.Uint64(), uint32(d.Uint64())
	case BatchHedged:
		l.Deadline, l.AuditPpm = d.Uint64(), uint32(d.Uint64())
	case BatchCommitted:
		l.Root = d.Hash()
	case AuditDrawn:
		l.Sample, l.Deadline = d.Uint64(), d.Uint64()
		l.Auditors = d.Addresses(AuditorsMax)
	case BatchOpened:
		l.Salt, l.Outputs = d.Hash(), d.BytesList(BatchItemsMax, OutputBytesMax)
	case AuditRevealed:
		l.Agrees = d.Bool()
	case BatchReleased:
		l.Amount, l.Reason = d.Uint256(), Reason(d.Uint64())
	case BatchDisputed:
		l.Dispute, l.Item = d.Uint64(), uint32(d.Uint64())
	case WorkerSlashed, AuditorSlashed, AuditorPaid, ChallengerPaid:
		l.Amount = d.Uint256()
	case BatchJudged:
		l.Verdict = Verdict(d.Uint64())
	case WorkerPaid:
		l.Payout, l.Amount = d.Address(), d.Uint256()
	case BatchEnded:
		l.Accepted = d.Bool()
	case JobClosed:
		l.Amount = d.Uint256()
		for range 4 {
			d.Uint256()
		}
	}
}
