package job

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/tasks/registry"
	"github.com/aiwork/aiwork-node/vm/native"
)

// depthKey is where the items of a model that wait for a worker are counted.
func depthKey(model chain.Hash) chain.Hash { return native.Key("depth", model[:]) }

// queue counts a job's items that begin (or, below 0, cease) to wait for a worker.
func queue(c *native.Call, j *Job, items int64) {
	if items == 0 || c.Failed() {
		return
	}
	depth := int64(c.Uint64(depthKey(j.Model))) + items
	if c.Failed() {
		return
	}
	must.Hold(depth >= 0 && int64(j.Queued)+items >= 0, "job: more items leave the queue than came")
	j.Queued = uint32(int64(j.Queued) + items)
	c.SetUint64(depthKey(j.Model), uint64(depth))
}

// PostedPrice gives the price below which no job for a model is taken, from what its workers ask and how many items wait
// (JOB-22): the median ask, and once more for each PriceDoublesMs of work that waits at the capacity measured, but
// PriceRiseMax times the median at most. Where no capacity was measured the queue does not count.
func PostedPrice(m *registry.Market, depth uint64) (price uint256.Int) {
	rise := uint64(ppm)
	if m.Capacity > 0 {
		// Milliseconds of work are depth / capacity hours; depth counts at most 2^20 items, so nothing overflows.
		waitMs := depth * 3_600_000 / m.Capacity
		rise += min(waitMs*ppm/PriceDoublesMs, (PriceRiseMax-1)*ppm)
	}
	return *price.Div(price.Mul(&m.Ask, uint256.NewInt(rise)), uint256.NewInt(ppm))
}

// posted reads a model's posted price inside a call.
func posted(c *native.Call, model chain.Hash) uint256.Int {
	m, depth := registry.MarketOf(c, model), c.Uint64(depthKey(model))
	return PostedPrice(&m, depth)
}

// LoadPrice reads a model's posted price, and the items that wait for a worker, from any reader of the state.
func LoadPrice(r native.SlotReader, model chain.Hash) (price uint256.Int, depth uint64, err error) {
	m, err := registry.LoadMarket(r, model)
	if err != nil {
		return price, 0, err
	}
	c := native.Inspect(r, chain.AddrJobs)
	depth = c.Uint64(depthKey(model))
	return PostedPrice(&m, depth), depth, c.Err()
}

// runPriceOf shows a model's posted price, the median of its workers' asks, the items that wait and the capacity measured.
func runPriceOf(c *native.Call) {
	model := c.Args.Hash()
	if !c.Ready() {
		return
	}
	m, depth := registry.MarketOf(c, model), c.Uint64(depthKey(model))
	price := PostedPrice(&m, depth)
	c.Out.Uint256(&price)
	c.Out.Uint256(&m.Ask)
	c.Out.Uint64(depth)
	c.Out.Uint64(m.Capacity)
}
