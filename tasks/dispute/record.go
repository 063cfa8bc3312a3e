package dispute

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/vm/native"
)

// Dispute is a dispute's record. Arrays have the defender's first.
type Dispute struct {
	ID         uint64
	Kind       Kind
	Phase      Phase
	Verdict    Verdict
	Shown      uint8 // who has answered in this round, bit by Side
	AtRoot     bool  // Nodes are roots: the next children are those of the top node
	Parties    [2]chain.Address
	Bond       uint256.Int
	Model      chain.Hash
	Opset      uint16
	Inputs     uint16
	Weights    uint32
	Ops        uint32
	Results    [2]chain.Hash // SHA-256 of the results; of the defender's, the id if it lies in a blob
	Size       uint32        // of the defender's blob, 0 if there is none
	Receipts   [2]chain.Hash
	DeadlineMs uint64
	Rounds     uint16 // answers that both have given
	Steps      uint32 // of the tile

	Count uint64        // leaves of the tree that is walked
	Level uint8         // of the node that differs
	Index uint64        // its place on that level
	Nodes [2]chain.Hash // what it is to either
	Kids  [4]chain.Hash // children that were shown in this round, the defender's two first

	Depth uint8            // how many times the dispute has gone into what an entry stands for
	Path  [DepthMax]uint32 // those entries
	Scope chain.Hash       // SHA-256 of the case of the composite operator that is narrowed down; zero: it is the model itself

	Tokens uint32 // of the pass that is in question, of a language model
	Given  uint32 // the token that follows them in the defender's answer

	Entry uint64     // the place of the entry that differs
	Case  chain.Hash // SHA-256 of the case
	State chain.Hash // SHA-256 of the tile's state; zero before the first step
}

const recordSize = 1 + 1 + 1 + 1 + 1 + 2*20 + 16 + 32 + 2 + 2 + 4 + 4 + 2*32 + 4 + 2*32 + 8 + 2 + 4 + 8 + 1 + 8 + 2*32 + 4*32 + 1 + 4*DepthMax + 32 + 4 + 4 + 8 + 32 + 32

func recordKey(id uint64) chain.Hash { return native.Key("dispute", native.U64(id)) }
func countKey() chain.Hash           { return native.Key("count") }

// openKey is where the open disputes of a defender are counted.
func openKey(a chain.Address) chain.Hash { return native.Key("open", a[:]) }

// Encode gives the record as the contract keeps it, without the id.
func (d *Dispute) Encode() []byte {
	w := codec.NewWriter(recordSize)
	w.U8(uint8(d.Kind))
	w.U8(uint8(d.Phase))
	w.U8(uint8(d.Verdict))
	w.U8(d.Shown)
	w.Bool(d.AtRoot)
	for i := range d.Parties {
		w.Fixed(d.Parties[i][:])
	}
	bond := d.Bond.Bytes32()
	w.Fixed(bond[16:])
	w.Fixed(d.Model[:])
	w.U16(d.Opset)
	w.U16(d.Inputs)
	w.U32(d.Weights)
	w.U32(d.Ops)
	hashes(w, d.Results[:])
	w.U32(d.Size)
	hashes(w, d.Receipts[:])
	w.U64(d.DeadlineMs)
	w.U16(d.Rounds)
	w.U32(d.Steps)
	w.U64(d.Count)
	w.U8(d.Level)
	w.U64(d.Index)
	hashes(w, d.Nodes[:])
	hashes(w, d.Kids[:])
	w.U8(d.Depth)
	for _, p := range d.Path {
		w.U32(p)
	}
	w.Fixed(d.Scope[:])
	w.U32(d.Tokens)
	w.U32(d.Given)
	w.U64(d.Entry)
	w.Fixed(d.Case[:])
	w.Fixed(d.State[:])
	must.Hold(w.Len() == recordSize, "dispute: record size")
	return w.Out()
}

func hashes(w *codec.Writer, list []chain.Hash) {
	for i := range list {
		w.Fixed(list[i][:])
	}
}

func loadDispute(c *native.Call, id uint64) (d Dispute, raw []byte) {
	raw = c.Record(recordKey(id), recordSize)
	d, err := DecodeDispute(id, raw)
	must.Hold(err == nil, "dispute: a record of another form")
	return d, raw
}

// DecodeDispute reads what Encode wrote.
func DecodeDispute(id uint64, raw []byte) (d Dispute, err error) {
	r := codec.NewReader(raw)
	d.ID = id
	d.Kind = Kind(r.U8())
	d.Phase, d.Verdict, d.Shown, d.AtRoot = Phase(r.U8()), Verdict(r.U8()), r.U8(), r.Bool()
	for i := range d.Parties {
		r.Fixed(d.Parties[i][:])
	}
	var bond [16]byte
	r.Fixed(bond[:])
	d.Bond.SetBytes(bond[:])
	r.Fixed(d.Model[:])
	d.Opset, d.Inputs, d.Weights, d.Ops = r.U16(), r.U16(), r.U32(), r.U32()
	read := func(list []chain.Hash) {
		for i := range list {
			r.Fixed(list[i][:])
		}
	}
	read(d.Results[:])
	d.Size = r.U32()
	read(d.Receipts[:])
	d.DeadlineMs, d.Rounds, d.Steps = r.U64(), r.U16(), r.U32()
	d.Count, d.Level, d.Index = r.U64(), r.U8(), r.U64()
	read(d.Nodes[:])
	read(d.Kids[:])
	d.Depth = r.U8()
	for i := range d.Path {
		d.Path[i] = r.U32()
	}
	r.Fixed(d.Scope[:])
	d.Tokens, d.Given = r.U32(), r.U32()
	d.Entry = r.U64()
	r.Fixed(d.Case[:])
	r.Fixed(d.State[:])
	if d.Depth > DepthMax {
		r.Fail(net.FaultLimit)
	}
	return d, r.End()
}
