package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// Limits of one log query.
const (
	RangeBlocksMax = 10_000 // without an address or topic; with one, the range is free
	RangeLogsMax   = 10_000 // a block is never cut, so one block alone may give more
	filterMax      = 1024   // addresses, and topics at one place
)

// LogQuery asks for logs of the blocks From to To, both included. No addresses means any; each place of
// Topics lists alternatives, and an empty place matches anything.
type LogQuery struct {
	From, To  chain.Height
	Addresses []chain.Address
	Topics    [][]chain.Hash
}

// LogEntry is a log and where it stands.
type LogEntry struct {
	Log       chain.Log
	Height    chain.Height
	BlockHash chain.Hash
	TimeMs    uint64
	TxHash    chain.Hash
	TxIndex   int
	Index     int // in the block
}

// RangeError says that a query asks for too much at once, and names a range that is not too much.
type RangeError struct {
	What     string
	From, To chain.Height // what to ask for instead, at first
}

func (e *RangeError) Error() string {
	return fmt.Sprintf("%s: ask for blocks %d to %d first, then go on from %d", e.What, e.From, e.To, e.To+1)
}

// ErrQuery says that a query has no meaning.
var ErrQuery = errors.New("bad log query")

// Logs gives the logs that match, in the order of the chain. It is a *RangeError if that is too much at
// once, and also when the deadline of ctx passes after part of the range was searched.
func (l *Ledger) Logs(ctx context.Context, q LogQuery) (found []LogEntry, err error) {
	head, _ := l.Head()
	if err := q.check(); err != nil {
		return nil, err
	}
	in, err := l.blocksOf(&q, min(q.To, head.Height))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	return l.logsIn(ctx, &q, in)
}

func (l *Ledger) logsIn(ctx context.Context, q *LogQuery, in blocks) ([]LogEntry, error) {
	var found []LogEntry
	for from := q.From; ; from++ {
		h, more, err := in.seek(ctx, from)
		if err != nil {
			return nil, q.stopped(h, err)
		}
		if !more {
			return found, nil
		}
		from = h
		before := len(found)
		if found, err = l.blockLogs(found, q, h); err != nil {
			return nil, err
		}
		if len(found) > RangeLogsMax && before > 0 {
			return nil, &RangeError{fmt.Sprintf("more than %d logs", RangeLogsMax), q.From, h - 1}
		}
	}
}

// stopped gives the error of a query that was stopped by err when all below next was searched. A deadline
// becomes a range which that time is enough for: half of what was done in it.
func (q *LogQuery) stopped(next chain.Height, err error) error {
	if half := (next - q.From) / 2; half > 0 && errors.Is(err, context.DeadlineExceeded) {
		return &RangeError{"more work than there is time for in one query", q.From, q.From + half - 1}
	}
	return err
}

func (q *LogQuery) check() error {
	if q.From > q.To {
		return fmt.Errorf("%w: it begins at block %d and ends before, at %d", ErrQuery, q.From, q.To)
	}
	if q.To-q.From >= RangeBlocksMax && !q.indexed() {
		what := fmt.Sprintf("more than %d blocks without an address or topic", RangeBlocksMax)
		return &RangeError{what, q.From, q.From + RangeBlocksMax/2 - 1}
	}
	if len(q.Addresses) > filterMax || len(q.Topics) > chain.LogTopicsMax {
		return fmt.Errorf("%w: at most %d addresses and %d places of topics", ErrQuery, filterMax, chain.LogTopicsMax)
	}
	for _, place := range q.Topics {
		if len(place) > filterMax {
			return fmt.Errorf("%w: at most %d topics at a place", ErrQuery, filterMax)
		}
	}
	return nil
}

// blockLogs appends the matching logs of one block. Blocks whose bloom rules them out are not opened.
func (l *Ledger) blockLogs(found []LogEntry, q *LogQuery, h chain.Height) ([]LogEntry, error) {
	row, err := l.db.Header(h)
	if err != nil {
		return nil, notFound(err, "block %d", h)
	}
	if !q.mayMatch(&row.Header.Bloom) {
		return found, nil
	}
	receipts, err := l.db.Receipts(h)
	if err != nil {
		return nil, notFound(err, "receipts of block %d", h)
	}
	var txs []*chain.Tx // read when the first log matches
	index := 0
	for i, r := range receipts {
		for j := range r.Logs {
			if q.matches(&r.Logs[j]) {
				if txs == nil {
					if txs, err = l.db.Txs(h); err != nil {
						return nil, notFound(err, "block %d", h)
					}
				}
				found = append(found, LogEntry{
					Log: r.Logs[j], Height: h, BlockHash: row.Header.Hash(), TimeMs: row.Ext.TimeMs,
					TxHash: txs[i].Hash(), TxIndex: i, Index: index,
				})
			}
			index++
		}
	}
	return found, nil
}

func (q *LogQuery) mayMatch(bloom *chain.Bloom) bool {
	if *bloom == (chain.Bloom{}) {
		return false
	}
	any := len(q.Addresses) == 0
	for i := range q.Addresses {
		any = any || bloom.Has(q.Addresses[i][:])
	}
	for _, place := range q.Topics {
		hit := len(place) == 0
		for i := range place {
			hit = hit || bloom.Has(place[i][:])
		}
		any = any && hit
	}
	return any
}

func (q *LogQuery) matches(l *chain.Log) bool {
	if len(q.Addresses) > 0 && !slices.Contains(q.Addresses, l.Address) {
		return false
	}
	if len(q.Topics) > len(l.Topics) {
		return false
	}
	for i, place := range q.Topics {
		if len(place) > 0 && !slices.Contains(place, l.Topics[i]) {
			return false
		}
	}
	return true
}
