package registry

import (
	"encoding/binary"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/vm/native"
)

// Asks stand on a grid of four values to each doubling, 0 first: what is below a value counts as that value. So a model's
// asks are counted in a fixed number of slots, and their median is found without looking at workers.
const (
	askSteps    = 4                         // values to a doubling
	askLowBits  = 28                        // the first value above 0 is askSteps << askLowBits
	askBuckets  = 1 + askSteps*(92-30)      // up to 7/4 of 2^91
	askPerSlot  = 8                         // u32 weights in a slot
	askSlotsMax = askBuckets/askPerSlot + 1 // slots that a median reads at most
)

// AskOf gives the value of a place on the grid of asks.
func AskOf(bucket int) (v uint256.Int) {
	if bucket == 0 {
		return v
	}
	e, m := (bucket-1)/askSteps, (bucket-1)%askSteps
	return *v.Lsh(uint256.NewInt(uint64(askSteps+m)), uint(e+askLowBits))
}

// BucketOf gives the lowest place on the grid whose value is at least an ask; ok is false above the last one.
func BucketOf(ask *uint256.Int) (bucket int, ok bool) {
	low, high := 0, askBuckets
	for low < high {
		mid := (low + high) / 2
		if v := AskOf(mid); v.Lt(ask) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low, low < askBuckets
}

// Market is what the active workers that serve a model come to.
type Market struct {
	Servers  uint64      // how many they are
	Capacity uint64      // items an hour, of those that have measured it
	Weight   uint64      // the sum of the weights with which their asks count
	Ask      uint256.Int // the median of their asks by weight: half of the weight asks this or less
}

func marketAt(c *native.Call, model chain.Hash) (m Market) {
	w := c.Get(serversKey(model))
	m.Capacity, m.Weight, m.Servers = binary.BigEndian.Uint64(w[:]), binary.BigEndian.Uint64(w[8:]), binary.BigEndian.Uint64(w[24:])
	return m
}

func (m *Market) store(c *native.Call, model chain.Hash) {
	var w chain.Hash
	binary.BigEndian.PutUint64(w[:], m.Capacity)
	binary.BigEndian.PutUint64(w[8:], m.Weight)
	binary.BigEndian.PutUint64(w[24:], m.Servers)
	c.Set(serversKey(model), w)
}

// asksKey is where the weights of asks lie: one slot for askPerSlot places of the grid.
func asksKey(model chain.Hash, slot int) chain.Hash {
	return native.At(native.Key("asks", model[:]), uint64(slot))
}

func weightIn(w *chain.Hash, bucket int) uint32 {
	return binary.BigEndian.Uint32(w[4*(bucket%askPerSlot):])
}

// weigh sets the weight of a place on the grid.
func weigh(c *native.Call, model chain.Hash, bucket int, change func(uint32) uint32) {
	key := asksKey(model, bucket/askPerSlot)
	w := c.Get(key)
	if c.Failed() {
		return
	}
	binary.BigEndian.PutUint32(w[4*(bucket%askPerSlot):], change(weightIn(&w, bucket)))
	c.Set(key, w)
}

// joinMarkets counts a worker that becomes active with its models' other servers.
func joinMarkets(c *native.Call, w *Worker) {
	for _, m := range models(c, w.Address) {
		joinMarket(c, w, m)
	}
}

// leaveMarkets takes one that ceases to be active off them.
func leaveMarkets(c *native.Call, a chain.Address) {
	for _, m := range models(c, a) {
		leaveMarket(c, a, m)
	}
}

// joinMarket counts an offer, with the weight of the worker's bond at this time.
func joinMarket(c *native.Call, w *Worker, model chain.Hash) {
	o, m := offerAt(c, w.Address, model), marketAt(c, model)
	if c.Failed() {
		return
	}
	must.Hold(o.Serves && o.counted == 0, "registry: an offer is counted twice")
	o.counted = uint16(weightOf(c, &w.Bond))
	m.Servers, m.Capacity, m.Weight = m.Servers+1, m.Capacity+uint64(o.Speed), m.Weight+uint64(o.counted)
	weigh(c, model, int(o.Bucket), func(v uint32) uint32 { return v + uint32(o.counted) })
	o.store(c, w.Address, model)
	m.store(c, model)
}

// leaveMarket takes an offer out, with the weight that it was counted with.
func leaveMarket(c *native.Call, a chain.Address, model chain.Hash) {
	o, m := offerAt(c, a, model), marketAt(c, model)
	if c.Failed() {
		return
	}
	must.Hold(m.Servers > 0 && m.Capacity >= uint64(o.Speed) && m.Weight >= uint64(o.counted), "registry: a market loses more than it has")
	m.Servers, m.Capacity, m.Weight = m.Servers-1, m.Capacity-uint64(o.Speed), m.Weight-uint64(o.counted)
	weigh(c, model, int(o.Bucket), func(v uint32) uint32 { return v - uint32(o.counted) })
	o.counted = 0
	o.store(c, a, model)
	m.store(c, model)
}

// Servers counts the active workers that serve a model.
func Servers(c *native.Call, model chain.Hash) uint64 {
	return marketAt(c.As(chain.AddrRegistry), model).Servers
}

// MarketOf reads what a model's active workers come to, with the median of their asks. It reads askSlotsMax slots at most.
func MarketOf(c *native.Call, model chain.Hash) Market {
	r := c.As(chain.AddrRegistry)
	m := marketAt(r, model)
	sum := uint64(0)
	for slot := 0; slot < askSlotsMax && 2*sum < m.Weight && !c.Failed(); slot++ {
		w := r.Get(asksKey(model, slot))
		for i := range askPerSlot {
			if sum += uint64(weightIn(&w, i)); 2*sum >= m.Weight {
				m.Ask = AskOf(slot*askPerSlot + i)
				break
			}
		}
	}
	return m
}

func runMarketOf(c *native.Call) {
	id := c.Args.Hash()
	if !c.Ready() {
		return
	}
	m := MarketOf(c, id)
	c.Out.Uint64(m.Servers)
	c.Out.Uint64(m.Capacity)
	c.Out.Uint64(m.Weight)
	c.Out.Uint256(&m.Ask)
}
