package registry

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm/native"
)

// The inputs of the contract's methods. Bonds travel as the transaction's value.

// PackRegister gives the input of register: where pay goes, which models are served, free text.
func PackRegister(payout chain.Address, models []chain.Hash, about string) []byte {
	e := native.NewInput(sigRegister)
	e.Address(payout)
	e.Hashes(models)
	e.String(about)
	return e.Out()
}

// PackSetModels gives the input of setModels.
func PackSetModels(models []chain.Hash) []byte {
	e := native.NewInput(sigSetModels)
	e.Hashes(models)
	return e.Out()
}

// PackOffer gives the input of offer: for models that the caller serves its speed in items an hour (0: not measured) and the
// least price of an item that it works for; and the capability record that tells of the measurement, or nothing.
func PackOffer(models []chain.Hash, speeds []uint64, asks []uint256.Int, record []byte) []byte {
	e := native.NewInput(sigOffer)
	e.Hashes(models)
	e.Uint64s(speeds)
	e.Uint256s(asks)
	e.Bytes(record)
	return e.Out()
}

// PackAddBond gives the input of addBond.
func PackAddBond() []byte { return native.NewInput(sigAddBond).Out() }

// PackDrain gives the input of drain.
func PackDrain() []byte { return native.NewInput(sigDrain).Out() }

// PackResume gives the input of resume.
func PackResume() []byte { return native.NewInput(sigResume).Out() }

// PackUnregister gives the input of unregister.
func PackUnregister() []byte { return native.NewInput(sigUnregister).Out() }

// PackWithdraw gives the input of withdrawBond.
func PackWithdraw() []byte { return native.NewInput(sigWithdraw).Out() }

// PackRefresh gives the input of refresh.
func PackRefresh(worker chain.Address) []byte {
	e := native.NewInput(sigRefresh)
	e.Address(worker)
	return e.Out()
}

// Info is a worker's record with what else is known of it.
type Info struct {
	Worker
	Models []chain.Hash
	Offers []Offer // as many as Models
	About  string
	Weight uint64 // in draws that are asked for from the next session on

	Capability   chain.Hash   // SHA-256 of the record that it has shown last; zero: none
	CapabilityAt chain.Height // the block whose logs hold it
	Leases       uint64
	BacklogMs    uint64 // that its leases take by its own word
}

// Load reads one worker from any reader of the state; found is false for an account that is no worker.
func Load(r native.SlotReader, a chain.Address) (info Info, found bool, err error) {
	c := native.Inspect(r, chain.AddrRegistry)
	w, _ := load(c, a)
	info = Info{Worker: w, Models: models(c, a), About: string(c.Bytes(aboutKey(a)))}
	for _, m := range info.Models {
		info.Offers = append(info.Offers, offerAt(c, a, m))
	}
	info.Capability, info.CapabilityAt = c.Get(capabilityKey(a)), chain.Height(c.Uint64(capabilityAtKey(a)))
	info.Leases, info.BacklogMs = leases(c, a)
	if place := c.Uint64(placeKey(a)); place != 0 {
		info.Weight = uint64(entryOf(c.Get(entryKey(place))).now)
	}
	return info, w.State != Unknown, c.Err()
}

// LoadMarket reads what the active workers that serve a model come to, from any reader of the state.
func LoadMarket(r native.SlotReader, model chain.Hash) (Market, error) {
	c := native.Inspect(r, chain.AddrRegistry)
	m := MarketOf(c, model)
	return m, c.Err()
}

// Count gives the number of workers on the roster.
func Count(r native.SlotReader) (uint64, error) {
	c := native.Inspect(r, chain.AddrRegistry)
	return c.Uint64(rosterKey()), c.Err()
}

// Addresses lists at most limit workers of the roster, from place from on.
func Addresses(r native.SlotReader, from, limit uint64) ([]chain.Address, error) {
	c := native.Inspect(r, chain.AddrRegistry)
	n := c.Uint64(rosterKey())
	var out []chain.Address
	for i := from; i < n && i-from < min(limit, WorkersMax); i++ {
		out = append(out, entryOf(c.Get(entryKey(i+1))).address)
	}
	return out, c.Err()
}

func eventRegistered() native.Event {
	return native.Event{Signature: "WorkerRegistered(address,address,uint256)", Indexed: 1}
}

func eventBondAdded() native.Event {
	return native.Event{Signature: "BondAdded(address,uint256,uint256)", Indexed: 1}
}

func eventModels() native.Event {
	return native.Event{Signature: "ModelsChanged(address)", Indexed: 1}
}

func eventOffers() native.Event {
	return native.Event{Signature: "OffersChanged(address)", Indexed: 1}
}

func eventCapability() native.Event {
	return native.Event{Signature: "CapabilityShown(address,bytes32,bytes)", Indexed: 1}
}

func eventState() native.Event {
	return native.Event{Signature: "WorkerStateChanged(address,uint8)", Indexed: 1}
}

func eventWithdrawn() native.Event {
	return native.Event{Signature: "BondWithdrawn(address,uint256)", Indexed: 1}
}

func eventSlashed() native.Event {
	return native.Event{Signature: "WorkerSlashed(address,uint256,uint256)", Indexed: 1}
}

func eventMissed() native.Event {
	return native.Event{Signature: "LeaseMissed(address,uint256,uint256)", Indexed: 1}
}

// Log is one of this contract's logs in plain form. Fields that an event does not have are zero.
type Log struct {
	Event  string // "WorkerRegistered", "BondAdded", "ModelsChanged", "OffersChanged", "CapabilityShown", "WorkerStateChanged", "BondWithdrawn", "WorkerSlashed", "LeaseMissed"
	Worker chain.Address
	Payout chain.Address
	State  State
	Amount uint256.Int
	Bond   uint256.Int // after the event, where it changes
	Record []byte      // CapabilityShown
	Hash   chain.Hash  // CapabilityShown
}

// DecodeLog reads a log of this contract; ok is false for any other, or a malformed one.
func DecodeLog(l *chain.Log) (out Log, ok bool) {
	if l.Address != chain.AddrRegistry {
		return out, false
	}
	read := func(e native.Event, name string, fill func(*native.Decoder)) {
		topics, d, match := e.Decode(l)
		if ok || !match {
			return
		}
		out = Log{Event: name, Worker: chain.Address(topics[0][12:])}
		fill(d)
		ok = d.End() == nil
	}
	two := func(d *native.Decoder) { out.Amount, out.Bond = d.Uint256(), d.Uint256() }
	read(eventRegistered(), "WorkerRegistered", func(d *native.Decoder) {
		out.Payout = d.Address()
		out.Amount = d.Uint256()
		out.Bond = out.Amount
	})
	read(eventBondAdded(), "BondAdded", two)
	read(eventModels(), "ModelsChanged", func(*native.Decoder) {})
	read(eventOffers(), "OffersChanged", func(*native.Decoder) {})
	read(eventCapability(), "CapabilityShown", func(d *native.Decoder) { out.Hash, out.Record = d.Hash(), d.Bytes(RecordBytesMax) })
	read(eventState(), "WorkerStateChanged", func(d *native.Decoder) { out.State = State(d.Uint64()) })
	read(eventWithdrawn(), "BondWithdrawn", func(d *native.Decoder) { out.Amount = d.Uint256() })
	read(eventSlashed(), "WorkerSlashed", two)
	read(eventMissed(), "LeaseMissed", two)
	return out, ok
}
