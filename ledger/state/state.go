package state

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// CodeSizeMax bounds an account's code in bytes (EIP-170).
const CodeSizeMax = 24576

// Account is what an address holds beside its slots. The zero CodeHash means that it has no code.
type Account struct {
	Nonce    uint64
	Balance  uint256.Int
	CodeHash chain.Hash
}

// Empty reports whether a is an account that does not exist (EIP-161).
func (a *Account) Empty() bool {
	return a.Nonce == 0 && a.Balance.IsZero() && a.CodeHash.IsZero()
}

// Reader gives the state as it stood after some block. Absent accounts give the zero Account and
// false, absent slots the zero Hash. An error is always a fault of this machine, never of the data.
// Readers do not change what they return, and callers do not change the code they are given.
type Reader interface {
	Account(addr chain.Address) (Account, bool, error)
	Slot(addr chain.Address, key chain.Hash) (chain.Hash, error)
	Code(hash chain.Hash) ([]byte, error)
}

// Empty is the Reader of a state with nothing in it.
type Empty struct{}

// Account finds nothing.
func (Empty) Account(chain.Address) (Account, bool, error) { return Account{}, false, nil }

// Slot finds nothing.
func (Empty) Slot(chain.Address, chain.Hash) (chain.Hash, error) { return chain.Hash{}, nil }

// Code finds nothing.
func (Empty) Code(chain.Hash) ([]byte, error) { return nil, nil }
