package node

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/internal/blobs"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/genesis"
	"github.com/aiwork/aiwork-node/internal/health"
	"github.com/aiwork/aiwork-node/ledger"
	"github.com/aiwork/aiwork-node/tasks/job"
)

const (
	upkeepInterval = time.Second
	pruneInterval  = time.Minute
	fetchesMax     = 16 // blobs fetched in one round of upkeep
	fetchJobsMax   = 32 // live jobs that one round looks at; the next one goes on behind them
	freeBytesMin   = 1 << 30
	headLagMax     = 3
	headAgeMax     = 5 * time.Second
)

// checkForks stops a node before rules that this version does not know.
func checkForks(g *genesis.Genesis, timeMs uint64) error {
	if f, unknown := genesis.UnknownFork(g.Params.Forks, timeMs); unknown {
		return fmt.Errorf("the fork %s is in force since %s and this version does not know it: install a newer aiwork-node",
			f.Name, time.UnixMilli(int64(f.ActivationMs)).UTC().Format(time.RFC3339))
	}
	return nil
}

// upkeep fetches and drops blobs and watches for forks.
func (n *Node) upkeep(ctx context.Context) error {
	tick, prune := time.NewTicker(upkeepInterval), time.NewTicker(pruneInterval)
	defer tick.Stop()
	defer prune.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-prune.C:
			if err := n.pruneBlobs(); err != nil {
				n.log.Warn("blobs not pruned", "error", err)
			}
		case <-tick.C:
			if err := checkForks(n.genesis, uint64(time.Now().UnixMilli())); err != nil {
				return err
			}
			if err := n.fetchBlobs(ctx); err != nil && ctx.Err() == nil {
				n.log.Warn("blobs not fetched", "error", err)
			}
		}
	}
}

// fetchBlobs gets inputs of live jobs that are not here: every validator keeps them (rule 32).
func (n *Node) fetchBlobs(ctx context.Context) error {
	if !n.home.HasValidatorKeys() {
		return nil
	}
	missing, err := n.missingBlobs()
	if err != nil {
		return err
	}
	for _, id := range missing {
		if _, err := n.blobs.Fetch(ctx, id); err != nil && !errors.Is(err, blobs.ErrMissing) {
			return err
		}
	}
	return nil
}

// missingBlobs gives some inputs of live jobs that are not here. Each round goes on where the last one
// ended, and takes a job's items in random order, so that inputs that never come keep nobody from others.
func (n *Node) missingBlobs() (out []blobs.ID, err error) {
	view, err := n.ledger.State()
	if err != nil {
		return nil, err
	}
	defer view.Close()
	live, err := job.Live(view, n.fetchFrom, fetchJobsMax)
	if err != nil {
		return nil, err
	}
	next := n.fetchFrom + uint64(len(live))
	if len(live) < fetchJobsMax {
		next = 0
	}
	defer func() { n.fetchFrom = next }()
	for at, id := range live {
		items, err := job.LoadItems(view, id)
		if err != nil {
			return nil, err
		}
		for _, i := range rand.Perm(len(items)) {
			if b := blobs.ID(items[i].Blob); !n.blobs.Has(b) && !slices.Contains(out, b) {
				if out = append(out, b); len(out) == fetchesMax {
					next = n.fetchFrom + uint64(at) + 1
					return out, nil
				}
			}
		}
	}
	return out, nil
}

func (n *Node) pruneBlobs() error {
	view, err := n.ledger.State()
	if err != nil {
		return err
	}
	defer view.Close()
	grace := n.genesis.Params.Jobs.BlobGraceMs
	var fault error
	removed, err := n.blobs.Prune(time.Now().Add(-pruneInterval), func(id blobs.ID) bool {
		wanted, err := job.WantsBlob(view, chain.Hash(id), view.Ext.TimeMs, grace)
		fault = errors.Join(fault, err)
		return wanted || err != nil
	})
	if removed > 0 {
		n.log.Info("blobs dropped", "count", removed)
	}
	return errors.Join(err, fault)
}

// wanted tells the blob store what jobs name.
type wanted struct{ ledger *ledger.Ledger }

func (w wanted) Wanted(id blobs.ID) bool {
	view, err := w.ledger.State()
	if err != nil {
		return false
	}
	defer view.Close()
	yes, err := job.AcceptsBlob(view, chain.Hash(id), view.Ext.TimeMs)
	return yes && err == nil
}

// checks are the conditions of readiness.
func (n *Node) checks() []health.Check {
	return []health.Check{
		{Name: "head_lag", Failing: func() error {
			if current, highest, _ := n.Behind(); highest > current+headLagMax {
				return fmt.Errorf("head %d is %d blocks behind what peers have", current, highest-current)
			}
			return nil
		}},
		{Name: "head_age", Failing: func() error {
			head, _ := n.ledger.Head()
			limit := headAgeMax + time.Duration(n.genesis.Params.HeartbeatMs)*time.Millisecond
			if age := time.Since(time.UnixMilli(int64(head.Ext.TimeMs))); age > limit {
				return fmt.Errorf("the head is %s old", age.Round(time.Millisecond))
			}
			return nil
		}},
		{Name: "peers", Failing: func() error {
			if len(n.genesis.Validators) > 1 && n.PeerCount() == 0 {
				return errors.New("no peer is connected: see --peer")
			}
			return nil
		}},
		{Name: "disk", Failing: func() error {
			free, err := n.ledger.FreeBytes()
			if err == nil && free < freeBytesMin {
				err = fmt.Errorf("%d MiB free: votes stop below %d MiB", free>>20, freeBytesMin>>20)
			}
			return err
		}},
		{Name: "voting", Failing: func() error {
			if s := n.driver.Status(); s.Member && s.Silent != "" {
				return errors.New(s.Silent)
			}
			return nil
		}},
	}
}

// lazyEngine starts the engine's process when the first item comes: an idle validator needs none.
type lazyEngine struct {
	options engine.Options

	mu     sync.Mutex
	engine *engine.Engine
}

// Run starts the engine where needed and runs an item.
func (l *lazyEngine) Run(ctx context.Context, model chain.Hash, input []byte) ([]byte, error) {
	e, err := l.get()
	if err != nil {
		return nil, err
	}
	return e.Run(ctx, model, input)
}

// Together says how many items of a model it runs at once.
func (l *lazyEngine) Together(model chain.Hash) int {
	e, err := l.get()
	if err != nil {
		return 1 // Run says what is wrong
	}
	return e.Together(model)
}

func (l *lazyEngine) get() (*engine.Engine, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.engine != nil {
		return l.engine, nil
	}
	// The engine outlives the item that it is started for.
	e, err := engine.Start(context.Background(), l.options)
	if err != nil {
		return nil, err
	}
	l.engine = e
	return e, nil
}

// Close ends the process if there is one.
func (l *lazyEngine) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.engine == nil {
		return nil
	}
	return l.engine.Close()
}
