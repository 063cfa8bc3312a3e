package driver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aiwork/aiwork-node/consensus/poi"
	"github.com/aiwork/aiwork-node/consensus/poi/sortition"
	"github.com/aiwork/aiwork-node/crypto/vrf"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
)

// queue is an unbounded list between goroutines. What bounds it is the machine, which asks for a block
// once, and the syncer, which waits for its answers.
type queue[T any] struct {
	mu   sync.Mutex
	list []T
	more chan struct{}
}

func newQueue[T any]() *queue[T] { return &queue[T]{more: make(chan struct{}, 1)} }

func (q *queue[T]) put(x T) {
	q.mu.Lock()
	q.list = append(q.list, x)
	q.mu.Unlock()
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// take waits for the next one; ok is false when ctx ended.
func (q *queue[T]) take(ctx context.Context) (x T, ok bool) {
	for {
		q.mu.Lock()
		if len(q.list) > 0 {
			x, q.list = q.list[0], q.list[1:]
			q.mu.Unlock()
			return x, true
		}
		q.mu.Unlock()
		select {
		case <-q.more:
		case <-ctx.Done():
			return x, false
		}
	}
}

// executed is the answer to execute.
type executed struct {
	hash    chain.Hash
	verdict poi.Verdict
	err     error
}

// built is the answer to build: a body, or an error.
type built struct {
	order   poi.Build
	body    *body
	skipped []chain.Hash
	err     error
}

// commit is a run of blocks that became final together.
type commit struct {
	blocks []poi.BlockRef
	cert   *chain.Certificate
	synced bool       // found by the syncer
	done   chan error // closed by the committer when it has an answer; nil if nobody waits
}

// commitDone tells the loop that the head moved.
type commitDone struct {
	commit
	head Head
	err  error
}

// runner executes and builds on one goroutine and commits on another, so that the votes on the next
// block do not wait for the sync of the last.
type runner struct {
	d     *Driver
	jobs  *queue[any] // poi.BlockRef, poi.Build, prove or syncExecute
	final *queue[commit]

	provenFor [2]uint64 // session and view of the proof kept
	proof     [vrf.ProofSize]byte
	beta      [32]byte
}

// prove asks for the VRF of a view in which this node leads, so that it is there when the block is due.
type prove struct {
	session chain.Session
	view    chain.View
}

// syncExecute is an execution that the syncer waits for.
type syncExecute struct {
	block *chain.Block
	done  chan error
}

func newRunner(d *Driver) *runner {
	return &runner{d: d, jobs: newQueue[any](), final: newQueue[commit]()}
}

func (r *runner) runJobs(ctx context.Context) {
	for {
		job, ok := r.jobs.take(ctx)
		if !ok {
			return
		}
		switch j := job.(type) {
		case poi.BlockRef:
			r.d.tell(ctx, r.execute(ctx, j))
		case prove:
			if e := r.d.epoch.Load(); e.session == j.session {
				r.prove(e, j.view)
			}
		case poi.Build:
			r.d.tell(ctx, r.build(ctx, j))
		case syncExecute:
			j.done <- r.d.opt.Chain.Execute(ctx, j.block)
		}
	}
}

// execute finds out whether a block is good. DRV-3: only the block's own fault makes it bad.
func (r *runner) execute(ctx context.Context, ref poi.BlockRef) executed {
	b := r.d.bodies.get(ref.Hash)
	if b == nil {
		return executed{ref.Hash, poi.LocalFault, errors.New("body is gone")}
	}
	start := time.Now()
	err := r.d.opt.Chain.Execute(ctx, b.block)
	r.d.metrics.execute.Observe(time.Since(start).Seconds())
	switch {
	case err == nil:
		return executed{ref.Hash, poi.Good, nil}
	case errors.Is(err, ErrBad):
		return executed{ref.Hash, poi.Bad, err}
	case ref.Height <= r.d.opt.Chain.Head().Header.Number:
		err = nil // the syncer was faster
	}
	return executed{ref.Hash, poi.LocalFault, err}
}

func (r *runner) build(ctx context.Context, o poi.Build) built {
	draft, err := r.draft(o)
	if err != nil {
		return built{order: o, err: err}
	}
	start := time.Now()
	b, skipped, err := r.d.opt.Chain.Build(ctx, draft)
	r.d.metrics.build.Observe(time.Since(start).Seconds())
	if err != nil {
		return built{order: o, err: err}
	}
	if len(b.Txs) == 0 { // whatever the reason, they make no block useful for now
		for _, tx := range draft.Txs {
			skipped = append(skipped, tx.Hash())
		}
	}
	return built{order: o, body: newBody(b, b.Encode()), skipped: skipped}
}

// draft fills in what the machine does not know: proof, account and transactions.
func (r *runner) draft(o poi.Build) (Draft, error) {
	e := r.d.epoch.Load()
	me, ok := e.set.Index(r.d.opt.voteKey())
	if !ok || e.session != o.Session {
		return Draft{}, fmt.Errorf("no member of session %d", o.Session)
	}
	r.prove(e, o.View)
	return Draft{
		Parent: o.Parent.Hash, Session: o.Session, View: o.View, ParentView: o.ParentView,
		Proposer: me, Coinbase: e.validators[me].Address, TimeMs: o.TimeMs,
		VRFProof: r.proof, Beta: r.beta, Txs: r.candidates(o.Parent.Hash),
	}, nil
}

// prove computes the VRF of a view, once.
func (r *runner) prove(e *epoch, v chain.View) {
	key := [2]uint64{uint64(e.session) + 1, uint64(v)}
	if r.provenFor == key {
		return
	}
	alpha := sortition.Alpha(r.d.opt.Genesis, e.session, v, e.seed)
	r.proof, r.beta = vrf.Prove(r.d.opt.Keys.VRF, alpha)
	r.provenFor = key
}

// candidates are the pool's best that no block below the new one holds. The pool knows the committed
// head only, so it is asked for as much more as lies between.
func (r *runner) candidates(parent chain.Hash) []*chain.Tx {
	gone, above := r.d.bodies.included(parent, r.d.opt.Chain.Head().Header.Number)
	n := above + 1
	best := r.d.opt.Pool.Best(r.d.opt.Params.BlockGasLimit*uint64(n), n*chain.BlockSizeMax)
	out := best[:0:0]
	for _, tx := range best {
		if _, ok := gone[tx.Hash()]; !ok {
			out = append(out, tx)
		}
	}
	return out
}

func (r *runner) runCommits(ctx context.Context) {
	for {
		c, ok := r.final.take(ctx)
		if !ok {
			return
		}
		err := r.commit(ctx, c)
		done := commitDone{c, r.d.opt.Chain.Head(), err}
		if c.done != nil {
			c.done <- err
		}
		r.d.tell(ctx, done)
		if err != nil {
			return // DRV-3: the loop ends
		}
	}
}

// commit is DRV-5: what the head covers already is left out.
func (r *runner) commit(ctx context.Context, c commit) error {
	seal := &chain.Seal{Finalization: c.cert}
	for _, ref := range c.blocks {
		head := r.d.opt.Chain.Head()
		if ref.Height <= head.Header.Number {
			must.Hold(ref.Height < head.Header.Number || ref.Hash == head.Hash, "two final blocks at one height")
			continue
		}
		must.Hold(ref.Parent == head.Hash, "final block is no child of the head")
		start := time.Now()
		if err := r.d.opt.Chain.Commit(ctx, ref.Hash, seal); err != nil {
			return fmt.Errorf("commit block %d: %w", ref.Height, err)
		}
		r.d.metrics.commit.Observe(time.Since(start).Seconds())
	}
	return nil
}
