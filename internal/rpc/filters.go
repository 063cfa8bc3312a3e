package rpc

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/aiwork/aiwork-node/internal/chain"
)

const (
	filtersMax      = 1024            // over all callers; more are refused
	filterIdleMax   = 5 * time.Minute // after which a filter that nobody asks about is forgotten
	filterBlocksMax = 1024            // hashes that one answer of a block filter gives
)

// filters are the polled twins of subscriptions, for callers without a WebSocket. Since nothing that is
// served is undone, a filter is no more than what to look for and the place up to which it was told.
type filters struct {
	now func() time.Time

	mu   sync.Mutex
	byID map[string]*filter
}

// filter is one of three kinds: logs, or pending, or else blocks.
type filter struct {
	logs    *logFilter
	pending bool
	next    chain.Height // first block not told of
	cursor  uint64       // of the pool
	asked   time.Time
}

func newFilters(now func() time.Time) *filters {
	return &filters{now: now, byID: map[string]*filter{}}
}

func (s *filters) add(f filter) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for id, old := range s.byID {
		if now.Sub(old.asked) > filterIdleMax {
			delete(s.byID, id)
		}
	}
	if len(s.byID) >= filtersMax {
		return "", Errorf(CodeLimit, "%d filters are in use already: remove some, or use eth_getLogs", filtersMax)
	}
	id := newSubscriptionID()
	f.asked = now
	s.byID[id] = &f
	return id, nil
}

// get gives a copy of a filter; change may move its place.
func (s *filters) get(id string, change func(*filter)) (filter, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.byID[id]
	if !ok {
		return filter{}, Errorf(CodeRefused, "filter not found: it was removed, or nobody asked for %s", filterIdleMax)
	}
	f.asked = s.now()
	before := *f
	if change != nil {
		change(f)
	}
	return before, nil
}

func (s *filters) remove(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.byID[id]
	delete(s.byID, id)
	return ok
}

func (e *eth) addFilters(t *Table) {
	t.Add(Method{Name: "eth_newFilter", Summary: "Watch for logs by polling; gives the filter's id.", Params: []string{"filter"}}, e.newLogFilter)
	t.Add(Method{Name: "eth_newBlockFilter", Summary: "Watch for blocks by polling; gives the filter's id."}, func(context.Context) (string, error) {
		head, _ := e.chain.Head()
		return e.filters.add(filter{next: head.Height + 1})
	})
	t.Add(Method{Name: "eth_newPendingTransactionFilter", Summary: "Watch for waiting transactions by polling; gives the filter's id."}, func(context.Context) (string, error) {
		_, cursor := e.pool.Seen(0, math.MaxInt)
		return e.filters.add(filter{pending: true, cursor: cursor})
	})
	t.Add(Method{Name: "eth_getFilterChanges", Summary: "What is new since the last call: logs, or hashes.", Params: []string{"id"}, Cost: 10, Class: ClassLogs}, e.filterChanges)
	t.Add(Method{Name: "eth_getFilterLogs", Summary: "All logs that a log filter matches.", Params: []string{"id"}, Cost: 20, Class: ClassLogs}, e.filterLogs)
	t.Add(Method{Name: "eth_uninstallFilter", Summary: "Forget a filter; false if there was none.", Params: []string{"id"}}, func(_ context.Context, id string) (bool, error) {
		return e.filters.remove(id), nil
	})
}

func (e *eth) newLogFilter(_ context.Context, f logFilter) (string, error) {
	if f.blockHash != nil {
		return "", Errorf(CodeParams, "a filter has no blockHash: use eth_getLogs")
	}
	head, _ := e.chain.Head()
	next := head.Height + 1
	if f.from != nil && f.from.height != nil {
		next = *f.from.height
	}
	return e.filters.add(filter{logs: &f, next: next})
}

func (e *eth) filterChanges(ctx context.Context, id string) (any, error) {
	head, _ := e.chain.Head()
	var txs []*chain.Tx
	f, err := e.filters.get(id, func(f *filter) {
		if f.pending {
			txs, f.cursor = e.pool.Seen(f.cursor, feedTxsMax)
			return
		}
		f.next = max(f.next, head.Height+1)
	})
	switch {
	case err != nil:
		return nil, err
	case f.pending:
		hashes := []chain.Hash{}
		for _, tx := range txs {
			hashes = append(hashes, tx.Hash())
		}
		return hashes, nil
	case f.logs != nil:
		return e.newLogs(ctx, &f, head.Height)
	default:
		return e.newBlocks(&f, head.Height)
	}
}

// newLogs gives the logs since a filter's place, as far as its own range goes.
func (e *eth) newLogs(ctx context.Context, f *filter, head chain.Height) ([]logForm, error) {
	to := head
	if f.logs.to != nil && f.logs.to.height != nil {
		to = min(to, *f.logs.to.height)
	}
	if f.next > to {
		return []logForm{}, nil
	}
	return e.logs(ctx, LogQuery{From: f.next, To: to, Addresses: f.logs.addresses, Topics: f.logs.topics})
}

func (e *eth) newBlocks(f *filter, head chain.Height) ([]chain.Hash, error) {
	from := f.next
	if head >= filterBlocksMax {
		from = max(from, head-filterBlocksMax+1)
	}
	hashes := []chain.Hash{}
	for h := from; h <= head; h++ {
		b, err := e.chain.BlockByHeight(h)
		if err != nil {
			return nil, err
		}
		if b != nil {
			hashes = append(hashes, b.Hash())
		}
	}
	return hashes, nil
}

func (e *eth) filterLogs(ctx context.Context, id string) ([]logForm, error) {
	f, err := e.filters.get(id, nil)
	if err != nil {
		return nil, err
	}
	if f.logs == nil {
		return nil, Errorf(CodeParams, "filter %s is not one of logs", id)
	}
	return e.getLogs(ctx, *f.logs)
}
