package trace

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/exec"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/vm/fork"
)

// Run executes transactions one after the other, and watches those that it is asked to. Each watched one
// runs on a view of its own, so that what it touched is known. A Run is for one goroutine and one request.
type Run struct {
	view   *state.View
	in     *exec.Input
	engine *exec.Engine
	logs   int // of the block so far
	budget budget
}

// Begin starts a block on a view of its parent's state.
func Begin(view *state.View, in *exec.Input, engine *exec.Engine) *Run {
	exec.Begin(view, in, engine)
	view.EndTx()
	return Resume(view, in, engine)
}

// Resume goes on where view is: after a block or inside of one.
func Resume(view *state.View, in *exec.Input, engine *exec.Engine) *Run {
	return &Run{view: view, in: in, engine: engine, budget: budget{left: ResultBytesMax}}
}

// Skip executes a transaction without watching it.
func (r *Run) Skip(tx *chain.Tx) error {
	run := exec.Resume(r.view, r.in, r.engine)
	err := run.Apply(tx)
	return r.after(run, err)
}

// Trace executes a transaction and gives the result of watching it. All results of a Run together are
// bounded by ResultBytesMax.
func (r *Run) Trace(tx *chain.Tx, c *Config) (json.RawMessage, error) {
	t, err := c.tracer(&r.budget)
	if err != nil {
		return nil, err
	}
	if err := r.Watch(tx, t); err != nil {
		return nil, err
	}
	return t.Result()
}

// Watch executes a transaction under a tracer.
func (r *Run) Watch(tx *chain.Tx, t Tracer) error {
	from, err := tx.Sender()
	if err != nil {
		return err
	}
	return r.watch(t, &Tx{From: from, To: tx.To, Gas: tx.Gas, Auths: tx.Auths}, func(run *exec.Run) (uint64, error) {
		if err := run.Apply(tx); err != nil {
			return 0, err
		}
		return run.End().GasUsed, nil
	})
}

// TraceCall tries a message and gives the result of watching it.
func (r *Run) TraceCall(m *exec.Message, c *Config) (json.RawMessage, error) {
	t, err := c.tracer(&r.budget)
	if err != nil {
		return nil, err
	}
	err = r.watch(t, &Tx{From: m.From, To: m.To, Gas: m.Gas, Auths: m.Auths}, func(run *exec.Run) (uint64, error) {
		res, err := run.Try(m)
		return res.GasUsed, err
	})
	if err != nil {
		return nil, err
	}
	return t.Result()
}

// watch runs do under a tracer, on a view of its own, and makes its changes those of the Run.
func (r *Run) watch(t Tracer, tx *Tx, do func(*exec.Run) (gasUsed uint64, err error)) error {
	up := state.New(r.view.Below())
	run := exec.Resume(up, r.in, r.engine)
	t.Begin(&Env{
		State: up, Before: r.view, Fork: fork.Latest, Coinbase: r.in.Block.Coinbase, LogIndex: r.logs, Native: r.engine.IsNative,
	}, tx)
	run.Trace(t)
	used, err := do(run)
	run.Trace(nil)
	if up.Err() != nil {
		return up.Err()
	}
	if err := r.after(run, err); err != nil {
		return err
	}
	t.End(used)
	d := up.Diff()
	r.view.Absorb(&d)
	return r.view.Err()
}

func (r *Run) after(run *exec.Run, err error) error {
	if r.view.Err() != nil {
		return r.view.Err()
	}
	if err != nil {
		return err
	}
	for _, receipt := range run.End().Receipts {
		r.logs += len(receipt.Logs)
	}
	return nil
}

// Result is the trace of one transaction of a block.
type Result struct {
	TxHash chain.Hash      `json:"txHash"`
	Result json.RawMessage `json:"result"`
}

// Block executes all transactions of a block and watches each.
func (r *Run) Block(ctx context.Context, txs []*chain.Tx, c *Config) ([]Result, error) {
	results := make([]Result, 0, len(txs))
	for i, tx := range txs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		res, err := r.Trace(tx, c)
		if err != nil {
			return nil, fmt.Errorf("transaction %d: %w", i, err)
		}
		results = append(results, Result{TxHash: tx.Hash(), Result: res})
	}
	return results, nil
}

// To executes the transactions before the one at index without watching them.
func (r *Run) To(ctx context.Context, txs []*chain.Tx, index int) error {
	for i, tx := range txs[:index] {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.Skip(tx); err != nil {
			return fmt.Errorf("transaction %d: %w", i, err)
		}
	}
	return nil
}
