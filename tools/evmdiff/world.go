package evmdiff

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm"
)

// Account is an account of a World.
type Account struct {
	Nonce   uint64
	Balance uint256.Int
	Code    []byte
	Slots   map[chain.Hash]chain.Hash
}

// World is the accounts that are there before the first transaction.
type World map[chain.Address]*Account

// Result is what a transaction did on one side.
type Result struct {
	Refused bool // it cannot stand in a block
	Failed  bool
	GasUsed uint64
	Output  []byte
	Logs    []chain.Log
	Reason  string // why it failed or was refused, in the words of the side: not compared
}

// Side is a machine with its own copy of a world.
type Side interface {
	// Run runs a transaction in the block of the world.
	Run(tx *vm.Tx) Result
	// Root gives the root of Ethereum's trie over all accounts and slots.
	Root() chain.Hash
	// Dump describes an account in one line, to show where two sides differ.
	Dump(addr chain.Address, keys []chain.Hash) string
}

// Compare says in what two results differ; nil if in nothing.
func Compare(ours, geth *Result) error {
	switch {
	case ours.Refused != geth.Refused:
		return fmt.Errorf("refused: ours %v (%s), geth %v (%s)", ours.Refused, ours.Reason, geth.Refused, geth.Reason)
	case ours.Failed != geth.Failed:
		return fmt.Errorf("failed: ours %v (%s), geth %v (%s)", ours.Failed, ours.Reason, geth.Failed, geth.Reason)
	case ours.GasUsed != geth.GasUsed:
		return fmt.Errorf("gas used: ours %d (%s), geth %d (%s)", ours.GasUsed, ours.Reason, geth.GasUsed, geth.Reason)
	case !bytes.Equal(ours.Output, geth.Output):
		return fmt.Errorf("output: ours %x, geth %x", ours.Output, geth.Output)
	}
	return compareLogs(ours.Logs, geth.Logs)
}

func compareLogs(ours, geth []chain.Log) error {
	if len(ours) != len(geth) {
		return fmt.Errorf("logs: ours %d, geth %d", len(ours), len(geth))
	}
	for i := range ours {
		if a, b := fmt.Sprintf("%x", ours[i]), fmt.Sprintf("%x", geth[i]); a != b {
			return errors.Join(fmt.Errorf("log %d: ours %s", i, a), fmt.Errorf("log %d: geth %s", i, b))
		}
	}
	return nil
}

// The block in which all transactions of both sides run.
const (
	chainID     = 1
	blockNumber = 20_000_000
	blockTime   = 1_800_000_000
	blockGasMax = 1 << 32
	baseFee     = 7
)

var (
	coinbase = chain.Address{0: 0xc0, 19: 0xba}
	random   = chain.Hash{0: 0x5e, 31: 0xed}
)

// blockHash stands for the hashes of earlier blocks.
func blockHash(n uint64) chain.Hash { return chain.Hash{0: 0xb1, 30: byte(n >> 8), 31: byte(n)} }

// created is the address of an account's contract with a nonce below 128.
func created(from chain.Address, nonce byte) chain.Address {
	list := append(append([]byte{0xd6, 0x94}, from[:]...), nonce)
	if nonce == 0 {
		list[len(list)-1] = 0x80
	}
	hash := keccak.Sum256(list)
	return chain.Address(hash[12:])
}
