package dispute

import (
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm/native"
)

// PackAnswer gives the call by which the defender names its receipt.
func PackAnswer(id uint64, k *Claim) []byte {
	e := native.NewInput(sigAnswer)
	e.Uint64(id)
	k.Write(e)
	return e.Out()
}

// PackSplit gives the call that shows the children of a party's node.
func PackSplit(id uint64, left, right chain.Hash) []byte {
	e := native.NewInput(sigSplit)
	e.Uint64(id)
	e.Hash(left)
	e.Hash(right)
	return e.Out()
}

// PackShow gives the call that shows a party's entry.
func PackShow(id uint64, entry []byte) []byte {
	e := native.NewInput(sigShow)
	e.Uint64(id)
	e.Bytes(entry)
	return e.Out()
}

// PackJudge gives the call that shows the operator.
func PackJudge(id uint64, j *Judgement) []byte {
	e := native.NewInput(sigJudge)
	e.Uint64(id)
	e.Uint64(uint64(j.Of))
	e.Bytes(j.Shown[0])
	e.Bytes(j.Shown[1])
	e.Bytes(j.Scope)
	e.BytesList(j.Parts)
	e.Uint64s(j.InModel)
	e.Hashes(j.PartProof)
	e.BytesList(j.Entries)
	e.Uint64s(j.Places)
	e.Hashes(j.Proof)
	e.BytesList(j.Params)
	return e.Out()
}

// PackExpand gives the call that names a party's receipt of what the operator stands for.
func PackExpand(id uint64, x *Descent) []byte {
	e := native.NewInput(sigExpand)
	e.Uint64(id)
	e.Bytes(x.Case)
	e.Bytes(x.Shown)
	e.Hash(x.Receipt)
	e.BytesList(x.Entries)
	e.Uint64s(x.Places)
	e.Hashes(x.Proof)
	return e.Out()
}

// PackStage gives the call that shows which network a step that differs is about.
func PackStage(id uint64, g *Stage) []byte {
	e := native.NewInput(sigStage)
	e.Uint64(id)
	e.Bytes(g.Shown[0])
	e.Bytes(g.Shown[1])
	e.Bytes(g.Role)
	e.Uint64(g.Place)
	e.Uint64(g.Leaves)
	e.Hashes(g.Proof)
	return e.Out()
}

// PackRerun gives the call that names a party's receipt of a step's network.
func PackRerun(id uint64, x *Rerun) []byte {
	e := native.NewInput(sigRerun)
	e.Uint64(id)
	e.Bytes(x.Step)
	e.Hash(x.Receipt)
	e.Bytes(x.Head)
	e.Hashes(x.InModel)
	e.BytesList(x.Entries)
	e.Uint64s(x.Places)
	e.Hashes(x.Proof)
	return e.Out()
}

// PackStep gives the call that makes a step of the tile.
func PackStep(id uint64, f *Feed) []byte {
	e := native.NewInput(sigStep)
	e.Uint64(id)
	e.Bytes(f.Case)
	e.Bytes(f.State)
	e.BytesList(f.Tiles)
	e.Uint64s(f.Sizes)
	e.Hashes(f.Proof)
	return e.Out()
}

// PackPoke gives the call that ends a dispute whose time is over.
func PackPoke(id uint64) []byte {
	e := native.NewInput(sigPoke)
	e.Uint64(id)
	return e.Out()
}

// Encode writes a claim by itself.
func (k *Claim) Encode() []byte {
	e := native.NewEncoder("(" + ClaimTypes + ")")
	k.Write(e)
	return e.Out()
}

// DecodeClaim reads what Encode wrote.
func DecodeClaim(b []byte) (Claim, error) {
	d := native.NewDecoder("("+ClaimTypes+")", b)
	k := ReadClaim(d)
	return k, d.End()
}

// ShownTopics gives the topics of the logs in which parties have shown their entries: the event, then the dispute.
func ShownTopics(id uint64) []chain.Hash {
	return []chain.Hash{native.Topic(EntryShown.event().Signature), native.WordOfUint64(id)}
}

// EntriesIn finds among logs what the parties have shown, the defender's first.
func (d *Dispute) EntriesIn(logs []chain.Log) (shown [2][]byte) {
	for i := range logs {
		l, ok := DecodeLog(&logs[i])
		if !ok || l.Kind != EntryShown || l.Dispute != d.ID {
			continue
		}
		for s := range d.Parties {
			if l.Accounts[0] == d.Parties[s] {
				shown[s] = l.Entry
			}
		}
	}
	return shown
}

// Load reads a dispute.
func Load(r native.SlotReader, id uint64) (Dispute, error) {
	c := native.Inspect(r, chain.AddrDisputes)
	d, _ := loadDispute(c, id)
	return d, c.Err()
}

// Count gives the number of disputes that there ever were.
func Count(r native.SlotReader) (uint64, error) {
	c := native.Inspect(r, chain.AddrDisputes)
	n := c.Uint64(countKey())
	return n, c.Err()
}
