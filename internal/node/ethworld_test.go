package node

// A chain on which everything occurs that Ethereum's answers can show: transactions of all types that there
// are, creations, logs, reverts, a delegation, a pool with something in it.

import (
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec/rlp"
	"github.com/aiwork/aiwork-node/ledger/ledgertest"
)

// The code of two contracts. The first counts its calls in slot 0 and logs "emit" with the caller as topics and
// the count as data. The second reverts with what it is called with.
const (
	counterCode  = "\x60\x00\x54\x60\x01\x01\x80\x60\x00\x55\x60\x00\x52\x33\x63emit\x60\x20\x60\x00\xa2\x00"
	reverterCode = "\x36\x60\x00\x60\x00\x37\x36\x60\x00\xfd"
)

// creationOf gives the code that creates a contract with a code.
func creationOf(code string) []byte {
	n := byte(len(code))
	return append([]byte{0x60, n, 0x60, 0x0c, 0x60, 0x00, 0x39, 0x60, n, 0x60, 0x00, 0xf3}, code...)
}

// ethWorld is a rpcWorld with other blocks:
//
//	1 alice: a legacy transfer to bob; legacy creations of counter and reverter
//	2 alice calls counter, with an access list, with dynamic fee, with both; a legacy call
//	3 alice sends carol's delegation to counter; bob calls carol
//	4 alice calls reverter
//	5 empty
type ethWorld struct {
	*rpcWorld
	counter, reverter                                                     chain.Address
	legacy, creation, access, dynamic, both, setCode, reverted, delegated *chain.Tx
}

func newEthWorld(t testing.TB) *ethWorld {
	t.Helper()
	c := ledgertest.New(t, ledgertest.Options{Accounts: 3, Validators: 2})
	w := &ethWorld{rpcWorld: &rpcWorld{Chain: c, t: t}}
	w.fillEth()
	w.open()
	w.fillPool()
	return w
}

// sign makes a transaction of alice's with the next nonce.
func (w *ethWorld) sign(nonce uint64, change func(*chain.Tx)) *chain.Tx {
	tx := &chain.Tx{
		Type: chain.TxTypeDynamicFee, ChainID: ledgertest.ChainID, Nonce: nonce, Gas: 200_000, To: &w.counter,
		GasTipCap: *uint256.NewInt(2e9), GasFeeCap: *uint256.NewInt(2e9),
	}
	change(tx)
	return ledgertest.Sign(w.t, tx, w.Accounts[0])
}

func (w *ethWorld) fillEth() {
	bob, carol := w.Accounts[1], w.Accounts[2]
	w.counter, w.reverter = w.created(1), w.created(2)
	legacy := func(tx *chain.Tx) { tx.Type, tx.ChainID = chain.TxTypeLegacy, 0 }
	list := []chain.AccessTuple{{Address: w.counter, Slots: []chain.Hash{{}}}, {Address: bob.Address}}

	w.legacy = w.sign(0, func(tx *chain.Tx) { legacy(tx); tx.To, tx.Value = &bob.Address, *uint256.NewInt(7) })
	w.creation = w.sign(1, func(tx *chain.Tx) { legacy(tx); tx.To, tx.Data = nil, creationOf(counterCode) })
	second := w.sign(2, func(tx *chain.Tx) { legacy(tx); tx.To, tx.Data = nil, creationOf(reverterCode) })
	w.Block(w.legacy, w.creation, second)

	w.access = w.sign(3, func(tx *chain.Tx) { tx.Type, tx.AccessList = chain.TxTypeAccessList, list })
	w.dynamic = w.sign(4, func(*chain.Tx) {})
	w.both = w.sign(5, func(tx *chain.Tx) { tx.AccessList = list })
	w.Block(w.access, w.dynamic, w.both, w.sign(6, legacy))

	auth := chain.SignAuthorization(chain.Authorization{ChainID: *uint256.NewInt(ledgertest.ChainID), Address: w.counter}, carol.Key)
	w.setCode = w.sign(7, func(tx *chain.Tx) {
		tx.Type, tx.To, tx.Auths = chain.TxTypeSetCode, &bob.Address, []chain.Authorization{auth}
	})
	w.delegated = w.Tx(bob, carol.Address, new(uint256.Int), []byte{1})
	w.Block(w.setCode, w.delegated)

	w.reverted = w.sign(8, func(tx *chain.Tx) { tx.To, tx.Data = &w.reverter, []byte{1, 2, 3} })
	w.Block(w.reverted)
	w.Block()
}

// fillPool makes a transaction of bob's wait.
func (w *ethWorld) fillPool() {
	tx := &chain.Tx{
		Type: chain.TxTypeDynamicFee, ChainID: ledgertest.ChainID, Nonce: 1, Gas: 50_000, To: &w.counter,
		GasTipCap: *uint256.NewInt(2e9), GasFeeCap: *uint256.NewInt(2e9),
	}
	if err := w.pool.Add(ledgertest.Sign(w.t, tx, w.Accounts[1]), true); err != nil {
		w.t.Fatal(err)
	}
}

// created gives the address of the contract that alice's transaction with a nonce creates.
func (w *ethWorld) created(nonce uint64) chain.Address {
	alice := w.Accounts[0].Address
	items := rlp.AppendUint64(rlp.AppendBytes(nil, alice[:]), nonce)
	hash := keccak.Sum256(rlp.AppendList(nil, items))
	return chain.Address(hash[12:])
}
