package requester

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/term"
	"github.com/aiwork/aiwork-node/tasks/job"
)

const (
	outputLabels   = "labels" // Model.Output of those whose outputs have names
	outputJSON     = "json"   // of pipelines
	outputText     = engine.OutputText
	uploadTriesMax = 3
	createGas      = 12_000_000 // an upper bound for naming ItemsPerCallMax items; unused gas is not paid
)

// Model is a model that the node knows.
type Model struct {
	ID      chain.Hash `json:"id"`
	Name    string     `json:"name"`
	Classes []string   `json:"classes"`
	Input   string     `json:"input"`  // what items are
	Output  string     `json:"output"` // and what comes out: labels, tensors, json or text
}

// FindModel finds a model by id or name; "" is the node's first.
func FindModel(ctx context.Context, c *client.Client, name string) (Model, error) {
	var models []Model
	if err := c.Call(ctx, &models, "aiwork_getModels"); err != nil {
		return Model{}, err
	}
	var known []string
	for _, m := range models {
		if name == "" || m.Name == name || m.ID.String() == name {
			return m, nil
		}
		known = append(known, m.Name)
	}
	if len(known) == 0 {
		return Model{}, errors.New("the node knows no model: ask another one")
	}
	return Model{}, fmt.Errorf("unknown model %q: the node knows %s", name, strings.Join(known, ", "))
}

// Terms are what a requester chooses.
type Terms struct {
	Price      uint256.Int // for an item
	AuditPpm   uint32      // 0: by formula, for each batch when its worker is drawn
	Panel      uint8       // 0: the chain's default
	BatchItems uint16      // 0: spread over the workers
	LifeMs     uint64      // 0: the chain's default
}

// Quote is the price of a job, at most.
type Quote struct {
	Total      client.Uint256 `json:"total"`
	Pay        client.Uint256 `json:"pay"`
	Fee        client.Uint256 `json:"fee"`
	Audits     client.Uint256 `json:"audits"`
	Tips       client.Uint256 `json:"tips"`
	BatchItems client.Uint64  `json:"batchItems"`
	Batches    client.Uint64  `json:"batches"`
	Panel      client.Uint64  `json:"panel"`
	AuditPpm   client.Uint64  `json:"auditPpm"` // 0: by formula
	Posted     client.Uint256 `json:"posted"`   // less for an item is refused
}

// Plan is a job before it is funded.
type Plan struct {
	Model  Model
	Inputs []Input
	Terms  Terms
	Quote  Quote
	Life   time.Duration // until when work may begin
	Ends   time.Duration // when all is settled or paid back at the latest, if every time-out is used up
}

// NewPlan asks the node what a job would cost.
func NewPlan(ctx context.Context, c *client.Client, m Model, inputs []Input, t Terms) (*Plan, error) {
	switch {
	case len(inputs) == 0:
		return nil, errors.New("a job needs at least one input")
	case len(inputs) > job.ItemsMax:
		return nil, fmt.Errorf("%d inputs: a job has at most %d, make several", len(inputs), job.ItemsMax)
	}
	for _, in := range inputs {
		if in.Form != m.Input {
			return nil, fmt.Errorf("input %s: model %s takes %s, not %s", in.Name, m.Name, m.Input, in.Form)
		}
	}
	var params chain.Params
	if err := c.Call(ctx, &params, "aiwork_params"); err != nil {
		return nil, err
	}
	p := &Plan{Model: m, Inputs: inputs, Terms: t}
	if err := p.schedule(&params.Jobs); err != nil {
		return nil, err
	}
	args := map[string]any{
		"model": m.ID, "items": client.Uint64(len(inputs)), "price": client.Uint256{Int: t.Price},
		"auditPpm": client.Uint64(t.AuditPpm), "panel": client.Uint64(t.Panel), "batchItems": client.Uint64(t.BatchItems),
	}
	return p, c.Call(ctx, &p.Quote, "aiwork_quoteJob", args)
}

// schedule works out how long the job can take.
func (p *Plan) schedule(rules *chain.JobParams) error {
	life := p.Terms.LifeMs
	if life == 0 {
		life = min(job.LifeDefaultMs, rules.JobDeadlineMaxMs)
	}
	if life > rules.JobDeadlineMaxMs {
		return fmt.Errorf("a life of %s: this network allows %s at most", ms(life), ms(rules.JobDeadlineMaxMs))
	}
	// One attempt that begins at the very end, with a second worker, and an audit that widens.
	attempt := 2*job.LeaseSpanMax*rules.LeaseMs + 2*rules.AuditCommitMs + rules.OpenMs + 2*rules.AuditRevealMs
	p.Life, p.Ends = ms(life), ms(life+attempt)
	return nil
}

func ms(n uint64) time.Duration { return time.Duration(n) * time.Millisecond }

// CheckFunds makes sure, before anything is sent, that the account can pay for the job and its gas, and
// that the network would take it.
func (p *Plan) CheckFunds(ctx context.Context, c *client.Client, s *client.Sender) error {
	var balance client.Uint256
	if err := c.Call(ctx, &balance, "eth_getBalance", s.Address(), "latest"); err != nil {
		return err
	}
	fee, err := c.FeeCap(ctx)
	if err != nil {
		return err
	}
	calls := uint64((len(p.Inputs) + job.ItemsPerCallMax - 1) / job.ItemsPerCallMax)
	var need uint256.Int
	need.Mul(&fee.Cap, uint256.NewInt(createGas*calls))
	need.Add(&need, &p.Quote.Total.Int)
	if balance.Lt(&need) {
		return fmt.Errorf("account %s has %s AWO; the job needs %s, and up to %s for gas", s.Address().Checksum(),
			term.AWO(&balance.Int), term.AWO(&p.Quote.Total.Int), term.AWO(need.Sub(&need, &p.Quote.Total.Int)))
	}
	_, err = s.Estimate(ctx, p.create())
	if fault, ok := errors.AsType[*client.Error](err); ok {
		return fmt.Errorf("the network would refuse this job: %s", strings.TrimPrefix(fault.Message, "execution reverted: "))
	}
	return err
}

// create gives the call that creates the job.
func (p *Plan) create() client.Call {
	blobs, originals := p.hashes()
	first := min(len(blobs), job.ItemsPerCallMax)
	spec := job.Spec{
		Model: p.Model.ID, Items: blobs[:first], Originals: originals[:first], ItemCount: uint32(len(blobs)),
		Price: p.Terms.Price, AuditPpm: p.Terms.AuditPpm, Panel: p.Terms.Panel, LifeMs: p.Terms.LifeMs, BatchItems: p.Terms.BatchItems,
	}
	return client.Call{To: chain.AddrJobs, Value: p.Quote.Total.Int, Data: job.PackCreate(&spec), Gas: createGas}
}

// Fund creates the job and names its items. The escrow leaves the account here.
func (p *Plan) Fund(ctx context.Context, s *client.Sender) (id uint64, receipts []*client.Receipt, err error) {
	blobs, originals := p.hashes()
	first := min(len(blobs), job.ItemsPerCallMax)
	r, err := s.Send(ctx, p.create())
	if err != nil {
		return 0, nil, fmt.Errorf("fund the job: %w", err)
	}
	receipts = append(receipts, r)
	if id, err = createdID(r); err != nil {
		return 0, receipts, err
	}
	for at := first; at < len(blobs); at += job.ItemsPerCallMax {
		end := min(at+job.ItemsPerCallMax, len(blobs))
		r, err := s.Send(ctx, client.Call{To: chain.AddrJobs, Data: job.PackAddItems(id, blobs[at:end], originals[at:end]), Gas: createGas})
		if err != nil {
			return id, receipts, fmt.Errorf("name items %d to %d of job %d: %w: `aiwork-node job cancel %d` gives its escrow back", at, end-1, id, err, id)
		}
		receipts = append(receipts, r)
	}
	return id, receipts, nil
}

func (p *Plan) hashes() (blobs, originals []chain.Hash) {
	for _, in := range p.Inputs {
		blobs = append(blobs, in.Blob)
		originals = append(originals, in.Original)
	}
	return blobs, originals
}

// createdID reads the id from the log of the creation.
func createdID(r *client.Receipt) (uint64, error) {
	for _, l := range r.Logs {
		if e, ok := job.DecodeLog(&chain.Log{Address: l.Address, Topics: l.Topics, Data: l.Data}); ok && e.Kind == job.JobCreated {
			return e.Job, nil
		}
	}
	return 0, fmt.Errorf("transaction %s created no job", r.TxHash)
}

// Upload hands the inputs to the node, each once, with progress.
func (p *Plan) Upload(ctx context.Context, c *client.Client, done func(n int)) error {
	sent := map[chain.Hash]bool{}
	for i, in := range p.Inputs {
		if !sent[in.Blob] {
			if err := upload(ctx, c, in); err != nil {
				return err
			}
			sent[in.Blob] = true
		}
		done(i + 1)
	}
	return nil
}

func upload(ctx context.Context, c *client.Client, in Input) error {
	var id chain.Hash
	for try := 1; ; try++ {
		err := c.Call(ctx, &id, "aiwork_putBlob", base64.StdEncoding.EncodeToString(in.Data))
		if err == nil {
			break
		}
		if try == uploadTriesMax || ctx.Err() != nil {
			return fmt.Errorf("upload %s: %w", in.Name, err)
		}
	}
	if id != in.Blob {
		return fmt.Errorf("upload %s: the node names it %s, it is %s", in.Name, id, in.Blob)
	}
	return nil
}
