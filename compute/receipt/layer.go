package receipt

import (
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/expand"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/compute/tile"
	"github.com/aiwork/aiwork-node/crypto/merkle"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// A layer is a run that a dispute is narrowed down in: of a network, or of what a composite operator stands for.
type layer struct {
	trace  *Trace
	around *dispute.Case // of the composite operator; nil for a network
	answer *Answer       // of a language model, whose pass it is; nil for any other run
	outs   []net.Value   // of the composite operator's outputs, those that are made within

	entries []dispute.Entry // these are made when they are asked for first
	leaves  [][]byte
	levels  [][][32]byte
	parts   [][]byte // of a network
}

// tree gives the nodes of the receipt.
func (l *layer) tree() [][][32]byte {
	if l.levels != nil {
		return l.levels
	}
	l.entries = l.trace.Entries()
	if l.around != nil {
		l.entries[0] = dispute.Entry{} // the operands are agreed
	}
	for i := range l.entries {
		l.leaves = append(l.leaves, l.entries[i].Encode())
	}
	l.levels = merkle.Levels(receiptTag, l.leaves)
	return l.levels
}

// root is the receipt.
func (l *layer) root() chain.Hash {
	levels := l.tree()
	return merkle.Top(receiptTag, uint64(len(l.leaves)), levels[len(levels)-1][0])
}

// model is what a dispute about the run is about.
func (l *layer) model() chain.Hash {
	if l.answer != nil {
		return l.answer.Model
	}
	return l.trace.Model.Net.ID()
}

// op gives the operator behind an entry.
func (l *layer) op(entry uint64) *net.Op { return &l.trace.Model.Net.OpList[entry-1] }

// agreed says whether both parties know a value without a proof from a receipt.
func (l *layer) agreed(v net.Value) bool {
	n := l.trace.Model.Net
	return l.around != nil && int(v) < len(n.Inputs) || l.around == nil && int(v) >= len(n.Inputs) && v < n.FirstOf(0)
}

// entryOf gives the place of the entry that holds a value; a weight is in none.
func (l *layer) entryOf(v net.Value) (place uint64, ok bool) {
	i, _ := slices.BinarySearchFunc(l.entries[1:], v, func(e dispute.Entry, v net.Value) int { return int(e.First) - int(v) - 1 })
	if e := &l.entries[i]; v >= e.First && int(v-e.First) < len(e.Digests) {
		return uint64(i), true
	}
	return 0, false
}

// showValues gives the entries that hold values, with their proof.
func (l *layer) showValues(list []net.Value) (entries [][]byte, places []uint64, proof []chain.Hash) {
	l.tree()
	for _, v := range list {
		if p, ok := l.entryOf(v); ok {
			places = append(places, p)
		}
	}
	slices.Sort(places)
	places = slices.Compact(places)
	for _, p := range places {
		entries = append(entries, l.leaves[p])
	}
	return entries, places, hashList(merkle.ProveMany(receiptTag, l.leaves, places))
}

// showParts adds the operator behind an entry, and the weights that it reads, to a judgement.
func (l *layer) showParts(entry uint64, j *dispute.Judgement) {
	n := l.trace.Model.Net
	if l.parts == nil {
		l.parts = n.Leaves()
	}
	inputs := net.Value(len(n.Inputs))
	j.InModel = []uint64{uint64(len(n.WeightList)) + entry}
	for _, v := range l.op(entry).In {
		if v != net.None && l.agreed(v) {
			j.InModel = append(j.InModel, 1+uint64(v-inputs))
		}
	}
	slices.Sort(j.InModel)
	j.InModel = slices.Compact(j.InModel)
	for _, p := range j.InModel {
		j.Parts = append(j.Parts, l.parts[p])
	}
	j.PartProof = hashList(merkle.ProveMany(modelTag, l.parts, j.InModel))
}

// operands gives the tensors that an operator reads; nil for what is left out.
func (l *layer) operands(op *net.Op) (list []*tensor.Tensor) {
	for _, v := range op.In {
		if v == net.None {
			list = append(list, nil)
			continue
		}
		list = append(list, l.trace.Values[v])
	}
	return list
}

// caseOf makes the case of an output of the operator behind an entry, with its parameters.
func (l *layer) caseOf(entry uint64, place int) (k dispute.Case, params [][]byte, err error) {
	op := l.op(entry)
	k = dispute.Case{Opset: l.trace.Model.Net.Opset, Op: op.Encode()}
	for _, v := range op.In {
		var g net.Digest
		if v != net.None {
			g = l.trace.DigestOf(v)
		}
		k.Operands = append(k.Operands, g)
	}
	ask := expand.Params
	if !expand.Covers(op.Name) {
		k.Out = outOf(op, place)
		ask = tile.Params
	}
	ports, err := ask(k.Task(op))
	if err != nil {
		return k, nil, err
	}
	for _, p := range ports {
		b := l.trace.Values[op.In[p]].Raw()
		params = append(params, b)
		k.Params = append(k.Params, dispute.Param{Port: uint32(p), Bytes: b})
	}
	return k, params, nil
}

func outOf(op *net.Op, n int) uint16 {
	for i, there := range op.Outs {
		if there {
			if n == 0 {
				return uint16(i)
			}
			n--
		}
	}
	return 0
}

// within runs what the composite operator behind an entry stands for. A party stands by what its outputs were.
func (l *layer) within(entry uint64) (*layer, error) {
	if entry == 0 || entry > uint64(len(l.trace.Model.Net.OpList)) || !expand.Covers(l.op(entry).Name) {
		return nil, fmt.Errorf("entry %d is no composite operator's", entry)
	}
	op := l.op(entry)
	k, _, err := l.caseOf(entry, 0)
	if err != nil {
		return nil, err
	}
	trace, x, err := Expand(k.Opset, op, l.operands(op), program.DefaultLimits())
	if err != nil {
		return nil, err
	}
	next := &layer{trace: trace, around: &k}
	first := l.trace.Model.Net.FirstOf(int(entry) - 1)
	for i, v := range x.Outs {
		if int(v) < x.Operands {
			continue
		}
		next.outs = append(next.outs, v)
		own, said := trace.DigestOf(v), l.trace.DigestOf(first+net.Value(i))
		if string(own.Encode()) != string(said.Encode()) {
			trace.Set(v, l.trace.Values[first+net.Value(i)])
		}
	}
	return next, nil
}
