package job

import (
	"encoding/binary"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/registry"
	"github.com/aiwork/aiwork-node/vm/native"
)

func countKey() chain.Hash { return native.Key("count") }

// live is the list of the jobs that may hold money.
func live() native.List { return native.NewList("live") }

func word(n uint64) chain.Hash   { return native.WordOfUint64(n) }
func number(w chain.Hash) uint64 { return binary.BigEndian.Uint64(w[24:]) }

func runCreate(c *native.Call) {
	s := readSpec(c.Args)
	if !c.Ready() || !checkSpec(c, &s) {
		return
	}
	t, ok := terms(c, &s)
	funds := c.Value()
	if !ok || !c.Require(!s.Price.Lt(&t.Posted), "jobs: the price is below the posted price of "+t.Posted.Dec()+" base units an item (see quote)") ||
		!c.Require(!funds.Lt(&t.Total), "jobs: the value is below the escrow of "+t.Total.Dec()+" (see quote)") ||
		!c.Require(funds.BitLen() <= PriceBitsMax, "jobs: the value is above the supply") {
		return
	}
	j := newJob(c, &s, &t)
	j.Funded, j.Escrow = funds, funds
	c.SetUint64(countKey(), j.ID)
	live().Add(c, word(j.ID))
	logCreated(c, &j)
	fill(c, &j, s.Items, s.Originals)
	if !c.Failed() {
		c.SetRecord(jobKey(j.ID), nil, j.encode())
	}
	c.Out.Uint64(j.ID)
}

func readSpec(d *native.Decoder) (s Spec) {
	s.Model = d.Hash()
	s.Items, s.Originals = d.Hashes(ItemsPerCallMax), d.Hashes(ItemsPerCallMax)
	s.ItemCount = uint32(d.Uint64())
	s.Price = d.Uint256()
	s.AuditPpm, s.Panel = uint32(d.Uint64()), uint8(d.Uint64())
	s.LifeMs, s.BatchItems = d.Uint64(), uint16(d.Uint64())
	s.Private = d.Bool()
	return s
}

func checkSpec(c *native.Call, s *Spec) bool {
	if s.LifeMs == 0 {
		s.LifeMs = min(LifeDefaultMs, c.Block().Params.Jobs.JobDeadlineMaxMs)
	}
	return c.Require(live().Len(c) < LiveMax, "jobs: 1024 jobs are live, try again when one has closed") &&
		c.Require(!s.Private, "jobs: private inputs are not supported: every validator can read a job's inputs") &&
		c.Require(s.LifeMs <= c.Block().Params.Jobs.JobDeadlineMaxMs, "jobs: the deadline is too far ahead") &&
		c.Require(registry.Servers(c, s.Model) > 0, "jobs: no active worker serves this model")
}

func newJob(c *native.Call, s *Spec, t *Terms) Job {
	return Job{
		ID:         c.Uint64(countKey()) + 1,
		State:      Filling,
		Requester:  c.Caller(),
		Model:      s.Model,
		Price:      s.Price,
		Items:      s.ItemCount,
		BatchItems: t.BatchItems,
		Batches:    t.Batches,
		Panel:      t.Panel,
		AuditPpm:   t.AuditPpm,
		CreatedMs:  c.Now(),
		DeadlineMs: c.Now() + s.LifeMs,
		AuditItem:  t.auditItem,
		AuditGas:   t.auditGas,
		Tip:        t.tip,
		TipsLeft:   TipsPerBatch * t.Batches,
	}
}

// fill names a job's next items, and opens it when they are complete.
func fill(c *native.Call, j *Job, items, originals []chain.Hash) {
	if !c.Require(len(originals) == 0 || len(originals) == len(items), "jobs: give the hash of every original, or of none") ||
		!c.Require(uint64(j.Filled)+uint64(len(items)) <= uint64(j.Items), "jobs: more items than the job was created with") {
		return
	}
	for i, blob := range items {
		if !c.Require(!blob.IsZero(), "jobs: a blob id is zero") {
			return
		}
		c.Set(blobKey(j.ID, j.Filled), blob)
		if len(originals) > 0 {
			c.Set(originalKey(j.ID, j.Filled), originals[i])
		}
		nameBlob(c, j, blob)
		j.Filled++
	}
	if j.Filled == j.Items {
		open(c, j)
	}
}

// open asks for a worker for every batch.
func open(c *native.Call, j *Job) {
	j.State, j.Drawing = Open, j.Batches
	queue(c, j, int64(j.Items))
	for i := range uint32(j.Batches) {
		n := lot(j.Items, j.BatchItems, i)
		b := Batch{Job: j.ID, Index: i, State: Drawing, First: i * uint32(j.BatchItems), Count: n, Asked: c.Block().Session, DeadlineMs: c.Now() + RetryMs}
		b.Line = auditLine(&j.AuditItem, &j.AuditGas, j.Panel, SampleSize(int(n), shareMax(j.AuditPpm)))
		c.SetRecord(batchKey(j.ID, i), nil, b.encode())
	}
	setAsked(c)
}

func runAddItems(c *native.Call) {
	id := c.Args.Uint64()
	items, originals := c.Args.Hashes(ItemsPerCallMax), c.Args.Hashes(ItemsPerCallMax)
	if !c.Ready() {
		return
	}
	j, raw := loadJob(c, id)
	if !c.Require(j.State == Filling, "jobs: this job is not being filled") ||
		!c.Require(j.Requester == c.Caller(), "jobs: only the requester can do this") ||
		!c.Require(c.Now() < j.DeadlineMs, "jobs: this job's deadline has passed") {
		return
	}
	fill(c, &j, items, originals)
	if c.Failed() {
		return
	}
	c.SetRecord(jobKey(id), raw, j.encode())
}

// runCancel gives everything back before work began, and stops new assignments after that.
func runCancel(c *native.Call) {
	id := c.Args.Uint64()
	if !c.Ready() {
		return
	}
	j, raw := loadJob(c, id)
	if !c.Require(j.State != Missing, "jobs: no such job") ||
		!c.Require(j.Requester == c.Caller(), "jobs: only the requester can do this") ||
		!c.Require(j.State == Filling || j.State == Open, "jobs: this job is closing or closed") {
		return
	}
	stop(c, &j)
	if !c.Failed() {
		c.SetRecord(jobKey(id), raw, j.encode())
	}
}

// stop ends assignments: batches that wait for a worker are void from here on, and if nothing else is
// left the job closes. It looks at no batch, however many there are.
func stop(c *native.Call, j *Job) {
	if c.Failed() {
		return
	}
	j.State = Closing
	j.Ended += j.Drawing
	j.Drawing = 0
	queue(c, j, -int64(j.Queued))
	if j.Filled < j.Items {
		j.Ended = j.Batches
	}
	logClosing(c, j)
	closeIfDone(c, j)
}

// closeIfDone closes a job whose batches have all ended and pays the rest back.
func closeIfDone(c *native.Call, j *Job) {
	if c.Failed() || j.Ended != j.Batches {
		return
	}
	j.State, j.ClosedMs = Closed, c.Now()
	if !j.Started {
		j.State = Cancelled
	}
	rest := j.Escrow
	j.Refunded = rest
	j.Escrow = uint256.Int{}
	c.Pay(j.Requester, &rest)
	live().Remove(c, word(j.ID))
	logClosed(c, j)
}
