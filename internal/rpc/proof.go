package rpc

import (
	"context"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/ledger/tree"
)

const (
	proofSlotsMax = 1024 // of one answer
	proofTriesMax = 4    // before it is said that the head has moved on
)

func addProofs(t *Table, e *eth) {
	t.Add(Method{
		Name: "eth_getProof", Summary: "An account and slots with proofs of this chain's own tree, in Ethereum's form; of the head's state only.",
		Params: []string{"address", "slots", "block"}, Cost: 10,
	}, e.getProof)
	t.Add(Method{
		Name: "aiwork_getProof", Summary: "An account and slots with what a light client needs to check them against a state root; of the head's state only.",
		Params: []string{"address", "slots", "block"}, Cost: 10,
	}, e.getTreeProof)
}

type slotProofForm struct {
	Key   Slot    `json:"key"`
	Value Uint256 `json:"value"`
	Proof []Bytes `json:"proof"`
}

// accountProofForm is Ethereum's form. Each list of proof nodes holds one item, the encoded proof of
// docs/protocol/state.md; there is no storage root, because slots stand in the same tree as accounts.
type accountProofForm struct {
	Address      chain.Address   `json:"address"`
	AccountProof []Bytes         `json:"accountProof"`
	Balance      Uint256         `json:"balance"`
	CodeHash     chain.Hash      `json:"codeHash"`
	Nonce        Uint64          `json:"nonce"`
	StorageHash  chain.Hash      `json:"storageHash"`
	StorageProof []slotProofForm `json:"storageProof"`
}

func (e *eth) getProof(ctx context.Context, a chain.Address, slots []Slot, tag *BlockTag) (*accountProofForm, error) {
	p, err := e.getTreeProof(ctx, a, &slots, tag)
	if err != nil {
		return nil, err
	}
	out := &accountProofForm{
		Address: a, AccountProof: []Bytes{p.Proof}, Balance: p.Balance, CodeHash: p.CodeHash, Nonce: p.Nonce, StorageProof: []slotProofForm{},
	}
	if out.CodeHash.IsZero() {
		out.CodeHash = keccak.Sum256()
	}
	for _, s := range p.Slots {
		value := Uint256{}
		value.SetBytes32(s.Value[:])
		out.StorageProof = append(out.StorageProof, slotProofForm{Key: Slot(s.Slot), Value: value, Proof: []Bytes{s.Proof}})
	}
	return out, nil
}

type treeSlotForm struct {
	Slot  chain.Hash `json:"slot"`
	Value chain.Hash `json:"value"`
	Key   chain.Hash `json:"key"` // in the tree
	Proof Bytes      `json:"proof"`
}

// treeProofForm has fields as the tree has them: the code hash of an account without code is zero.
type treeProofForm struct {
	BlockNumber Uint64         `json:"blockNumber"`
	BlockHash   chain.Hash     `json:"blockHash"`
	StateRoot   chain.Hash     `json:"stateRoot"`
	Address     chain.Address  `json:"address"`
	Nonce       Uint64         `json:"nonce"`
	Balance     Uint256        `json:"balance"`
	CodeHash    chain.Hash     `json:"codeHash"`
	Key         chain.Hash     `json:"key"` // of the account in the tree
	Proof       Bytes          `json:"proof"`
	Slots       []treeSlotForm `json:"slots"`
}

func (e *eth) getTreeProof(_ context.Context, a chain.Address, slots *[]Slot, tag *BlockTag) (*treeProofForm, error) {
	if slots == nil {
		slots = &[]Slot{}
	}
	if len(*slots) > proofSlotsMax {
		return nil, Errorf(CodeLimit, "%d slots: at most %d are proved at once", len(*slots), proofSlotsMax)
	}
	latest := BlockTag{word: "latest"}
	if tag == nil {
		tag = &latest
	}
	// Where the head moves on meanwhile, a word for it names another block.
	for range proofTriesMax {
		before, _ := e.chain.Head()
		p, err := e.proveAt(*tag, a, *slots)
		if after, _ := e.chain.Head(); err == nil || after.Height == before.Height {
			return p, err
		}
	}
	return e.proveAt(*tag, a, *slots)
}

func (e *eth) proveAt(tag BlockTag, a chain.Address, slots []Slot) (*treeProofForm, error) {
	h, found, err := e.height(tag)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, Errorf(CodeRefused, "header not found")
	}
	s, err := e.chain.After(h)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return proveAll(s, a, slots)
}

// proveAll makes the proofs, and checks each as the caller will.
func proveAll(s *Sandbox, a chain.Address, slots []Slot) (*treeProofForm, error) {
	acc, _, err := s.State.Account(a)
	if err != nil {
		return nil, err
	}
	out := &treeProofForm{
		BlockNumber: Uint64(s.At.Height), BlockHash: s.At.Hash, StateRoot: s.At.Header.StateRoot, Address: a,
		Nonce: Uint64(acc.Nonce), Balance: Uint256{acc.Balance}, CodeHash: acc.CodeHash, Key: tree.AccountKey(a), Slots: []treeSlotForm{},
	}
	want := chain.Hash{}
	if acc != (state.Account{}) {
		want = tree.AccountValue(&acc)
	}
	if out.Proof, err = prove(s, out.Key, want); err != nil {
		return nil, err
	}
	for _, slot := range slots {
		f := treeSlotForm{Slot: chain.Hash(slot), Key: tree.SlotKey(a, chain.Hash(slot))}
		if f.Value, err = s.State.Slot(a, f.Slot); err != nil {
			return nil, err
		}
		if f.Proof, err = prove(s, f.Key, f.Value); err != nil {
			return nil, err
		}
		out.Slots = append(out.Slots, f)
	}
	return out, nil
}

func prove(s *Sandbox, key, want chain.Hash) (Bytes, error) {
	p, err := s.Prove(key)
	if err != nil {
		return nil, err
	}
	if have, err := p.Verify(s.At.Header.StateRoot, key); err != nil || have != want {
		return nil, Errorf(CodeInternal, "internal error: a proof does not hold: run `aiwork-node db verify`")
	}
	return p.Encode(), nil
}
