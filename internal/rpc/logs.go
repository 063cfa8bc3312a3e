package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

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
	entries, err := e.chain.Logs(ctx, q)
	if err != nil {
		return nil, err
	}
	out := make([]logForm, len(entries))
	for i := range entries {
		out[i] = formLog(&entries[i])
	}
	return out, nil
}

func (e *eth) logRange(f *logFilter) (from, to chain.Height, err error) {
	latest := BlockTag{word: "latest"}
	tagFrom, tagTo := latest, latest
	switch {
	case f.blockHash != nil:
		tagFrom, tagTo = BlockTag{hash: f.blockHash}, BlockTag{hash: f.blockHash}
	default:
		if f.from != nil {
			tagFrom = *f.from
		}
		if f.to != nil {
			tagTo = *f.to
		}
	}
	from, found, err := e.height(tagFrom)
	if err != nil || !found {
		return 0, 0, firstError(err, Errorf(CodeRefused, "fromBlock is beyond the head"))
	}
	to, found, err = e.height(tagTo)
	if err != nil {
		return 0, 0, err
	}
	if !found {
		head, _ := e.chain.Head()
		to = head.Height
	}
	if from > to {
		return 0, 0, Errorf(CodeParams, "invalid block range: from %d to %d", from, to)
	}
	return from, to, nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// matches reports whether a log passes the filter.
func (f *logFilter) matches(l *chain.Log) bool {
	if len(f.addresses) > 0 && !contains(f.addresses, l.Address) {
		return false
	}
	if len(f.topics) > len(l.Topics) {
		return false
	}
	for i, alternatives := range f.topics {
		if len(alternatives) > 0 && !contains(alternatives, l.Topics[i]) {
			return false
		}
	}
	return true
}

func contains[T comparable](list []T, v T) bool {
	for _, x := range list {
		if x == v {
			return true
		}
	}
	return false
}
