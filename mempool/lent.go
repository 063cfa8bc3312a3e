package mempool

import (
	"slices"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// signersOf gives the accounts whose authorizations a transaction carries, each once. It recovers them,
// which is as dear as recovering as many senders: no lock is held.
func signersOf(tx *chain.Tx) []chain.Address {
	var signers []chain.Address
	for i := range tx.Auths {
		if signer, err := tx.Auths[i].Signer(); err == nil && !slices.Contains(signers, signer) {
			signers = append(signers, signer)
		}
	}
	return signers
}

// lendable reports whether code of another account runs, or is about to run, for this one (rule 8).
func (p *Pool) lendable(a *account) bool { return a.delegated || p.lent[a.addr] > 0 }

// checkLent is rule 8. A replacement adds nothing to its sender's transactions.
func (p *Pool) checkLent(e *entry, replaces bool) error {
	a := e.acct
	if p.lendable(a) && !replaces && (len(a.txs) > 0 || e.tx.Nonce != a.nonce) {
		return FaultDelegated
	}
	for _, signer := range e.signers {
		if s := p.accounts[signer]; s != nil && len(s.txs) > 1 {
			return FaultAuthority
		}
	}
	return nil
}
