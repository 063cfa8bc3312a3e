package testnet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/vm/native"
)

// Bounds and settings of a chaos run.
const (
	KillsMax      = 10_000
	backAimMs     = 3000             // from the start of a killed process to its return
	backMax       = 60 * time.Second // after which it counts as not come back
	killDelayMax  = 3 * time.Second
	downtimeMax   = 1500 * time.Millisecond
	middleMax     = 30 * time.Second // a job must come between commitment and settlement within
	settleMax     = 2 * time.Minute  // for jobs that are open when the kills are over
	deadWarmUp    = time.Second      // after which the time with one validator dead is measured
	chaosSeconds  = 40               // a kill takes at most on average; bounds the transfers that are signed
	headGapOfBack = 3
)

// Aim is what a kill tries to hit.
type Aim string

// The aims of rule 37.
const (
	AimAny    Aim = "any"    // any process
	AimLeader Aim = "leader" // the validator that leads the view
	AimWorker Aim = "worker" // a worker between its commitment and the settlement
)

// ChaosOptions describe a run. Equal seeds give equal aims, delays and choices.
type ChaosOptions struct {
	Kills    int
	Seed     uint64
	Rate     float64       // transfers a second meanwhile
	Senders  int           // of them
	JobLanes int           // jobs that are open at once
	DeadFor  time.Duration // how long one validator stays dead at the end; 0: not at all
	Modules  *native.Set
	Note     func(format string, args ...any)
}

// DefaultChaos gives what rule 37 asks for.
func DefaultChaos(modules *native.Set) ChaosOptions {
	return ChaosOptions{
		Kills: 20, Seed: 1, Rate: 40, Senders: 200, JobLanes: 2, DeadFor: 15 * time.Second,
		Modules: modules, Note: func(string, ...any) {},
	}
}

// Check refuses options that cannot work.
func (o *ChaosOptions) Check() error {
	if o.Kills < 1 || o.Kills > KillsMax {
		return fmt.Errorf("%d kills: want 1 to %d", o.Kills, KillsMax)
	}
	return nil
}

// Kill is one process killed and started again.
type Kill struct {
	Number  int     `json:"number"`
	Aim     Aim     `json:"aim"`
	Hit     bool    `json:"hit"` // false: the aim was not in reach and any process was taken
	Process string  `json:"process"`
	AfterMs float64 `json:"afterMs"` // since the process before was back
	DownMs  float64 `json:"downMs"`
	BackMs  float64 `json:"backMs"` // from start to a head within three blocks of the others', or a worker's readiness
}

// ChaosReport is what a run has shown. It passed if there are no violations.
type ChaosReport struct {
	Seed       uint64       `json:"seed"`
	Kills      []Kill       `json:"kills"`
	ByAim      map[Aim]int  `json:"killsByAim"` // those that hit
	Back       Quantiles    `json:"backMs"`
	Load       *LoadReport  `json:"load"`
	OneDead    *DeadReport  `json:"oneValidatorDead,omitempty"`
	Jobs       int          `json:"jobs"`
	JobsPaid   int          `json:"jobsPaid"`
	Check      *CheckReport `json:"check"`
	Violations []string     `json:"violations"`
	Misses     []string     `json:"misses"` // aims of speed that were not met; no fault of safety
}

// DeadReport is how the chain does with one validator of the set dead.
type DeadReport struct {
	Process string    `json:"process"`
	Seconds float64   `json:"seconds"`
	Blocks  int       `json:"blocks"`
	Latency Quantiles `json:"latencyMs"`
	Gap     Quantiles `json:"blockIntervalMs"`
}

// chaos is a run.
type chaos struct {
	opt     ChaosOptions
	cluster *Cluster
	dice    *rand.Rand
	load    *Load
	jobs    *jobStream
	votes   *voteBook
	report  *ChaosReport
	seen    float64 // evidence told by nodes before they were killed
}

// RunChaos kills processes of a running cluster under load of transfers and jobs, stops the cluster and
// checks what is left on its disks. An error means that the run could not be made; what it finds wrong
// with the chain is in the report.
func RunChaos(ctx context.Context, c *Cluster, o ChaosOptions) (*ChaosReport, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	r := &chaos{
		opt: o, cluster: c, dice: rand.New(rand.NewPCG(o.Seed, 0)),
		report: &ChaosReport{Seed: o.Seed, ByAim: map[Aim]int{}, Violations: []string{}, Misses: []string{}},
	}
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	defer r.load.Close()
	if err := r.storm(ctx); err != nil {
		return nil, err
	}
	r.finish(ctx)
	if err := r.cluster.Stop(); err != nil {
		r.violated("%v", err)
	}
	check, err := CheckDisks(ctx, c, o.Modules, r.load.Receipts(), r.votes)
	if err != nil {
		return nil, err
	}
	r.report.Check = check
	r.report.Violations = append(r.report.Violations, check.Violations...)
	return r.report, nil
}

func (r *chaos) violated(format string, args ...any) {
	r.report.Violations = append(r.report.Violations, fmt.Sprintf(format, args...))
}

func (r *chaos) prepare(ctx context.Context) (err error) {
	if r.votes, err = newVoteBook(r.cluster, r.opt.Modules); err != nil {
		return err
	}
	o := DefaultLoad(nil, Account(0))
	for i := range r.cluster.Validators {
		o.URLs = append(o.URLs, r.cluster.URL(i))
	}
	o.Senders, o.Seed, o.BatchItems, o.ResendAfter = r.opt.Senders, r.opt.Seed, 10, 1500*time.Millisecond
	o.MetricsURLs, o.PIDs = r.cluster.MetricsURLs(), r.cluster.Targets
	if r.load, err = NewLoad(o); err != nil {
		return err
	}
	r.opt.Note("funding %d senders", o.Senders)
	if err := r.load.Fund(ctx, FundTransfers); err != nil {
		return err
	}
	r.jobs, err = newJobStream(ctx, r.cluster)
	return err
}

// storm kills under load. When it returns, every process runs and load and jobs have come to their end.
func (r *chaos) storm(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := make(chan struct{})
	var loadErr error
	var parts sync.WaitGroup
	parts.Go(func() {
		length := time.Duration(r.opt.Kills*chaosSeconds)*time.Second + r.opt.DeadFor
		r.report.Load, loadErr = r.load.Run(ctx, Phase{Name: "chaos", Duration: length, Rate: r.opt.Rate, Stop: stop})
	})
	for lane := range r.opt.JobLanes {
		parts.Go(func() { r.jobs.run(ctx, stop, lane) })
	}
	err := r.kills(ctx)
	if err == nil && r.opt.DeadFor > 0 {
		err = r.oneDead(ctx)
	}
	close(stop)
	if err != nil {
		cancel()
	}
	parts.Wait()
	return errors.Join(err, loadErr)
}

// aims mixes the kinds of kills: a quarter each at leaders and at workers in the middle of a job.
func aims(dice *rand.Rand, n int) []Aim {
	out := make([]Aim, n)
	quarter := (n + 3) / 4
	for i := range out {
		switch {
		case i < quarter:
			out[i] = AimLeader
		case i < 2*quarter:
			out[i] = AimWorker
		default:
			out[i] = AimAny
		}
	}
	dice.Shuffle(n, func(i, k int) { out[i], out[k] = out[k], out[i] })
	return out
}

func (r *chaos) kills(ctx context.Context) error {
	var back []time.Duration
	for i, aim := range aims(r.dice, r.opt.Kills) {
		k := Kill{Number: i + 1, Aim: aim}
		took, err := r.kill(ctx, &k)
		if err != nil {
			return fmt.Errorf("kill %d: %w", k.Number, err)
		}
		back = append(back, took)
		r.report.Kills = append(r.report.Kills, k)
		if k.Hit {
			r.report.ByAim[aim]++
		}
		if k.BackMs > backAimMs {
			r.report.Misses = append(r.report.Misses, fmt.Sprintf("kill %d: %s was back after %.0f ms, aim %d ms", k.Number, k.Process, k.BackMs, backAimMs))
		}
		r.opt.Note("kill %d of %d: %s (%s), down %.0f ms, back after %.0f ms", k.Number, r.opt.Kills, k.Process, k.Aim, k.DownMs, k.BackMs)
	}
	r.report.Back = quantiles(back)
	return nil
}

// kill waits a random time, kills, waits again, starts the process and waits until it is back. All
// random numbers are drawn first, so that a seed means the same plan however long things take.
func (r *chaos) kill(ctx context.Context, k *Kill) (time.Duration, error) {
	delay := time.Duration(r.dice.Int64N(int64(killDelayMax)))
	down := time.Duration(r.dice.Int64N(int64(downtimeMax)))
	other := r.dice.IntN(len(r.cluster.All()))
	if err := pause(ctx, delay); err != nil {
		return 0, err
	}
	p := r.target(ctx, k)
	if p == nil {
		p = r.cluster.All()[other]
	}
	if err := r.strike(ctx, p); err != nil {
		return 0, err
	}
	k.Process, k.AfterMs, k.DownMs = p.Name, ms(delay), ms(down)
	if err := pause(ctx, down); err != nil {
		return 0, err
	}
	return r.revive(ctx, p, k)
}

// target finds the process that the kill aims at, nil if there is none now.
func (r *chaos) target(ctx context.Context, k *Kill) *Process {
	switch k.Aim {
	case AimLeader:
		p := r.leader(ctx)
		k.Hit = p != nil
		return p
	case AimWorker:
		p := r.jobs.workerInTheMiddle(ctx)
		k.Hit = p != nil
		return p
	}
	k.Hit = true
	return nil
}

// leader asks who leads at this moment, with as little delay before the kill as possible.
func (r *chaos) leader(ctx context.Context) *Process {
	i := r.dice.IntN(len(r.cluster.Validators))
	c := r.cluster.Client(i)
	defer c.Close()
	var s nodeStanding
	if err := c.Call(ctx, &s, "aiwork_status"); err != nil || int(s.Consensus.Leader) >= len(r.cluster.Validators) {
		return nil
	}
	return r.cluster.Validators[s.Consensus.Leader]
}

// nodeStanding is what this package reads of aiwork_status.
type nodeStanding struct {
	Height    client.Uint64 `json:"height"`
	Consensus struct {
		Leader client.Uint64 `json:"leader"`
		Voting bool          `json:"voting"`
		Silent string        `json:"silent"`
	} `json:"consensus"`
}

// strike kills a process, and reads what a validator has signed so far.
func (r *chaos) strike(ctx context.Context, p *Process) error {
	i := slices.Index(r.cluster.Validators, p)
	if i >= 0 {
		r.seen += evidenceOf(ctx, r.cluster.MetricsURLs()[i])
	}
	select {
	case <-p.Done():
		return p.Failure() // nobody asked it to end
	default:
	}
	p.Kill()
	if i >= 0 {
		return r.votes.read(i)
	}
	return nil
}

func evidenceOf(ctx context.Context, url string) float64 {
	_, values, err := scrape(ctx, url, finalityName)
	if err != nil {
		return 0
	}
	return values["aiwork_poi_evidence_total"]
}

// revive starts a process and waits until it is back.
func (r *chaos) revive(ctx context.Context, p *Process, k *Kill) (time.Duration, error) {
	start := time.Now()
	if err := p.Start(); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, backMax)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for !r.isBack(ctx, p) {
		select {
		case <-tick.C:
		case <-p.Done():
			return 0, p.Failure()
		case <-ctx.Done():
			return 0, fmt.Errorf("%s: not back within %s", p.Name, backMax)
		}
	}
	took := time.Since(start)
	k.BackMs = ms(took)
	return took, nil
}

// isBack asks a validator for its head and vote, a worker for its readiness.
func (r *chaos) isBack(ctx context.Context, p *Process) bool {
	i := slices.Index(r.cluster.Validators, p)
	if i < 0 {
		w := slices.Index(r.cluster.Workers, p)
		return ready(ctx, loopback(r.cluster.Layout.MetricsPort+len(r.cluster.Validators)+w))
	}
	mine, err := r.standing(ctx, i)
	if err != nil || !mine.Consensus.Voting {
		return false
	}
	for k := range r.cluster.Validators {
		if k == i {
			continue
		}
		if other, err := r.standing(ctx, k); err == nil && other.Height > mine.Height+headGapOfBack {
			return false
		}
	}
	return true
}

func (r *chaos) standing(ctx context.Context, i int) (s nodeStanding, err error) {
	c := r.cluster.Client(i)
	defer c.Close()
	return s, c.Call(ctx, &s, "aiwork_status")
}

// oneDead leaves one validator dead for a while and measures how the others do.
func (r *chaos) oneDead(ctx context.Context) error {
	p := r.cluster.Validators[r.dice.IntN(len(r.cluster.Validators))]
	if err := r.strike(ctx, p); err != nil {
		return err
	}
	from := time.Now().Add(deadWarmUp)
	wait := r.opt.DeadFor
	var to time.Time
	var times []time.Duration
	for len(times) == 0 && time.Since(from) < backMax { // a slow machine has longer to show a block
		if err := pause(ctx, wait); err != nil {
			return err
		}
		to, wait = time.Now(), deadWarmUp
		times = r.latencies(from, to)
	}
	d := &DeadReport{Process: p.Name, Seconds: to.Sub(from).Seconds()}
	var sum LoadReport
	sum.chainFigures(r.load.blocksIn(from, to))
	d.Latency, d.Blocks, d.Gap = quantiles(times), sum.Blocks, sum.BlockGap
	r.report.OneDead = d
	if d.Blocks == 0 || len(times) == 0 {
		r.violated("no block while %s was dead", p.Name)
	}
	r.opt.Note("%s dead for %s: %d blocks, latency p50 %.0f ms, p99 %.0f ms", p.Name, r.opt.DeadFor, d.Blocks, d.Latency.P50, d.Latency.P99)
	var k Kill
	_, err := r.revive(ctx, p, &k)
	return err
}

// latencies gives how long the transfers took that were sent within a time and are in a block.
func (r *chaos) latencies(from, to time.Time) (times []time.Duration) {
	for _, a := range r.load.Receipts() {
		if a.Sent.After(from) && a.Sent.Before(to) {
			times = append(times, a.At.Sub(a.Sent))
		}
	}
	return times
}

// finish waits for the jobs' ends and asks every node a last time.
func (r *chaos) finish(ctx context.Context) {
	r.opt.Note("waiting for the jobs that are open")
	r.jobs.settle(ctx, r)
	if l := r.report.Load; l.Lost > 0 {
		r.violated("%d accepted transfers are in no block", l.Lost)
	}
	for _, u := range r.cluster.MetricsURLs() {
		r.seen += evidenceOf(ctx, u)
	}
	if r.seen > 0 {
		r.violated("nodes have seen %v double votes", r.seen)
	}
	r.level(ctx)
}

// level waits until every validator has all acknowledged blocks.
func (r *chaos) level(ctx context.Context) {
	acks := r.load.Receipts()
	if len(acks) == 0 {
		r.violated("no transfer was ever included")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, backMax)
	defer cancel()
	for i := range r.cluster.Validators {
		if err := r.cluster.WaitHeight(ctx, i, acks[len(acks)-1].Height); err != nil {
			r.violated("%v", err)
		}
	}
}
