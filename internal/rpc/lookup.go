package rpc

import (
	"context"
	"sort"

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
		Summary: "The transaction with a nonce of a sender, waiting or from a block whose state is kept; null if there is none.",
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

// txByNonce looks for the block in which the sender's nonce went past the one asked for.
func (e *eth) txByNonce(_ context.Context, sender chain.Address, nonce Uint64) (*txForm, error) {
	if tx := e.waiting(sender, uint64(nonce)); tx != nil {
		f := formTx(tx, nil, 0)
		return &f, nil
	}
	head, _ := e.chain.Head()
	oldest := e.chain.OldestState()
	var fail error
	passed := func(h chain.Height) bool {
		past, err := e.nonceAt(h, sender)
		if err != nil && fail == nil {
			fail = err
		}
		return past > uint64(nonce)
	}
	if !passed(head.Height) {
		return nil, fail
	}
	if oldest > 0 && passed(oldest) {
		return nil, Errorf(CodeRefused, "the transaction is older than the states that this node keeps, from height %d on: ask by its hash", oldest)
	}
	after := sort.Search(int(head.Height-oldest), func(i int) bool { return passed(oldest + chain.Height(i)) })
	if fail != nil {
		return nil, fail
	}
	return e.txIn(oldest+chain.Height(after), sender, uint64(nonce))
}

func (e *eth) nonceAt(h chain.Height, sender chain.Address) (uint64, error) {
	view, _, release, err := e.chain.StateAt(h)
	if err != nil {
		return 0, err
	}
	defer release()
	acc, _, err := view.Account(sender)
	return acc.Nonce, err
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

func (e *eth) txIn(h chain.Height, sender chain.Address, nonce uint64) (*txForm, error) {
	b, err := e.chain.BlockByHeight(h)
	if b == nil || err != nil {
		return nil, err
	}
	for i, tx := range b.Txs {
		if from, err := tx.Sender(); err == nil && from == sender && tx.Nonce == nonce {
			f := formTx(tx, &b.Header, i)
			return &f, nil
		}
	}
	return nil, nil // a delegation took the nonce
}
