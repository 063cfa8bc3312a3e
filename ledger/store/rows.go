package store

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
	"github.com/aiwork/aiwork-node/ledger/state"
)

// Format is the version of everything in this file and of the keys.
const Format = 2

// Limits of rows that are not bounded elsewhere.
const (
	extensionMax = 1024 // bytes of an encoded extension
)

// Position says how far the chain has come.
type Position struct {
	Height chain.Height
	Hash   chain.Hash
	Supply uint256.Int // all tokens there are: what genesis gave less what was burned
}

// HeaderRow is what is kept of a block beside its transactions.
type HeaderRow struct {
	Header chain.Header
	Ext    chain.Extension
	Beta   [32]byte // VRF output of the proposer, zero for genesis
}

// TxPlace is where a transaction stands.
type TxPlace struct {
	Height chain.Height
	Index  uint32
}

type meta struct {
	format  uint32
	genesis chain.Hash
}

func (m *meta) encode() []byte {
	w := codec.NewWriter(36)
	w.U32(m.format)
	w.Fixed(m.genesis[:])
	return w.Out()
}

func decodeMeta(b []byte) (m meta, err error) {
	r := codec.NewReader(b)
	m.format = r.U32()
	if m.format != Format { // another format may have other fields
		return m, r.Err()
	}
	r.Fixed(m.genesis[:])
	return m, r.End()
}

func (p *Position) encode() []byte {
	w := codec.NewWriter(72)
	w.U64(uint64(p.Height))
	w.Fixed(p.Hash[:])
	writeUint256(w, &p.Supply)
	return w.Out()
}

func decodePosition(b []byte) (p Position, err error) {
	r := codec.NewReader(b)
	p.Height = chain.Height(r.U64())
	r.Fixed(p.Hash[:])
	p.Supply = readUint256(r)
	return p, r.End()
}

func encodeAccount(a *state.Account) []byte {
	w := codec.NewWriter(72)
	w.U64(a.Nonce)
	writeUint256(w, &a.Balance)
	w.Fixed(a.CodeHash[:])
	return w.Out()
}

func decodeAccount(b []byte) (a state.Account, err error) {
	r := codec.NewReader(b)
	a.Nonce = r.U64()
	a.Balance = readUint256(r)
	r.Fixed(a.CodeHash[:])
	if r.Err() == nil && a.Empty() {
		r.Fail(codec.FaultValue)
	}
	return a, r.End()
}

func decodeSlot(b []byte) (v chain.Hash, err error) {
	r := codec.NewReader(b)
	r.Fixed(v[:])
	if r.Err() == nil && v.IsZero() {
		r.Fail(codec.FaultValue)
	}
	return v, r.End()
}

// In rows of history nothing stands for an account or slot that did not exist.

func encodePastAccount(a *state.Account) []byte {
	if a.Empty() {
		return nil
	}
	return encodeAccount(a)
}

func decodePastAccount(b []byte) (state.Account, error) {
	if len(b) == 0 {
		return state.Account{}, nil
	}
	return decodeAccount(b)
}

func encodePastSlot(v *chain.Hash) []byte {
	if v.IsZero() {
		return nil
	}
	return v[:]
}

func decodePastSlot(b []byte) (chain.Hash, error) {
	if len(b) == 0 {
		return chain.Hash{}, nil
	}
	return decodeSlot(b)
}

func (h *HeaderRow) encode() []byte {
	w := codec.NewWriter(1024)
	w.Bytes(h.Header.Encode())
	w.Bytes(h.Ext.Encode())
	w.Fixed(h.Beta[:])
	return w.Out()
}

func decodeHeaderRow(b []byte) (*HeaderRow, error) {
	r := codec.NewReader(b)
	header, ext := r.Bytes(chain.HeaderSizeMax), r.Bytes(extensionMax)
	row := new(HeaderRow)
	r.Fixed(row.Beta[:])
	if err := r.End(); err != nil {
		return nil, err
	}
	h, err := chain.DecodeHeader(header)
	if err != nil {
		return nil, err
	}
	e, err := chain.DecodeExtension(ext)
	if err != nil {
		return nil, err
	}
	row.Header, row.Ext = *h, *e
	return row, nil
}

func encodeBody(txs []*chain.Tx) []byte {
	size := 4
	for _, tx := range txs {
		size += 4 + tx.Size()
	}
	w := codec.NewWriter(size)
	w.Count(len(txs))
	for _, tx := range txs {
		w.Bytes(tx.Encode())
	}
	return w.Out()
}

func decodeBody(b []byte) ([]*chain.Tx, error) {
	r := codec.NewReader(b)
	n := r.Count(chain.BlockTxsMax)
	txs := make([]*chain.Tx, 0, n)
	for range n {
		enc := r.Bytes(chain.TxSizeMax)
		if r.Err() != nil {
			break
		}
		tx, err := chain.DecodeTx(enc)
		if err != nil {
			return nil, err
		}
		txs = append(txs, tx)
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	return txs, nil
}

func encodeReceipts(receipts []*chain.Receipt) []byte {
	w := codec.NewWriter(4 + 128*len(receipts))
	w.Count(len(receipts))
	for _, rec := range receipts {
		w.Bytes(rec.EncodeStored())
	}
	return w.Out()
}

func decodeReceipts(b []byte) ([]*chain.Receipt, error) {
	r := codec.NewReader(b)
	n := r.Count(chain.BlockTxsMax)
	receipts := make([]*chain.Receipt, 0, n)
	for range n {
		enc := r.Bytes(chain.ReceiptSizeMax)
		if r.Err() != nil {
			break
		}
		rec, err := chain.DecodeStoredReceipt(enc)
		if err != nil {
			return nil, err
		}
		receipts = append(receipts, rec)
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	return receipts, nil
}

func (p *TxPlace) encode() []byte {
	w := codec.NewWriter(12)
	w.U64(uint64(p.Height))
	w.U32(p.Index)
	return w.Out()
}

func decodeTxPlace(b []byte) (p TxPlace, err error) {
	r := codec.NewReader(b)
	p.Height, p.Index = chain.Height(r.U64()), r.U32()
	return p, r.End()
}

func encodeHeight(h chain.Height) []byte {
	w := codec.NewWriter(8)
	w.U64(uint64(h))
	return w.Out()
}

func decodeHeight(b []byte) (chain.Height, error) {
	r := codec.NewReader(b)
	h := chain.Height(r.U64())
	return h, r.End()
}

func writeUint256(w *codec.Writer, v *uint256.Int) {
	b := v.Bytes32()
	w.Fixed(b[:])
}

func readUint256(r *codec.Reader) (v uint256.Int) {
	var b [32]byte
	r.Fixed(b[:])
	v.SetBytes32(b[:])
	return v
}
