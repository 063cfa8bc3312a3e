package registry

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/vm/native"
)

// Limits.
const (
	WorkersMax       = 1024 // entries of the roster
	ModelsMax        = 64   // models that one worker serves
	AboutBytesMax    = 256  // a worker's free text: capabilities, endpoint
	WeightMax        = 1<<16 - 1
	SnapshotSessions = 64
	Gwei             = 1_000_000_000
)

// State says what a worker may do.
type State uint8

// The states of a worker.
const (
	Unknown   State = iota // never registered, or gone
	Active                 // gets work
	Draining               // finishes what it has, gets no new work
	Suspended              // slashed: gets no new work until it resumes
	Leaving                // waits for its bond
)

// String names the state as RPC and CLI show it.
func (s State) String() string {
	names := [...]string{"unknown", "active", "draining", "suspended", "leaving"}
	if int(s) < len(names) {
		return names[s]
	}
	return "invalid"
}

// Worker is a worker's record.
type Worker struct {
	Address     chain.Address
	Payout      chain.Address
	State       State
	Bond        uint256.Int
	Exposure    uint256.Int // the part of the bond that unsettled work stands on
	Slashed     uint256.Int // lost so far, missed leases included
	UnbondMs    uint64      // when leaving: time from which the bond can be withdrawn
	SlashCount  uint32
	MissedCount uint32
	LateCount   uint32 // batches that a second worker has done first
	Passed      uint32 // batches that have passed since it was found wrong last
	Score       uint16 // what it has completed against what it has not: ScoreMin to ScoreFull (REG-9)
}

const recordSize = 20 + 1 + 16 + 16 + 16 + 8 + 4 + 4 + 4 + 4 + 2

func recordKey(a chain.Address) chain.Hash { return native.Key("worker", a[:]) }
func aboutKey(a chain.Address) chain.Hash  { return native.Key("about", a[:]) }
func servesKey(a chain.Address, model chain.Hash) chain.Hash {
	return native.Key("serves", a[:], model[:])
}

// modelsKey is where a worker's models are listed: their number, then each.
func modelsKey(a chain.Address) chain.Hash { return native.Key("models", a[:]) }

// leasesKey is where a worker's open leases are counted, and the milliseconds that they take by its own word.
func leasesKey(a chain.Address) chain.Hash { return native.Key("leases", a[:]) }

// serversKey is where the workers that are active and serve a model are summed up: see market.
func serversKey(model chain.Hash) chain.Hash { return native.Key("servers", model[:]) }

func (w *Worker) encode() []byte {
	e := codec.NewWriter(recordSize)
	e.Fixed(w.Payout[:])
	e.U8(uint8(w.State))
	putAmount(e, &w.Bond)
	putAmount(e, &w.Exposure)
	putAmount(e, &w.Slashed)
	e.U64(w.UnbondMs)
	e.U32(w.SlashCount)
	e.U32(w.MissedCount)
	e.U32(w.LateCount)
	e.U32(w.Passed)
	e.U16(w.Score)
	return e.Out()
}

// putAmount writes an amount in 16 bytes; the supply is far below 2^128.
func putAmount(e *codec.Writer, v *uint256.Int) {
	must.Hold(v.BitLen() <= 128, "registry: amount above 2^128")
	b := v.Bytes32()
	e.Fixed(b[16:])
}

func amount(r *codec.Reader) (v uint256.Int) {
	var b [16]byte
	r.Fixed(b[:])
	v.SetBytes(b[:])
	return v
}

// load reads a worker; c works on the registry.
func load(c *native.Call, a chain.Address) (w Worker, raw []byte) {
	raw = c.Record(recordKey(a), recordSize)
	r := codec.NewReader(raw)
	w.Address = a
	r.Fixed(w.Payout[:])
	w.State = State(r.U8())
	w.Bond, w.Exposure, w.Slashed = amount(r), amount(r), amount(r)
	w.UnbondMs = r.U64()
	w.SlashCount, w.MissedCount = r.U32(), r.U32()
	w.LateCount, w.Passed, w.Score = r.U32(), r.U32(), r.U16()
	return w, raw
}

func (w *Worker) store(c *native.Call, raw []byte) {
	c.SetRecord(recordKey(w.Address), raw, w.encode())
}

// bondMin gives the least bond in base units.
func bondMin(c *native.Call) *uint256.Int {
	return new(uint256.Int).Mul(uint256.NewInt(c.Block().Params.Jobs.WorkerBondMin), uint256.NewInt(Gwei))
}

// weightOf gives a bond's weight (REG-1).
func weightOf(c *native.Call, bond *uint256.Int) uint64 {
	least := bondMin(c)
	if least.IsZero() {
		least.SetOne()
	}
	w := new(uint256.Int).Div(bond, least)
	if !w.IsUint64() || w.Uint64() > WeightMax {
		return WeightMax
	}
	return w.Uint64()
}
