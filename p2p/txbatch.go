package p2p

import (
	"github.com/aiwork/aiwork-node/internal/codec"
	"github.com/aiwork/aiwork-node/internal/must"
)

// EncodeTxs joins 1 to BatchTxsMax encoded transactions to the batch that is gossiped and forwarded.
func EncodeTxs(txs [][]byte) []byte {
	must.Hold(len(txs) > 0 && len(txs) <= BatchTxsMax, "p2p: batch without or with too many transactions")
	size := 4
	for _, tx := range txs {
		must.Hold(len(tx) > 0 && len(tx) <= TxBytesMax, "p2p: transaction empty or too long for a batch")
		size += 4 + len(tx)
	}
	w := codec.NewWriter(size)
	w.Count(len(txs))
	for _, tx := range txs {
		w.Bytes(tx)
	}
	must.Hold(w.Len() <= BatchBytesMax, "p2p: batch too long")
	return w.Out()
}

// DecodeTxs splits a batch. The transactions share memory with b and are not decoded themselves.
func DecodeTxs(b []byte) ([][]byte, error) {
	if len(b) > BatchBytesMax {
		return nil, FaultOversize
	}
	r := codec.NewReader(b)
	n := r.Count(BatchTxsMax)
	if n == 0 {
		r.Fail(FaultFrame)
	}
	txs := make([][]byte, n)
	for i := range txs {
		txs[i] = r.Bytes(TxBytesMax)
		if len(txs[i]) == 0 {
			r.Fail(FaultFrame)
		}
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	return txs, nil
}
