package vm

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// State is what the machine needs of the accounts and slots. ledger/state.View is one but for the last
// two methods. Snapshots nest; a revert undoes everything since the snapshot, logs, refunds, warmth
// and transient values included.
type State interface {
	Snapshot() int
	RevertTo(snapshot int)

	// Exists reports whether the account is there. From Spurious on empty accounts count as absent.
	Exists(addr chain.Address) bool
	// Empty reports whether nonce, balance and code are all zero.
	Empty(addr chain.Address) bool
	Balance(addr chain.Address) uint256.Int
	// AddBalance with a zero amount touches the account, which matters to states that keep empty ones.
	AddBalance(addr chain.Address, amount *uint256.Int)
	SubBalance(addr chain.Address, amount *uint256.Int)
	Nonce(addr chain.Address) uint64
	SetNonce(addr chain.Address, nonce uint64)
	// CodeHash gives zero for an account without code.
	CodeHash(addr chain.Address) chain.Hash
	Code(addr chain.Address) []byte
	SetCode(addr chain.Address, code []byte)

	// TouchSlot gives the value now and when the transaction began, makes the slot warm, and reports whether it
	// was already.
	TouchSlot(addr chain.Address, key chain.Hash) (now, start chain.Hash, wasWarm bool)
	SetSlot(addr chain.Address, key, val chain.Hash)
	Transient(addr chain.Address, key chain.Hash) chain.Hash
	SetTransient(addr chain.Address, key, val chain.Hash)

	WarmAddress(addr chain.Address) (wasWarm bool)
	WarmSlot(addr chain.Address, key chain.Hash) (wasWarm bool)
	AddLog(l chain.Log)
	AddRefund(gas uint64)
	SubRefund(gas uint64)
	Refund() uint64

	// HasStorage reports whether any slot of the account is set; a contract is not created there (EIP-7610).
	HasStorage(addr chain.Address) bool
	// Destroy removes account, code and slots at the end of a transaction. It is never undone.
	Destroy(addr chain.Address)
}

// Natives are contracts of the chain itself: Go code that stands at fixed addresses. They use the same
// state, under the same journal.
type Natives interface {
	// Has reports whether one stands at addr.
	Has(addr chain.Address) bool
	// Run runs a call and fills in what became of it. Value has been moved already; a fault undoes all.
	Run(c *NativeCall)
}

// NativeCall is a call to one of the Natives.
type NativeCall struct {
	Address  chain.Address // of the native contract
	Caller   chain.Address // the immediate one
	Value    uint256.Int
	Input    []byte
	Gas      uint64 // what there is; afterwards what is left
	Depth    int
	Static   bool // nothing may be changed
	Delegate bool // DELEGATECALL or CALLCODE: it would work on another account's records

	Output []byte
	Fault  Fault       // 0, FaultRevert or FaultGas
	Logs   []chain.Log // what the call has logged, for tracers
}
