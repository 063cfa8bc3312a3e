package inference

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/requester"
	"github.com/aiwork/aiwork-node/internal/term"
	"github.com/aiwork/aiwork-node/tasks/job"
)

// Headers that tell of the job behind an answer.
const (
	jobHeader     = "X-Aiwork-Job"
	verdictHeader = "X-Aiwork-Verdict"
)

// JobOptions say how runs become paid jobs.
type JobOptions struct {
	Client       *client.Client
	Key          secp.PrivateKey // of the account that pays
	Terms        requester.Terms
	SpendHourMax uint256.Int // escrow and gas of jobs that began within an hour
}

// Jobs turn requests into jobs on the chain: each is one job, of one item for each answer that is wanted, and its answers are what the
// worker was paid for. They are safe for concurrent use.
type Jobs struct {
	options JobOptions
	sender  *client.Sender
	spent   spending
}

// NewJobs makes Jobs. Nobody else should send for the account meanwhile.
func NewJobs(o JobOptions) *Jobs {
	return &Jobs{options: o, sender: client.NewSender(o.Client, o.Key), spent: spending{hourMax: o.SpendHourMax}}
}

// A settled is what became of a job.
type settled struct {
	id      uint64
	verdict string // of its items; each that there is, where they differ
	paid    string // in AWO, what it cost
	lines   []requester.Line
}

// run orders runs of a model and waits until they are settled. A caller who leaves, or waits too long, takes the job back as far as that goes.
func (j *Jobs) run(ctx context.Context, model chain.Hash, inputs ...requester.Input) (*settled, *Fault) {
	c := j.options.Client
	m, err := requester.FindModel(ctx, c, model.String())
	if err != nil {
		return nil, faultf(http.StatusServiceUnavailable, "no_worker", "%v", err)
	}
	plan, err := requester.NewPlan(ctx, c, m, inputs, j.options.Terms)
	if err != nil {
		return nil, faultf(http.StatusBadGateway, "chain", "%v", err)
	}
	held, wait := j.spent.hold(&plan.Quote.Total.Int, time.Now())
	if held == nil {
		fault := faultf(http.StatusTooManyRequests, "spending_limit", "this request may cost %s AWO, which would pass the limit of %s AWO an hour",
			term.AWO(&plan.Quote.Total.Int), term.AWO(&j.options.SpendHourMax))
		fault.Wait = wait
		return nil, fault
	}
	if err := plan.CheckFunds(ctx, c, j.sender); err != nil {
		j.spent.settle(held, uint256.NewInt(0))
		return nil, faultf(http.StatusBadGateway, "chain", "nothing was sent: %v", err)
	}
	id, receipts, err := j.fund(ctx, plan)
	if err != nil { // what was held stays so: it may be spent
		return nil, faultf(http.StatusBadGateway, "chain", "%v", err)
	}
	done, err := j.await(ctx, plan, id)
	if err != nil {
		j.takeBack(ctx, id)
		if ctx.Err() != nil {
			return nil, runEnded(ctx)
		}
		return nil, faultf(http.StatusBadGateway, "chain", "job %d: %v", id, err)
	}
	cost := done.Money.Funded.Int
	cost.Sub(&cost, &done.Money.Refunded.Int)
	for _, r := range receipts {
		fee := r.Fee()
		cost.Add(&cost, &fee)
	}
	j.spent.settle(held, &cost)
	return j.read(ctx, id, len(inputs), term.AWO(&cost))
}

const fundTimeout = 2 * time.Minute

// fund moves money, which a caller who leaves does not cut short.
func (j *Jobs) fund(ctx context.Context, plan *requester.Plan) (uint64, []*client.Receipt, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fundTimeout)
	defer cancel()
	return plan.Fund(ctx, j.sender)
}

func (j *Jobs) await(ctx context.Context, plan *requester.Plan, id uint64) (*requester.Job, error) {
	if err := plan.Upload(ctx, j.options.Client, func(int) {}); err != nil {
		return nil, err
	}
	return requester.Watch(ctx, j.options.Client, id, func(*requester.Job) {})
}

const takeBackTimeout = 30 * time.Second

// takeBack cancels what nobody waits for. Where work has begun the network refuses, and it is paid for.
func (j *Jobs) takeBack(ctx context.Context, id uint64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeBackTimeout)
	defer cancel()
	_, _ = j.sender.Send(ctx, client.Call{To: chain.AddrJobs, Data: job.PackCancel(id)})
}

// read gives a settled job's answers. All must be there, since they answer one request.
func (j *Jobs) read(ctx context.Context, id uint64, items int, paid string) (*settled, *Fault) {
	r, err := requester.Read(ctx, j.options.Client, id, nil)
	if err != nil {
		return nil, faultf(http.StatusBadGateway, "chain", "job %d: %v", id, err)
	}
	if len(r.Items) != items {
		return nil, faultf(http.StatusBadGateway, "chain", "job %d has %d items, want %d", id, len(r.Items), items)
	}
	s := &settled{id: id, paid: paid, lines: r.Items}
	var verdicts []string
	for i := range r.Items {
		line := &r.Items[i]
		switch {
		case line.Fault != "":
			return nil, faultf(http.StatusUnprocessableEntity, "input", "job %d: input %d is at fault: %s", id, i, line.Fault)
		case line.Values == nil && line.Output == nil:
			return nil, faultf(http.StatusServiceUnavailable, "no_answer", "job %d ended without an answer (%s, %s); what was not earned is paid back", id, r.State, line.Verdict)
		}
		if !slices.Contains(verdicts, line.Verdict) {
			verdicts = append(verdicts, line.Verdict)
		}
	}
	s.verdict = strings.Join(verdicts, ", ")
	return s, nil
}

// tell writes what is told of a job into an answer's head.
func (s *settled) tell(h http.Header) (id string) {
	id = strconv.FormatUint(s.id, 10)
	h.Set(jobHeader, id)
	h.Set(verdictHeader, s.verdict)
	return id
}

// tensors gives the outputs of a network.
func (j *Jobs) tensors(ctx context.Context, s *settled) ([]*tensor.Tensor, *Fault) {
	if line := &s.lines[0]; line.Values != nil {
		v := make([]float32, len(line.Values))
		for i := range v {
			v[i] = float32(line.Values[i])
		}
		return []*tensor.Tensor{tensor.Of([]int{1, len(v)}, v)}, nil
	}
	outputs, err := s.lines[0].Output.Fetch(ctx, j.options.Client)
	if err != nil {
		return nil, faultf(http.StatusBadGateway, "chain", "job %d: %v", s.id, err)
	}
	return outputs, nil
}

// itemOf gives a run's inputs the form that they have on chain.
func itemOf(p *prepared, in given) (requester.Input, *Fault) {
	if p.takesItem() {
		return inputOf(p.form(), in.item)
	}
	return inputOf("tensors", engine.EncodeInputs(in.tensors))
}

// inputOf makes an input of bytes that are in its form, or of any picture.
func inputOf(form string, data []byte) (input requester.Input, fault *Fault) {
	var err error
	if form == formPicture {
		input, err = requester.NewInput("picture.png", data)
	} else {
		input, err = requester.NewRaw("input", form, data)
	}
	if err != nil {
		return input, wrong("inputs", "%v", err)
	}
	return input, nil
}

// spending bounds what is spent within any hour. What a job can cost at most is held until it is known what it did cost.
type spending struct {
	hourMax uint256.Int

	mu    sync.Mutex
	list  []*outlay
	total uint256.Int
}

const spendingSpan = time.Hour

// An outlay is what one job may cost, or did.
type outlay struct {
	at     time.Time
	amount uint256.Int
}

// hold takes an amount, or says after which time there is more room.
func (s *spending) hold(amount *uint256.Int, now time.Time) (held *outlay, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.list) > 0 && now.Sub(s.list[0].at) >= spendingSpan {
		s.total.Sub(&s.total, &s.list[0].amount)
		s.list[0].at = time.Time{} // settled later, it changes nothing
		s.list = s.list[1:]
	}
	var sum uint256.Int
	if _, over := sum.AddOverflow(&s.total, amount); over || s.hourMax.Lt(&sum) {
		wait = spendingSpan
		if len(s.list) > 0 {
			wait = s.list[0].at.Add(spendingSpan).Sub(now)
		}
		return nil, wait
	}
	s.total = sum
	o := &outlay{at: now, amount: *amount}
	s.list = append(s.list, o)
	return o, 0
}

func (s *spending) settle(o *outlay, cost *uint256.Int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.at.IsZero() {
		return
	}
	s.total.Sub(&s.total, &o.amount)
	s.total.Add(&s.total, cost)
	o.amount = *cost
}

// order runs a request as a paid job.
func (s *Server) order(ctx context.Context, w http.ResponseWriter, n *network, p *prepared, in given) (map[string]any, result, *Fault) {
	input, fault := itemOf(p, in)
	if fault != nil {
		return nil, result{}, fault
	}
	done, fault := s.opts.Jobs.run(ctx, n.id, input)
	if fault != nil {
		return nil, result{}, fault
	}
	id := done.tell(w.Header())
	told := map[string]any{"aiwork_job": id, "aiwork_verdict": done.verdict, "aiwork_paid_awo": done.paid}
	if p.pipeline != nil {
		if done.lines[0].Answer == nil {
			return nil, result{}, faultf(http.StatusBadGateway, "chain", "job %s: its answer is not to be had", id)
		}
		return told, result{answer: done.lines[0].Answer}, nil
	}
	outputs, fault := s.opts.Jobs.tensors(ctx, done)
	if fault == nil && len(outputs) != len(p.outs) {
		fault = faultf(http.StatusBadGateway, "chain", "job %s gave %d outputs, the model has %d", id, len(outputs), len(p.outs))
	}
	return told, result{tensors: outputs}, fault
}
