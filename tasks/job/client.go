package job

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
	"github.com/aiwork/aiwork-node/vm/native"
)

// Spec is what a requester asks for.
type Spec struct {
	Model      chain.Hash
	Items      []chain.Hash // blob ids of the inputs; the first ItemsPerCallMax of them when there are more
	Originals  []chain.Hash // SHA-256 of the files they were made from: as many as Items, or none
	ItemCount  uint32       // of the whole job; the rest is named with addItems
	Price      uint256.Int  // for one item
	AuditPpm   uint32       // share of items that is audited; 0: by formula, for each batch when its worker is drawn
	Panel      uint8        // auditors of a first panel; 0 is the chain's default
	LifeMs     uint64       // until when batches are assigned, from now; 0 is LifeDefaultMs
	BatchItems uint16       // items of a batch; 0 spreads them over the workers that serve the model
	Private    bool         // refused as yet
}

const (
	sigCreate      = "createJob(bytes32,bytes32[],bytes32[],uint32,uint256,uint32,uint8,uint64,uint16,bool)"
	sigAddItems    = "addItems(uint64,bytes32[],bytes32[])"
	sigCancel      = "cancel(uint64)"
	sigPoke        = "poke(uint64,uint32)"
	sigRelease     = "release(uint64,uint32,uint8)"
	sigCommit      = "commit(uint64,uint32,bytes32,uint32)"
	sigAuditCommit = "auditCommit(uint64,uint32,bytes32)"
	sigOpen        = "open(uint64,uint32,bytes32,bytes[])"
	sigAuditReveal = "auditReveal(uint64,uint32,bytes32,bytes32[])"
	sigChallenge   = "challenge(uint64,uint32,uint32," + dispute.ClaimTypes + ")"
	sigQuote       = "quote(bytes32,uint32,uint256,uint32,uint8,uint16)"
	sigPriceOf     = "priceOf(bytes32)"
	sigJobOf       = "jobOf(uint64)"
	sigMoneyOf     = "moneyOf(uint64)"
	sigBatchOf     = "batchOf(uint64,uint32)"
	sigLeaseOf     = "leaseOf(uint64,uint32)"
	sigItemOf      = "itemOf(uint64,uint32)"
	sigAuditorsOf  = "auditorsOf(uint64,uint32)"
	sigCount       = "jobCount()"
	sigLiveCount   = "liveCount()"
	sigLiveAt      = "liveAt(uint64)"
)

// PackCreate gives the input of createJob; the escrow (see quote) is the transaction's value.
func PackCreate(s *Spec) []byte {
	e := native.NewInput(sigCreate)
	e.Hash(s.Model)
	e.Hashes(s.Items)
	e.Hashes(s.Originals)
	e.Uint64(uint64(s.ItemCount))
	e.Uint256(&s.Price)
	e.Uint64(uint64(s.AuditPpm))
	e.Uint64(uint64(s.Panel))
	e.Uint64(s.LifeMs)
	e.Uint64(uint64(s.BatchItems))
	e.Bool(s.Private)
	return e.Out()
}

// PackAddItems gives the input of addItems, which names the next items of a job that is filling.
func PackAddItems(job uint64, items, originals []chain.Hash) []byte {
	e := native.NewInput(sigAddItems)
	e.Uint64(job)
	e.Hashes(items)
	e.Hashes(originals)
	return e.Out()
}

// PackCancel gives the input of cancel: everything back before work began, no new assignments after.
func PackCancel(job uint64) []byte {
	e := native.NewInput(sigCancel)
	e.Uint64(job)
	return e.Out()
}

// PackChallenge gives the input of challenge, which disputes what a worker has opened for an item, counted within the job. The
// transaction's value is the bond, dispute.Bond at least.
func PackChallenge(job uint64, batch, item uint32, k *dispute.Claim) []byte {
	e := packBatch(sigChallenge, job, batch)
	e.Uint64(uint64(item))
	k.Write(e)
	return e.Out()
}

// PackPoke gives the input of poke, which does what is due at a batch.
func PackPoke(job uint64, batch uint32) []byte { return packBatch(sigPoke, job, batch).Out() }

// PackRelease gives the input of release, with which a worker gives a batch back.
func PackRelease(job uint64, batch uint32, why Reason) []byte {
	e := packBatch(sigRelease, job, batch)
	e.Uint64(uint64(why))
	return e.Out()
}

// PackCommit gives the input of commit: the Root over count outputs.
func PackCommit(job uint64, batch uint32, root chain.Hash, count uint32) []byte {
	e := packBatch(sigCommit, job, batch)
	e.Hash(root)
	e.Uint64(uint64(count))
	return e.Out()
}

// PackAuditCommit gives the input of auditCommit: an Attestation.
func PackAuditCommit(job uint64, batch uint32, attestation chain.Hash) []byte {
	e := packBatch(sigAuditCommit, job, batch)
	e.Hash(attestation)
	return e.Out()
}

// PackOpen gives the input of open: the salt and outputs behind a Root.
func PackOpen(job uint64, batch uint32, salt chain.Hash, outputs [][]byte) []byte {
	e := packBatch(sigOpen, job, batch)
	e.Hash(salt)
	e.BytesList(outputs)
	return e.Out()
}

// PackAuditReveal gives the input of auditReveal: the salt and hashes behind an Attestation.
func PackAuditReveal(job uint64, batch uint32, salt chain.Hash, hashes []chain.Hash) []byte {
	e := packBatch(sigAuditReveal, job, batch)
	e.Hash(salt)
	e.Hashes(hashes)
	return e.Out()
}

// PackQuote gives the input of quote, to be called without a transaction.
func PackQuote(s *Spec) []byte {
	e := native.NewInput(sigQuote)
	e.Hash(s.Model)
	e.Uint64(uint64(s.ItemCount))
	e.Uint256(&s.Price)
	e.Uint64(uint64(s.AuditPpm))
	e.Uint64(uint64(s.Panel))
	e.Uint64(uint64(s.BatchItems))
	return e.Out()
}

func packBatch(signature string, job uint64, batch uint32) *native.Encoder {
	e := native.NewInput(signature)
	e.Uint64(job)
	e.Uint64(uint64(batch))
	return e
}

// UnpackCreate reads the result of createJob: the job's id.
func UnpackCreate(output []byte) (id uint64, err error) {
	d := native.NewDecoder("(uint64)", output)
	id = d.Uint64()
	return id, d.End()
}

// UnpackQuote reads the result of quote.
func UnpackQuote(output []byte) (t Terms, err error) {
	d := native.NewDecoder(quoteReturns, output)
	t.Total, t.Pay, t.Fee, t.Audits, t.Tips = d.Uint256(), d.Uint256(), d.Uint256(), d.Uint256(), d.Uint256()
	t.BatchItems, t.Batches = uint16(d.Uint64()), uint16(d.Uint64())
	t.Panel, t.AuditPpm = uint8(d.Uint64()), uint32(d.Uint64())
	return t, d.End()
}

// Load reads a job from any reader of the state. Its State is Missing when there is none.
func Load(r native.SlotReader, id uint64) (Job, error) {
	c := native.Inspect(r, chain.AddrJobs)
	j, _ := loadJob(c, id)
	return j, c.Err()
}

// LoadBatch reads a batch. One that was never assigned in a closed job reads as Void.
func LoadBatch(r native.SlotReader, id uint64, batch uint32) (Batch, error) {
	c := native.Inspect(r, chain.AddrJobs)
	j, _ := loadJob(c, id)
	b := view(c, &j, batch)
	return b, c.Err()
}

// LoadBatches reads all batches of a job.
func LoadBatches(r native.SlotReader, id uint64) ([]Batch, error) {
	c := native.Inspect(r, chain.AddrJobs)
	j, _ := loadJob(c, id)
	out := make([]Batch, 0, j.Batches)
	for i := range uint32(min(j.Batches, BatchesMax)) {
		out = append(out, view(c, &j, i))
	}
	return out, c.Err()
}

// LoadAuditors reads who was asked to audit the last attempt at a batch, and what they said.
func LoadAuditors(r native.SlotReader, id uint64, batch uint32) ([]Auditor, error) {
	c := native.Inspect(r, chain.AddrJobs)
	b, _ := loadBatch(c, id, batch)
	out := auditors(c, &b)
	return out, c.Err()
}

// Item is what is known of one item.
type Item struct {
	Index    uint32
	Batch    uint32
	Blob     chain.Hash
	Original chain.Hash // zero when none was given
	State    BatchState // of its batch
	Verdict  Verdict    // of its batch
	Sampled  bool       // audited; else it is shown as 'not sampled', never as verified
	Output   Output     // of the last opened attempt
	Opened   bool       // Output is there
	Paid     uint256.Int
}

// Accepted reports whether the item's output was paid for.
func (i *Item) Accepted() bool { return i.State == Settled }

// LoadItem reads one item.
func LoadItem(r native.SlotReader, id uint64, item uint32) (Item, error) {
	c := native.Inspect(r, chain.AddrJobs)
	j, _ := loadJob(c, id)
	if j.State == Missing || item >= j.Filled || j.BatchItems == 0 {
		return Item{}, c.Err()
	}
	b := view(c, &j, item/uint32(j.BatchItems))
	out := loadItem(c, &j, &b, item)
	return out, c.Err()
}

// LoadItems reads all items of a job that are named.
func LoadItems(r native.SlotReader, id uint64) ([]Item, error) {
	c := native.Inspect(r, chain.AddrJobs)
	j, _ := loadJob(c, id)
	if j.BatchItems == 0 {
		return nil, c.Err()
	}
	n := min(j.Filled, ItemsMax)
	out := make([]Item, 0, n)
	var b Batch
	for i := range n {
		if k := uint32(j.BatchItems); i%k == 0 {
			b = view(c, &j, i/k)
		}
		out = append(out, loadItem(c, &j, &b, i))
	}
	return out, c.Err()
}

// Count gives the number of jobs ever created; ids run from 1 to it.
func Count(r native.SlotReader) (uint64, error) {
	c := native.Inspect(r, chain.AddrJobs)
	return c.Uint64(countKey()), c.Err()
}

// Live lists at most limit jobs that are not closed, from place from on. The order changes when jobs close.
func Live(r native.SlotReader, from, limit uint64) ([]uint64, error) {
	c := native.Inspect(r, chain.AddrJobs)
	n := live().Len(c)
	var out []uint64
	for i := from; i < n && i-from < limit; i++ {
		out = append(out, number(live().At(c, i)))
	}
	return out, c.Err()
}

// Urgent tells whether blocks must follow each other quickly: drawn is true while a draw waits for its
// seed; dueMs is the first deadline after nowMs that lies within the next DueHorizonMs, or 0. A block
// whose time is at or after dueMs lets the deadline take effect.
func Urgent(r native.SlotReader, nowMs uint64, session chain.Session) (drawn bool, dueMs uint64, err error) {
	c := native.Inspect(r, chain.AddrJobs)
	drawn, dueMs = urgent(c, nowMs, session)
	return drawn, dueMs, c.Err()
}

// WantsBlob reports whether a blob must be kept at a time: a live job names it, or one that closed less
// than graceMs (the parameter blobGraceMs) ago.
func WantsBlob(r native.SlotReader, blob chain.Hash, nowMs, graceMs uint64) (bool, error) {
	c := native.Inspect(r, chain.AddrJobs)
	wanted := wantsBlob(c, blob, nowMs, graceMs)
	return wanted, c.Err()
}

// AcceptsBlob reports whether a blob may be uploaded at a time: a live job names it.
func AcceptsBlob(r native.SlotReader, blob chain.Hash, nowMs uint64) (bool, error) {
	return WantsBlob(r, blob, nowMs, 0)
}

// BurnedIn reads what this contract has burned: fees and penalties.
func BurnedIn(r native.SlotReader) (uint256.Int, error) {
	c := native.Inspect(r, chain.AddrJobs)
	return c.Uint256(native.BurnedKey()), c.Err()
}
