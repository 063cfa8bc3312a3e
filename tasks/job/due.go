package job

import (
	"encoding/binary"

	"github.com/aiwork/aiwork-node/consensus/poi/beacon"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm/native"
)

// Deadlines are kept for the block producers in a ring of buckets: a bucket's slot holds the latest
// deadline that fell into it. Entries are never taken out: a stale one costs one early block.
const (
	DueHorizonMs = 4_000 // how far ahead Urgent looks
	dueBucketMs  = 250
	dueRing      = 1024
	dueFarMs     = dueBucketMs * (dueRing - 1) // deadlines further ahead are not kept
)

func dueKey(ms uint64) chain.Hash { return native.At(native.Key("due"), ms/dueBucketMs%dueRing) }

// askedKey is where the session of the latest draw is kept, plus one.
func askedKey() chain.Hash { return native.Key("asked") }

// setDue notes that something becomes possible at a time.
func setDue(c *native.Call, ms uint64) {
	now := c.Now()
	if ms <= now || ms-now > dueFarMs {
		return
	}
	if held := c.Uint64(dueKey(ms)); held/dueBucketMs != ms/dueBucketMs || held < ms {
		c.SetUint64(dueKey(ms), ms)
	}
}

// setAsked notes that a draw was asked for in the present session.
func setAsked(c *native.Call) {
	s := uint64(c.Block().Session) + 1
	if c.Uint64(askedKey()) != s {
		c.SetUint64(askedKey(), s)
	}
}

func urgent(c *native.Call, nowMs uint64, session chain.Session) (drawn bool, dueMs uint64) {
	if asked := c.Uint64(askedKey()); asked > 0 {
		drawn = uint64(session) < asked-1+beacon.Lookahead
	}
	for at := nowMs; at < nowMs+DueHorizonMs+dueBucketMs; at += dueBucketMs {
		held := c.Uint64(dueKey(at))
		if held > nowMs && held <= nowMs+DueHorizonMs && held/dueBucketMs == at/dueBucketMs {
			return drawn, held
		}
	}
	return drawn, 0
}

// blobRef is what is kept for a blob that jobs name: the latest job, how many jobs have named it since
// the last time that none was live, and until when one of them may be live.
type blobRef struct {
	job, named, untilMs uint64
}

func refKey(blob chain.Hash) chain.Hash { return native.Key("blob", blob[:]) }

func loadBlob(c *native.Call, blob chain.Hash) blobRef {
	w := c.Get(refKey(blob))
	return blobRef{
		job:     binary.BigEndian.Uint64(w[8:]),
		named:   binary.BigEndian.Uint64(w[16:]),
		untilMs: binary.BigEndian.Uint64(w[24:]),
	}
}

func (b blobRef) word() (w chain.Hash) {
	binary.BigEndian.PutUint64(w[8:], b.job)
	binary.BigEndian.PutUint64(w[16:], b.named)
	binary.BigEndian.PutUint64(w[24:], b.untilMs)
	return w
}

// nameBlob notes that a job's input or result is a blob.
func nameBlob(c *native.Call, j *Job, blob chain.Hash) {
	ref, next := loadBlob(c, blob), blobRef{job: j.ID, named: 1, untilMs: lastMs(c, j)}
	if ref.job == j.ID {
		return
	}
	if ref.job != 0 {
		if old, _ := loadJob(c, ref.job); old.State.Live() || ref.named > 1 && c.Now() < ref.untilMs {
			next.named, next.untilMs = ref.named+1, max(next.untilMs, ref.untilMs)
		}
	}
	c.Set(refKey(blob), next.word())
}

// lastMs gives the time by which a job that is poked in time has ended: its deadline, then one attempt
// with all its windows, twice, for draws and delays.
func lastMs(c *native.Call, j *Job) uint64 {
	p := &c.Block().Params.Jobs
	audit := windows(AuditItemsMax+BatchItemsMax) * p.AuditCommitMs
	return j.DeadlineMs + 2*(2*LeaseSpanMax*p.LeaseMs+2*audit+p.OpenMs+2*p.AuditRevealMs)
}

func wantsBlob(c *native.Call, blob chain.Hash, nowMs, graceMs uint64) bool {
	ref := loadBlob(c, blob)
	if ref.job == 0 || c.Failed() {
		return false
	}
	j, _ := loadJob(c, ref.job)
	switch {
	case j.State.Live():
		return true
	case ref.named > 1:
		return nowMs < ref.untilMs+graceMs
	}
	return nowMs < j.ClosedMs+graceMs
}
