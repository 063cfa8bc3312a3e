package registry

import (
	"encoding/binary"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/vm/native"
)

const (
	SpeedMax       = 1<<32 - 1 // items an hour
	RecordBytesMax = 8 << 10   // of a capability record
)

// Offer is what a worker says of a model that it serves.
type Offer struct {
	Serves  bool
	Speed   uint32 // items an hour; 0: not measured
	Bucket  uint16 // its ask on the grid: see AskOf
	counted uint16 // the weight with which its ask stands in the model's market; 0: it does not
}

// Ask is the least price of an item that the worker works for.
func (o *Offer) Ask() uint256.Int { return AskOf(int(o.Bucket)) }

// TimeMs tells how long items take at the speed offered, rounded up; known is false where it was not measured.
func (o *Offer) TimeMs(items uint64) (ms uint64, known bool) {
	if o.Speed == 0 {
		return 0, false
	}
	const hourMs = 3_600_000
	return (items*hourMs + uint64(o.Speed) - 1) / uint64(o.Speed), true
}

func offerAt(c *native.Call, a chain.Address, model chain.Hash) (o Offer) {
	w := c.Get(servesKey(a, model))
	o.Speed = binary.BigEndian.Uint32(w[:])
	o.Bucket = binary.BigEndian.Uint16(w[4:])
	o.counted = binary.BigEndian.Uint16(w[6:])
	o.Serves = w[31] == 1
	return o
}

func (o *Offer) store(c *native.Call, a chain.Address, model chain.Hash) {
	var w chain.Hash
	binary.BigEndian.PutUint32(w[:], o.Speed)
	binary.BigEndian.PutUint16(w[4:], o.Bucket)
	binary.BigEndian.PutUint16(w[6:], o.counted)
	if o.Serves {
		w[31] = 1
	}
	c.Set(servesKey(a, model), w)
}

// OfferOf reads what a worker offers for a model, inside a call.
func OfferOf(c *native.Call, a chain.Address, model chain.Hash) Offer {
	return offerAt(c.As(chain.AddrRegistry), a, model)
}

// capabilityKey is where the hash of a worker's last record lies, capabilityAtKey the height of the block whose logs have it.
func capabilityKey(a chain.Address) chain.Hash   { return native.Key("capability", a[:]) }
func capabilityAtKey(a chain.Address) chain.Hash { return native.At(capabilityKey(a), 1) }

// runOffer takes what the caller offers for models that it serves, and the record of its measurement.
func runOffer(c *native.Call) {
	names, speeds, asks := c.Args.Hashes(ModelsMax), c.Args.Uint64s(ModelsMax), c.Args.Uint256s(ModelsMax)
	record := c.Args.Bytes(RecordBytesMax)
	if !c.Ready() {
		return
	}
	w, _, ok := self(c)
	if !ok || !c.Require(w.State != Leaving, "registry: this worker is leaving") ||
		!c.Require(len(speeds) == len(names) && len(asks) == len(names), "registry: give a speed and an ask for each model") {
		return
	}
	for i, m := range names {
		if !offerOne(c, &w, m, speeds[i], &asks[i]) {
			return
		}
	}
	c.Emit(eventOffers(), []chain.Hash{native.WordOf(w.Address)}, eventOffers().Data())
	if len(record) > 0 {
		showRecord(c, w.Address, record)
	}
}

func offerOne(c *native.Call, w *Worker, model chain.Hash, speed uint64, ask *uint256.Int) bool {
	o := offerAt(c, w.Address, model)
	bucket, fits := BucketOf(ask)
	if !c.Require(o.Serves, "registry: this worker does not serve one of the models (see setModels)") ||
		!c.Require(speed <= SpeedMax, "registry: a speed is above 2^32-1 items an hour") ||
		!c.Require(fits, "registry: an ask is too high") {
		return false
	}
	if w.State == Active {
		leaveMarket(c, w.Address, model)
	}
	o.Speed, o.Bucket, o.counted = uint32(speed), uint16(bucket), 0
	o.store(c, w.Address, model)
	if w.State == Active {
		joinMarket(c, w, model)
	}
	return !c.Failed()
}

func showRecord(c *native.Call, a chain.Address, record []byte) {
	hash := c.Hash(record)
	c.Set(capabilityKey(a), hash)
	c.SetUint64(capabilityAtKey(a), uint64(c.Block().Height))
	data := eventCapability().Data()
	data.Hash(hash)
	data.Bytes(record)
	c.Emit(eventCapability(), []chain.Hash{native.WordOf(a)}, data)
}

func runOfferOf(c *native.Call) {
	a, m := c.Args.Address(), c.Args.Hash()
	if !c.Ready() {
		return
	}
	o := offerAt(c, a, m)
	ask := o.Ask()
	c.Out.Bool(o.Serves)
	c.Out.Uint64(uint64(o.Speed))
	c.Out.Uint256(&ask)
}

func runCapability(c *native.Call) {
	a := c.Args.Address()
	if c.Ready() {
		c.Out.Hash(c.Get(capabilityKey(a)))
		c.Out.Uint64(c.Uint64(capabilityAtKey(a)))
	}
}

// leases reads a worker's open leases, and the time that they take by its own word.
func leases(c *native.Call, a chain.Address) (n, backlogMs uint64) {
	w := c.Get(leasesKey(a))
	return binary.BigEndian.Uint64(w[24:]), binary.BigEndian.Uint64(w[16:])
}

func setLeases(c *native.Call, a chain.Address, n, backlogMs uint64) {
	var w chain.Hash
	binary.BigEndian.PutUint64(w[24:], n)
	binary.BigEndian.PutUint64(w[16:], backlogMs)
	c.Set(leasesKey(a), w)
}

// Leases counts the batches that a worker has been given and has neither committed to nor lost, and sums up
// the milliseconds that they were said to take when they were given.
func Leases(c *native.Call, a chain.Address) (n, backlogMs uint64) {
	return leases(c.As(chain.AddrRegistry), a)
}

// Lease counts one more batch that a worker is given, and the time that it is said to take (REG-8).
func Lease(c *native.Call, a chain.Address, loadMs uint64) {
	n, backlog := Leases(c, a)
	setLeases(c.As(chain.AddrRegistry), a, n+1, backlog+loadMs)
}

// Unlease counts one batch less.
func Unlease(c *native.Call, a chain.Address, loadMs uint64) {
	n, backlog := Leases(c, a)
	if c.Failed() {
		return
	}
	must.Hold(n > 0 && backlog >= loadMs, "registry: more leases ended than begun")
	setLeases(c.As(chain.AddrRegistry), a, n-1, backlog-loadMs)
}
