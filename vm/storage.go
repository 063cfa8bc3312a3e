package vm

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm/fork"
)

// load is SLOAD: the word at key takes the place of key.
func (m *Machine) load(f *frame, gas uint64, key *uint256.Int) (uint64, Fault) {
	val, _, warm := m.st.TouchSlot(f.self, key.Bytes32())
	if m.fork >= fork.Berlin {
		cost := uint64(gasColdSlot)
		if warm {
			cost = gasWarm
		}
		if gas < cost {
			return 0, FaultGas
		}
		gas -= cost
	}
	key.SetBytes32(val[:])
	return gas, 0
}

// store is SSTORE.
func (m *Machine) store(f *frame, gas uint64, key, word *uint256.Int) (uint64, Fault) {
	if f.static {
		return 0, FaultStatic
	}
	// The stipend of a transfer must not be enough to change storage.
	if m.fork >= fork.Istanbul && gas <= gasCallStipend {
		return 0, FaultGas
	}
	slot, val := chain.Hash(key.Bytes32()), chain.Hash(word.Bytes32())
	now, was, warm := m.st.TouchSlot(f.self, slot)
	cost := m.storeGas(&now, &was, &val)
	if m.fork >= fork.Berlin && !warm {
		cost += gasColdSlot
	}
	if gas < cost {
		return 0, FaultGas
	}
	if now != val {
		m.st.SetSlot(f.self, slot, val)
	}
	return gas - cost, 0
}

// storeGas gives the price of changing a slot that was something when the transaction began and is something
// else now. It books refunds, which an unpaid change undoes.
func (m *Machine) storeGas(now, was, val *chain.Hash) uint64 {
	if m.fork < fork.Istanbul {
		if now.IsZero() && !val.IsZero() {
			return gasSlotSet
		}
		if !now.IsZero() && val.IsZero() {
			m.st.AddRefund(15_000)
		}
		return gasSlotReset
	}
	// EIP-2200, with the numbers of EIP-2929 and EIP-3529.
	read, reset, refund := uint64(800), uint64(gasSlotReset), uint64(15_000)
	if m.fork >= fork.Berlin {
		read, reset = gasWarm, gasSlotReset-gasColdSlot
	}
	if m.fork >= fork.London {
		refund = 4_800
	}
	if *now == *val {
		return read
	}
	if *now == *was {
		if was.IsZero() {
			return gasSlotSet
		}
		if val.IsZero() {
			m.st.AddRefund(refund)
		}
		return reset
	}
	if !was.IsZero() {
		if now.IsZero() {
			m.st.SubRefund(refund)
		} else if val.IsZero() {
			m.st.AddRefund(refund)
		}
	}
	if *was == *val {
		if was.IsZero() {
			m.st.AddRefund(gasSlotSet - read)
		} else {
			m.st.AddRefund(reset - read)
		}
	}
	return read
}
