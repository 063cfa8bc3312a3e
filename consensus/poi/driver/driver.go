package driver

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aiwork/aiwork-node/consensus/poi"
	"github.com/aiwork/aiwork-node/consensus/poi/votelog"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// Driver runs consensus for one node. Make it with New, then call Run once.
type Driver struct {
	opt     Options
	log     *slog.Logger
	metrics *metrics
	signer  *signer
	bodies  *bodies
	runner  *runner
	syncer  *syncer
	started time.Time

	events    chan any // arrivals and answers, to the loop
	epoch     atomic.Pointer[epoch]
	view      atomic.Uint64 // for the intake: what votes are worth checking
	finalView atomic.Uint64

	// What follows belongs to the loop.
	machine  *poi.Machine
	out      poi.Outbox
	inputs   []poi.Input         // what effects lead to, for the next step of the same turn
	votes    voteLog             // nil without keys
	logged   map[chain.Hash]bool // bodies in the log
	hush     hush
	timer    *time.Timer
	peers    peerNumbers
	fetching map[chain.Hash]bool
	fetchers sync.WaitGroup
	sent     map[chain.Hash]bool // bodies that went out with a proposal
	work     work
	head     Head         // last committed
	done     []chain.Hash // committed since the last tidy
	halted   error

	status statusBoard

	openVotes func() (voteLog, votelog.Replay, error)
}

// voteLog is votelog.Log. Tests put one in its place that fails.
type voteLog interface {
	Append(...votelog.Record)
	Sync() error
	Prune(keep func(*votelog.Record) bool) error
	Lose() error
	Records() []votelog.Record
	High() votelog.Mark
	Size() int64
	Err() error
	Close() error
}

// epoch is what holds for one session.
type epoch struct {
	session    chain.Session
	set        *poi.Set
	validators []chain.Validator
	seed       [32]byte
}

// New makes a driver. It opens nothing.
func New(opt Options) (*Driver, error) {
	if err := opt.Check(); err != nil {
		return nil, err
	}
	if opt.Clock == nil {
		opt.Clock = systemClock{}
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.DiskFree == nil {
		opt.DiskFree = func() (uint64, error) { return diskFree(opt.LogDir) }
	}
	d := &Driver{
		opt: opt, log: opt.Log, metrics: newMetrics(opt.Metrics), signer: newSigner(opt.Genesis, opt.Keys),
		bodies: newBodies(), events: make(chan any, eventsMax), fetching: make(map[chain.Hash]bool),
		logged: make(map[chain.Hash]bool), sent: make(map[chain.Hash]bool), started: time.Now(),
	}
	d.openVotes = func() (voteLog, votelog.Replay, error) {
		return votelog.Open(opt.LogDir, opt.Genesis, opt.voteKey())
	}
	d.runner = newRunner(d)
	d.syncer = newSyncer(d)
	d.work.skipped = make(map[chain.Hash]time.Time)
	return d, nil
}

// Run takes part in consensus until ctx ends; it returns nil then. It returns an error when the ledger
// failed or when going on would be wrong; the node must stop then.
func (d *Driver) Run(ctx context.Context) (err error) {
	if err := d.openLog(); err != nil {
		return err
	}
	defer func() {
		if d.votes != nil {
			d.votes.Close()
		}
	}()
	ctx, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer d.fetchers.Wait()
	defer cancel()
	d.timer = time.NewTimer(time.Hour)
	defer d.timer.Stop()
	if err := d.boot(); err != nil {
		return err
	}
	in := newIntake(d)
	for _, w := range in.workers {
		wait.Go(func() { in.work(ctx, w) })
	}
	wait.Go(func() { in.run(ctx) })
	wait.Go(func() { d.runner.runJobs(ctx) })
	wait.Go(func() { d.runner.runCommits(ctx) })
	wait.Go(func() { d.syncer.run(ctx) })
	return d.loop(ctx)
}

// tell brings something to the loop. It waits while the loop is behind.
func (d *Driver) tell(ctx context.Context, event any) {
	select {
	case d.events <- event:
	case <-ctx.Done():
	}
}

// loop owns the machine. Each round is one turn.
func (d *Driver) loop(ctx context.Context) error {
	house := time.NewTicker(houseInterval)
	defer house.Stop()
	disk := time.NewTicker(diskInterval)
	defer disk.Stop()
	d.perform(ctx)
	d.show()
	for d.halted == nil {
		d.lookForWork()
		if len(d.inputs) > 0 {
			d.turn(ctx)
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case e := <-d.events:
			if err := d.take(ctx, e); err != nil {
				return err
			}
			if err := d.drain(ctx); err != nil {
				return err
			}
		case <-d.timer.C:
			d.feed(poi.Wake{})
		case <-d.work.pool:
			d.work.pool = nil
			continue
		case <-d.work.deadline():
			d.work.chainMoved = true
			continue
		case <-house.C:
			d.keepHouse()
			continue
		case <-disk.C:
			d.guardDisk()
		}
		d.turn(ctx)
	}
	return d.halted
}

// drain takes what else is there already, so that it shares the turn's sync.
func (d *Driver) drain(ctx context.Context) error {
	for range turnEventsMax - 1 {
		select {
		case e := <-d.events:
			if err := d.take(ctx, e); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

// feed lines up an input for the machine.
func (d *Driver) feed(in poi.Input) { d.inputs = append(d.inputs, in) }

// turn steps the machine through all inputs and performs what it says, until nothing is left to do.
func (d *Driver) turn(ctx context.Context) {
	for len(d.inputs) > 0 && d.halted == nil {
		inputs := d.inputs
		d.inputs = nil
		for _, in := range inputs {
			d.step(in)
		}
		d.perform(ctx)
	}
	d.tidy()
	if d.hush.reboot && d.halted == nil {
		d.reboot(ctx)
	}
	d.show()
}

func (d *Driver) step(in poi.Input) {
	d.machine.Step(poi.Event{At: d.now(), Clock: d.opt.Clock.NowMs(), Input: in}, &d.out)
}

// now is the machine's clock: milliseconds since this driver was made.
func (d *Driver) now() poi.Tick { return poi.Tick(time.Since(d.started).Milliseconds()) }

// take turns an event into inputs of the machine.
func (d *Driver) take(ctx context.Context, event any) error {
	switch e := event.(type) {
	case arrival:
		d.arrived(e)
	case executed:
		if e.verdict == poi.Bad {
			d.log.Warn("block refused", "hash", e.hash, "reason", e.err)
		} else if e.err != nil {
			d.log.Error("block not executed: local fault", "hash", e.hash, "err", e.err)
		}
		d.feed(poi.Executed{Hash: e.hash, Verdict: e.verdict})
	case built:
		d.tookBuilt(e)
	case fetched:
		d.tookFetched(e)
	case commitDone:
		return d.committed(e)
	case syncBad:
		d.halt("a certified block is bad on this node", e.err.Error())
	default:
		panic(fmt.Sprintf("driver: event %T", e))
	}
	return nil
}

func (d *Driver) arrived(a arrival) {
	if a.announce != nil {
		d.syncer.hear(a.from, a.announce.height)
		return
	}
	d.feed(poi.Received{From: d.peers.number(a.from), Message: a.msg})
}

func (d *Driver) tookBuilt(b built) {
	d.work.skip(b.skipped)
	if b.err != nil {
		d.log.Error("block not built", "session", b.order.Session, "view", b.order.View, "err", b.err)
		d.feed(poi.BuildFailed{View: b.order.View})
		return
	}
	d.bodies.pin(b.body)
	d.work.chainMoved = true
	d.feed(poi.Built{Block: b.body.ref})
}

// committed follows the ledger: it opens the next session, or tells the machine what the syncer found.
func (d *Driver) committed(c commitDone) error {
	if c.err != nil {
		return fmt.Errorf("consensus: %w", c.err)
	}
	if c.head.Hash == d.head.Hash {
		return nil
	}
	before := d.head
	d.head = c.head
	for _, b := range c.blocks {
		d.done = append(d.done, b.Hash)
	}
	d.work.chainMoved = true
	d.announce(before, c)
	if c.synced {
		d.checkOwn(c.cert)
	}
	return d.follow(c)
}

// tidy drops what the new head has made useless. It comes after the turn: until then the machine may not
// know of the head and vote for a block below it.
func (d *Driver) tidy() {
	if len(d.done) == 0 {
		return
	}
	d.bodies.committed(d.head.Header.Number, d.done)
	d.done = d.done[:0]
	d.prune()
}

func (d *Driver) announce(before Head, c commitDone) {
	a := announcement{c.head.Header.Number, c.head.Hash}
	d.opt.Net.Announce(KindAnnounce, a.encode())
	d.metrics.height.Set(float64(a.height))
	if c.synced {
		d.metrics.synced.Add(float64(a.height - before.Header.Number))
	}
	d.log.Info("block committed", "height", a.height, "session", c.head.Ext.Session, "view", c.head.Ext.View,
		"proposer", c.head.Ext.Proposer, "gas", c.head.Header.GasUsed, "synced", c.synced)
}

// follow brings the machine to the session of the next block, if the head has left its own.
func (d *Driver) follow(c commitDone) error {
	if next := chain.SessionOf(c.head.Header.Number + 1); next > d.epoch.Load().session {
		opening, err := d.opening(next)
		if err != nil {
			return err
		}
		d.resume(&opening)
		d.checkAhead(next)
		d.feed(poi.NewSession{Opening: opening})
	}
	if c.synced && c.head.Header.Number+1 != d.epoch.Load().session.FirstHeight() {
		d.feed(poi.Synced{Final: refOf(c.head), Cert: c.cert})
	}
	return nil
}

// prune drops from the vote log what finality has made useless: earlier sessions, and in a large log the
// bodies below the head.
func (d *Driver) prune() {
	if d.votes == nil || d.votes.Err() != nil {
		return
	}
	session, head := d.epoch.Load().session, d.head
	old := d.head.Header.Number+1 == session.FirstHeight()
	if (!old && d.votes.Size() < logSizeSoft) || !d.syncLog() {
		return
	}
	err := d.votes.Prune(func(r *votelog.Record) bool {
		below := r.Session == head.Ext.Session && r.View <= head.Ext.View
		return r.Session >= session && !(r.Kind == votelog.Block && below)
	})
	if err != nil {
		d.logFailed(err)
	}
	if old {
		clear(d.logged)
		clear(d.sent)
	}
}

// keepHouse looks whether peers are ahead, and forgets what is over.
func (d *Driver) keepHouse() {
	d.syncer.hear("", d.opt.Peers.Height())
	d.work.forget()
}

// halt ends the loop. The dump is for an engineer.
func (d *Driver) halt(reason, dump string) {
	d.log.Error("consensus stopped: keep the data folder and report this", "reason", reason, "dump", dump)
	d.halted = fmt.Errorf("consensus stopped: %s", reason)
	d.status.set(func(s *Status) { s.Silent = reason })
}
