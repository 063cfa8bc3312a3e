package evmdiff

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/chain/trie"
	"github.com/aiwork/aiwork-node/internal/codec/rlp"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/vm"
	"github.com/aiwork/aiwork-node/vm/fork"
)

// Ours is the machine of package vm on a view of the ledger.
type Ours struct {
	flat    *flat
	view    *state.View
	machine *vm.Machine
	logs    int // of traced transactions
}

// flat is the state before the block.
type flat struct {
	accounts map[chain.Address]state.Account
	slots    map[chain.Address]map[chain.Hash]chain.Hash
	codes    map[chain.Hash][]byte
}

func (f *flat) Account(addr chain.Address) (state.Account, bool, error) {
	a, ok := f.accounts[addr]
	return a, ok, nil
}

func (f *flat) Slot(addr chain.Address, key chain.Hash) (chain.Hash, error) {
	return f.slots[addr][key], nil
}

func (f *flat) Code(hash chain.Hash) ([]byte, error) { return f.codes[hash], nil }

// NewOurs puts w under our machine. Codes may be shared by sides that run one after the other.
func NewOurs(w World, codes *vm.Codes) *Ours {
	f := &flat{map[chain.Address]state.Account{}, map[chain.Address]map[chain.Hash]chain.Hash{}, map[chain.Hash][]byte{}}
	for addr, from := range w {
		a := state.Account{Nonce: from.Nonce, Balance: from.Balance}
		if len(from.Code) > 0 {
			a.CodeHash = keccak.Sum256(from.Code)
			f.codes[a.CodeHash] = from.Code
		}
		f.accounts[addr] = a
		if len(from.Slots) > 0 {
			f.slots[addr] = from.Slots
		}
	}
	o := &Ours{flat: f, view: state.New(f)}
	o.machine = vm.New(fork.Osaka, o.view, codes)
	o.machine.SetBlock(vm.Block{
		ChainID: chainID, Number: blockNumber, Time: blockTime, GasLimit: blockGasMax, Coinbase: coinbase,
		BaseFee: *uint256.NewInt(baseFee), BlobBaseFee: *uint256.NewInt(1),
		Random: *new(uint256.Int).SetBytes32(random[:]), Hash: blockHash,
	})
	return o
}

// Run runs a transaction.
func (o *Ours) Run(tx *vm.Tx) Result {
	o.view.BeginTx()
	out, err := o.machine.Run(tx)
	logs := o.view.Logs()
	o.view.EndTx()
	if err != nil {
		return Result{Refused: true, Reason: err.Error()}
	}
	r := Result{Failed: out.Fault != 0, GasUsed: out.GasUsed, Output: out.Output, Logs: logs}
	if r.Failed {
		r.Reason = out.Fault.Error()
		r.Logs = nil
	}
	return r
}

// Root gives the root of Ethereum's trie, computed from the state before and the changes of the view.
func (o *Ours) Root() chain.Hash {
	accounts, slots := map[chain.Address]state.Account{}, map[chain.Address]map[chain.Hash]chain.Hash{}
	for addr, a := range o.flat.accounts {
		accounts[addr] = a
	}
	for addr, from := range o.flat.slots {
		slots[addr] = map[chain.Hash]chain.Hash{}
		for key, val := range from {
			slots[addr][key] = val
		}
	}
	diff := o.view.Diff()
	for _, c := range diff.Accounts {
		accounts[c.Address] = c.New
	}
	for _, c := range diff.Slots {
		if slots[c.Address] == nil {
			slots[c.Address] = map[chain.Hash]chain.Hash{}
		}
		slots[c.Address][c.Key] = c.New
	}
	var pairs []trie.Pair
	for addr, a := range accounts {
		if a.Empty() {
			continue
		}
		if a.CodeHash.IsZero() {
			a.CodeHash = keccak.Sum256()
		}
		root := storageRoot(slots[addr])
		body := rlp.AppendUint256(rlp.AppendUint64(nil, a.Nonce), &a.Balance)
		body = rlp.AppendBytes(rlp.AppendBytes(body, root[:]), a.CodeHash[:])
		key := keccak.Sum256(addr[:])
		pairs = append(pairs, trie.Pair{Key: key[:], Value: rlp.AppendList(nil, body)})
	}
	return rootOf(pairs)
}

func storageRoot(slots map[chain.Hash]chain.Hash) chain.Hash {
	var pairs []trie.Pair
	for slot, val := range slots {
		if !val.IsZero() {
			key := keccak.Sum256(slot[:])
			pairs = append(pairs, trie.Pair{Key: key[:], Value: rlp.AppendBytes(nil, bytes.TrimLeft(val[:], "\x00"))})
		}
	}
	return rootOf(pairs)
}

func rootOf(pairs []trie.Pair) chain.Hash {
	slices.SortFunc(pairs, func(a, b trie.Pair) int { return bytes.Compare(a.Key, b.Key) })
	return trie.Root(pairs)
}

// Dump describes an account.
func (o *Ours) Dump(addr chain.Address, keys []chain.Hash) string {
	a := o.view.Account(addr)
	text := fmt.Sprintf("nonce %d balance %s code %x", a.Nonce, a.Balance.Dec(), o.view.Code(addr))
	for _, key := range keys {
		if val := o.view.Slot(addr, key); !val.IsZero() {
			text += fmt.Sprintf(" [%x]=%x", key, val)
		}
	}
	return text
}
