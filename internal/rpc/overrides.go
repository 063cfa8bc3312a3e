package rpc

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/vm/fork"
	"github.com/aiwork/aiwork-node/vm/precompile"
)

// stateOverrides says what accounts are to be for a call, in ascending order of their addresses.
type stateOverrides struct{ accounts []accountOverride }

type accountOverride struct {
	address chain.Address

	Balance   *Uint256       `json:"balance"`
	Nonce     *Uint64        `json:"nonce"`
	Code      *Bytes         `json:"code"`
	State     map[Slot]Slot  `json:"state"`     // all slots there are
	StateDiff map[Slot]Slot  `json:"stateDiff"` // slots beside those there are
	MoveTo    *chain.Address `json:"movePrecompileToAddress"`
}

// UnmarshalJSON reads an object from addresses to overrides.
func (o *stateOverrides) UnmarshalJSON(raw []byte) error {
	var m map[chain.Address]accountOverride
	if err := json.Unmarshal(raw, &m); err != nil {
		return err
	}
	o.accounts = make([]accountOverride, 0, len(m))
	for address, a := range m {
		a.address = address
		o.accounts = append(o.accounts, a)
	}
	slices.SortFunc(o.accounts, func(a, b accountOverride) int { return bytes.Compare(a.address[:], b.address[:]) })
	return nil
}

func (o *stateOverrides) names(addr chain.Address) bool {
	_, found := slices.BinarySearchFunc(o.accounts, addr, func(a accountOverride, b chain.Address) int {
		return bytes.Compare(a.address[:], b[:])
	})
	return found
}

// apply puts the overrides on a sandbox. None are no change.
func (o *stateOverrides) apply(s *Sandbox) error {
	if o == nil || len(o.accounts) == 0 {
		return nil
	}
	if err := o.move(s); err != nil {
		return err
	}
	layer := newPatch(s.State)
	for i := range o.accounts {
		if err := layer.add(&o.accounts[i]); err != nil {
			return err
		}
	}
	s.State = layer
	return nil
}

// move takes precompiled contracts from where something else is put, and puts them where they are moved to.
func (o *stateOverrides) move(s *Sandbox) error {
	set := s.Input.Precompiles
	if set == nil {
		set = precompile.New(fork.Latest)
	}
	moved := set.Clone()
	for i := range o.accounts {
		a := &o.accounts[i]
		built := set.At(&a.address)
		switch {
		case a.MoveTo == nil:
		case built == nil:
			return Errorf(CodeRefused, "account %s is not a precompile", a.address)
		case *a.MoveTo == a.address:
			return Errorf(codeMovedToItself, "account %s: a precompile cannot be moved to its own address", a.address)
		case o.names(*a.MoveTo):
			return Errorf(codeMovedTwice, "account %s is already overridden", *a.MoveTo)
		default:
			moved.Put(*a.MoveTo, built)
		}
		if built != nil {
			moved.Put(a.address, nil)
		}
		if a.Code != nil && isSystem(a.address) {
			return Errorf(CodeRefused, "account %s is a contract of the chain itself: its code cannot be overridden", a.address)
		}
	}
	s.Input.Precompiles = moved
	return nil
}

// isSystem reports whether a contract of the chain itself can stand at addr.
func isSystem(addr chain.Address) bool {
	return [18]byte(addr[:18]) == [18]byte{} && addr[18] == chain.AddrJobs[18]
}

// patch is a Reader that shows overrides on top of another.
type patch struct {
	base     state.Reader
	accounts map[chain.Address]state.Account
	replaced map[chain.Address]bool // none of the slots below is seen
	slots    map[slotKey]chain.Hash
	codes    map[chain.Hash][]byte
}

type slotKey struct {
	address chain.Address
	key     chain.Hash
}

func newPatch(base state.Reader) *patch {
	return &patch{
		base: base, accounts: map[chain.Address]state.Account{}, replaced: map[chain.Address]bool{},
		slots: map[slotKey]chain.Hash{}, codes: map[chain.Hash][]byte{},
	}
}

func (p *patch) add(o *accountOverride) error {
	if o.State != nil && o.StateDiff != nil {
		return Errorf(CodeParams, "account %s has both 'state' and 'stateDiff'", o.address)
	}
	acc, _, err := p.base.Account(o.address)
	if err != nil {
		return err
	}
	if o.Balance != nil {
		acc.Balance = o.Balance.Int
	}
	if o.Nonce != nil {
		acc.Nonce = uint64(*o.Nonce)
	}
	if o.Code != nil {
		acc.CodeHash = chain.Hash{}
		if code := []byte(*o.Code); len(code) > 0 {
			acc.CodeHash = keccak.Sum256(code)
			p.codes[acc.CodeHash] = code
		}
	}
	p.accounts[o.address] = acc
	p.replaced[o.address] = o.State != nil
	for _, slots := range []map[Slot]Slot{o.State, o.StateDiff} {
		for key, val := range slots {
			p.slots[slotKey{o.address, chain.Hash(key)}] = chain.Hash(val)
		}
	}
	return nil
}

// Account gives the account with its overrides.
func (p *patch) Account(addr chain.Address) (state.Account, bool, error) {
	if acc, ok := p.accounts[addr]; ok {
		return acc, !acc.Empty(), nil
	}
	return p.base.Account(addr)
}

// Slot gives the slot with its override.
func (p *patch) Slot(addr chain.Address, key chain.Hash) (chain.Hash, error) {
	if val, ok := p.slots[slotKey{addr, key}]; ok || p.replaced[addr] {
		return val, nil
	}
	return p.base.Slot(addr, key)
}

// Code gives a code of the overrides or of what lies below.
func (p *patch) Code(hash chain.Hash) ([]byte, error) {
	if code, ok := p.codes[hash]; ok {
		return code, nil
	}
	return p.base.Code(hash)
}

// blockOverrides says what the surroundings of a call are to be.
type blockOverrides struct {
	Number        *Uint64           `json:"number"`
	Time          *Uint64           `json:"time"`
	GasLimit      *Uint64           `json:"gasLimit"`
	FeeRecipient  *chain.Address    `json:"feeRecipient"`
	PrevRandao    *chain.Hash       `json:"prevRandao"`
	BaseFeePerGas *Uint256          `json:"baseFeePerGas"`
	BlobBaseFee   *Uint256          `json:"blobBaseFee"`
	Difficulty    *Uint256          `json:"difficulty"`
	BeaconRoot    *chain.Hash       `json:"beaconRoot"`
	Withdrawals   []json.RawMessage `json:"withdrawals"`
}

// Bounds of what a block can be said to be, with room to count on.
const (
	overrideHeightMax  = 1 << 60
	overrideSecondsMax = 1 << 50
	overrideFeeBitsMax = 128
)

// check refuses what a block of this chain cannot be.
func (o *blockOverrides) check() error {
	switch {
	case len(o.Withdrawals) > 0:
		return Errorf(CodeParams, "block overrides: this chain has no withdrawals")
	case o.BeaconRoot != nil && !o.BeaconRoot.IsZero():
		return Errorf(CodeParams, "block overrides: this chain has no beacon root")
	case o.Difficulty != nil && !o.Difficulty.IsZero():
		return Errorf(CodeParams, "block overrides: the difficulty of this chain is zero")
	case o.Number != nil && *o.Number > overrideHeightMax:
		return Errorf(CodeParams, "block overrides: number above %d", uint64(overrideHeightMax))
	case o.BaseFeePerGas != nil && o.BaseFeePerGas.BitLen() > overrideFeeBitsMax:
		return Errorf(CodeParams, "block overrides: baseFeePerGas above 2^%d", overrideFeeBitsMax)
	case o.Time != nil && *o.Time > overrideSecondsMax:
		return Errorf(CodeParams, "block overrides: time above %d", uint64(overrideSecondsMax))
	}
	return nil
}

// apply puts the overrides on a sandbox whose block has begun. None are no change.
func (o *blockOverrides) apply(s *Sandbox) error {
	if o == nil {
		return nil
	}
	if err := o.check(); err != nil {
		return err
	}
	in := &s.Input
	if o.Number != nil {
		in.Number = (*uint64)(o.Number)
	}
	if o.Time != nil {
		in.Seconds = (*uint64)(o.Time)
		// For the contracts of the chain itself, whose time is the parent's, it never runs back.
		in.Block.ParentTimeMs = max(in.Block.ParentTimeMs, *in.Seconds*1000)
		in.Block.TimeMs = max(in.Block.TimeMs, in.Block.ParentTimeMs)
	}
	if o.GasLimit != nil {
		in.GasLimit = uint64(*o.GasLimit)
	}
	if o.FeeRecipient != nil {
		in.Block.Coinbase = *o.FeeRecipient
	}
	if o.PrevRandao != nil {
		in.MixHash = *o.PrevRandao
	}
	if o.BaseFeePerGas != nil {
		in.Block.BaseFee = o.BaseFeePerGas.Int
	}
	if o.BlobBaseFee != nil {
		in.BlobBaseFee = &o.BlobBaseFee.Int
	}
	return nil
}
