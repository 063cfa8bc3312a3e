package compute

import (
	"fmt"

	"github.com/aiwork/aiwork-node/consensus/poi/beacon"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/vm/native"
)

// Role says in which capacity somebody is asked.
type Role string

// The roles.
const (
	RoleWorker  Role = "worker"
	RoleAuditor Role = "auditor"
	// RoleChallenger has disputed a result and goes on with that.
	RoleChallenger Role = "challenger"
	// RoleWatcher may look at a result that lies open.
	RoleWatcher Role = "watcher"
)

// Task is a batch in which an address must act, or may have to soon.
type Task struct {
	Role       Role          `json:"role"`
	Job        uint64        `json:"job"`
	Batch      uint32        `json:"batch"`
	Attempt    uint8         `json:"attempt"`
	State      string        `json:"state"`
	Model      chain.Hash    `json:"model"`
	Worker     chain.Address `json:"worker"`
	First      uint32        `json:"first"`
	Blobs      []chain.Hash  `json:"blobs"` // inputs of the batch's items
	Sample     uint64        `json:"sample"`
	Sealed     bool          `json:"sealed"`   // auditor: has committed
	Revealed   bool          `json:"revealed"` // auditor: has revealed
	Opened     bool          `json:"opened"`
	Results    []chain.Hash  `json:"results,omitempty"` // blobs of what was opened
	Given      [][]byte      `json:"given,omitempty"`   // what was opened, to those who may dispute it or are to defend it
	DeadlineMs uint64        `json:"deadlineMs"`

	Dispute  *dispute.Dispute `json:"dispute,omitempty"`  // about an item of it, not ended
	Disputed uint32           `json:"disputed,omitempty"` // that item
}

// stage tells states apart in which something else is to be done.
func (t *Task) stage() string {
	if t.Dispute == nil {
		return t.State
	}
	return fmt.Sprintf("%s %d %s %d %d", t.State, t.Dispute.ID, t.Dispute.Phase, t.Dispute.Rounds, t.Dispute.Steps)
}

// Place gives what commitments of the task are bound to.
func (t *Task) Place(genesis chain.Hash) job.Place {
	return job.Place{Genesis: genesis, Job: t.Job, Batch: t.Batch, Attempt: t.Attempt}
}

// Key names the task's attempt and role, as the journal files it.
func (t *Task) Key() Key {
	return Key{Role: t.Role, Job: t.Job, Batch: t.Batch, Attempt: t.Attempt}
}

func (t *Task) String() string {
	return fmt.Sprintf("job %d batch %d attempt %d", t.Job, t.Batch, t.Attempt)
}

// Due is a batch that a poke may move on. Equal values stand for the same occasion.
type Due struct {
	Job        uint64 `json:"job"`
	Batch      uint32 `json:"batch"`
	Attempt    uint8  `json:"attempt"`
	State      string `json:"state"`
	DeadlineMs uint64 `json:"deadlineMs"`
}

// Agenda is what the head's state asks of an address.
type Agenda struct {
	Height chain.Height `json:"height"`
	TimeMs uint64       `json:"timeMs"`
	Tasks  []Task       `json:"tasks"`
	Dues   []Due        `json:"dues"`
}

// LoadAgenda reads the agenda of an address from a state whose head stands at a height and time.
func LoadAgenda(r native.SlotReader, who chain.Address, height chain.Height, timeMs uint64) (Agenda, error) {
	return readAgenda(plain(r), who, height, timeMs)
}

func readAgenda(s source, who chain.Address, height chain.Height, timeMs uint64) (Agenda, error) {
	a := Agenda{Height: height, TimeMs: timeMs, Tasks: []Task{}, Dues: []Due{}}
	err := s.each(func(p *page) error { return a.addJob(s.r, who, p) })
	return a, err
}

func (a *Agenda) addJob(r native.SlotReader, who chain.Address, p *page) error {
	j := &p.job
	if j.State == job.Filling {
		if a.TimeMs >= j.DeadlineMs {
			a.Dues = append(a.Dues, Due{Job: j.ID, State: j.State.String(), DeadlineMs: j.DeadlineMs})
		}
		return nil
	}
	for i := range p.batches {
		b := &p.batches[i]
		if b.State.Final() || b.State == job.Waiting {
			continue
		}
		due, err := a.due(r, j, b)
		if err != nil {
			return err
		}
		if due {
			d := Due{Job: j.ID, Batch: b.Index, Attempt: b.Attempt, State: b.State.String(), DeadlineMs: b.DeadlineMs}
			if b.State == job.Assigned && a.TimeMs < b.DeadlineMs {
				d.DeadlineMs = b.HedgeMs + uint64(b.HedgeAsked) // another occasion than the end of the lease
			}
			a.Dues = append(a.Dues, d)
		}
		if err := a.addBatch(r, who, p, b); err != nil {
			return err
		}
	}
	return nil
}

// due reports whether a transaction in the next block could move the batch on.
func (a *Agenda) due(r native.SlotReader, j *job.Job, b *job.Batch) (bool, error) {
	switch b.State {
	case job.Drawing, job.Committed:
		ready := chain.SessionOf(a.Height+1) >= b.Asked+beacon.Lookahead
		return ready || (b.State == job.Drawing && a.TimeMs >= j.DeadlineMs), nil
	case job.Disputed:
		return disputeDue(r, b.Dispute, a.TimeMs)
	case job.Assigned:
		return a.hedgeDue(j, b) || a.TimeMs >= b.DeadlineMs || b.Hedged && a.TimeMs >= b.Second.DeadlineMs, nil
	default:
		return b.DeadlineMs > 0 && a.TimeMs >= b.DeadlineMs, nil
	}
}

// hedgeDue reports whether a second worker can be asked for, or drawn, for a batch whose worker is late (JOB-23).
func (a *Agenda) hedgeDue(j *job.Job, b *job.Batch) bool {
	if b.HedgeMs == 0 || a.TimeMs < b.HedgeMs || j.State != job.Open {
		return false
	}
	return b.HedgeAsked == 0 || chain.SessionOf(a.Height+1) >= b.HedgeAsked+beacon.Lookahead
}

func (a *Agenda) addBatch(r native.SlotReader, who chain.Address, p *page, b *job.Batch) error {
	t := taskOf(&p.job, b)
	switch b.State {
	case job.Assigned:
		switch {
		case b.Worker == who:
		case b.Hedged && b.Second.Worker == who:
			t.Worker, t.DeadlineMs = who, b.Second.DeadlineMs
		default:
			return nil
		}
	case job.Committed:
		if b.Worker != who {
			return nil
		}
	case job.Disputed:
		return a.addDisputed(r, who, p, b)
	case job.Auditing, job.Opening, job.Revealing:
		if b.Worker == who {
			break
		}
		if !t.asAuditor(p, who) {
			return nil
		}
	default:
		return nil
	}
	return a.add(r, &t, b)
}

func taskOf(j *job.Job, b *job.Batch) Task {
	return Task{
		Role: RoleWorker, Job: j.ID, Batch: b.Index, Attempt: b.Attempt, State: b.State.String(), Model: j.Model, Worker: b.Worker,
		First: b.First, Sample: b.Sample, Opened: b.Opened, DeadlineMs: b.DeadlineMs,
	}
}

// addDisputed adds what a disputed batch asks of its worker, its challenger, and an auditor that has not revealed yet: one address may
// be the last two.
func (a *Agenda) addDisputed(r native.SlotReader, who chain.Address, p *page, b *job.Batch) error {
	t := taskOf(&p.job, b)
	if err := t.addDispute(r, b); err != nil {
		return err
	}
	if t.Dispute != nil && t.Dispute.Parties[dispute.Challenger] == who {
		t.Role = RoleChallenger
	}
	if b.Worker == who || t.Role == RoleChallenger {
		if err := a.add(r, &t, b); err != nil {
			return err
		}
	}
	t = taskOf(&p.job, b)
	if b.Paused != job.Revealing || !t.asAuditor(p, who) {
		return nil
	}
	return a.add(r, &t, b)
}

// add names a task's items and adds it.
func (a *Agenda) add(r native.SlotReader, t *Task, b *job.Batch) error {
	if err := t.addItems(r, b); err != nil {
		return err
	}
	a.Tasks = append(a.Tasks, *t)
	return nil
}

func (t *Task) addItems(r native.SlotReader, b *job.Batch) error {
	for i := range uint32(b.Count) {
		item, err := job.LoadItem(r, t.Job, b.First+i)
		if err != nil {
			return err
		}
		t.Blobs = append(t.Blobs, item.Blob)
		if b.Opened && (t.Role != RoleWorker || t.Dispute != nil) {
			t.Given = append(t.Given, item.Output.Encode())
		}
		if id := item.Output.Blob; item.Opened && !id.IsZero() {
			t.Results = append(t.Results, id)
		}
	}
	return nil
}

func (t *Task) asAuditor(p *page, who chain.Address) (asked bool) {
	for _, au := range p.auditors[t.Batch] {
		if au.Address == who {
			t.Role, t.Sealed, t.Revealed = RoleAuditor, au.Sealed, au.Revealed
			return true
		}
	}
	return false
}

// AttemptOver reports whether a state shows that somebody cannot be asked about an attempt at a batch any more:
// its batch or job has ended, the batch was drawn anew, or, for a worker, another one has committed. Blocks are final, so what one head shows holds
// for ever, however old that head is. A state that does not know the job yet shows nothing.
func AttemptOver(r native.SlotReader, who chain.Address, k Key) (bool, error) {
	j, err := job.Load(r, k.Job)
	if err != nil || j.State == job.Missing {
		return false, err
	}
	if !j.State.Live() {
		return true, nil
	}
	b, err := job.LoadBatch(r, k.Job, k.Batch)
	if err != nil {
		return false, err
	}
	lost := k.Role == RoleWorker && b.Attempt == k.Attempt && b.State > job.Assigned && b.Worker != who
	return lost || b.State.Final() || b.Attempt > k.Attempt, nil
}
