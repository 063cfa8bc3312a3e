package dispute

import (
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/crypto/merkle"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
)

const (
	receiptTag = "aiwork/receipt/1"
	modelTag   = "aiwork/model/2"
	tensorTag  = "aiwork/tensor/1"
)

// An Entry is a leaf of a receipt: what an operator has made, or at the first place the inputs. First is the number
// of the first of these values.
type Entry struct {
	First   net.Value
	Digests []net.Digest
}

// Encode gives the bytes that stand for an entry in a receipt.
func (e *Entry) Encode() []byte {
	w := codec.NewWriter(8 + 80*len(e.Digests))
	w.U32(uint32(e.First))
	w.U32(uint32(len(e.Digests)))
	for i := range e.Digests {
		w.Bytes(e.Digests[i].Encode())
	}
	return w.Out()
}

// DecodeEntry reads what Encode wrote.
func DecodeEntry(b []byte) (e Entry, err error) {
	r := codec.NewReader(b)
	e.First = net.Value(r.U32())
	for range r.Count(net.OperandsMax) {
		d, err := net.DecodeDigest(r.Bytes(EntryBytesMax))
		if err != nil {
			return e, err
		}
		e.Digests = append(e.Digests, d)
	}
	return e, r.End()
}

// ReceiptRoot is the root of a run's entries: the inputs, then each operator of the network in order.
func ReceiptRoot(entries []Entry) chain.Hash { return merkle.Root(receiptTag, leavesOf(entries)) }

func leavesOf(entries []Entry) [][]byte {
	leaves := make([][]byte, len(entries))
	for i := range entries {
		leaves[i] = entries[i].Encode()
	}
	return leaves
}
