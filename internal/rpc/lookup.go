package rpc

import (
	"context"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// storageRequestMax bounds the slots that one eth_getStorageValues asks for.
const storageRequestMax = 1024

func (e *eth) addLookups(t *Table) {
	t.Add(Method{
		Name: "eth_getStorageValues", Summary: "Storage slots of several accounts at once.", Params: []string{"slots", "block"}, Cost: 10,
	}, e.storageValues)
	t.Add(Method{
		Name:    "eth_getTransactionBySenderAndNonce",
		Summary: "The transaction with a nonce of a sender, in a block or waiting; null if there is none.",
		Params:  []string{"sender", "nonce"}, Cost: 10,
	}, e.txByNonce)
}

func (e *eth) storageValues(_ context.Context, slots map[chain.Address][]Slot, tag *BlockTag) (map[chain.Address][]chain.Hash, error) {
	n := 0
	for _, list := range slots {
		n += len(list)
	}
	switch {
	case n == 0:
		return nil, Errorf(CodeParams, "empty request")
	case n > storageRequestMax:
		return nil, Errorf(CodeLimit, "%d slots: at most %d are read at once", n, storageRequestMax)
	}
	view, release, err := e.view(tag)
	if err != nil {
		return nil, err
	}
	defer release()
	out := map[chain.Address][]chain.Hash{}
	for addr, list := range slots {
		out[addr] = make([]chain.Hash, len(list))
		for i, slot := range list {
			if out[addr][i], err = view.Slot(addr, chain.Hash(slot)); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// txByNonce gives a transaction by what makes it unique to its sender. A nonce that a delegation took has none.
func (e *eth) txByNonce(_ context.Context, sender chain.Address, nonce Uint64) (*txForm, error) {
	place, found, err := e.chain.SentTx(sender, uint64(nonce))
	if err != nil {
		return nil, err
	}
	if found {
		return e.txAt(place.Height, place.Index)
	}
	if tx := e.waiting(sender, uint64(nonce)); tx != nil {
		f := formTx(tx, nil, 0)
		return &f, nil
	}
	return nil, nil
}

func (e *eth) waiting(sender chain.Address, nonce uint64) *chain.Tx {
	if _, any := e.pool.NonceOf(sender); !any {
		return nil
	}
	for _, s := range e.pool.Content() {
		if s.Sender != sender {
			continue
		}
		for _, txs := range [][]*chain.Tx{s.Pending, s.Queued} {
			for _, tx := range txs {
				if tx.Nonce == nonce {
					return tx
				}
			}
		}
	}
	return nil
}
