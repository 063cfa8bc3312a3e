package testnet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/photos"
	"github.com/aiwork/aiwork-node/internal/requester"
)

const (
	jobItems   = 2 // few, so that there are many jobs
	jobPause   = 200 * time.Millisecond
	jobTryMax  = 30 * time.Second // for one attempt to create a job
	jobListMax = 10_000
)

// jobStream creates small jobs one after the other, and remembers them.
type jobStream struct {
	cluster *Cluster
	inputs  []requester.Input

	mu   sync.Mutex
	live map[uint64]bool // created and not known to be over
	ids  []uint64
}

func newJobStream(ctx context.Context, c *Cluster) (*jobStream, error) {
	s := &jobStream{cluster: c, live: map[uint64]bool{}}
	for _, photo := range photos.All()[:jobItems] {
		in, err := requester.NewInput(photo.Name, photo.JPEG)
		if err != nil {
			return nil, err
		}
		s.inputs = append(s.inputs, in)
	}
	return s, WaitWorkers(ctx, c.Client(0), len(c.Workers))
}

// run makes jobs until stop. Each lane pays from its own account, through whatever node answers.
func (s *jobStream) run(ctx context.Context, stop <-chan struct{}, lane int) {
	for n := lane; ctx.Err() == nil; n++ {
		select {
		case <-stop:
			return
		default:
		}
		id, err := s.create(ctx, n%len(s.cluster.Validators), lane)
		if err != nil {
			_ = pause(ctx, jobPause)
			continue
		}
		s.await(ctx, stop, id)
	}
}

// create makes a job. Its inputs are the same every time: a job that was made although its creator saw an
// error, because the node died in between, finds its inputs too.
func (s *jobStream) create(ctx context.Context, node, lane int) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, jobTryMax)
	defer cancel()
	c := s.cluster.Client(node)
	defer c.Close()
	model, err := requester.FindModel(ctx, c, "")
	if err != nil {
		return 0, err
	}
	terms := requester.Terms{Price: *new(uint256.Int).SetUint64(1e18), AuditPpm: 1_000_000}
	plan, err := requester.NewPlan(ctx, c, model, s.inputs, terms)
	if err != nil {
		return 0, err
	}
	id, _, err := plan.Fund(ctx, client.NewSender(c, Account(1+lane)))
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	s.live[id] = true
	s.ids = append(s.ids, id)
	s.mu.Unlock()
	return id, s.upload(ctx, plan, node)
}

// upload hands the inputs to the first node that takes them.
func (s *jobStream) upload(ctx context.Context, plan *requester.Plan, node int) error {
	var errs []error
	for i := range s.cluster.Validators {
		c := s.cluster.Client((node + i) % len(s.cluster.Validators))
		err := plan.Upload(ctx, c, func(int) {})
		c.Close()
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// await waits until a job is over.
func (s *jobStream) await(ctx context.Context, stop <-chan struct{}, id uint64) {
	for ctx.Err() == nil {
		if j := s.load(ctx, id); j != nil && j.Over() {
			s.mu.Lock()
			delete(s.live, id)
			s.mu.Unlock()
			return
		}
		select {
		case <-stop:
			return
		default:
			_ = pause(ctx, jobPause)
		}
	}
}

// load reads a job from whatever node answers.
func (s *jobStream) load(ctx context.Context, id uint64) *requester.Job {
	for i := range s.cluster.Validators {
		c := s.cluster.Client(i)
		j, err := requester.Load(ctx, c, id)
		c.Close()
		if err == nil {
			return j
		}
	}
	return nil
}

func (s *jobStream) open() (out []uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range s.ids {
		if s.live[id] {
			out = append(out, id)
		}
	}
	return out
}

// workerInTheMiddle waits for a worker that has committed to a batch which is not settled.
func (s *jobStream) workerInTheMiddle(ctx context.Context) *Process {
	ctx, cancel := context.WithTimeout(ctx, middleMax)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		for _, id := range s.open() {
			if j := s.load(ctx, id); j != nil {
				if p := s.inTheMiddle(j); p != nil {
					return p
				}
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *jobStream) inTheMiddle(j *requester.Job) *Process {
	for _, b := range j.Batches {
		switch b.State {
		case "committed", "auditing", "opening", "revealing":
			for i, p := range s.cluster.Workers {
				if WorkerAddress(i) == b.Worker {
					return p
				}
			}
		}
	}
	return nil
}

// WorkerAddress gives the account of worker i.
func WorkerAddress(i int) chain.Address { return address(Account(firstWorkerAccount + i)) }

// settle waits until all jobs of the chain are over and holds their money against itself.
func (s *jobStream) settle(ctx context.Context, r *chaos) {
	ctx, cancel := context.WithTimeout(ctx, settleMax)
	defer cancel()
	c := s.cluster.Client(0)
	defer c.Close()
	all, err := allJobs(ctx, c)
	if err != nil {
		r.violated("list of jobs: %v", err)
		return
	}
	r.report.Jobs = len(all)
	for _, id := range all {
		j, err := requester.Watch(ctx, c, id, func(*requester.Job) {})
		if err != nil {
			r.violated("job %d is stuck: %v", id, describe(j, err))
			continue
		}
		if _, err := requester.Read(ctx, c, id, nil); err != nil || !j.Money.Escrow.IsZero() {
			r.violated("job %d: its money does not add up (held %s): %v", id, j.Money.Escrow.Dec(), err)
		}
		if !j.Money.PaidWorkers.IsZero() {
			r.report.JobsPaid++
		}
	}
	if len(all) == 0 || r.report.JobsPaid == 0 {
		r.violated("%d jobs, none of them paid", len(all))
	}
}

func describe(j *requester.Job, err error) string {
	if j == nil {
		return err.Error()
	}
	var text strings.Builder
	text.WriteString(j.State)
	for _, b := range j.Batches {
		text.WriteString(fmt.Sprintf(", batch %d %s (attempt %d)", b.Index, b.State, b.Attempt))
	}
	return text.String()
}

// allJobs lists the chain's jobs, also those whose creator never heard of them.
func allJobs(ctx context.Context, c *client.Client) (out []uint64, err error) {
	params := []any{}
	for len(out) < jobListMax {
		var page []struct {
			ID client.Uint64 `json:"id"`
		}
		if err := c.Call(ctx, &page, "aiwork_getJobs", params...); err != nil {
			return nil, err
		}
		if len(page) == 0 {
			break
		}
		for _, j := range page {
			out = append(out, uint64(j.ID))
		}
		params = []any{page[len(page)-1].ID}
	}
	return out, nil
}

// WaitWorkers waits until that many workers have registered: a job draws among those that are there when
// it is made.
func WaitWorkers(ctx context.Context, c *client.Client, n int) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		var workers []struct {
			State string `json:"state"`
		}
		if err := c.Call(ctx, &workers, "aiwork_getWorkers"); err != nil {
			return err
		}
		active := 0
		for _, w := range workers {
			if w.State == "active" {
				active++
			}
		}
		if active >= n {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d workers have registered: see the worker.log files: %w", active, n, ctx.Err())
		}
	}
}

// ready asks a process for /readyz.
func ready(ctx context.Context, addr string) bool {
	ctx, cancel := context.WithTimeout(ctx, scrapeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/readyz", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
