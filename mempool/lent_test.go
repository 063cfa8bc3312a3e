package mempool

// What is tested: rule 8. An account that runs another one's code, or is about to, has one transaction
// here; what the pool counts of authorizations is what its transactions carry.

import (
	"errors"
	"testing"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/holiman/uint256"
)

// lending is a transaction of key with authorizations of the signers.
func lending(t testing.TB, key int, nonce, feeGwei uint64, signers ...int) *chain.Tx {
	t.Helper()
	tx := &chain.Tx{
		Type: chain.TxTypeSetCode, Nonce: nonce, Gas: 200_000, To: &chain.Address{1},
		GasFeeCap: *uint256.NewInt(feeGwei * gwei), GasTipCap: *uint256.NewInt(feeGwei * gwei),
	}
	for _, s := range signers {
		a := chain.Authorization{ChainID: *uint256.NewInt(testChain), Address: chain.Address{0xc0}}
		tx.Auths = append(tx.Auths, chain.SignAuthorization(a, keyOf(s)))
	}
	tx.Auths = append(tx.Auths, chain.Authorization{}) // one that does not hold lends nothing
	signed, err := chain.SignTx(tx, keyOf(key), testChain)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func lentLedger() ledger {
	l := ledger{}
	for key := range 5 {
		l.set(key, 0, rich)
	}
	return l
}

func delegate(l ledger, key int) {
	r := l[addrOf(key)]
	r.Delegated = true
	l[addrOf(key)] = r
}

func TestDelegatedAccountHasOneTransaction(t *testing.T) {
	l := lentLedger()
	delegate(l, 0)
	p := newPool(t, testOptions(), l)
	refuse(t, p, spec{nonce: 1, fee: 10}, FaultDelegated) // behind a gap
	add(t, p, spec{nonce: 0, fee: 10})
	refuse(t, p, spec{nonce: 1, fee: 10}, FaultDelegated)
	add(t, p, spec{nonce: 0, fee: 20}) // a replacement
	add(t, p, spec{key: 1, nonce: 0, fee: 10})
	add(t, p, spec{key: 1, nonce: 1, fee: 10})

	// An account that delegates in a block loses all but its next one.
	delegate(l, 1)
	second := spec{key: 1, nonce: 1, fee: 10}.tx(t)
	setHead(t, p, l, 1)
	check(t, p)
	if p.Has(second.Hash()) || p.Stats().Pending != 2 {
		t.Errorf("got %+v", p.Stats())
	}
	if why, ok := p.ReasonFor(second.Hash()); !ok || why != FaultDelegated {
		t.Errorf("reason: got %v %v, want %v", why, ok, FaultDelegated)
	}
}

func TestAuthorizationsInThePool(t *testing.T) {
	l := lentLedger()
	p := newPool(t, testOptions(), l)
	lend := lending(t, 0, 0, 10, 1, 2, 1)
	if err := p.Add(lend, false); err != nil {
		t.Fatal(err)
	}
	check(t, p)
	add(t, p, spec{key: 1, nonce: 0, fee: 10})
	refuse(t, p, spec{key: 1, nonce: 1, fee: 10}, FaultDelegated)
	// Who has several transactions here cannot lend.
	add(t, p, spec{key: 3, nonce: 0, fee: 10})
	add(t, p, spec{key: 3, nonce: 1, fee: 10})
	if err := p.Add(lending(t, 4, 0, 10, 3), false); !errors.Is(err, FaultAuthority) {
		t.Errorf("got %v, want %v", err, FaultAuthority)
	}
	// A replacement takes its authorizations along.
	if err := p.Add(lending(t, 0, 0, 20, 2), false); err != nil {
		t.Fatal(err)
	}
	check(t, p)
	add(t, p, spec{key: 1, nonce: 1, fee: 10})
	refuse(t, p, spec{key: 2, nonce: 1, fee: 10}, FaultDelegated)
	// So does the block that includes it.
	r := l[addrOf(0)]
	r.Nonce = 1
	l[addrOf(0)] = r
	setHead(t, p, l, 1)
	check(t, p)
	add(t, p, spec{key: 2, nonce: 1, fee: 10})
	if len(p.lent) != 0 {
		t.Errorf("still lent: %v", p.lent)
	}
}
