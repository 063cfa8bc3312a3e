package chain

import (
	"bytes"
	"sync/atomic"

	"github.com/aiwork/aiwork-node/internal/codec/rlp"
)

const (
	// BlockSizeMax is the greatest length of an encoded block.
	BlockSizeMax = 4 << 20
	// BlockTxsMax bounds the transactions of a block, so that many tiny ones cannot take far more memory
	// than bytes. With their signatures few are shorter than 100 bytes.
	BlockTxsMax = BlockSizeMax / 100
)

// Block is a header, its extension and its transactions. It does not change after its first use, and
// is then safe for concurrent use.
type Block struct {
	Header Header
	Ext    Extension
	Txs    []*Tx

	hash atomic.Pointer[Hash]
}

// Hash gives the hash of the header.
func (b *Block) Hash() Hash {
	if h := b.hash.Load(); h != nil {
		return *h
	}
	h := b.Header.Hash()
	b.hash.Store(&h)
	return h
}

// Encode gives the RLP list of the header, the encoded extension as a string, and the list of the
// encoded transactions as strings.
func (b *Block) Encode() []byte {
	header, ext := b.Header.Encode(), b.Ext.Encode()
	txs := 0
	for _, t := range b.Txs {
		txs += rlp.SizeBytes(t.Encode())
	}
	n := len(header) + rlp.SizeBytes(ext) + rlp.SizeList(txs)
	out := make([]byte, 0, rlp.SizeList(n))
	out = rlp.AppendListHeader(out, n)
	out = append(out, header...)
	out = rlp.AppendBytes(out, ext)
	out = rlp.AppendListHeader(out, txs)
	for _, t := range b.Txs {
		out = rlp.AppendBytes(out, t.Encode())
	}
	return out
}

// DecodeBlock reads what Encode gave. Whether the parts fit each other is for CheckBody.
func DecodeBlock(enc []byte) (*Block, error) {
	if len(enc) > BlockSizeMax {
		return nil, FaultSize
	}
	// One copy for all: the transactions keep their parts of it.
	outer := rlp.NewReader(bytes.Clone(enc))
	r := outer.List()
	header := r.List()
	b := &Block{Header: *readHeader(header)}
	endInto(r, header)
	ext, err := DecodeExtension(r.Bytes())
	if r.Err() == nil && err != nil {
		return nil, err
	}
	txs := r.List()
	if b.Txs, err = readTxs(txs); err != nil {
		return nil, err
	}
	endInto(r, txs)
	endInto(outer, r)
	if err := outer.End(); err != nil {
		return nil, because(FaultEncoding, err)
	}
	b.Ext = *ext
	return b, nil
}

func readTxs(r *rlp.Reader) ([]*Tx, error) {
	var txs []*Tx
	for r.More() {
		enc := r.Bytes()
		if r.Err() != nil {
			break
		}
		if len(txs) == BlockTxsMax {
			return nil, FaultSize
		}
		t, err := decodeTx(enc)
		if err != nil {
			return nil, err
		}
		txs = append(txs, t)
	}
	return txs, nil
}

// CheckBody refuses a block whose parts do not fit each other: extension, time, gas, transaction root.
// It looks at no state and no parent.
func (b *Block) CheckBody() error {
	switch {
	case b.Header.Extra != b.Ext.Hash():
		return FaultExtension
	case b.Header.Time != b.Ext.TimeMs/1000:
		return FaultTime
	case b.Header.GasUsed > b.Header.GasLimit:
		return FaultGasUsed
	case b.Header.TxRoot != TxRoot(b.Txs):
		return FaultTxRoot
	}
	return nil
}
