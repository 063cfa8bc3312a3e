package rpc

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// Bounds of a log filter. The range of blocks and the number of results are bounded by the ledger.
const (
	filterAddressesMax = 1000
	filterTopicsMax    = 4
	filterOrMax        = 1000
)

// logFilter is the filter object of eth_getLogs and of the logs subscription.
type logFilter struct {
	blockHash *chain.Hash
	from, to  *BlockTag
	addresses []chain.Address
	topics    [][]chain.Hash
}

// UnmarshalJSON reads addresses and topics in their one-or-many forms.
func (f *logFilter) UnmarshalJSON(raw []byte) error {
	var o struct {
		BlockHash *chain.Hash       `json:"blockHash"`
		FromBlock *BlockTag         `json:"fromBlock"`
		ToBlock   *BlockTag         `json:"toBlock"`
		Address   json.RawMessage   `json:"address"`
		Topics    []json.RawMessage `json:"topics"`
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return err
	}
	if o.BlockHash != nil && (o.FromBlock != nil || o.ToBlock != nil) {
		return fmt.Errorf("want blockHash, or fromBlock and toBlock, not both")
	}
	f.blockHash, f.from, f.to = o.BlockHash, o.FromBlock, o.ToBlock
	var err error
	if f.addresses, err = oneOrMany[chain.Address](o.Address, filterAddressesMax); err != nil {
		return fmt.Errorf("address: %w", err)
	}
	if len(o.Topics) > filterTopicsMax {
		return fmt.Errorf("topics: %d places, a log has at most %d", len(o.Topics), filterTopicsMax)
	}
	for _, t := range o.Topics {
		alternatives, err := oneOrMany[chain.Hash](t, filterOrMax)
		if err != nil {
			return fmt.Errorf("topics: %w", err)
		}
		f.topics = append(f.topics, alternatives)
	}
	return nil
}

func oneOrMany[T any](raw json.RawMessage, most int) ([]T, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	if raw[0] != '[' {
		var one T
		err := json.Unmarshal(raw, &one)
		return []T{one}, err
	}
	var many []T
	if err := json.Unmarshal(raw, &many); err != nil {
		return nil, err
	}
	if len(many) > most {
		return nil, fmt.Errorf("%d alternatives: at most %d", len(many), most)
	}
	return many, nil
}

func (e *eth) getLogs(ctx context.Context, f logFilter) ([]logForm, error) {
	q := LogQuery{Addresses: f.addresses, Topics: f.topics}
	var err error
	if q.From, q.To, err = e.logRange(&f); err != nil {
		return nil, err
	}
	return e.logs(ctx, q)
}

func (e *eth) logs(ctx context.Context, q LogQuery) ([]logForm, error) {
	entries, err := e.chain.Logs(ctx, q)
	if cancelled(err) {
		return nil, Errorf(CodeLimit, "the query takes longer than this node lets one take: ask for fewer blocks than from %d to %d, or name an address or topic", q.From, q.To)
	}
	if err != nil {
		return nil, err
	}
	out := make([]logForm, len(entries))
	for i := range entries {
		out[i] = formLog(&entries[i])
	}
	return out, nil
}

// logRange gives the heights that a filter spans. A block that does not exist is an error: an empty answer
// would say that it holds no logs.
func (e *eth) logRange(f *logFilter) (from, to chain.Height, err error) {
	if f.blockHash != nil {
		h, found, err := e.height(BlockTag{hash: f.blockHash})
		if err == nil && !found {
			err = Errorf(CodeRefused, "unknown block")
		}
		return h, h, err
	}
	latest := BlockTag{word: "latest"}
	if from, err = e.logBound(cmp.Or(f.from, &latest)); err != nil {
		return 0, 0, err
	}
	if to, err = e.logBound(cmp.Or(f.to, &latest)); err != nil {
		return 0, 0, err
	}
	if from > to {
		return 0, 0, Errorf(CodeParams, "invalid block range params: from %d to %d", from, to)
	}
	return from, to, nil
}

func (e *eth) logBound(tag *BlockTag) (chain.Height, error) {
	h, found, err := e.height(*tag)
	if err == nil && !found && tag.hash == nil {
		head, _ := e.chain.Head()
		err = Errorf(CodeParams, "block range extends beyond current head block %d", head.Height)
	} else if err == nil && !found {
		err = Errorf(CodeRefused, "unknown block")
	}
	return h, err
}

// matches reports whether a log passes the filter.
func (f *logFilter) matches(l *chain.Log) bool {
	if len(f.addresses) > 0 && !slices.Contains(f.addresses, l.Address) {
		return false
	}
	if len(f.topics) > len(l.Topics) {
		return false
	}
	for i, alternatives := range f.topics {
		if len(alternatives) > 0 && !slices.Contains(alternatives, l.Topics[i]) {
			return false
		}
	}
	return true
}
