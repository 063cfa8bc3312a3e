package job

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm/native"
)

// Module gives the contract.
func Module() native.Module {
	change := func(signature string, run func(*native.Call)) native.Method {
		return native.Method{Signature: signature, Returns: "()", Mutability: native.NonPayable, Run: run}
	}
	return native.Module{
		Name:    "jobs",
		Address: chain.AddrJobs,
		Methods: []native.Method{
			{Signature: sigCreate, Returns: "(uint64)", Mutability: native.Payable, Run: runCreate},
			change(sigAddItems, runAddItems),
			change(sigCancel, runCancel),
			change(sigPoke, runPoke),
			change(sigRelease, runRelease),
			change(sigCommit, runCommit),
			change(sigAuditCommit, runAuditCommit),
			change(sigOpen, runOpen),
			change(sigAuditReveal, runAuditReveal),
			{Signature: sigChallenge, Returns: "(uint64)", Mutability: native.Payable, Run: runChallenge},
			{Signature: sigQuote, Returns: quoteReturns, Run: runQuote},
			{Signature: sigPriceOf, Returns: "(uint256,uint256,uint64,uint64)", Run: runPriceOf},
			{Signature: sigJobOf, Returns: "(uint8,address,bytes32,uint32,uint32,uint16,uint16,uint256,uint32,uint8,uint64)", Run: runJobOf},
			{Signature: sigMoneyOf, Returns: "(uint256,uint256,uint256,uint256,uint256,uint256,uint256)", Run: runMoneyOf},
			{Signature: sigBatchOf, Returns: "(uint8,uint8,uint8,uint32,uint16,address,uint64,uint64,bytes32,uint256)", Run: runBatchOf},
			{Signature: sigLeaseOf, Returns: "(uint32,uint64,address,uint64)", Run: runLeaseOf},
			{Signature: sigItemOf, Returns: "(bytes32,bytes32,uint8,bool,bool,bytes,uint256)", Run: runItemOf},
			{Signature: sigAuditorsOf, Returns: "(address[],uint64,uint64,uint256)", Run: runAuditorsOf},
			{Signature: sigCount, Returns: "(uint64)", Run: runJobCount},
			{Signature: sigLiveCount, Returns: "(uint64)", Run: runLiveCount},
			{Signature: sigLiveAt, Returns: "(uint64)", Run: runLiveAt},
		},
	}
}

// view reads a batch as it stands for the outside: one that waited for a worker when its job stopped is void.
func view(c *native.Call, j *Job, index uint32) Batch {
	b, _ := loadBatch(c, j.ID, index)
	switch {
	case b.State == Drawing && j.State != Open, b.State == Waiting && j.State != Filling:
		b.State = Void
	}
	return b
}

func loadItem(c *native.Call, j *Job, b *Batch, item uint32) Item {
	at := item - b.First
	out := Item{
		Index: item, Batch: b.Index, State: b.State, Verdict: b.Verdict,
		Blob:     c.Get(blobKey(j.ID, item)),
		Original: c.Get(originalKey(j.ID, item)),
		Sampled:  at < BatchItemsMax && b.Sample>>at&1 == 1,
	}
	if !b.Opened {
		return out
	}
	out.Output, out.Opened = DecodeOutput(c.Bytes(outputKey(j.ID, item)))
	if b.State == Settled {
		out.Paid = itemPay(j, b, out.Output.Fault)
	}
	return out
}

// itemPay is what the worker was paid for one item of a settled batch. An item with a fault got an equal
// part of what the batch was paid beyond its results.
func itemPay(j *Job, b *Batch, fault InputFault) uint256.Int {
	if fault == NoFault {
		return j.Price
	}
	var faults uint64
	for i := range b.Count {
		faults += b.Faults >> i & 1
	}
	if faults == 0 {
		return uint256.Int{}
	}
	results := new(uint256.Int).Mul(&j.Price, uint256.NewInt(uint64(b.Count)-faults))
	rest := new(uint256.Int).Sub(&b.Paid, results)
	return *rest.Div(rest, uint256.NewInt(faults))
}

// readJob reads the job that a view is asked for.
func readJob(c *native.Call, id uint64) (j Job, ok bool) {
	j, _ = loadJob(c, id)
	return j, c.Require(j.State != Missing, "jobs: no such job")
}

func runJobOf(c *native.Call) {
	id := c.Args.Uint64()
	if !c.Ready() {
		return
	}
	j, ok := readJob(c, id)
	if !ok {
		return
	}
	c.Out.Uint64(uint64(j.State))
	c.Out.Address(j.Requester)
	c.Out.Hash(j.Model)
	c.Out.Uint64(uint64(j.Items))
	c.Out.Uint64(uint64(j.Filled))
	c.Out.Uint64(uint64(j.BatchItems))
	c.Out.Uint64(uint64(j.Batches))
	c.Out.Uint256(&j.Price)
	c.Out.Uint64(uint64(j.AuditPpm))
	c.Out.Uint64(uint64(j.Panel))
	c.Out.Uint64(j.DeadlineMs)
}

func runMoneyOf(c *native.Call) {
	id := c.Args.Uint64()
	if !c.Ready() {
		return
	}
	j, ok := readJob(c, id)
	if !ok {
		return
	}
	for _, v := range j.money() {
		c.Out.Uint256(v)
	}
}

// readView reads the batch that a view is asked for.
func readView(c *native.Call, id uint64, index uint32) (j Job, b Batch, ok bool) {
	if j, ok = readJob(c, id); !ok || !c.Require(index < uint32(j.Batches), "jobs: no such batch") {
		return j, b, false
	}
	b = view(c, &j, index)
	return j, b, !c.Failed()
}

func runBatchOf(c *native.Call) {
	id, index := readBatch(c.Args)
	if !c.Ready() {
		return
	}
	_, b, ok := readView(c, id, index)
	if !ok {
		return
	}
	c.Out.Uint64(uint64(b.State))
	c.Out.Uint64(uint64(b.Verdict))
	c.Out.Uint64(uint64(b.Attempt))
	c.Out.Uint64(uint64(b.First))
	c.Out.Uint64(uint64(b.Count))
	c.Out.Address(b.Worker)
	c.Out.Uint64(b.DeadlineMs)
	c.Out.Uint64(b.Sample)
	c.Out.Hash(b.Root)
	c.Out.Uint256(&b.Paid)
}

// runLeaseOf shows the share of a batch's items that is audited, from when a second worker may be asked for (0: no more), the
// second worker, and until when its lease lasts.
func runLeaseOf(c *native.Call) {
	id, index := readBatch(c.Args)
	if !c.Ready() {
		return
	}
	_, b, ok := readView(c, id, index)
	if !ok {
		return
	}
	c.Out.Uint64(uint64(b.AuditPpm))
	c.Out.Uint64(b.HedgeMs)
	c.Out.Address(b.Second.Worker)
	c.Out.Uint64(b.Second.DeadlineMs)
}

// runItemOf shows one item: input, original, state of its batch, whether it was audited, whether there is
// an output, the output, and what was paid for it.
func runItemOf(c *native.Call) {
	id, item := readBatch(c.Args)
	if !c.Ready() {
		return
	}
	j, ok := readJob(c, id)
	if !ok || !c.Require(item < j.Filled && j.BatchItems > 0, "jobs: no such item") {
		return
	}
	b := view(c, &j, item/uint32(j.BatchItems))
	i := loadItem(c, &j, &b, item)
	if c.Failed() {
		return
	}
	c.Out.Hash(i.Blob)
	c.Out.Hash(i.Original)
	c.Out.Uint64(uint64(i.State))
	c.Out.Bool(i.Sampled)
	c.Out.Bool(i.Opened)
	if i.Opened {
		c.Out.Bytes(i.Output.Encode())
	} else {
		c.Out.Bytes(nil)
	}
	c.Out.Uint256(&i.Paid)
}

// runAuditorsOf shows who was asked in the last attempt, who has committed and revealed (bit i for the
// i-th), and what each who was paid got.
func runAuditorsOf(c *native.Call) {
	id, index := readBatch(c.Args)
	if !c.Ready() {
		return
	}
	_, b, ok := readView(c, id, index)
	if !ok {
		return
	}
	names := make([]chain.Address, 0, b.Auditors)
	for _, a := range auditors(c, &b) {
		names = append(names, a.Address)
	}
	c.Out.Addresses(names)
	c.Out.Uint64(b.Sealed)
	c.Out.Uint64(b.Revealed)
	c.Out.Uint256(&b.AuditorPay)
}

func runJobCount(c *native.Call) {
	if c.Ready() {
		c.Out.Uint64(c.Uint64(countKey()))
	}
}

func runLiveCount(c *native.Call) {
	if c.Ready() {
		c.Out.Uint64(live().Len(c))
	}
}

func runLiveAt(c *native.Call) {
	i := c.Args.Uint64()
	if c.Ready() && c.Require(i < live().Len(c), "jobs: no live job at this place") {
		c.Out.Uint64(number(live().At(c, i)))
	}
}
