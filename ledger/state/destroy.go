package state

import "github.com/aiwork/aiwork-node/internal/chain"

// HasStorage reports whether an account that has neither nonce nor code has slots (EIP-7610). None has:
// code, and so slots, come with a nonce that never falls, and a delegation raises it too (EIP-7702).
func (v *View) HasStorage(chain.Address) bool { return false }

// Destroy removes an account that was created in the running transaction: balance, nonce, code, and its
// slots, which have all been set in it (EIP-6780). RevertTo brings it back.
func (v *View) Destroy(addr chain.Address) {
	balance := v.Balance(addr)
	v.SubBalance(addr, &balance)
	v.SetNonce(addr, 0)
	v.SetCode(addr, nil)
	for i := range v.slots {
		if e := &v.slots[i]; e.addr == addr && !e.now.IsZero() {
			v.SetSlot(addr, e.key, chain.Hash{})
		}
	}
}
