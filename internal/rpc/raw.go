package rpc

import (
	"context"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec/rlp"
)

func (e *eth) addRaw(t *Table) {
	t.Add(Method{Name: "debug_getRawHeader", Summary: "A header in RLP: its Keccak-256 hash is the block's.", Params: []string{"block"}}, e.rawHeader)
	t.Add(Method{Name: "debug_getRawBlock", Summary: "A block in Ethereum's RLP: header, transactions, no uncles, no withdrawals.", Params: []string{"block"}, Cost: 5}, e.rawBlock)
	t.Add(Method{Name: "debug_getRawReceipts", Summary: "The receipts of a block, each encoded.", Params: []string{"block"}, Cost: 5}, e.rawReceipts)
	t.Add(Method{Name: "debug_getRawTransaction", Summary: "A transaction as it was signed and encoded, from a block or the pool.", Params: []string{"hash"}}, e.rawTx)
	t.Add(Method{Name: "eth_getRawTransactionByHash", Summary: "The same as debug_getRawTransaction.", Params: []string{"hash"}}, e.rawTx)
}

// known gives the block that a tag names; one that does not exist is an error.
func (e *eth) known(tag BlockTag) (*chain.Block, error) {
	b, err := e.block(tag)
	if err == nil && b == nil {
		err = Errorf(CodeRefused, "header not found")
	}
	return b, err
}

func (e *eth) rawHeader(_ context.Context, tag BlockTag) (Bytes, error) {
	b, err := e.known(tag)
	if err != nil {
		return nil, err
	}
	return b.Header.Encode(), nil
}

// rawBlock is the form of Ethereum's blocks: a legacy transaction is a list in it, a typed one a string.
func (e *eth) rawBlock(_ context.Context, tag BlockTag) (Bytes, error) {
	b, err := e.known(tag)
	if err != nil {
		return nil, err
	}
	var txs []byte
	for _, tx := range b.Txs {
		if tx.Type == chain.TxTypeLegacy {
			txs = append(txs, tx.Encode()...)
		} else {
			txs = rlp.AppendBytes(txs, tx.Encode())
		}
	}
	body := b.Header.Encode()
	body = rlp.AppendList(body, txs)
	body = rlp.AppendList(body, nil) // uncles
	body = rlp.AppendList(body, nil) // withdrawals
	return rlp.AppendList(nil, body), nil
}

func (e *eth) rawReceipts(_ context.Context, tag BlockTag) ([]Bytes, error) {
	b, err := e.known(tag)
	if err != nil {
		return nil, err
	}
	receipts, err := e.chain.Receipts(b.Header.Number)
	if err != nil {
		return nil, err
	}
	out := make([]Bytes, len(receipts))
	for i, r := range receipts {
		out[i] = r.Encode()
	}
	return out, nil
}

func (e *eth) rawTx(_ context.Context, hash chain.Hash) (Bytes, error) {
	h, index, found, err := e.chain.TxPlace(hash)
	if err != nil {
		return nil, err
	}
	if !found {
		if tx := e.pool.Get(hash); tx != nil {
			return tx.Encode(), nil
		}
		return Bytes{}, nil
	}
	b, err := e.chain.BlockByHeight(h)
	if err != nil {
		return nil, err
	}
	if b == nil || index >= len(b.Txs) {
		return Bytes{}, nil
	}
	return b.Txs[index].Encode(), nil
}
