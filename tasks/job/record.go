package job

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/vm/native"
)

// State says how far a job is.
type State uint8

// The states of a job.
const (
	Missing   State = iota // there is no such job
	Filling                // its items are being named
	Open                   // its batches are drawn, done, audited and settled
	Closing                // no new assignments; begun batches are finished
	Closed                 // all is settled, the rest was refunded
	Cancelled              // closed before any work began
)

// String names the state as RPC and CLI show it.
func (s State) String() string {
	return pick(int(s), "missing", "filling", "open", "closing", "closed", "cancelled")
}

// Live reports whether money may still lie in the job.
func (s State) Live() bool { return s == Filling || s == Open || s == Closing }

// BatchState says how far a batch is.
type BatchState uint8

// The states of a batch.
const (
	Waiting   BatchState = iota // its job is not open yet
	Drawing                     // a worker's draw is asked for
	Assigned                    // a worker has the lease
	Committed                   // the outputs' root is on chain; sample and panel are to be drawn
	Auditing                    // auditors compute and commit
	Opening                     // the worker opens its outputs
	Revealing                   // auditors reveal
	Settled                     // passed and paid
	Void                        // not done; its money goes back
	Disputed                    // the contract of disputes decides about one of its items
)

// String names the state as RPC and CLI show it.
func (s BatchState) String() string {
	return pick(int(s), "waiting", "drawing", "assigned", "committed", "auditing", "opening", "revealing", "settled", "void", "disputed")
}

// Final reports whether nothing more happens to the batch.
func (s BatchState) Final() bool { return s == Settled || s == Void }

// Verdict is how the last audit of a batch ended.
type Verdict uint8

// The verdicts.
const (
	NoVerdict Verdict = iota // not audited yet, or too few agreed
	Passed
	Wrong    // two thirds of the auditors' stake computed something else
	Unopened // the worker did not open what it had committed to
	Missed   // the worker let its lease run out, or gave it back
)

// String names the verdict as RPC and CLI show it.
func (v Verdict) String() string {
	return pick(int(v), "none", "passed", "wrong", "unopened", "missed")
}

// Reason says why a worker lost a batch before it committed.
type Reason uint8

// The reasons. Values are never reused.
const (
	LeaseOver    Reason = iota // not given back: the lease ran out
	Draining                   // the worker is going down
	InputMissing               // a blob could not be had; costs no fine, since it may be the requester's fault
	ModelMissing               // the model could not be loaded
	Overloaded                 // the worker would not end in time
	reasonEnd
)

// String names the reason as RPC and CLI show it.
func (r Reason) String() string {
	return pick(int(r), "lease over", "worker is draining", "input missing", "model missing", "overloaded")
}

func pick(i int, names ...string) string {
	if i < len(names) {
		return names[i]
	}
	return "invalid"
}

// Job is a job's record.
type Job struct {
	ID         uint64
	State      State
	Requester  chain.Address
	Model      chain.Hash
	Price      uint256.Int // for one item
	Items      uint32      // as declared
	Filled     uint32      // named so far
	BatchItems uint16
	Batches    uint16
	Panel      uint8
	AuditPpm   uint32 // 0: by formula, for each batch when its worker is drawn (JOB-21)
	CreatedMs  uint64
	DeadlineMs uint64 // no assignments from then on
	ClosedMs   uint64

	AuditItem uint256.Int // an auditor's pay for a sampled item
	AuditGas  uint256.Int // an auditor's refund for one batch
	Tip       uint256.Int // for a poke

	Drawing  uint16 // batches in Drawing
	Queued   uint32 // their items
	Ended    uint16 // batches in Settled or Void
	Started  bool   // a batch was assigned once
	TipsLeft uint16

	Funded       uint256.Int // all that came in
	Escrow       uint256.Int // what is left of it
	PaidWorkers  uint256.Int
	PaidAuditors uint256.Int // from this escrow; penalties pay auditors first
	Fees         uint256.Int // burned
	Tips         uint256.Int
	Refunded     uint256.Int
}

const jobSize = 1 + 20 + 32 + 16 + 4 + 4 + 2 + 2 + 1 + 4 + 8 + 8 + 8 + 3*16 + 2 + 4 + 2 + 1 + 2 + 7*16

func jobKey(id uint64) chain.Hash { return native.Key("job", native.U64(id)) }

func (j *Job) encode() []byte {
	w := codec.NewWriter(jobSize)
	w.U8(uint8(j.State))
	w.Fixed(j.Requester[:])
	w.Fixed(j.Model[:])
	putAmount(w, &j.Price)
	w.U32(j.Items)
	w.U32(j.Filled)
	w.U16(j.BatchItems)
	w.U16(j.Batches)
	w.U8(j.Panel)
	w.U32(j.AuditPpm)
	w.U64(j.CreatedMs)
	w.U64(j.DeadlineMs)
	for _, v := range []*uint256.Int{&j.AuditItem, &j.AuditGas, &j.Tip} {
		putAmount(w, v)
	}
	// What changes stands last, so that most steps touch few slots.
	w.U64(j.ClosedMs)
	w.U16(j.Drawing)
	w.U32(j.Queued)
	w.U16(j.Ended)
	w.Bool(j.Started)
	w.U16(j.TipsLeft)
	for _, v := range j.money() {
		putAmount(w, v)
	}
	must.Hold(w.Len() == jobSize, "job: record size")
	return w.Out()
}

func (j *Job) money() []*uint256.Int {
	return []*uint256.Int{&j.Funded, &j.Escrow, &j.PaidWorkers, &j.PaidAuditors, &j.Fees, &j.Tips, &j.Refunded}
}

func loadJob(c *native.Call, id uint64) (j Job, raw []byte) {
	raw = c.Record(jobKey(id), jobSize)
	r := codec.NewReader(raw)
	j.ID = id
	j.State = State(r.U8())
	r.Fixed(j.Requester[:])
	r.Fixed(j.Model[:])
	j.Price = amount(r)
	j.Items, j.Filled = r.U32(), r.U32()
	j.BatchItems, j.Batches = r.U16(), r.U16()
	j.Panel, j.AuditPpm = r.U8(), r.U32()
	j.CreatedMs, j.DeadlineMs = r.U64(), r.U64()
	j.AuditItem, j.AuditGas, j.Tip = amount(r), amount(r), amount(r)
	j.ClosedMs = r.U64()
	j.Drawing, j.Queued, j.Ended = r.U16(), r.U32(), r.U16()
	j.Started, j.TipsLeft = r.Bool(), r.U16()
	for _, v := range j.money() {
		*v = amount(r)
	}
	return j, raw
}

// Batch is a batch's record: consecutive items of one job that one worker does.
type Batch struct {
	Job        uint64
	Index      uint32
	State      BatchState
	Verdict    Verdict // of the last attempt that ended
	Attempt    uint8   // from 0
	Opened     bool
	Wide       bool   // all eligible validators are asked
	First      uint32 // its first item
	Count      uint16 // its items
	Worker     chain.Address
	Asked      chain.Session // of the open draw
	DeadlineMs uint64        // of the present state; Drawing: from then on it is drawn anew if nobody can take it
	Sample     uint64        // audited items, bit i for item First+i
	Faults     uint64        // items that were opened with a fault of their input
	Auditors   uint8         // asked so far
	Sealed     uint64        // auditors that have committed, bit by place
	Revealed   uint64        // auditors that have revealed
	Line       uint256.Int   // what is left for its auditors
	Collateral uint256.Int   // of the worker's bond
	Paid       uint256.Int   // to the worker
	AuditorPay uint256.Int   // to each auditor with a valid reveal, in the last audit
	Root       chain.Hash
	Digest     chain.Hash // of the worker's opened sample
	Dispute    uint64     // the last one about this attempt
	Disputed   uint32     // the item that it is about
	Disputes   uint8      // of this attempt
	Paused     BatchState // the state before Disputed
	AuditPpm   uint32     // the share of its items that is audited, fixed when the worker was drawn
	LoadMs     uint32     // how long the worker was said to take for it
	HedgeMs    uint64     // Assigned: from then on a second worker may be asked for; 0: none any more
	HedgeAsked chain.Session
	Hedged     bool // Second is there
	Second     Second
}

// Second is a worker that does a batch beside the one who is late with it (JOB-23).
type Second struct {
	Worker     chain.Address
	DeadlineMs uint64
	LoadMs     uint32
	AuditPpm   uint32
	Collateral uint256.Int
}

const (
	batchSize  = 1 + 1 + 1 + 1 + 1 + 4 + 2 + 20 + 8 + 8 + 8 + 8 + 1 + 8 + 8 + 4*16 + 32 + 32 + 8 + 4 + 1 + 1 + 4 + 4 + 8 + 8 + 1
	secondSize = 20 + 8 + 4 + 4 + 16
)

// secondKey is where the second worker of a batch's present attempt lies, when it has one.
func secondKey(job uint64, batch uint32) chain.Hash {
	return native.Key("second", native.U64(job), native.U64(uint64(batch)))
}

func (s *Second) encode() []byte {
	w := codec.NewWriter(secondSize)
	w.Fixed(s.Worker[:])
	w.U64(s.DeadlineMs)
	w.U32(s.LoadMs)
	w.U32(s.AuditPpm)
	putAmount(w, &s.Collateral)
	return w.Out()
}

func loadSecond(c *native.Call, job uint64, batch uint32) (s Second, raw []byte) {
	raw = c.Record(secondKey(job, batch), secondSize)
	r := codec.NewReader(raw)
	r.Fixed(s.Worker[:])
	s.DeadlineMs, s.LoadMs, s.AuditPpm = r.U64(), r.U32(), r.U32()
	s.Collateral = amount(r)
	return s, raw
}

func batchKey(job uint64, batch uint32) chain.Hash {
	return native.Key("batch", native.U64(job), native.U64(uint64(batch)))
}

func (b *Batch) encode() []byte {
	w := codec.NewWriter(batchSize)
	w.U8(uint8(b.State))
	w.U8(uint8(b.Verdict))
	w.U8(b.Attempt)
	w.Bool(b.Opened)
	w.Bool(b.Wide)
	w.U32(b.First)
	w.U16(b.Count)
	w.Fixed(b.Worker[:])
	w.U64(uint64(b.Asked))
	w.U64(b.DeadlineMs)
	w.U64(b.Sample)
	w.U64(b.Faults)
	w.U8(b.Auditors)
	w.U64(b.Sealed)
	w.U64(b.Revealed)
	for _, v := range b.money() {
		putAmount(w, v)
	}
	w.Fixed(b.Root[:])
	w.Fixed(b.Digest[:])
	w.U64(b.Dispute)
	w.U32(b.Disputed)
	w.U8(b.Disputes)
	w.U8(uint8(b.Paused))
	w.U32(b.AuditPpm)
	w.U32(b.LoadMs)
	w.U64(b.HedgeMs)
	w.U64(uint64(b.HedgeAsked))
	w.Bool(b.Hedged)
	must.Hold(w.Len() == batchSize, "job: batch record size")
	return w.Out()
}

func (b *Batch) money() []*uint256.Int {
	return []*uint256.Int{&b.Line, &b.Collateral, &b.Paid, &b.AuditorPay}
}

func loadBatch(c *native.Call, job uint64, index uint32) (b Batch, raw []byte) {
	raw = c.Record(batchKey(job, index), batchSize)
	r := codec.NewReader(raw)
	b.Job, b.Index = job, index
	b.State, b.Verdict = BatchState(r.U8()), Verdict(r.U8())
	b.Attempt = r.U8()
	b.Opened, b.Wide = r.Bool(), r.Bool()
	b.First, b.Count = r.U32(), r.U16()
	r.Fixed(b.Worker[:])
	b.Asked, b.DeadlineMs = chain.Session(r.U64()), r.U64()
	b.Sample, b.Faults = r.U64(), r.U64()
	b.Auditors = r.U8()
	b.Sealed, b.Revealed = r.U64(), r.U64()
	for _, v := range b.money() {
		*v = amount(r)
	}
	r.Fixed(b.Root[:])
	r.Fixed(b.Digest[:])
	b.Dispute, b.Disputed, b.Disputes, b.Paused = r.U64(), r.U32(), r.U8(), BatchState(r.U8())
	b.AuditPpm, b.LoadMs = r.U32(), r.U32()
	b.HedgeMs, b.HedgeAsked, b.Hedged = r.U64(), chain.Session(r.U64()), r.Bool()
	if b.Hedged {
		b.Second, _ = loadSecond(c, job, index)
	}
	return b, raw
}

// Place gives what commitments of the present attempt are bound to.
func (b *Batch) Place(genesis chain.Hash) Place {
	return Place{Genesis: genesis, Job: b.Job, Batch: b.Index, Attempt: b.Attempt}
}

// Auditor is one validator that was asked to audit a batch.
type Auditor struct {
	Address  chain.Address
	Weight   uint64
	Paid     bool // Batch.AuditorPay
	Slashed  bool
	Seal     chain.Hash // its commitment, and after its reveal what SampleDigest gives of it
	Sealed   bool
	Revealed bool
	Agrees   bool // with the worker, once both are open
}

func auditorKey(p Place, i uint64) chain.Hash {
	return native.At(native.Key("auditor", native.U64(p.Job), native.U64(uint64(p.Batch)), []byte{p.Attempt}), i)
}

func sealKey(p Place, i uint64) chain.Hash {
	return native.At(native.Key("seal", native.U64(p.Job), native.U64(uint64(p.Batch)), []byte{p.Attempt}), i)
}

func (a *Auditor) word() chain.Hash {
	w := codec.NewWriter(32)
	w.Fixed(a.Address[:])
	w.U64(a.Weight)
	w.U16(0)
	w.Bool(a.Paid)
	w.Bool(a.Slashed)
	return chain.Hash(w.Out())
}

func auditorOf(word chain.Hash) (a Auditor) {
	r := codec.NewReader(word[:])
	r.Fixed(a.Address[:])
	a.Weight = r.U64()
	r.U16()
	a.Paid, a.Slashed = r.Bool(), r.Bool()
	return a
}

// auditors reads all that were asked in the present attempt.
func auditors(c *native.Call, b *Batch) []Auditor {
	p := b.Place(chain.Hash{})
	out := make([]Auditor, 0, b.Auditors)
	for i := range min(uint64(b.Auditors), AuditorsMax) {
		a := auditorOf(c.Get(auditorKey(p, i)))
		a.Sealed, a.Revealed = b.Sealed>>i&1 == 1, b.Revealed>>i&1 == 1
		if a.Sealed {
			a.Seal = c.Get(sealKey(p, i))
		}
		a.Agrees = a.Revealed && b.Opened && a.Seal == b.Digest
		out = append(out, a)
	}
	return out
}

// The slots of items: the input's blob, the hash of the requester's original file, the opened output.
func blobKey(job uint64, item uint32) chain.Hash { return itemKey("item", job, item) }

func originalKey(job uint64, item uint32) chain.Hash {
	return itemKey("original", job, item)
}
func outputKey(job uint64, item uint32) chain.Hash { return itemKey("output", job, item) }

func itemKey(table string, job uint64, item uint32) chain.Hash {
	return native.Key(table, native.U64(job), native.U64(uint64(item)))
}

// putAmount writes an amount in 16 bytes; what a job can hold is far below 2^128.
func putAmount(w *codec.Writer, v *uint256.Int) {
	must.Hold(v.BitLen() <= 128, "job: amount above 2^128")
	b := v.Bytes32()
	w.Fixed(b[16:])
}

func amount(r *codec.Reader) (v uint256.Int) {
	var b [16]byte
	r.Fixed(b[:])
	v.SetBytes(b[:])
	return v
}
