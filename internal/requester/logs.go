package requester

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/vm/native"
)

const (
	logBlocksMax  = 10_000 // of one query; less where the node asks for less
	snapshotTries = 50     // readings of a job that moves on between two calls
)

// snapshot reads a job with all its logs, as they are after the same block.
func snapshot(ctx context.Context, c *client.Client, id uint64) (*Job, []job.Log, error) {
	for range snapshotTries {
		var before, after client.Uint64
		var j *Job
		items := []client.Request{
			{Method: "eth_blockNumber", Params: []any{}, Result: &before},
			{Method: "aiwork_getJob", Params: []any{client.Uint64(id)}, Result: &j},
			{Method: "eth_blockNumber", Params: []any{}, Result: &after},
		}
		if err := c.Batch(ctx, items); err != nil {
			return nil, nil, err
		}
		for _, it := range items {
			if it.Err != nil {
				return nil, nil, it.Err
			}
		}
		if j == nil {
			return nil, nil, noJob(id)
		}
		if before == after || j.Over() {
			logs, err := jobLogs(ctx, c, j, uint64(before), uint64(after))
			return j, logs, err
		}
	}
	return nil, nil, fmt.Errorf("job %d: the chain moves on faster than it can be read: try again when it is over", id)
}

// jobLogs reads all logs of a job up to a block; those of one that is over end by themselves.
func jobLogs(ctx context.Context, c *client.Client, j *Job, head, last uint64) ([]job.Log, error) {
	if j.Over() {
		head = last
	}
	from, err := blockAt(ctx, c, uint64(j.CreatedMs)/1000, head)
	if err != nil {
		return nil, err
	}
	var logs []job.Log
	for step := uint64(logBlocksMax); from <= head; {
		to := min(from+step-1, head)
		page, err := logPage(ctx, c, uint64(j.ID), from, to)
		if tooMuch(err) && step > 1 {
			step /= 2
			continue
		}
		if err != nil {
			return nil, err
		}
		logs = append(logs, page...)
		if n := len(logs); n > 0 && logs[n-1].Kind == job.JobClosed {
			break
		}
		from = to + 1
	}
	return logs, nil
}

// tooMuch reports whether a node wants to be asked for less at once.
func tooMuch(err error) bool {
	fault, ok := errors.AsType[*client.Error](err)
	return ok && strings.Contains(fault.Message, "ask for blocks")
}

func logPage(ctx context.Context, c *client.Client, id, from, to uint64) ([]job.Log, error) {
	filter := map[string]any{
		"fromBlock": client.Uint64(from), "toBlock": client.Uint64(to), "address": chain.AddrJobs,
		"topics": []any{nil, native.WordOfUint64(id)},
	}
	var raw []client.Log
	if err := c.Call(ctx, &raw, "eth_getLogs", filter); err != nil {
		return nil, err
	}
	logs := make([]job.Log, 0, len(raw))
	for i := range raw {
		l, ok := job.DecodeLog(&chain.Log{Address: raw[i].Address, Topics: raw[i].Topics, Data: raw[i].Data})
		if !ok || l.Job != id {
			return nil, fmt.Errorf("job %d: the node sent a log that is none of its own: is this program older than the node?", id)
		}
		logs = append(logs, l)
	}
	return logs, nil
}

// blockAt gives the first block whose time, in whole seconds, is not before a time.
func blockAt(ctx context.Context, c *client.Client, seconds, head uint64) (uint64, error) {
	low, high := uint64(0), head // the answer lies in [low, high]
	for low < high {
		middle := low + (high-low)/2
		var b *struct {
			Timestamp client.Uint64 `json:"timestamp"`
		}
		if err := c.Call(ctx, &b, "eth_getBlockByNumber", client.Uint64(middle), false); err != nil {
			return 0, err
		}
		if b == nil {
			return 0, fmt.Errorf("the node does not have block %d any more: ask one that keeps the whole chain", middle)
		}
		if uint64(b.Timestamp) < seconds {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, nil
}
