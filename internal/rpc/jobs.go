package rpc

import (
	"context"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/vm/native"
)

// moneyForm is where a job's money is; the lines after funded add up to it.
type moneyForm struct {
	Funded       Uint256 `json:"funded"`
	Escrow       Uint256 `json:"escrow"` // still held
	PaidWorkers  Uint256 `json:"paidWorkers"`
	PaidAuditors Uint256 `json:"paidAuditors"`
	Fees         Uint256 `json:"fees"` // burned
	Tips         Uint256 `json:"tips"`
	Refunded     Uint256 `json:"refunded"`
}

type itemForm struct {
	Index    Uint64        `json:"index"`
	Batch    Uint64        `json:"batch"`
	Blob     chain.Hash    `json:"blob"`
	Original *chain.Hash   `json:"original"` // SHA-256 of the requester's own file
	Worker   chain.Address `json:"worker"`
	Sampled  bool          `json:"sampled"`
	Opened   bool          `json:"opened"`
	Output   Bytes         `json:"output"`
	Result   *chain.Hash   `json:"resultBlob,omitempty"` // where a long output lies instead
	Size     *Uint64       `json:"resultSize,omitempty"`
	Fault    string        `json:"fault,omitempty"` // of the input, instead of an output
	Verdict  string        `json:"verdict"`
	Paid     Uint256       `json:"paid"`
}

type auditorForm struct {
	Address  chain.Address `json:"address"`
	Sealed   bool          `json:"committed"`
	Revealed bool          `json:"revealed"`
	Agrees   bool          `json:"agrees"`
	Paid     Uint256       `json:"paid"`
	Slashed  bool          `json:"slashed"`
}

type batchForm struct {
	Index      Uint64        `json:"index"`
	State      string        `json:"state"`
	Verdict    string        `json:"verdict"`
	Attempt    Uint64        `json:"attempt"`
	First      Uint64        `json:"first"`
	Count      Uint64        `json:"count"`
	Worker     chain.Address `json:"worker"`
	DeadlineMs Uint64        `json:"deadlineMs"`
	Root       chain.Hash    `json:"root"`
	Paid       Uint256       `json:"paid"`
	AuditPpm   Uint64        `json:"auditPpm"` // the share of its items that is audited, fixed when its worker was drawn
	Second     *secondForm   `json:"second,omitempty"`
	Auditors   []auditorForm `json:"auditors"`
}

// secondForm is a worker that does a batch beside one who is late.
type secondForm struct {
	Worker     chain.Address `json:"worker"`
	DeadlineMs Uint64        `json:"deadlineMs"`
}

// jobForm is a whole job, or one in short where batches and items are left out.
type jobForm struct {
	ID         Uint64        `json:"id"`
	State      string        `json:"state"`
	Requester  chain.Address `json:"requester"`
	Model      chain.Hash    `json:"model"`
	Price      Uint256       `json:"price"`
	Items      Uint64        `json:"itemCount"`
	AuditPpm   Uint64        `json:"auditPpm"` // 0: by formula, for each batch when its worker is drawn
	Panel      Uint64        `json:"panel"`
	CreatedMs  Uint64        `json:"createdMs"`
	DeadlineMs Uint64        `json:"deadlineMs"`
	ClosedMs   Uint64        `json:"closedMs"`
	Money      moneyForm     `json:"money"`
	Batches    []batchForm   `json:"batches,omitempty"`
	ItemList   []itemForm    `json:"items,omitempty"`
}

func (a *aiwork) job(_ context.Context, id Uint64) (*jobForm, error) {
	view, _, release, err := a.state()
	if err != nil {
		return nil, err
	}
	defer release()
	j, err := job.Load(view, uint64(id))
	if err != nil || j.State == job.Missing {
		return nil, err
	}
	f := formJob(&j)
	batches, err := job.LoadBatches(view, j.ID)
	if err != nil {
		return nil, err
	}
	for i := range batches {
		b, err := formBatch(view, &batches[i])
		if err != nil {
			return nil, err
		}
		f.Batches = append(f.Batches, b)
	}
	items, err := job.LoadItems(view, j.ID)
	if err != nil {
		return nil, err
	}
	for i := range items {
		it := formItem(&items[i])
		if k := int(items[i].Batch); k < len(batches) {
			it.Worker = batches[k].Worker
		}
		f.ItemList = append(f.ItemList, it)
	}
	return f, nil
}

func (a *aiwork) jobs(_ context.Context, below *Uint64) ([]*jobForm, error) {
	view, _, release, err := a.state()
	if err != nil {
		return nil, err
	}
	defer release()
	last, err := job.Count(view)
	if err != nil {
		return nil, err
	}
	if below != nil && *below > 0 {
		last = min(last, uint64(*below)-1)
	}
	out := []*jobForm{}
	for id := last; id > 0 && len(out) < listMax; id-- {
		j, err := job.Load(view, id)
		if err != nil {
			return nil, err
		}
		out = append(out, formJob(&j))
	}
	return out, nil
}

func formJob(j *job.Job) *jobForm {
	return &jobForm{
		ID: Uint64(j.ID), State: j.State.String(), Requester: j.Requester, Model: j.Model, Price: Uint256{j.Price},
		Items: Uint64(j.Items), AuditPpm: Uint64(j.AuditPpm), Panel: Uint64(j.Panel), CreatedMs: Uint64(j.CreatedMs),
		DeadlineMs: Uint64(j.DeadlineMs), ClosedMs: Uint64(j.ClosedMs),
		Money: moneyForm{
			Uint256{j.Funded},
			Uint256{j.Escrow},
			Uint256{j.PaidWorkers},
			Uint256{j.PaidAuditors},
			Uint256{j.Fees},
			Uint256{j.Tips},
			Uint256{j.Refunded},
		},
	}
}

func formBatch(r native.SlotReader, b *job.Batch) (batchForm, error) {
	f := batchForm{
		Index: Uint64(b.Index), State: b.State.String(), Verdict: b.Verdict.String(), Attempt: Uint64(b.Attempt),
		First: Uint64(b.First), Count: Uint64(b.Count), Worker: b.Worker, DeadlineMs: Uint64(b.DeadlineMs), Root: b.Root,
		Paid: Uint256{b.Paid}, AuditPpm: Uint64(b.AuditPpm), Auditors: []auditorForm{},
	}
	if b.Hedged {
		f.Second = &secondForm{b.Second.Worker, Uint64(b.Second.DeadlineMs)}
	}
	auditors, err := job.LoadAuditors(r, b.Job, b.Index)
	for i := range auditors {
		au := &auditors[i]
		var paid uint256.Int
		if au.Paid {
			paid = b.AuditorPay
		}
		f.Auditors = append(f.Auditors, auditorForm{au.Address, au.Sealed, au.Revealed, au.Agrees, Uint256{paid}, au.Slashed})
	}
	return f, err
}

func formItem(i *job.Item) itemForm {
	f := itemForm{
		Index: Uint64(i.Index), Batch: Uint64(i.Batch), Blob: i.Blob, Sampled: i.Sampled, Opened: i.Opened,
		Output: append(Bytes{}, i.Output.Result...), Verdict: verdict(i), Paid: Uint256{i.Paid},
	}
	if !i.Original.IsZero() {
		f.Original = &i.Original
	}
	if o := i.Output; !o.Blob.IsZero() {
		size := Uint64(o.Size)
		f.Result, f.Size = &o.Blob, &size
	}
	if i.Opened && i.Output.Fault != job.NoFault {
		f.Fault = i.Output.Fault.String()
	}
	return f
}

// verdict says how an item came out. What was paid without being in the sample is 'not sampled', never
// verified.
func verdict(i *job.Item) string {
	switch {
	case i.State == job.Settled && i.Sampled:
		return "verified"
	case i.State == job.Settled:
		return "not sampled"
	case i.State == job.Void:
		return "not done"
	default:
		return "pending"
	}
}
